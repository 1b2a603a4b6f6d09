"""All tables as of 0.1, in one step; a home made by the eighteen migrations it replaces goes on from there."""

import json
from pathlib import Path

import django.contrib.auth.models
import django.contrib.auth.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


LABELS = Path(__file__).resolve().parent.parent / "pipeline" / "labels.json"


def fill_label_bank(apps, schema_editor):
    """The labels that every installation begins with; admins change them."""
    Label = apps.get_model("webapp", "Label")
    bank = json.loads(LABELS.read_text())
    Label.objects.bulk_create(
        Label(name=name, kind=kind) for kind in ("object", "scene", "action") for name in bank[kind]
    )


class Migration(migrations.Migration):

    initial = True

    replaces = [
        ('webapp', '0001_initial'),
        ('webapp', '0002_full_text'),
        ('webapp', '0003_generations'),
        ('webapp', '0004_move_vectors'),
        ('webapp', '0005_remove_old_vectors'),
        ('webapp', '0006_custody'),
        ('webapp', '0007_words_in_generations'),
        ('webapp', '0008_field_vectors'),
        ('webapp', '0009_searches'),
        ('webapp', '0010_dismissals'),
        ('webapp', '0011_recipe_fusion'),
        ('webapp', '0012_answers'),
        ('webapp', '0013_labels'),
        ('webapp', '0014_label_bank'),
        ('webapp', '0015_threads'),
        ('webapp', '0016_tokens'),
        ('webapp', '0017_collections_and_quality'),
        ('webapp', '0018_collection_sharing'),
    ]

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='Keyframe',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('time', models.FloatField()),
                ('file', models.CharField(max_length=40)),
                ('glanced', models.BooleanField(default=False)),
            ],
            options={
                'ordering': ['time'],
            },
        ),
        migrations.CreateModel(
            name='Label',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, unique=True, verbose_name='name')),
                ('kind', models.CharField(choices=[('object', 'thing'), ('scene', 'place'), ('action', 'action')], default='object', max_length=10, verbose_name='kind')),
                ('description', models.CharField(blank=True, help_text='of a picture that shows it; “a picture of …” if empty', max_length=200, verbose_name='description')),
                ('enabled', models.BooleanField(default=True, verbose_name='in use')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Recipe',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fingerprint', models.CharField(max_length=250, unique=True)),
                ('encoders', models.JSONField()),
                ('dims', models.JSONField()),
                ('fusion', models.CharField(default='indexer.fusion.Concatenation', max_length=100)),
                ('shortest', models.FloatField()),
                ('longest', models.FloatField()),
                ('calibration', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Tombstone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('segment', models.BigIntegerField(unique=True)),
                ('sequence', models.BigIntegerField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='Worker',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True)),
                ('carrier', models.CharField(help_text='table or celery', max_length=10)),
                ('box', models.CharField(default='C', help_text="tier of its decoder's box, see `indexer.box.TIERS`", max_length=1)),
                ('started_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('role', models.CharField(choices=[('viewer', 'viewer'), ('uploader', 'uploader'), ('admin', 'admin')], default='viewer', max_length=10)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'user',
                'verbose_name_plural': 'users',
                'abstract': False,
            },
            managers=[
                ('objects', django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('actor_name', models.CharField(blank=True, help_text='empty once the person was forgotten', max_length=150)),
                ('action', models.CharField(db_index=True, max_length=20)),
                ('subject', models.CharField(db_index=True, help_text='video:<key> or user:<number>', max_length=60)),
                ('before', models.CharField(blank=True, max_length=100)),
                ('after', models.CharField(blank=True, max_length=100)),
                ('address', models.GenericIPAddressField(null=True)),
                ('actor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'audit entries',
                'ordering': ['-at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='ExportLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('expires_at', models.DateTimeField()),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='export_links', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='PictureQuery',
            fields=[
                ('key', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('picture', models.BinaryField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='picture_queries', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Measurement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('bench', models.CharField(db_index=True, max_length=100)),
                ('numbers', models.JSONField()),
                ('measured_at', models.DateTimeField(auto_now_add=True)),
                ('recipe', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='webapp.recipe')),
            ],
            options={
                'ordering': ['measured_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='IndexState',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4)),
                ('sequence', models.BigIntegerField(default=0)),
                ('fence', models.BigIntegerField(default=0)),
                ('writer_until', models.DateTimeField(null=True)),
                ('damaged', models.CharField(blank=True, help_text='generations that did not verify', max_length=300)),
                ('swept_at', models.DateTimeField(null=True)),
                ('purge_below', models.BigIntegerField(help_text='generations of an older sequence hold deleted segments', null=True)),
                ('active', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='webapp.recipe')),
            ],
        ),
        migrations.CreateModel(
            name='Token',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('scopes', models.JSONField(default=list)),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(null=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Video',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('file_name', models.CharField(help_text='as the person called it; never a path here', max_length=255)),
                ('sha256', models.CharField(db_index=True, max_length=64)),
                ('size_bytes', models.BigIntegerField()),
                ('visibility', models.CharField(choices=[('private', 'private'), ('shared', 'shared with people'), ('public', 'public to the site')], default='private', max_length=10, verbose_name='visible to')),
                ('status', models.CharField(choices=[('processing', 'processing'), ('searchable', 'searchable'), ('ready', 'ready'), ('failed', 'failed')], default='processing', max_length=12)),
                ('warning', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('duration', models.FloatField(default=0)),
                ('width', models.IntegerField(default=0)),
                ('height', models.IntegerField(default=0)),
                ('media_info', models.JSONField(default=dict)),
                ('content_type', models.CharField(blank=True, help_text='of the file that browsers are given', max_length=40)),
                ('files', models.JSONField(default=dict, help_text='storyboard and proxy: their names in `derived`')),
                ('language', models.CharField(blank=True, max_length=8)),
                ('storyboard_step', models.FloatField(default=0)),
                ('storyboard_tiles', models.IntegerField(default=0)),
                ('summary', models.JSONField(default=list, help_text='sentences: text, start, end')),
                ('detailed', models.JSONField(default=list, help_text='the long summary, in the same form')),
                ('suggestions', models.JSONField(default=list, help_text='questions that it answers')),
                ('tags', models.JSONField(default=list, help_text='what stands out of its timeline')),
                ('sound', models.JSONField(default=dict, help_text='shares of speech, silence and other sound')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='videos', to=settings.AUTH_USER_MODEL)),
                ('shared_with', models.ManyToManyField(blank=True, related_name='shared_videos', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Utterance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start', models.FloatField()),
                ('end', models.FloatField()),
                ('text', models.TextField()),
                ('confidence', models.FloatField(default=1)),
                ('words', models.JSONField(default=list)),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='utterances', to='webapp.video')),
            ],
            options={
                'ordering': ['start', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('file_name', models.CharField(max_length=255)),
                ('visibility', models.CharField(choices=[('private', 'private'), ('shared', 'shared with people'), ('public', 'public to the site')], default='private', max_length=10)),
                ('length_bytes', models.BigIntegerField()),
                ('offset_bytes', models.BigIntegerField(default=0)),
                ('expires_at', models.DateTimeField()),
                ('error', models.CharField(blank=True, help_text='why the finished file was not taken', max_length=300)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='uploads', to=settings.AUTH_USER_MODEL)),
                ('video', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='uploads', to='webapp.video')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(db_index=True, max_length=60)),
                ('kind', models.CharField(help_text='of the label; or mood', max_length=10)),
                ('source', models.CharField(choices=[('picture', 'seen'), ('speech', 'said'), ('screen', 'written')], max_length=10)),
                ('confidence', models.FloatField()),
                ('start', models.FloatField()),
                ('end', models.FloatField()),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='timeline', to='webapp.video')),
            ],
            options={
                'ordering': ['video', 'start', 'name'],
            },
        ),
        migrations.CreateModel(
            name='Step',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=20)),
                ('status', models.CharField(choices=[('ready', 'queued'), ('waiting', 'waiting'), ('running', 'running'), ('done', 'done'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='ready', max_length=10)),
                ('attempt', models.IntegerField(default=0)),
                ('priority', models.SmallIntegerField(default=5)),
                ('fence', models.IntegerField(default=0)),
                ('lease_owner', models.CharField(blank=True, max_length=80)),
                ('lease_until', models.DateTimeField(null=True)),
                ('heartbeat_at', models.DateTimeField(null=True)),
                ('ready_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('seconds', models.FloatField(null=True)),
                ('progress', models.FloatField(default=0)),
                ('peak_memory_bytes', models.BigIntegerField(null=True)),
                ('error_code', models.CharField(blank=True, max_length=30)),
                ('error_text', models.CharField(blank=True, max_length=500)),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='webapp.video')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='Shot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start', models.FloatField()),
                ('end', models.FloatField()),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shots', to='webapp.video')),
            ],
            options={
                'ordering': ['start'],
            },
        ),
        migrations.CreateModel(
            name='SharedMoment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('start', models.FloatField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shared_moments', to='webapp.video')),
            ],
            options={
                'ordering': ['start', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.BigIntegerField(default=0, help_text='of the index state that first held it')),
                ('start', models.FloatField()),
                ('end', models.FloatField()),
                ('speech', models.TextField(blank=True)),
                ('screen', models.TextField(blank=True)),
                ('caption', models.TextField(blank=True)),
                ('caption_confidence', models.FloatField(default=0)),
                ('terms', models.TextField(blank=True, help_text='stemmed words of everything, for the lexical ranking')),
                ('visual', models.BinaryField(default=b'')),
                ('text', models.BinaryField(default=b'')),
                ('field_vectors', models.BinaryField(default=b'', help_text='of speech, screen and title, one after the other')),
                ('keyframes', models.ManyToManyField(related_name='segments', to='webapp.keyframe')),
                ('recipe', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='segments', to='webapp.recipe')),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='segments', to='webapp.video')),
            ],
            options={
                'ordering': ['start'],
            },
        ),
        migrations.CreateModel(
            name='ScreenLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('time', models.FloatField()),
                ('text', models.TextField()),
                ('confidence', models.FloatField()),
                ('box', models.JSONField(default=list)),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='screen_lines', to='webapp.video')),
            ],
            options={
                'ordering': ['time', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Question',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('thread', models.UUIDField(db_index=True, default=uuid.uuid4, help_text='what is asked in one go shares it')),
                ('text', models.CharField(max_length=500)),
                ('answer', models.JSONField(default=dict)),
                ('asked_at', models.DateTimeField(auto_now_add=True)),
                ('asker', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='questions', to=settings.AUTH_USER_MODEL)),
                ('cited', models.ManyToManyField(help_text='whose words the answer holds', related_name='+', to='webapp.video')),
                ('video', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='webapp.video')),
            ],
            options={
                'ordering': ['-asked_at', '-pk'],
            },
        ),
        migrations.AddField(
            model_name='keyframe',
            name='video',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='keyframes', to='webapp.video'),
        ),
        migrations.CreateModel(
            name='Judgement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('query', models.CharField(max_length=500)),
                ('start', models.FloatField()),
                ('end', models.FloatField()),
                ('good', models.BooleanField()),
                ('judged_at', models.DateTimeField(auto_now=True)),
                ('judge', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='judgements', to=settings.AUTH_USER_MODEL)),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='judgements', to='webapp.video')),
            ],
            options={
                'ordering': ['-judged_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Evidence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(help_text='speech, screen, caption, tag or chapter', max_length=8)),
                ('start', models.FloatField()),
                ('end', models.FloatField()),
                ('text', models.TextField()),
                ('sentence', models.TextField(blank=True, help_text='the whole one, when `text` is a clause of it')),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='evidence', to='webapp.video')),
            ],
            options={
                'ordering': ['video', 'start', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Dismissal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('viewer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='dismissals', to=settings.AUTH_USER_MODEL)),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='dismissals', to='webapp.video')),
            ],
        ),
        migrations.CreateModel(
            name='Collection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('is_public', models.BooleanField(default=False, verbose_name='everybody may see it')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='collections', to=settings.AUTH_USER_MODEL)),
                ('shared_with', models.ManyToManyField(blank=True, related_name='shared_collections', to=settings.AUTH_USER_MODEL)),
                ('videos', models.ManyToManyField(blank=True, related_name='collections', to='webapp.video')),
            ],
            options={
                'ordering': ['name', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Chapter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start', models.FloatField()),
                ('end', models.FloatField()),
                ('title', models.CharField(max_length=120)),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chapters', to='webapp.video')),
            ],
            options={
                'ordering': ['start'],
            },
        ),
        migrations.CreateModel(
            name='Viewing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.FloatField(default=0)),
                ('watched_seconds', models.FloatField(default=0)),
                ('seen_at', models.DateTimeField(auto_now=True)),
                ('video', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='viewings', to='webapp.video')),
                ('viewer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='viewings', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='EvidenceVector',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('encoder', models.CharField(max_length=100)),
                ('vector', models.BinaryField()),
                ('evidence', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='vectors', to='webapp.evidence')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('evidence', 'encoder'), name='one_vector_per_evidence')],
            },
        ),
        migrations.CreateModel(
            name='FrameVector',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('encoder', models.CharField(max_length=100)),
                ('vector', models.BinaryField()),
                ('keyframe', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='vectors', to='webapp.keyframe')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('keyframe', 'encoder'), name='one_vector_per_frame')],
            },
        ),
        migrations.CreateModel(
            name='SavedSearch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('query', models.CharField(max_length=2000)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_searches', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created_at'],
                'constraints': [models.UniqueConstraint(fields=('owner', 'query'), name='one_saved_search')],
            },
        ),
        migrations.AddConstraint(
            model_name='video',
            constraint=models.UniqueConstraint(fields=('owner', 'sha256'), name='one_copy_per_owner'),
        ),
        migrations.AddIndex(
            model_name='step',
            index=models.Index(fields=['status', 'priority', 'id'], name='webapp_step_status_97cfcb_idx'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.UniqueConstraint(fields=('video', 'name'), name='one_step_of_a_name'),
        ),
        migrations.AddIndex(
            model_name='segment',
            index=models.Index(fields=['recipe', 'sequence'], name='webapp_segm_recipe__e4c5e0_idx'),
        ),
        migrations.AddConstraint(
            model_name='judgement',
            constraint=models.UniqueConstraint(fields=('judge', 'query', 'video', 'start'), name='one_judgement'),
        ),
        migrations.AddConstraint(
            model_name='dismissal',
            constraint=models.UniqueConstraint(fields=('viewer', 'video'), name='one_dismissal'),
        ),
        migrations.AddConstraint(
            model_name='collection',
            constraint=models.UniqueConstraint(fields=('owner', 'name'), name='one_collection_of_a_name'),
        ),
        migrations.AddConstraint(
            model_name='viewing',
            constraint=models.UniqueConstraint(fields=('viewer', 'video'), name='one_viewing'),
        ),
        migrations.RunPython(fill_label_bank, migrations.RunPython.noop),
    ]

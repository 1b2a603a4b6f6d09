"""Recipes, generations, self-checking vectors: what is new. 0004 fills it, 0005 removes what it replaces."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webapp", "0002_full_text")]

    operations = [
        migrations.CreateModel(
            name='Recipe',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fingerprint', models.CharField(max_length=250, unique=True)),
                ('encoders', models.JSONField()),
                ('dims', models.JSONField()),
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
                ('started_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='indexstate',
            name='key',
            field=models.UUIDField(default=uuid.uuid4),
        ),
        migrations.AddField(
            model_name='indexstate',
            name='damaged',
            field=models.CharField(blank=True, help_text='generations that did not verify', max_length=300),
        ),
        migrations.AddField(
            model_name='indexstate',
            name='fence',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='indexstate',
            name='swept_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='indexstate',
            name='writer_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='keyframe',
            name='glanced',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='segment',
            name='keyframes',
            field=models.ManyToManyField(related_name='segments', to='webapp.keyframe'),
        ),
        migrations.AddField(
            model_name='segment',
            name='sequence',
            field=models.BigIntegerField(default=0, help_text='of the index state that first held it'),
        ),
        migrations.AddField(
            model_name='video',
            name='files',
            field=models.JSONField(default=dict, help_text='storyboard and proxy: their names in `derived`'),
        ),
        migrations.AlterField(
            model_name='evidence',
            name='kind',
            field=models.CharField(help_text='speech, screen or caption', max_length=8),
        ),
        migrations.AlterField(
            model_name='step',
            name='status',
            field=models.CharField(choices=[('ready', 'queued'), ('waiting', 'waiting'), ('running', 'running'), ('done', 'done'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='ready', max_length=10),
        ),
        migrations.CreateModel(
            name='EvidenceVector',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('encoder', models.CharField(max_length=100)),
                ('vector', models.BinaryField()),
                ('evidence', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='vectors', to='webapp.evidence')),
            ],
        ),
        migrations.CreateModel(
            name='FrameVector',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('encoder', models.CharField(max_length=100)),
                ('vector', models.BinaryField()),
                ('keyframe', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='vectors', to='webapp.keyframe')),
            ],
        ),
        migrations.AddField(
            model_name='indexstate',
            name='active',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='webapp.recipe'),
        ),
        migrations.AddField(
            model_name='segment',
            name='recipe',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='segments', to='webapp.recipe'),
        ),
        migrations.AddIndex(
            model_name='segment',
            index=models.Index(fields=['recipe', 'sequence'], name='webapp_segm_recipe__e4c5e0_idx'),
        ),
        migrations.AddConstraint(
            model_name='evidencevector',
            constraint=models.UniqueConstraint(fields=('evidence', 'encoder'), name='one_vector_per_evidence'),
        ),
        migrations.AddConstraint(
            model_name='framevector',
            constraint=models.UniqueConstraint(fields=('keyframe', 'encoder'), name='one_vector_per_frame'),
        ),
        migrations.RemoveIndex(model_name='step', name='webapp_step_status_7776b6_idx'),
        migrations.AddIndex(
            model_name='step',
            index=models.Index(fields=['status', 'priority', 'id'], name='webapp_step_status_97cfcb_idx'),
        ),
    ]

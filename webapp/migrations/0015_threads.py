"""Questions belong to threads: what somebody asked of one video, or of the library, so far is one."""

import uuid

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def gather(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    questions = apps.get_model("webapp", "Question").objects
    for asker, video in set(questions.values_list("asker", "video")):
        questions.filter(asker=asker, video=video).update(thread=uuid.uuid4())


class Migration(migrations.Migration):
    dependencies = [("webapp", "0014_label_bank")]

    operations = [
        migrations.AddField(
            model_name="question",
            name="thread",
            field=models.UUIDField(db_index=True, default=uuid.uuid4, help_text="what is asked in one go shares it"),
        ),
        migrations.AlterField(
            model_name="evidence",
            name="kind",
            field=models.CharField(help_text="speech, screen, caption, tag or chapter", max_length=8),
        ),
        migrations.RunPython(gather, migrations.RunPython.noop),
    ]

"""Remove what 0003 replaced, and put back the full-text triggers: SQLite loses them when it remakes a table."""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

SQLITE = import_module("webapp.migrations.0002_full_text").SQLITE


def restore_triggers(apps, schema_editor):
    if schema_editor.connection.vendor != "sqlite":
        return
    for name in ("insert", "delete", "update"):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS webapp_segment_terms_{name}")
    schema_editor.execute("DROP TABLE IF EXISTS webapp_segment_terms")
    for statement in SQLITE:
        schema_editor.execute(statement)
    schema_editor.execute("INSERT INTO webapp_segment_terms(webapp_segment_terms) VALUES ('rebuild')")


class Migration(migrations.Migration):
    dependencies = [("webapp", "0004_move_vectors")]

    operations = [
        migrations.RemoveField(
            model_name='evidence',
            name='vector',
        ),
        migrations.RemoveField(
            model_name='indexstate',
            name='calibration',
        ),
        migrations.RemoveField(
            model_name='keyframe',
            name='segment',
        ),
        migrations.RemoveField(
            model_name='keyframe',
            name='vector',
        ),
        migrations.RemoveField(
            model_name='segment',
            name='models_used',
        ),
        migrations.RemoveField(
            model_name='video',
            name='has_proxy',
        ),
        migrations.AlterField(
            model_name='segment',
            name='recipe',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='segments', to='webapp.recipe'),
        ),
        migrations.RunPython(restore_triggers, migrations.RunPython.noop),
    ]

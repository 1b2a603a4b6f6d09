"""The lexical channel moved into the index generations: drop the database's full-text indexes."""

from django.db import migrations


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS webapp_segment_terms")
        return
    for name in ("insert", "delete", "update"):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS webapp_segment_terms_{name}")
    schema_editor.execute("DROP TABLE IF EXISTS webapp_segment_terms")


class Migration(migrations.Migration):
    dependencies = [("webapp", "0006_custody")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]

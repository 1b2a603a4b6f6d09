"""The lexical channel: FTS5 on SQLite (kept in step by triggers), a GIN index on PostgreSQL."""

from django.db import migrations

SQLITE = [
    "CREATE VIRTUAL TABLE webapp_segment_terms USING fts5(terms, content='webapp_segment', content_rowid='id')",
    "CREATE TRIGGER webapp_segment_terms_insert AFTER INSERT ON webapp_segment BEGIN "
    "INSERT INTO webapp_segment_terms(rowid, terms) VALUES (new.id, new.terms); END",
    "CREATE TRIGGER webapp_segment_terms_delete AFTER DELETE ON webapp_segment BEGIN "
    "INSERT INTO webapp_segment_terms(webapp_segment_terms, rowid, terms) VALUES ('delete', old.id, old.terms); END",
    "CREATE TRIGGER webapp_segment_terms_update AFTER UPDATE OF terms ON webapp_segment BEGIN "
    "INSERT INTO webapp_segment_terms(webapp_segment_terms, rowid, terms) VALUES ('delete', old.id, old.terms); "
    "INSERT INTO webapp_segment_terms(rowid, terms) VALUES (new.id, new.terms); END",
]
POSTGRESQL = ["CREATE INDEX webapp_segment_terms ON webapp_segment USING gin (to_tsvector('simple', terms))"]


def forwards(apps, schema_editor):
    statements = {"sqlite": SQLITE, "postgresql": POSTGRESQL}[schema_editor.connection.vendor]
    for statement in statements:
        schema_editor.execute(statement)


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX webapp_segment_terms")
    else:
        for name in ("insert", "delete", "update"):
            schema_editor.execute(f"DROP TRIGGER webapp_segment_terms_{name}")
        schema_editor.execute("DROP TABLE webapp_segment_terms")


class Migration(migrations.Migration):
    dependencies = [("webapp", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]

"""What is deleted is gone: rows, files, other people's answers, every index generation, the database's free pages."""

import io
import json
import shutil
import uuid
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from tests.files import put
from webapp.answers import replies, threads
from webapp.index import generations, recipes, snapshot
from webapp.index.snapshot import current_snapshot
from webapp.models import AuditEntry, Question, Tombstone, User, Utterance, Video
from webapp.search.moments import find_moments
from webapp.storage.store import store
from webapp.uploads import removal

pytestmark = pytest.mark.usefixtures("fake_models")

MARKER = "Zyxomatrix"


def traces(marker: str) -> list[str]:
    """Files of the home that hold the bytes of `marker`, in any case."""
    wanted = marker.lower().encode()
    home = Path(settings.KINOSCOPE_HOME)
    files = [p for p in home.rglob("*") if p.is_file() and "models" not in p.relative_to(home).parts]
    found = [str(p.relative_to(home)) for p in files if wanted in p.read_bytes().lower()]
    kept = [stored.name for folder in ("media", "derived", "incoming", "index") for stored in store().list(folder)]
    return found + [name for name in kept if wanted in store().read(name).lower()]


@pytest.fixture
def marked(kept_in, demo, people, work):
    """The demo, with a marker in its title, its words, its file, somebody's question and somebody's answer."""
    from webapp.pipeline import ledger

    data = demo.media.read()
    demo.media.remove()
    put(demo.media.name, data + MARKER.encode())
    Video.objects.filter(pk=demo.pk).update(title=f"About {MARKER}", file_name=f"{MARKER}.mp4", visibility="public")
    Utterance.objects.filter(video=demo).update(text=f"Every {MARKER} cites the moment that supports it.")
    demo.refresh_from_db()
    ledger.add(demo, "embed")
    work()
    for _ in range(2):
        generations.publish(recipes.active())
    threads.ask(people["other"], f"What cites the {MARKER}?", None, uuid.uuid4())
    threads.ask(people["other"], f"What does {MARKER} cite?", demo, uuid.uuid4())
    return demo


@pytest.mark.django_db(transaction=True)
def test_deletion_deletes(marked, people, clients) -> None:
    looked = current_snapshot()
    row = np.flatnonzero(looked.videos == marked.pk)
    assert len(row)
    ids = set(looked.ids[row].tolist())
    address = f"/videos/{marked.key}"
    assert [m.video for m in find_moments(people["other"], MARKER).moments][:1] == [marked]
    assert traces(MARKER)
    answered = Question.objects.get(asker=people["other"], video=None)
    assert MARKER.lower() in json.dumps(answered.answer).lower()

    clients["owner"].post(f"{address}/delete")
    assert clients["owner"].get(address).status_code == 404  # at once
    assert clients["owner"].get(f"/media/{marked.key}/poster.jpg").status_code == 404
    assert find_moments(people["other"], MARKER).moments == []
    assert ids.isdisjoint(current_snapshot().ids.tolist())
    page = clients["other"].get("/ask").content.decode()
    assert "it was removed with it" in page

    assert removal.purge()
    Question.objects.filter(asker=people["other"]).delete()  # their own words hold the marker too
    connection.close()
    removal.clear_free_pages()
    assert not list(store().list(marked.folder))
    for manifest in snapshot.store().manifests(snapshot.label(recipes.active().fingerprint)):
        kept = np.load(io.BytesIO(snapshot.store().read(manifest)["rows"]), allow_pickle=False)
        assert ids.isdisjoint(kept["segments"].tolist())
    assert not Tombstone.objects.filter(segment__in=ids).exists()
    if connection.vendor == "sqlite":
        assert traces(MARKER) == []
    assert AuditEntry.objects.get(action="delete").subject == f"video:{marked.key}"


def test_a_deletion_waits_for_no_purge(marked, people) -> None:
    """While another process writes a generation, the purge steps back and says so."""
    from django.db.models.functions import Now

    from webapp.models import IndexState

    removal.remove(marked)
    IndexState.objects.update(writer_until=Now() + generations.WRITER_LEASE)
    assert not removal.purge()
    assert find_moments(people["other"], MARKER).moments == []
    IndexState.objects.update(writer_until=None)
    assert removal.purge()
    assert removal.purge()  # nothing left to do


def test_a_person_is_forgotten(kept_in, demo, accept, people, clients) -> None:
    kept = accept("other")
    clients["owner"].post("/ask", {"q": "What writes down what is spoken?"})
    Video.objects.filter(pk=demo.pk).update(visibility="public")
    clients["friend"].get(f"/videos/{demo.key}")
    clients["owner"].post(f"/videos/{demo.key}/edit", {"title": "x", "visibility": "public"})
    out = io.StringIO()
    call_command("forget", "owner", "--noinput", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"user": "owner", "videos": 1}
    assert not User.objects.filter(username="owner").exists()
    assert list(Video.objects.all()) == [kept]
    assert not Question.objects.exists()
    assert not AuditEntry.objects.filter(actor_name="owner").exists()
    assert AuditEntry.objects.filter(action="edit", actor=None, actor_name="", address=None).exists()
    assert clients["owner"].get("/").status_code == 302  # the session went, too
    assert replies.ask(people["other"], "What writes down what is spoken?").answer.abstained


def test_the_last_admin_stays(people) -> None:
    with pytest.raises(CommandError, match="only admin"):
        call_command("forget", "admin", "--noinput")
    with pytest.raises(CommandError, match="no user"):
        call_command("forget", "whoever", "--noinput")


@pytest.mark.parametrize("kept_in", ["bucket"], indirect=True)
def test_a_machine_without_the_index_fetches_it_and_forgets_in_it(marked, people, kept_in) -> None:
    """Two machines share a bucket; the second has no generation of its own yet."""

    def lose_everything() -> None:
        shutil.rmtree(snapshot.store().folder)
        snapshot.store().folder.mkdir()
        snapshot._current.clear()

    def names() -> set[str]:
        return {stored.name for stored in store().list("index")}

    before, numbers = names(), snapshot.store().numbers()
    assert before
    lose_everything()
    assert not generations.repair()  # what another machine built is not built again
    assert snapshot.store().numbers() == numbers
    lose_everything()
    removal.remove(marked)
    assert removal.purge()
    assert names().isdisjoint(before)
    Question.objects.all().delete()
    connection.close()
    removal.clear_free_pages()
    if connection.vendor == "sqlite":
        assert traces(MARKER) == []

"""One way out: what is deleted leaves rows, files, other people's answers, every index generation and free pages."""

import logging

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import F, QuerySet

from webapp.index import exchange, generations, snapshot
from webapp.index.changes import mark_changed
from webapp.models import AuditEntry, IndexState, Montage, Question, Recipe, User, Video
from webapp.storage.store import store
from webapp.uploads import resumable

log = logging.getLogger(__name__)


def remove(video: Video) -> None:
    """Delete rows and files; every later search ignores it at once. `purge` clears what else may hold its words."""
    media = None if video.original else video.media
    remove_films(Montage.objects.filter(pieces__video=video))
    with transaction.atomic():
        Question.objects.filter(cited=video).update(answer={"withdrawn": True})  # it quotes the video
        LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Video), object_id=video.pk).delete()
        video.delete()
        IndexState.objects.filter(pk=1).update(purge_below=F("sequence"))
    if media is not None:  # a file that is used in place is its owner's
        media.remove()
    store().remove_all(video.folder)


def forget(user: User) -> int:
    """Delete a person and all that is theirs; how many videos went. What they did stays in the audit log, nameless."""
    videos = list(user.videos.all())
    for video in videos:
        remove(video)
    remove_films(user.montages.all())
    for upload in user.uploads.all():
        resumable.terminate(upload)
    for session in Session.objects.all():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()
    for table in (AccessAttempt, AccessFailureLog, AccessLog):
        table.objects.filter(username=user.username).delete()
    LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(User), object_id=user.pk).delete()
    AuditEntry.objects.filter(actor=user).update(actor_name="", address=None)
    user.delete()
    return len(videos)


def remove_films(films: QuerySet[Montage]) -> None:
    """With their files: what was cut from a video goes with it."""
    for film in films.distinct():
        film.delete()
        store().remove_all(f"derived/{film.key}")


def purge() -> bool:
    """Replace index generations that hold deleted segments, and clear the database's free pages; False when busy.

    Workers do it within a sweep's time of a deletion.
    """
    below = IndexState.objects.values_list("purge_below", flat=True).filter(pk=1).first()
    if below is None:
        return True
    exchange.take(snapshot.store())  # what another machine built holds them, too
    for recipe in Recipe.objects.all():
        manifests = snapshot.store().manifests(snapshot.label(recipe.fingerprint))
        old = [m for m in manifests if m.sequence < below]
        if old and len(old) == len(manifests) and generations.publish(recipe) is None:
            return False  # somebody else writes; the next sweep tries again
        for manifest in old:
            snapshot.drop_generation(manifest.number)
    generations.forget_tombstones()
    clear_free_pages()
    with transaction.atomic():
        mark_changed()  # every process lets go of the generation it has in memory
        IndexState.objects.filter(pk=1, purge_below=below).update(purge_below=None)
    return True


def clear_free_pages() -> None:
    """Deleted rows leave their bytes behind: in the write-ahead log, in dead tuples."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        elif not connection.in_atomic_block:
            cursor.execute("VACUUM")

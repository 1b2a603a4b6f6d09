"""A person's own data as one ZIP, written while it is sent: originals, what was understood, questions and answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from django.utils import timezone
from zipstream import ZipStream

from webapp.media import documents
from webapp.models import Alert, AuditEntry, ExportLink, User, Video
from webapp.pipeline import tags

LINK_TTL = timedelta(minutes=10)


def archive(user: User) -> ZipStream:
    """Sized and stored without compression; iterate it for its bytes."""
    made = ZipStream(sized=True)
    made.add(_json(describe_person(user)), "person.json")
    for video in user.videos.all():
        folder = f"videos/{video.key}"
        made.add(_json(describe_video(video)), f"{folder}/video.json")
        for suffix in ("vtt", "json"):
            made.add(documents.write("transcript", suffix, video).encode(), f"{folder}/transcript.{suffix}")
        stored = video.media.look_up()
        if stored is not None:
            made.add(video.media.blocks(), f"{folder}/original.bin", size=stored.size)
    return made


def describe_person(user: User) -> dict[str, Any]:
    return {
        "name": user.username,
        "email": user.email,
        "role": user.role,
        "joined": user.date_joined,
        "questions": list(user.questions.values("text", "answer", "asked_at", "video__key", "thread")),
        "viewings": list(user.viewings.values("video__key", "position", "watched_seconds", "seen_at")),
        "saved_searches": list(user.saved_searches.values("name", "query", "created_at", "watched_from")),
        "alerts": list(
            Alert.objects.filter(search__owner=user).values("search__name", "video__key", "start", "found_at")
        ),
        "learned": list(user.reviews.values("card__front", "card__video__key", "times", "lapses", "due_at")),
        "pauses": list(user.pauses.values("video__key", "place")),
        "films": list(user.montages.values("topic", "seconds", "status", "made_at")),
        "recent_searches": list(user.recent_searches.values("text", "searched_at")),
        "noted_searches": list(user.impressions.values("query", "shown", "followed", "made_at")),
        "collections": list(
            user.collections.values("name", "is_public", "created_at", "shared_with__username", "videos__key")
        ),
        "judgements": list(user.judgements.values("query", "video__key", "start", "end", "good", "judged_at")),
        "tokens": list(user.tokens.values("name", "scopes", "created_at", "used_at", "expires_at")),
        "dismissed": list(user.dismissals.values("video__key", "created_at")),
        "audit": list(AuditEntry.objects.filter(actor=user).values("at", "action", "subject", "before", "after")),
    }


def describe_video(video: Video) -> dict[str, Any]:
    return {
        "title": video.title,
        "description": video.description,
        "artist": video.artist,
        "recorded": video.recorded_at,
        "place": video.place,
        "file": video.file_name,
        "sha256": video.sha256,
        "visibility": video.visibility,
        "links_for_everybody": list(video.shared_moments.values("key", "start", "created_at")),
        "shared_with": list(video.shared_with.values_list("username", flat=True)),
        "created": video.created_at,
        "duration": video.duration,
        "language": video.language,
        "tags": video.tags,
        "timeline": tags.records(video),
        "sound": video.sound,
        "summary": video.summary,
        "detailed": video.detailed,
        "chapters": list(video.chapters.values("start", "end", "title")),
        "screen_text": list(video.screen_lines.values("time", "text")),
        "captions": list(video.segments.active().values("start", "end", "caption")),
    }


def _json(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, indent=1, default=str).encode()


def make_link(user: User) -> ExportLink:
    """Leave to fetch the archive once within ten minutes; earlier leave ends."""
    user.export_links.all().delete()
    return ExportLink.objects.create(owner=user, expires_at=timezone.now() + LINK_TTL)


def use_link(user: User, key: str) -> bool:
    """Whether this is the person's valid link; it is spent by asking."""
    spent, _ = ExportLink.objects.filter(owner=user, key=key, expires_at__gt=timezone.now()).delete()
    return bool(spent)


async def send(made: ZipStream) -> AsyncIterator[bytes]:
    """Pieces of the archive, read off the event loop."""
    pieces = iter(made)
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece

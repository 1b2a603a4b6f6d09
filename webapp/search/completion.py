"""What somebody may be about to type: own searches, names of what may be seen, and words that are said or written."""

import logging
from collections.abc import Iterator

from django.db import DatabaseError
from django.db.models import Count, QuerySet
from django.utils import timezone

from indexer.expansion import Lexicon
from indexer.tokens import tokenize
from webapp.index.snapshot import current_snapshot
from webapp.models import Collection, RecentSearch, User, Video
from webapp.search.filters import count_tags
from webapp.search.moments import visible_ids

log = logging.getLogger(__name__)

MAX_OFFERED = 8
MAX_RECENT = 100  # searches that are remembered of a person
MAX_OWN, MAX_NAMED = 3, 5  # of one's own searches and of names, so that there is room for the rest
MIN_LETTERS = 2  # before anything is offered; one sign of Chinese, Japanese or Korean says as much


def remember(user: User, text: str) -> None:
    """Keep a search for its person: one statement, as every search waits for it."""
    text = " ".join(text.split())[:200]
    row = RecentSearch(owner=user, text=text, searched_at=timezone.now())
    try:
        RecentSearch.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["owner", "text"], update_fields=["searched_at"]
        )
    except DatabaseError:  # a full disk is no reason not to search
        log.warning("a search could not be remembered", exc_info=True)


def sweep() -> None:
    """Keep the last searches of everybody only."""
    crowded = User.objects.annotate(n=Count("recent_searches")).filter(n__gt=MAX_RECENT)
    for user in crowded:
        kept = user.recent_searches.values_list("pk", flat=True)[:MAX_RECENT]
        user.recent_searches.exclude(pk__in=list(kept)).delete()


def complete(user: User, visible: QuerySet[Video], beginning: str) -> list[str]:
    """Best first, each once; of words and phrases only what this person may see."""
    typed = beginning.casefold().lstrip()
    start = typed.split(" ")[-1]
    if len(typed) < MIN_LETTERS and not any(ord(c) > 0x2E80 for c in typed):
        return []
    options = {"by:": _people, "in:": _collections}
    for option, find in options.items():
        if start.startswith(option):
            head = beginning[: len(beginning) - len(start)]
            return [f"{head}{option}{name}" for name in find(user, visible, start[len(option) :])][:MAX_OFFERED]
    own = [t for t in user.recent_searches.values_list("text", flat=True) if _fits(t, typed)][:MAX_OWN]
    saved = [t for t in user.saved_searches.values_list("name", flat=True) if _fits(t, typed)]
    tags = [tag for tag, _ in count_tags(visible) if _fits(tag, typed)]
    titles = visible.filter(title__icontains=typed).values_list("title", flat=True)[:50]
    named = [*saved, *tags, *(title for title in titles if _fits(title, typed))][:MAX_NAMED]
    snapshot = current_snapshot()
    words = _words(snapshot.lexicon(snapshot.masks(visible_ids(visible))), beginning)
    offered = [text for text in (*own, *named, *words) if text.casefold() != typed]
    return list(dict.fromkeys(offered))[:MAX_OFFERED]


def _fits(text: str, typed: str) -> bool:
    """Whether the text, or a word of it, begins as was typed."""
    low = text.casefold()
    return low.startswith(typed) or f" {typed}" in low


def _people(_user: User, visible: QuerySet[Video], start: str) -> list[str]:
    names = visible.filter(owner__username__istartswith=start).values_list("owner__username", flat=True)
    return sorted(set(names.order_by()))


def _collections(user: User, _visible: QuerySet[Video], start: str) -> list[str]:
    named = Collection.objects.visible_to(user).filter(name__istartswith=start).values_list("name", flat=True)
    return [f'"{name}"' if " " in name else name for name in named.order_by("name")]


def _words(lexicon: Lexicon, beginning: str) -> Iterator[str]:
    """The last word completed: those that follow the word before it first, then those that many moments hold."""
    tokens = tokenize(beginning)
    if not tokens or tokens[-1].end != len(beginning):
        return
    last, head = tokens[-1], beginning[: tokens[-1].start]
    before = tokens[-2].text if len(tokens) > 1 else ""
    for word in lexicon.find_beginning(last.text, before):
        yield head + word

"""Filters for times, marked words and links into the player."""

from collections.abc import Collection
from typing import Any

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from indexer.terms import split_words, terms

register = template.Library()


@register.filter
def clock(seconds: float) -> str:
    """75.2 -> "1:15"; 3675 -> "1:01:15"."""
    whole = int(seconds or 0)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


@register.filter
def seconds(value: float) -> str:
    """A plain number for data attributes and links, whatever the language: 1.5 -> "1.5"."""
    return f"{float(value or 0):.2f}".rstrip("0").rstrip(".")


@register.filter
def stem(file_name: str) -> str:
    """ "k000001200.jpg" -> "k000001200", as frame addresses want it."""
    return file_name.rsplit(".", 1)[0]


@register.filter
def percent(share: float) -> int:
    return round(100 * (share or 0))


@register.filter
def megabytes(size: int | None) -> str:
    return f"{(size or 0) / (1 << 20):.0f}"


@register.filter
def lookup(table: dict[object, object], key: object) -> object:
    return table.get(key)


@register.filter
def mark(text: str, words: Collection[str]) -> SafeString:
    """The text, escaped, with every word marked whose stem is among `words`."""
    wanted = set(words)
    pieces = []
    for piece in split_words(text or ""):
        if wanted.intersection(terms(piece)):
            pieces.append(format_html("<mark>{}</mark>", piece))
        else:
            pieces.append(escape(piece))
    return format_html_join("", "{}", ((piece,) for piece in pieces))


@register.filter
def excerpt(text: str, words: Collection[str]) -> str:
    """Some 30 words around the first that matches."""
    parts = (text or "").split()
    wanted = set(words)
    hit = next((i for i, part in enumerate(parts) if wanted.intersection(terms(part))), 0)
    start = max(0, hit - 10)
    cut = " ".join(parts[start : start + 30])
    return ("… " if start else "") + cut[:240] + (" …" if start + 30 < len(parts) or len(cut) > 240 else "")


@register.filter
def quotes(sentence: dict[str, Any], cited: Collection[int]) -> bool:
    """Whether the sentence may be shown: a video that it cites is (still) one of those that this person may see."""
    return any(c["video"] in cited for c in sentence.get("citations", []))

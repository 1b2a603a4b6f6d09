"""Filters for times, marked words and links into the player."""

from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from indexer.highlights import find_highlights
from qa.question_forms import Kind
from qa.questions import language_of
from webapp.answers.composer import CARDS, NEAREST
from webapp.answers.replies import is_shown, tell
from webapp.media.embeds import write_embed_code
from webapp.messages import clock, explain, language_named, page_language, render
from webapp.models import Question, Video
from webapp.pipeline import tags
from webapp.search.filters import Facet, without_paging
from webapp.search.moments import LEAD_IN, Moment
from webapp.search.options import describe_part
from webapp.search.queries import Reading

BEFORE_HIT, MAX_EXCERPT = 80, 240  # characters of an excerpt
MAX_PLACES = 12  # that are listed of one word in one video
THUMBS = {
    pointing: format_html(
        '<svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">'
        '<path transform="rotate({} 12 12)" fill="currentColor" d="{}"/></svg>',
        degrees,
        "M2 10h4v11H2zm6 11V10l5-8 1.5 1c.6.4.8 1 .6 1.8L14 9h6a2 2 0 0 1 2 2.3l-1.2 7.9A2 2 0 0 1 18.8 21z",
    )
    for pointing, degrees in (("up", 0), ("down", 180))
}

register = template.Library()
register.filter("label", tags.translate)
register.filter("is_shown", is_shown)
register.filter("explain", explain)
register.filter("clock", clock)
register.filter("language_named", language_named)


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
def reason(row: dict[str, Any]) -> str:
    """Why a row of waiting steps waits."""
    return render(row["error_text"], row["error_values"])


@register.filter
def megabytes(size: int | None) -> str:
    return f"{(size or 0) / (1 << 20):.0f}"


@register.filter
def lookup(table: dict[object, object], key: object) -> object:
    return table.get(key)


@register.filter
def mark(text: str, forms: Collection[str]) -> SafeString:
    """The text, escaped, with every word marked that is one of `forms` (`indexer.highlights`)."""
    text, pieces, reached = text or "", list[str](), 0
    for start, end in find_highlights(text, forms or ()):
        pieces += [escape(text[reached:start]), format_html("<mark>{}</mark>", text[start:end])]
        reached = end
    return format_html_join("", "{}", ((piece,) for piece in [*pieces, escape(text[reached:])]))


@register.filter
def excerpt(text: str, forms: Collection[str]) -> str:
    """Some 240 characters around the first word that is one of `forms`."""
    text = " ".join((text or "").split())
    hit = next((start for start, _ in find_highlights(text, forms or ())), 0)
    start = 0 if hit <= BEFORE_HIT else text.find(" ", hit - BEFORE_HIT, hit) + 1 or hit - BEFORE_HIT
    end = start + MAX_EXCERPT
    cut = text[start:] if end >= len(text) else text[start:end].rsplit(" ", 1)[0]
    return ("… " if start else "") + cut + (" …" if end < len(text) else "")


@register.filter
def foreign_language(moment: Moment) -> str:
    """The language of what is said there, where it is not that of the page; "" else."""
    spoken = moment.segment.language if moment.segment.speech else ""
    return "" if spoken == page_language() else spoken


@register.filter
def places(moment: Moment) -> list[tuple[float, float]]:
    """Each second at which its words are said, and the one a little before from which they are played; its beginning
    where nothing is said.
    """
    said = moment.said_at[:MAX_PLACES]
    return [(at, max(0.0, at - LEAD_IN)) for at in said] or [(moment.start, moment.start)]


@register.filter
def chips(reading: Reading) -> list[dict[str, str]]:
    """The parts of a query, each with what is typed without it; one that was left out says why."""
    return [
        {
            "name": describe_part(part),
            "value": part.value,
            "without": reading.parsed.without(part),
            "problem": reading.problems.get(part.start, ""),
        }
        for part in reading.parsed.parts
    ]


@register.filter
def judgement(judged: dict[tuple[int, float], bool], moment: Moment) -> dict[str, str]:
    """What this person said about a moment of this search, for the state of its buttons."""
    said = judged.get((moment.video.pk, round(moment.start, 2)))
    return {"up": "true" if said is True else "false", "down": "true" if said is False else "false"}


@register.filter
def shares(moment: Moment) -> list[dict[str, Any]]:
    """The parts that speak for a moment, as stretches of a bar in per cent that follow each other."""
    positive = {name: points for name, points in moment.why.items() if points > 0}
    total, reached, rows = sum(positive.values()), 0, []
    for name, points in positive.items():
        width = round(100 * points / total)
        rows.append({"name": name, "percent": width, "from": reached})
        reached += width
    return rows


@register.filter
def why_in_words(moment: Moment) -> str:
    """The same bar for who can't see it."""
    return ", ".join(f"{part_name(row['name'])} {row['percent']} %" for row in shares(moment))


@register.simple_tag
def embed_code(video: Video, address: str) -> str:
    """The HTML that puts the player into another page, to be shown as text."""
    return str(write_embed_code(video, address))


@register.simple_tag
def stretch(moment: Moment) -> str:
    """Of a media fragment (https://www.w3.org/TR/media-frags/): "1.5,8"."""
    return f"{seconds(moment.plays_from)},{seconds(moment.end)}"


@register.simple_tag
def part_name(part: str) -> str:
    """What a part of a score is called on pages."""
    return {"visual": _("Picture"), "speech": _("Speech"), "screen": _("On screen"), "title": _("Title")}[part]


@register.simple_tag(takes_context=True)
def watch_address(context: dict[str, Any], moment: Moment) -> str:
    """Where a result of this page is played, with what was searched and which result it was."""
    found, impression = context.get("found"), context.get("impression")
    about = {"t": seconds(moment.plays_from)}
    if found and found.query:
        about["q"] = found.reading.corrected or found.query
    if impression:
        about["hit"] = f"{impression}.{next(at for at, other in enumerate(context['moments']) if other is moment)}"
    return f"{reverse('watch', args=[moment.video.key])}?{urlencode(about)}"


@register.simple_tag(takes_context=True)
def added(context: dict[str, Any], name: str, value: object) -> str:
    """This page's address with one more value; whatever changes the result starts on its first page."""
    address = without_paging(context["request"].GET)
    if str(value) not in address.getlist(name):
        address.appendlist(name, str(value))
    return f"?{address.urlencode()}"


@register.simple_tag(takes_context=True)
def without(context: dict[str, Any], name: str, value: object) -> str:
    """This page's address with one value less."""
    address = without_paging(context["request"].GET)
    address.setlist(name, [v for v in address.getlist(name) if v != str(value)])
    return f"?{address.urlencode()}"


@register.simple_tag(takes_context=True)
def toggled(context: dict[str, Any], name: str, value: str) -> str:
    """This page's address with the value where it was not, and without it where it was."""
    is_set = value in context["request"].GET.getlist(name)
    return without(context, name, value) if is_set else added(context, name, value)


@register.simple_tag(takes_context=True)
def narrowed(context: dict[str, Any], name: str, facet: Facet) -> str:
    """This page's address with a facet set, or without it where it is set."""
    address = without_paging(context["request"].GET)
    address.pop(name, None)
    if not facet.chosen:
        address[name] = facet.value
    return f"?{address.urlencode()}"


@register.filter
def picture_at(video: Video, citation: dict[str, Any]) -> str:
    """The file of the key frame nearest to the middle of a cited span, "" without any."""
    middle = (citation["start"] + citation["end"]) / 2
    frames = video.keyframes.all()
    return min(frames, key=lambda frame: abs(frame.time - middle)).file if frames else ""


@register.simple_tag
def kind_name(kind: str) -> str:
    """What a kind of question is called on pages."""
    return {
        Kind.LIST: _("which videos"),
        Kind.EXISTS: _("whether there is one"),
        Kind.COUNT: _("how many"),
        Kind.WHEN: _("when"),
        Kind.ABOUT: _("what it is about"),
        Kind.SUMMARY: _("a summary"),
        Kind.POINTS: _("the main points"),
        Kind.CHAPTERS: _("the chapters"),
        Kind.SAID: _("what is said at a time"),
        Kind.MENTIONS: _("where words are said"),
        Kind.SPEAKERS: _("who speaks"),
        Kind.SEEN: _("what is seen"),
        Kind.FACT: _("a fact that is said or written"),
        Kind.LIBRARY: _("the library itself"),
        Kind.COMPARE: _("a comparison"),
        Kind.SHOW: _("the moments cited before"),
        Kind.CHAT: _("small talk"),
    }[Kind(kind)]


@register.filter
def shows_cards(sentence: dict[str, Any]) -> bool:
    """Whether its citations are cards with pictures."""
    return sentence.get("kind") in (CARDS, NEAREST)


@register.filter
def told(sentence: dict[str, Any], question: Question) -> str:
    """A sentence of a kept answer, in the language in which was asked."""
    return tell(sentence, language_of(question.text))


@register.simple_tag
def thumb(pointing: str) -> SafeString:
    """ "up" or "down", drawn: many systems have no such letter."""
    return THUMBS[pointing]

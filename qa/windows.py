"""The stretch of a video that a question means: by the clock, by its beginning or end, by an event."""

import re
from dataclasses import dataclass

EDGE_SHARE, MIN_EDGE_SECONDS = 0.15, 10.0  # "at the beginning": this share of the video, and at least so many seconds
AROUND_SECONDS = 4.0  # seconds before and after "at 2:30"

_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,2}):(\d{2})\b")
_COUNT = r"(\d+(?:\.\d+)?)\s*(?:(s|secs?|seconds?|秒)|(m|mins?|minutes?|分钟))(?![a-z])"
_POINT = re.compile(rf"(?:\b(?:at|after|before)\s+(?:about\s+|around\s+)?|第){_COUNT}", re.IGNORECASE)
_FIRST = re.compile(rf"\b(?:in|during) the first\s+(?:{_COUNT}|(minute))|前{_COUNT}", re.IGNORECASE)
_PLACE = r"\b(?:at|in|near|towards?) (?:the )?(?:very )?"
_START = re.compile(
    rf"{_PLACE}(?:beginning|start|first (?:scene|shot|part))\b|\bat first\b|开头|一开始|开始时", re.IGNORECASE
)
_END = re.compile(
    rf"{_PLACE}(?:end|last (?:scene|shot|part))\b|\b(?:finally|at last)\b|结尾|最后|结束时", re.IGNORECASE
)
_BETWEEN = re.compile(r"\b(?:between|from)\b|从|之间", re.IGNORECASE)
_LATER = re.compile(r"\bafter\b|之后|以后", re.IGNORECASE)
_EARLIER = re.compile(r"\bbefore\b|之前|以前", re.IGNORECASE)
_EVENT = re.compile(
    r"\b(?:right |just |immediately )?(after|before)\s+(?!that\b|this\b|\d)(.{4,60}?)[?.]*$", re.IGNORECASE
)


@dataclass(frozen=True)
class Window:
    """A stretch of the video, in seconds. One that is not `firm` may have been meant otherwise ("in the end")."""

    start: float
    end: float
    firm: bool = True

    def overlaps(self, start: float, end: float) -> bool:
        return start < self.end and self.start < end


def find_window(text: str, duration: float) -> Window | None:
    """The stretch that "at the beginning", "at 2:30", "between 1:00 and 2:00", "after 40 seconds" mean."""
    clocks = [3600.0 * int(h or 0) + 60 * int(m) + int(s) for h, m, s in _CLOCK.findall(text)]
    if len(clocks) >= 2 and _BETWEEN.search(text):
        return Window(min(clocks[:2]), max(clocks[:2]))
    if match := _FIRST.search(text):
        number, _, minutes = match.groups()[:3] if match[1] else match.groups()[4:7] if match[5] else ("1", "", "m")
        return Window(0.0, float(number) * (60 if minutes else 1))
    points = clocks or [float(n) * (60 if minutes else 1) for n, _, minutes in _POINT.findall(text)]
    if points:
        if _LATER.search(text):
            return Window(points[0], duration)
        if _EARLIER.search(text):
            return Window(0.0, points[0])
        return Window(points[0] - AROUND_SECONDS, points[0] + AROUND_SECONDS)
    edge = max(MIN_EDGE_SECONDS, EDGE_SHARE * duration)
    if _START.search(text):
        return Window(0.0, edge, firm=False)
    return Window(duration - edge, duration, firm=False) if _END.search(text) else None


def without_times(text: str) -> str:
    """The question without the words that say when: nothing that is said holds them."""
    for pattern in (_FIRST, _POINT, _CLOCK, _START, _END):
        text = pattern.sub(" ", text)
    return " ".join(text.split())


def find_event(text: str) -> tuple[str, str] | None:
    """ "What does he say after the goal?" -> ("after", "the goal"): the answer lies on that side of that event."""
    match = _EVENT.search(text)
    return (match[1].lower(), match[2]) if match else None

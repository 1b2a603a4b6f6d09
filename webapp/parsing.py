"""Reading what strangers send: numbers, seconds and keys out of addresses, forms and headers. None when it is none."""

import math
import re
import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime
from urllib.parse import SplitResult, urlsplit

MAX_DIGITS = 18  # what any database takes as an integer
_ISO_6709 = re.compile(r"([+-])(\d{2,6}(?:\.\d+)?)([+-])(\d{3,7}(?:\.\d+)?)(?:[+-][\d.]+)?(?:CRS\w+)?/?")


def parse_number(text: str) -> int | None:
    """A whole number of at most `MAX_DIGITS` digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


def parse_numbers(texts: Iterable[str]) -> list[int]:
    """Those that are numbers."""
    return [number for number in map(parse_number, texts) if number is not None]


def parse_seconds(text: str) -> float | None:
    """A time of at least 0; neither endless nor no number."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def parse_moment(text: str) -> datetime | None:
    """A day or a moment as files have it (ISO 8601, or a year alone), in UTC where they don't say otherwise."""
    text = text.strip()
    if len(text) == 4 and text.isdigit():
        text = f"{text}-01-01"
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def parse_day(text: str) -> date | None:
    """A day, or the first one of a month or a year: "2024-05-31", "2024/5", "2024"."""
    match = re.fullmatch(r"(\d{4})(?:[-/.](\d{1,2}))?(?:[-/.](\d{1,2}))?", text)
    try:
        return date(*(int(part or 1) for part in match.groups())) if match else None
    except ValueError:
        return None


def parse_length(text: str) -> float | None:
    """Seconds of "90", "90s", "10m", "1.5h", "1h30m" or "1:30:00"."""
    clock = re.fullmatch(r"(?:(\d+):)?(\d+):(\d+)", text)
    spelled = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s?)?", text.lower())
    match = clock or spelled
    if match is None or not text:
        return None
    return sum(unit * float(n or 0) for unit, n in zip((3600, 60, 1), match.groups(), strict=True))


def parse_place(text: str) -> tuple[float, float] | None:
    """Latitude and longitude in degrees, of what cameras write (ISO 6709, annex H: "+48.8577+002.2950/", minutes and
    seconds of arc allowed) or people ("48.8577, 2.2950").
    """
    found = _ISO_6709.fullmatch(text.strip())
    if found:
        south, latitude, west, longitude = found.groups()
        north, east = _degrees(south, latitude, 2), _degrees(west, longitude, 3)
    else:
        try:
            north, east = map(float, text.split(","))
        except ValueError:
            return None
    return (north, east) if abs(north) <= 90 and abs(east) <= 180 else None  # neither holds for what is no number


def _degrees(sign: str, digits: str, width: int) -> float:
    """`width` digits of degrees, then two of minutes and two of seconds where the whole part is so long."""
    whole, _point, fraction = digits.partition(".")
    parts = [whole[:width], *(whole[i : i + 2] for i in range(width, len(whole), 2))]
    values = [float(part) for part in parts[:-1]] + [float(f"{parts[-1]}.{fraction or 0}")]
    return (-1 if sign == "-" else 1) * sum(value / 60.0**n for n, value in enumerate(values))


def parse_key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def parse_keys(texts: Iterable[str]) -> list[uuid.UUID]:
    """Those that are keys."""
    return [key for key in map(parse_key, texts) if key is not None]


def parse_address(text: str) -> SplitResult | None:
    """A web address in its parts."""
    try:
        return urlsplit(text)
    except ValueError:
        return None

"""Files that people have, and what they expect of each: `expect.json` beside them, held against what became of them.

{"film.mkv": {"duration": 14, "size": [1024, 576], "said": {"carry 42 tons": 11.3}, "written": ["twelve"],
              "languages": ["en", "de"], "silent": false, "warned": false, "refused": false, "playable": true}}
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexer.measures import Record
from webapp.models import User, Video
from webapp.search.moments import find_moments

SAME_SECONDS = 1.0  # between when words are said and where a hit opens
SAME_DURATION = 0.5  # seconds
SAME_SIZE = 2  # pixels


def cases(data: Path, user: User) -> Iterator[Record]:
    """A row for each file that is not as expected, and how many are. The files were ingested into this library."""
    path = data / "expect.json"
    if not path.is_file():
        raise LookupError(f"{path} does not exist.")
    expected: dict[str, dict[str, Any]] = json.loads(path.read_text())
    right = 0
    for name, wanted in sorted(expected.items()):
        video = Video.objects.filter(file_name=name, owner=user).first()
        faults = list(compare(video, wanted, user)) if video is not None else ["not in the library"]
        right += not faults
        if faults:
            yield {"bench": f"case {name}", "but": "; ".join(faults)}
    yield {"bench": "cases", "as expected": right, "of": len(expected)}


def compare(video: Video, wanted: dict[str, Any], user: User) -> Iterator[str]:
    """What is not as it should be."""
    if bool(wanted.get("refused")) != (video.status == Video.Status.FAILED):
        yield f"it is {video.status}"
        return
    if "duration" in wanted and abs(video.duration - wanted["duration"]) > SAME_DURATION:
        yield f"it lasts {video.duration:.1f} s"
    if (
        "size" in wanted
        and max(abs(a - b) for a, b in zip((video.width, video.height), wanted["size"], strict=True)) > SAME_SIZE
    ):
        yield f"its picture is {video.width} × {video.height}"
    if "warned" in wanted and bool(video.warning) != wanted["warned"]:
        yield f"it is told “{video.warning_text}”"
    if wanted.get("playable", True) and not video.content_type:
        yield "it can't be played"
    spoken = list(video.utterances.all())
    if wanted.get("silent") and spoken:
        yield f"“{spoken[0].text}” was heard"
    for code in wanted.get("languages", []):
        if code not in {u.language or video.language for u in spoken}:
            yield f"no {code} was heard"
    for phrase, second in wanted.get("said", {}).items():
        found = find_moments(user, phrase, 1, videos=[video.pk]).moments
        at = found[0].start if found else None
        if at is None or abs(at - second) > SAME_SECONDS:
            yield f"“{phrase}” opens at {at}"
    read = " ".join(video.screen_lines.values_list("text", flat=True)).lower().replace(" ", "")
    for phrase in wanted.get("written", []):
        if phrase.lower().replace(" ", "") not in read:
            yield f"“{phrase}” was not read"

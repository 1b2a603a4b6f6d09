"""Judged data in the formats of the field: Kinoscope's own folder, MSR-VTT's and QVHighlights' annotation files, and
the folders of Kinetics and UCF101.

    Kinoscope    benchmark.json and the groups' manifest.json
    MSR-VTT      a CSV with `video_id` and `sentence` (the 1k-A test list), or JSON with "sentences"
    QVHighlights JSON lines with "vid", "query" and "relevant_windows"
    Kinetics     CLASS/*.mp4, or train/CLASS/*.mp4 beside val/ or test/
    UCF101       CLASS/v_CLASS_g01_c01.avi: clips of one group are of one recording

A video of the data is one of the library whose file name (without its end) is the data's name for it.
"""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexer.types import Image
from webapp.pipeline.embed import load_picture

MEDIA = {".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".mpg", ".wmv", ".flv"}


@dataclass(frozen=True)
class Described:
    """A sentence and the names of the videos that it describes."""

    query: str
    text: str
    relevant: tuple[str, ...]


@dataclass(frozen=True)
class Placed:
    """A sentence and the spans (seconds) of one video that it describes."""

    query: str
    text: str
    video: str
    spans: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Classed:
    """A video with its classes; of several with one `group` none may be learned from where another is asked about."""

    video: str
    classes: frozenset[str]
    group: str
    held_out: bool | None = None  # None where the data does not say it


@dataclass
class Judgements:
    """Everything that was judged. `gallery`: names of the videos that are searched."""

    gallery: list[str] = field(default_factory=list)
    described: list[Described] = field(default_factory=list)
    categories: list[Described] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    long: list[Placed] = field(default_factory=list)
    shown: list[Placed] = field(default_factory=list)  # a photo that stands as a shot among others
    questions: list[dict[str, Any]] = field(default_factory=list)
    classed: list[Classed] = field(default_factory=list)


def read(data: Path) -> Judgements:
    """Whatever of the three formats lies in `data`. Raises `LookupError` when none does."""
    found = Judgements()
    if (data / "benchmark.json").exists():
        read_own(data, found)
    for path in sorted(data.glob("*.csv")):
        read_sentences(path, found)
    for path in sorted(data.glob("*.json")):
        if path.name not in ("benchmark.json", "library_questions.json"):
            read_msrvtt(path, found)
    for path in sorted(data.glob("*.jsonl")):
        read_windows(path, found)
    if not found.classed:
        read_folders(data, found)
    if not (found.described or found.placed or found.questions or found.classed):
        raise LookupError(
            f"{data} has no benchmark.json, MSR-VTT or QVHighlights annotations, and no folders of classes."
        )
    return found


def media(data: Path) -> list[Path]:
    """Every video file below `data`, judged or not."""
    return sorted(p for p in data.rglob("*") if p.suffix.lower() in MEDIA and not {"hostile", "odd"} & set(p.parts))


def language(text: str) -> str:
    """By script: enough to report languages apart."""
    return "zh" if re.search(r"[\u4e00-\u9fff]", text) else "en"


def read_own(data: Path, found: Judgements) -> None:
    truth = json.loads((data / "benchmark.json").read_text())
    found.gallery = list(truth.get("gallery", []))
    found.described = [Described(r["qid"], r["text"], tuple(r["relevant"])) for r in truth.get("text_to_video", [])]
    found.categories = [
        Described(r["query"], r["query"], tuple(r["relevant"])) for r in truth.get("category_queries", [])
    ]
    found.absent = list(truth.get("no_answer_queries", []))
    found.placed = [
        Placed(r["qid"], r["text"], r["video"], ((r["start"], r["end"]),)) for r in truth.get("moments", [])
    ]
    found.questions = list(truth.get("video_qa", []))
    for item in items(data, "long"):
        for part in item["segments"]:
            for number, text in enumerate(part.get("queries", [])):
                span = (float(part["start"]), float(part["end"]))
                found.long.append(Placed(f"{item['id']}_{part['start']}_{number}", text, item["id"], (span,)))
    found.shown = list(read_slideshows(data))
    found.classed = [
        Classed(row["id"], frozenset(row["tags"]), str(row.get("near_duplicate_group") or row["id"]))
        for row in items(data, "clips")
        if row.get("tags")
    ]
    found.questions += [{**row, "talk": True, "video": i["id"]} for i in items(data, "talks") for row in i["qa"]]


def read_slideshows(data: Path) -> Iterator[Placed]:
    """Each caption of each photo, with the shot that shows it."""
    shots = {s["photo"]: (show["id"], s) for show in items(data, "slideshows") for s in show["segments"]}
    for photo in items(data, "photos"):
        if photo["id"] in shots:
            video, shot = shots[photo["id"]]
            for number, text in enumerate([*photo["captions_en"], *photo["captions_zh"]]):
                span = (float(shot["start"]), float(shot["end"]))
                yield Placed(f"{photo['id']}_{number}", text, video, (span,))


def items(data: Path, group: str) -> list[dict[str, Any]]:
    """The manifest of a group; none when the data has no such group."""
    path = data / group / "manifest.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text())["items"] if path.exists() else []
    return rows


def read_photo(data: Path, row: dict[str, Any]) -> Image:
    """The picture (h, w, 3) of an item of the group `photos`."""
    return load_picture((data / "photos" / row["file"]).read_bytes())


def read_sentences(path: Path, found: Judgements) -> None:
    with path.open(newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines)):
            if row.get("video_id") and row.get("sentence"):
                add_sentence(found, f"{path.stem}_{number}", row["sentence"], row["video_id"])


def read_msrvtt(path: Path, found: Judgements) -> None:
    content = json.loads(path.read_text())
    rows = content.get("sentences", []) if isinstance(content, dict) else []
    tested = {v["video_id"] for v in content.get("videos", []) if v.get("split") == "test"} if rows else set()
    for number, row in enumerate(rows):
        if not tested or row["video_id"] in tested:
            add_sentence(found, str(row.get("sen_id", number)), row["caption"], row["video_id"])


def add_sentence(found: Judgements, query: str, text: str, video: str) -> None:
    found.described.append(Described(query, text, (video,)))
    if video not in found.gallery:
        found.gallery.append(video)


def read_windows(path: Path, found: Judgements) -> None:
    for row in _lines(path):
        if row.get("relevant_windows") and "vid" in row:
            spans = tuple((float(a), float(b)) for a, b in row["relevant_windows"])
            found.placed.append(Placed(str(row["qid"]), row["query"], str(row["vid"]), spans))


def read_folders(data: Path, found: Judgements) -> None:
    """A folder a class, "PlayingGuitar" or "playing_guitar"; its parent may say which part of the data it is."""
    for path in media(data):
        *parts, folder = path.relative_to(data).parts[:-1] or [""]
        if folder and len(parts) <= 1:
            name = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", folder).lower()
            held_out = parts[0] != "train" if parts else None
            group = re.sub(r"_c\d+$", "", path.stem)
            found.classed.append(Classed(path.stem, frozenset([name]), group, held_out))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text().splitlines():
        if line.strip():
            yield json.loads(line)

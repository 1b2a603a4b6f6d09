"""Benchmarks of single models on files: photos, speech, shots; and what the steps of this library took."""

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from django.db.models import Max, Sum

from indexer import box
from indexer.measures import Outcomes, Record, count_word_errors, recalls
from webapp import engine
from webapp.benchmarks.judged import items, read_photo
from webapp.index import recipes
from webapp.models import Step, Video

TOLERANCE = 0.2  # seconds between a found cut and a true one


def photos(data: Path) -> Iterator[Outcomes]:
    """Every caption against all photos, per language."""
    rows = items(data, "photos")
    encoder = engine.pictures(recipes.active())
    looks = np.concatenate([encoder.encode_images([read_photo(data, r)]) for r in rows])
    for language in ("en", "zh"):
        pairs = [(number, text) for number, row in enumerate(rows) for text in row[f"captions_{language}"]]
        cosines = encoder.encode_texts([text for _, text in pairs]) @ looks.T
        outcomes = Outcomes(f"photos, {language}")
        for place, (row, (number, _)) in enumerate(zip(cosines, pairs, strict=True)):
            outcomes.add(f"{language}{place}", str(number), recalls(int((row > row[number]).sum()) + 1))
        yield outcomes


def speech(data: Path) -> Iterator[Record]:
    """Word (Chinese and Japanese: character) error rate per language, voice detection included."""
    errors, lengths = Counter[str](), Counter[str]()
    for row in items(data, "speech"):
        heard = transcribe(data / "speech" / row["file"])
        by_character = row["language"] in ("zh", "ja")
        reference, told = (normalize(text, by_character) for text in (row["transcript"], heard))
        wrong, length = count_word_errors(reference, told, by_character)
        errors[row["language"]] += wrong
        lengths[row["language"]] += length
    for language, count in errors.items():
        rate = round(100 * count / lengths[language], 1)
        yield {"bench": f"speech, {language}", "error rate": rate, "words": lengths[language]}


def transcribe(path: Path) -> str:
    with tempfile.TemporaryDirectory() as folder:
        audio = np.fromfile(box.extract_audio(path, Path(folder), box.probe(path)), np.float32)
    heard = engine.transcriber().transcribe(audio, engine.voice().detect(audio), lambda _: None)
    return " ".join(u.text for u in heard.utterances)


def normalize(text: str, by_character: bool) -> str:
    """Lower case without marks; without spaces, too, where there are no words to count."""
    if by_character:
        return re.sub(r"\W", "", text.lower())
    return " ".join(re.findall(r"[\w']+", text.lower().replace("’", "'")))


def shots(data: Path) -> Iterator[Record]:
    """F1 of cuts on slideshows with exact truth."""
    right = wrong = missed = 0
    for row in items(data, "slideshows"):
        path = data / "slideshows" / row["file"]
        with tempfile.TemporaryDirectory() as folder:
            found = [s.start for s in box.look(path, Path(folder), box.probe(path), lambda _: None).shots][1:]
        truth = [s["start"] for s in row["segments"]][1:]
        hits = sum(any(abs(cut - t) <= TOLERANCE for cut in found) for t in truth)
        right, wrong, missed = right + hits, wrong + len(found) - hits, missed + len(truth) - hits
    yield {"bench": "shots", "F1": round(2 * right / (2 * right + wrong + missed), 3), "cuts": right + missed}


def steps(data: Path) -> Iterator[Record]:
    """Machine time per second of footage and peak memory, per step, over all videos of this library."""
    del data
    footage = Video.objects.aggregate(total=Sum("duration"))["total"] or 0.0
    if not footage:
        raise LookupError("The library is empty.")
    taken = (
        Step.objects.exclude(seconds=None).values("name").annotate(total=Sum("seconds"), peak=Max("peak_memory_bytes"))
    )
    for row in taken.order_by("-total"):
        share, peak = round(row["total"] / footage, 3), round((row["peak"] or 0) / 1e6)
        yield {"bench": f"step {row['name']}", "× real time": share, "peak MB": peak}
    total = sum(row["total"] for row in taken)
    yield {"bench": "all steps", "× real time": round(total / footage, 3), "footage s": round(footage)}


BENCHES: dict[str, Callable[[Path], Iterator[Outcomes | Record]]] = {
    "photos": photos,
    "speech": speech,
    "shots": shots,
    "steps": steps,
}

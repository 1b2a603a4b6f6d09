"""Coverage-guided fuzzing of our own parsers, on demand: `python -m tests.hostile.fuzz [--seconds 300]` (extra `fuzz`).

Whatever the bytes, a parser returns or refuses in its own words; anything else ends the run with the input that did it.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import atheris

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

with atheris.instrument_imports(include=["webapp", "indexer.cues", "pysubs2"]):
    import django

    django.setup()
    from indexer import cues
    from webapp.uploads import intake
    from webapp.views import media, tus

SEEDS = (
    "bytes=0-99", "bytes=-5", "bytes=7-", "bytes=0-1,5-6", "filename YS5tcDQ=,visibility cHVibGlj", "../../a\0b.mp4",
    "1\n00:00:01,000 --> 00:00:02,500\n<i>words</i> &amp; {\\an8}more\n\n2\n00:00:03,000 --> 00:00:04,000\nmore\n",
    "WEBVTT\n\nSTYLE\n::cue{color:red}\n\nNOTE x\n\n00:01.000 --> 00:02.000 align:start\n<v Bob>hello &lt;b&gt;\n",
)  # fmt: skip


def one(data: bytes) -> None:
    text = data.decode(errors="replace")
    span = media.parse_range(text, 1000)
    assert span is None or 0 <= span[0] <= span[1] < 1000
    assert all(isinstance(v, str) for v in tus.read_metadata(text).values())
    name = intake.clean_name(text)
    assert 0 < len(name) <= 255
    assert "/" not in name
    once = cues.clean(text)
    assert cues.clean(once) == once
    for kind in ("a.srt", "a.vtt", "a.ass"):
        try:
            found = cues.read_file(kind, data, 60.0)
        except cues.BadSubtitles:
            continue
        assert all(0 <= start < end <= 60 and "\n" not in words for start, end, words in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(SEEDS):
            (Path(corpus) / str(number)).write_text(seed)
        atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=5000", corpus], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

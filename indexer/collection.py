"""Videos of a folder, indexed and searched in memory: the whole of `indexer` in one place, without a database.

Kinoscope's site does the same in steps that survive a crash (`webapp/pipeline`); this is for programs and notebooks.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from indexer import box
from indexer.calibration import NEUTRAL
from indexer.documents import Document
from indexer.expansion import find_words
from indexer.fusion import Concatenation, mean_direction, spaces_of
from indexer.lexical import LexicalIndex
from indexer.moments import choose
from indexer.nonlocal_means import smooth
from indexer.ports import PictureEncoder, SentenceEncoder, SoundDetector, Transcriber, VectorIndex
from indexer.queries import Query, caption_of, classify
from indexer.retriever import Candidate, rank
from indexer.segments import build_segments
from indexer.snapshot import Base, Rows, Shelf, Snapshot
from indexer.speech import join_sentences
from indexer.types import MediaInfo, Utterance

POOL = 40  # candidates per channel


@dataclass(frozen=True)
class Found:
    """A moment of a video, in seconds; best first in a list. `parts` add up to `score`."""

    path: Path
    start: float
    end: float
    score: float
    parts: dict[str, float]


class Collection:
    """Encoders of one recipe, an index class, and what was added. Speech is heard where both of its models are given.

    Not for more than some 10^4 segments: every search builds its index of what is new.
    """

    def __init__(
        self,
        picture_encoder: PictureEncoder,
        sentence_encoder: SentenceEncoder,
        index: type[VectorIndex],
        voice: SoundDetector | None = None,
        transcriber: Transcriber | None = None,
    ) -> None:
        self._pictures, self._sentences, self._index = picture_encoder, sentence_encoder, index
        self._voice, self._transcriber = voice, transcriber
        self._fusion = Concatenation(spaces_of(picture_encoder, sentence_encoder))
        self._paths: list[Path] = []
        self._candidates: list[Candidate] = []
        self._documents: list[tuple[Document, str]] = []

    def add(self, path: Path) -> int:
        """Read a video in the decoder's box; how many segments it has. Raises `UnreadableMedia`, `BoxFailed`."""
        info, video = box.probe(path), len(self._paths)
        with tempfile.TemporaryDirectory() as folder:
            seen = box.look(path, Path(folder), info, lambda _: None)
            images = [np.asarray(Pillow.open(k.path).convert("RGB")) for k in seen.keyframes]
            spoken = self._hear(path, Path(folder), info) if info.has_audio else []
        vectors = self._pictures.encode_images(images)
        smoothed = smooth(vectors)
        segments = build_segments(seen.shots, spoken, [], info.duration)
        following = [*(s.speech for s in segments[1:]), ""]
        for part, text, after in zip(
            segments, self._sentences.encode_passages([s.speech for s in segments]), following, strict=True
        ):
            document = Document.of(path.stem, "", part.speech, after)
            self._documents.append((document, ""))
            rows = [i for i, k in enumerate(seen.keyframes) if part.start <= k.time < part.end]
            self._candidates.append(
                Candidate(
                    len(self._candidates),
                    video,
                    part.span,
                    {"speech": text},
                    vectors[rows],
                    smoothed[rows],
                    [seen.keyframes[i].time for i in rows],
                    [shot for shot in seen.shots if shot.overlap(part.span) > 0],
                    document.fields,
                )
            )
        self._paths.append(path)
        return len(segments)

    def _hear(self, path: Path, folder: Path, info: MediaInfo) -> Sequence[Utterance]:
        if self._voice is None or self._transcriber is None:
            return []
        audio = np.fromfile(box.extract_audio(path, folder, info), np.float32)
        speech = self._voice.detect(audio)
        return join_sentences(self._transcriber.transcribe(audio, speech, lambda _: None).utterances) if speech else []

    def search(self, text: str, limit: int = 5) -> list[Found]:
        """The best moments for a description or a question, at most `limit`."""
        if not self._candidates:
            return []
        snapshot = self._snapshot()
        masks = snapshot.masks(snapshot.videos)
        query = Query(
            text,
            snapshot.lexicon(masks).expand(find_words(caption_of(text))),
            self._pictures.encode_texts([caption_of(text)])[0],
            self._sentences.encode_queries([text])[0],
            classify(text),
        )
        proposed = snapshot.propose(query, masks, POOL)
        candidates = [self._candidates[i] for i in proposed]
        ranked = rank(query, candidates, snapshot.calibration)
        return [
            Found(self._paths[c.ranked.candidate.video], c.span.start, c.span.end, c.ranked.score, c.ranked.parts)
            for c in choose(ranked, limit, "moment")
        ]

    def _snapshot(self) -> Snapshot:
        unseen = np.zeros(self._pictures.dim, np.float32)
        blocks = {
            "visual": np.stack([mean_direction(c.frames) if len(c.frames) else unseen for c in self._candidates]),
            "text": np.stack([c.field_vectors["speech"] for c in self._candidates]),
        }
        ids = np.arange(len(self._candidates))
        videos = np.array([c.video for c in self._candidates], np.int64)
        no_ids = np.zeros(0, np.int64)
        nothing = self._index(np.zeros((0, self._fusion.dim), np.float32), no_ids)
        empty = Shelf.of(no_ids, no_ids, nothing, LexicalIndex([]))
        newer = Rows(ids, videos, blocks, self._documents)
        return Snapshot.of(0, Base(0, -1, empty, {}, {}), no_ids, newer, self._index, self._fusion, NEUTRAL)

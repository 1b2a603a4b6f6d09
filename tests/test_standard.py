"""Profile `standard`: the adapters read the real formats. Weights are tiny and random, made here; no hub is asked."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.adapters import m2m100, towers
from indexer.adapters.inference import TransformersInference
from indexer.adapters.open_clip import CausalReading, OpenClipPictures, find_reader, shorten
from indexer.adapters.openai_whisper import OpenaiWhisper
from indexer.errors import ModelMissing
from indexer.towers import PLAIN, read_choices
from indexer.types import SAMPLE_RATE, Span
from qa.adapters.vision_language import VisionLanguageModel
from qa.errors import DecoderMissing
from qa.pictures import PictureQuestion
from qa.types import Evidence
from tests.conftest import paint
from tests.repositories import make_repository
from webapp.catalogue.table import ENTRIES


def test_open_clip_reads_a_local_folder(clip_folder, tmp_path) -> None:
    encoder = OpenClipPictures(tmp_path, f"local-dir:{clip_folder}")
    assert encoder.dim == 32
    looks = encoder.encode_images([np.asarray(paint(1)), np.asarray(paint(2))])
    words = encoder.encode_texts(["a dog", "a cat", "a car"])
    assert looks.shape == (2, 32)
    assert words.shape == (3, 32)
    for vectors in (looks, words):
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert encoder.encode_texts(["a cat"])[0] @ words[1] > 0.99


def test_only_the_tokens_that_matter_are_computed_and_give_the_same(clip_folder) -> None:
    import open_clip

    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{clip_folder}")
    for architecture in (model.eval(), open_clip.create_model("ViT-S-32-alt", pretrained=None).eval()):
        tokens = open_clip.get_tokenizer(f"local-dir:{clip_folder}")(["a dog", "two cats sleep on a red sofa"])
        with torch.inference_mode():
            expected = architecture.encode_text(tokens)
        short = torch.from_numpy(shorten(tokens.numpy()))
        assert short.shape[1] == 9 < tokens.shape[1]
        reader = find_reader(architecture)
        assert isinstance(reader, CausalReading)
        with torch.inference_mode():
            assert torch.allclose(reader(short), expected, atol=1e-5)


def test_the_fastest_way_that_gives_the_same_is_chosen_once(clip_folder, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "towers"
    encoder = OpenClipPictures(tmp_path, f"local-dir:{clip_folder}")
    (texts,) = read_choices(folder).values()  # texts by a bank of sentences; pictures wait for enough of them
    few = encoder.encode_images([np.asarray(paint(n)) for n in range(3)])
    assert len(read_choices(folder)) == 1
    many = encoder.encode_images([np.asarray(paint(n)) for n in range(9)])
    pictures = next(c for c in read_choices(folder).values() if c.network.endswith("pictures"))
    for choice in (texts, pictures):
        assert set(choice.tried) == {"torch float32", "ONNX Runtime int8", "OpenVINO int8"}
        sound = {way: t for way, t in choice.tried.items() if t.get("cosine", 0) >= towers.MIN_COSINE}
        assert "torch float32" in sound
        assert "cosine" in choice.tried["ONNX Runtime int8"]  # whether it is near enough is the processor's affair
        assert choice.way == min(sound, key=lambda way: sound[way]["ms"])
    near = {way: 0.05 if t["cosine"] >= towers.MIN_COSINE else 0.2 for way, t in texts.tried.items() if "int8" in way}
    for way, least in near.items():  # texts of any length and number, whichever way is the fastest
        key = next(k for k, c in read_choices(folder).items() if c.network.endswith("texts"))
        chosen = {key: {**asdict(texts), "way": way}}
        (folder / "towers.json").write_text(json.dumps(chosen))
        again = OpenClipPictures(tmp_path, f"local-dir:{clip_folder}")
        for sentences in (["a dog"], ["a dog", "two cats sleep on a red sofa", "rain"]):
            assert np.allclose(again.encode_texts(sentences), encoder.encode_texts(sentences), atol=least)
    assert ((many[:3] * few).sum(1) >= towers.MIN_COSINE - 0.005).all()
    monkeypatch.setattr(towers.Tower, "choose", lambda *_: pytest.fail("it was measured already"))
    assert OpenClipPictures(tmp_path, f"local-dir:{clip_folder}").dim == 32


def test_a_way_that_gives_something_else_is_not_chosen(tmp_path, monkeypatch) -> None:
    network = torch.nn.Linear(8, 4)
    wrong = lambda tower, batch: lambda given: tower._plain(given)[:, ::-1]  # noqa: E731 - fast, and another space
    broken = lambda tower, batch: 1 / 0  # noqa: E731
    plain = towers._WAYS[PLAIN]
    monkeypatch.setattr(towers, "_WAYS", {PLAIN: plain, "wrong": wrong, "broken": broken})
    tower = towers.Tower("toy", network, tmp_path)
    choice = tower.choose(np.random.default_rng(0).normal(size=(9, 8)).astype(np.float32))
    assert choice.way == PLAIN
    assert "ZeroDivisionError" in choice.tried["broken"]["why not"]
    (tmp_path / "towers.json").write_text("{")
    assert read_choices(tmp_path) == {}


def test_open_clip_says_what_is_missing(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelMissing, match="models fetch"):
        OpenClipPictures(tmp_path, f"ViT-B-32:{tmp_path}/nowhere.pt")


def test_whisper_reads_its_own_checkpoint(tmp_path, whisper_file) -> None:
    transcriber = OpenaiWhisper(tmp_path, str(whisper_file))
    audio = np.random.default_rng(0).normal(size=4 * SAMPLE_RATE).astype(np.float32) * 0.05
    shares: list[float] = []
    heard = transcriber.transcribe(audio, [Span(0.5, 3.0)], shares.append)
    assert shares == [1.0]
    for utterance in heard.utterances:
        assert 0 <= utterance.start < utterance.end
    assert transcriber.transcribe(audio, [], shares.append).utterances == []
    with pytest.raises(ModelMissing, match="models fetch"):
        OpenaiWhisper(tmp_path, str(tmp_path / "nowhere.pt"))


def test_a_vision_language_model_captions_and_answers(vlm_folder) -> None:
    model = VisionLanguageModel(str(vlm_folder))
    (caption,) = model.caption([np.asarray(paint(1))])
    assert 0 <= caption.confidence <= 1
    evidence = [Evidence(1, 1, 0, 4, "speech", "a dog runs")]
    pieces = list(model.answer("a dog ?", evidence, []))
    assert isinstance("".join(pieces), str)
    assert len(pieces) > 0
    (guess,) = model.answer_about(
        PictureQuestion("colour", "what color is the dog", "What colour is the dog?"), [np.asarray(paint(1))]
    )
    assert 0 <= guess.confidence <= 1
    assert len(guess.text.split()) <= 8


def test_a_missing_vision_language_model_says_what_to_do(tmp_path) -> None:
    with pytest.raises(DecoderMissing, match="models fetch"):
        VisionLanguageModel(str(tmp_path / "nowhere"))


class Evil:
    """Unpickled, it would write a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return Path.write_text, (self.target, "owned")


def test_a_checkpoint_that_is_a_program_is_not_run(clip_folder, tmp_path) -> None:
    import pickle
    import shutil

    folder, target = tmp_path / "clip", tmp_path / "owned"
    shutil.copytree(clip_folder, folder)
    (folder / "open_clip_model.safetensors").unlink()
    evil = folder / "open_clip_pytorch_model.bin"
    torch.save({"state_dict": Evil(target)}, evil)
    (tmp_path / "raw.pt").write_bytes(pickle.dumps(Evil(target)))
    torch.save({"dims": Evil(target)}, tmp_path / "evil.pt")
    with pytest.raises(Exception, match=r"(?i)weights|unsupported|load"):
        OpenClipPictures(tmp_path, f"local-dir:{folder}")
    for name in ("raw.pt", "evil.pt"):
        with pytest.raises(Exception, match=r"(?i)weights|unsupported|load"):
            OpenaiWhisper(tmp_path, str(tmp_path / name))
    assert not target.exists()
    pickle.loads(pickle.dumps(Evil(target)))  # the trap itself works
    assert target.exists()


@pytest.fixture(scope="module")
def m2m100_folder(tmp_path_factory) -> Path:
    return make_repository(ENTRIES["m2m100-418m"], tmp_path_factory.mktemp("m2m100"))


def test_a_translation_model_reads_its_own_files(m2m100_folder, monkeypatch) -> None:
    monkeypatch.setattr(m2m100, "MAX_TOKENS", 12)
    model = m2m100.M2M100(str(m2m100_folder))
    assert model.knows("de")
    assert not model.knows("tlh")
    written = model.translate(["the dog runs", "the meadow sleeps"], "en", "de")
    assert len(written) == 2
    assert written == model.translate(["the dog runs", "the meadow sleeps"], "en", "de")


def test_a_missing_translation_model_says_what_to_do(tmp_path) -> None:
    with pytest.raises(ModelMissing, match="fetch it again, or name another folder"):
        m2m100.M2M100(str(tmp_path / "nothing"))


def test_inference_reads_what_a_model_calls_its_labels(tmp_path) -> None:
    """Models order them as they like: what counts is their names."""
    folder = make_repository(ENTRIES["mdeberta-nli"], tmp_path / "nli")
    told = TransformersInference(str(folder)).infer(["a dog runs", "it rains"], "a dog sleeps")
    assert told.shape == (2, 3)
    assert np.allclose(told.sum(1), 1, atol=1e-5)
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": "CONTRADICTION", "1": "ENTAILMENT", "2": "NEUTRAL"}
    (folder / "config.json").write_text(json.dumps(config))
    again = TransformersInference(str(folder)).infer(["a dog runs", "it rains"], "a dog sleeps")
    assert np.allclose(again, told[:, [1, 2, 0]], atol=1e-6)
    config["id2label"] = {"0": "positive", "1": "negative", "2": "mixed"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelMissing, match="positive, negative, mixed"):
        TransformersInference(str(folder))
    with pytest.raises(ModelMissing, match="can't be loaded"):
        TransformersInference(str(tmp_path / "nowhere"))

"""Profile `standard`: the adapters read the real formats. Weights are tiny and random, made here; no hub is asked."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.adapters import towers
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
        assert set(choice.tried) == {"torch float32", "torch bfloat16", "ONNX Runtime int8", "OpenVINO int8"}
        sound = {way: t for way, t in choice.tried.items() if t.get("cosine", 0) >= towers.LEAST_COSINE}
        assert {"torch float32", "ONNX Runtime int8"} <= set(sound)
        assert choice.way == min(sound, key=lambda way: sound[way]["ms"])
    for way in ("ONNX Runtime int8", "OpenVINO int8"):  # texts of any length and number, whichever way is the fastest
        key = next(k for k, c in read_choices(folder).items() if c.network.endswith("texts"))
        chosen = {key: {**asdict(texts), "way": way}}
        (folder / "towers.json").write_text(json.dumps(chosen))
        again = OpenClipPictures(tmp_path, f"local-dir:{clip_folder}")
        for sentences in (["a dog"], ["a dog", "two cats sleep on a red sofa", "rain"]):
            assert np.allclose(again.encode_texts(sentences), encoder.encode_texts(sentences), atol=0.05)
    assert ((many[:3] * few).sum(1) >= towers.LEAST_COSINE - 0.005).all()
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


def test_whisper_reads_its_own_checkpoint(tmp_path) -> None:
    from whisper.model import ModelDimensions, Whisper

    dims = ModelDimensions(80, 1500, 32, 2, 1, 51865, 448, 32, 2, 1)
    torch.manual_seed(0)
    model = Whisper(dims)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.02)  # Whisper leaves some of them as they lie in memory
    torch.save({"dims": vars(dims), "model_state_dict": model.state_dict()}, tmp_path / "tiny.pt")
    transcriber = OpenaiWhisper(tmp_path, str(tmp_path / "tiny.pt"))
    audio = np.random.default_rng(0).normal(size=4 * SAMPLE_RATE).astype(np.float32) * 0.05
    shares: list[float] = []
    heard = transcriber.transcribe(audio, [Span(0.5, 3.0)], shares.append)
    assert shares == [1.0]
    for utterance in heard.utterances:
        assert 0 <= utterance.start < utterance.end
    assert transcriber.transcribe(audio, [], shares.append).utterances == []
    with pytest.raises(ModelMissing, match="models fetch"):
        OpenaiWhisper(tmp_path, "small")


@pytest.fixture(scope="module")
def vlm_folder(tmp_path_factory) -> Path:
    """A SmolVLM checkpoint with a tokenizer of a few words and a chat template."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        PreTrainedTokenizerFast,
        SmolVLMConfig,
        SmolVLMForConditionalGeneration,
        SmolVLMImageProcessor,
        SmolVLMProcessor,
    )
    from transformers.models.smolvlm.video_processing_smolvlm import SmolVLMVideoProcessor

    folder = tmp_path_factory.mktemp("vlm")
    marks = [
        "<pad>",
        "<s>",
        "</s>",
        "<unk>",
        "<image>",
        "<fake_token_around_image>",
        "<global-img>",
        "<end_of_utterance>",
    ]
    grid = [f"<row_{r}_col_{c}>" for r in range(1, 7) for c in range(1, 7)]
    words = {w: n for n, w in enumerate([*marks, *grid, "a", "dog", "runs", "[1]", ".", "User:", "Assistant:"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=[*marks[4:], *grid],
    )  # fmt: skip
    template = (
        "{% for m in messages %}{{ m['role'] }}: {% for c in m['content'] %}"
        "{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}\n{% endfor %}Assistant:"
    )
    processor = SmolVLMProcessor(
        SmolVLMImageProcessor(size={"longest_edge": 64}, max_image_size={"longest_edge": 32}, do_image_splitting=False),
        fast,
        SmolVLMVideoProcessor(size={"longest_edge": 64}, max_image_size={"longest_edge": 32}),
        image_seq_len=1,
        chat_template=template,
    )
    processor.save_pretrained(folder)
    config = SmolVLMConfig(
        vision_config={"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
                       "image_size": 32, "patch_size": 16},
        text_config={"model_type": "llama", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
                     "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": len(words),
                     "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2},
        image_token_id=words["<image>"], scale_factor=2, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    SmolVLMForConditionalGeneration(config).save_pretrained(folder)
    return folder


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

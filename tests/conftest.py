"""Shared by all tests: a scratch home, real media made on the spot, people of every role."""

import json
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

MakeMovie = Callable[..., Path]


def paint(number: int, text: str = "") -> Image.Image:
    """A picture that differs from every other number's, with large readable text if asked."""
    shade = np.random.default_rng(number)
    picture = Image.fromarray(
        np.kron(shade.integers(0, 255, (6, 8, 3), dtype=np.uint8), np.ones((40, 40, 1), np.uint8))
    )
    if text:
        pen = ImageDraw.Draw(picture)
        pen.rectangle((0, 80, 320, 160), fill="white")
        pen.text((10, 92), text, font=ImageFont.load_default(40), fill="black")
    return picture


@pytest.fixture
def make_movie(tmp_path: Path) -> MakeMovie:
    return movie_maker(tmp_path)


def movie_maker(folder: Path) -> MakeMovie:
    """Writes a real video: `shots` pictures of `seconds` each, with a tone unless `sound` is off."""

    def make(
        name: str = "movie.mp4",
        shots: int = 3,
        seconds: float = 2.0,
        text: str = "",
        sound: bool = True,
        picture: bool = True,
        codec: str = "libx264",
        audio_codec: str = "aac",
    ) -> Path:
        path = folder / name
        with av.open(str(path), "w") as sink:
            video = sink.add_stream(codec, rate=10) if picture else None
            audio = sink.add_stream(audio_codec, rate=48_000, layout="mono") if sound else None
            if video is not None:
                video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
                for number in range(shots):
                    frame = av.VideoFrame.from_image(paint(number, text))
                    for step in range(round(seconds * 10)):
                        frame.pts, frame.time_base = number * round(seconds * 10) + step, Fraction(1, 10)
                        sink.mux(video.encode(frame))
                sink.mux(video.encode(None))
            if audio is not None:
                time = np.arange(round(shots * seconds * 48_000)) / 48_000
                tone = (0.2 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)[None]
                frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
                resampler = av.AudioResampler(format=audio.format, layout="mono", rate=48_000)
                for piece in [*resampler.resample(frame), *resampler.resample(None)]:
                    sink.mux(audio.encode(piece))
                sink.mux(audio.encode(None))
        return path

    return make


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """Where joined and exported weights are kept during the run."""
    return Path(os.environ["KINOSCOPE_HOME"]) / "models"


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory) -> Path:
    """An open_clip folder with tiny random weights: config and checkpoint, as `local-dir:` reads it."""
    import open_clip
    import torch
    from open_clip.model import CLIP

    folder = tmp_path_factory.mktemp("clip")
    model = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    mean, std = list(open_clip.OPENAI_DATASET_MEAN), list(open_clip.OPENAI_DATASET_STD)
    config = {"model_cfg": model, "preprocess_cfg": {"mean": mean, "std": std}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    made = CLIP(**model)
    torch.save(made.state_dict(), folder / "open_clip_pytorch_model.bin")
    return folder


@pytest.fixture(scope="session")
def whisper_file(tmp_path_factory) -> Path:
    """A checkpoint of OpenAI's Whisper with tiny random weights."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    dims = ModelDimensions(80, 1500, 32, 2, 1, 51865, 448, 32, 2, 1)
    torch.manual_seed(0)
    model = Whisper(dims)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.02)  # Whisper leaves some of them as they lie in memory
    path = tmp_path_factory.mktemp("whisper") / "tiny.pt"
    torch.save({"dims": vars(dims), "model_state_dict": model.state_dict()}, path)
    return path


@pytest.fixture(scope="session")
def vlm_folder(tmp_path_factory) -> Path:
    """A SmolVLM checkpoint with a tokenizer of a few words and a chat template."""
    import torch
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

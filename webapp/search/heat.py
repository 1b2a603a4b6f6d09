"""Where in a frame the words of a query are seen: a heat map to lay over it."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow

from indexer.queries import caption_of
from indexer.types import Vectors
from webapp import engine
from webapp.models import Keyframe, Recipe, Video
from webapp.search.pictures import decode

WARM = (255, 96, 0)  # RGB; how warm it is, is how opaque
MAX_OPACITY = 190  # of 255: what is seen must stay visible below


@dataclass(frozen=True)
class Heat:
    """A PNG with the shape of the frame at `time` seconds."""

    png: bytes
    time: float


def draw_heat(video: Video, text: str, seconds: float, recipe: Recipe) -> Heat | None:
    """Of the keyframe nearest to `seconds`; None without pictures, where the encoder can't tell places, or has learned
    from no picture of this kind.
    """
    frames = video.keyframes.filter(segments__recipe=recipe).distinct()
    nearest: Keyframe | None = min(frames, key=lambda f: abs(f.time - seconds), default=None)
    if nearest is None:
        return None
    picture = decode(video.derived(nearest.file).read())
    encoder = engine.pictures(recipe)
    warmth = encoder.locate(picture, caption_of(text))
    if not warmth.size or encoder.measure_novelty([picture])[0] >= 1:
        return None
    return Heat(paint(warmth, (picture.shape[1], picture.shape[0])), nearest.time)


def paint(warmth: Vectors, size: tuple[int, int]) -> bytes:
    """(h, w) of any range -> a PNG of `size` (width, height): clear where it is coldest."""
    scaled = (warmth - warmth.min()) / max(float(np.ptp(warmth)), 1e-6)
    opacity = Pillow.fromarray((MAX_OPACITY * scaled**2).astype(np.uint8)).resize(size, Pillow.Resampling.BILINEAR)
    layer = Pillow.new("RGBA", size, (*WARM, 0))
    layer.putalpha(opacity)
    stored = io.BytesIO()
    layer.save(stored, "PNG")
    return stored.getvalue()

"""Pictures as they are meant to be seen: upright, square pixels, whole frames, over black, in the colours of a screen.

Rendition, poster, storyboard and what encoders see all come through it.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame

from indexer import tone_curve
from indexer.adapters.pyav.container import clock_start, open_media, picture_stream
from indexer.adapters.pyav.filters import Filter, make_graph
from indexer.types import Image

PEAK_FRAMES = 8  # looked at for the brightest that an HDR file shows
PEAK_SHARE = 99.9  # per cent of a picture's pixels that are not brighter: a glint is no measure
MAX_SIDE = 16384  # pixels: no encoder here takes more
NEARLY_SQUARE = 0.01  # what differs less from 1 is the rounding of some encoder
HD_LINES = 720  # from here on an unnamed colour matrix is BT.709's, as players take it; below, BT.601's
# ITU-T H.273 matrix coefficients -> names of FFmpeg's filter scale
_MATRICES = {1: "bt709", 4: "fcc", 5: "smpte170m", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
_TURNS: dict[int, list[str]] = {0: [], 1: ["transpose=cclock"], 2: ["hflip", "vflip"], 3: ["transpose=clock"]}


@dataclass
class View:
    """How the frames of one file become pictures. `cube` is a colour cube's file, None for what is no HDR."""

    turns: int = 0  # quarter turns counter-clockwise
    pixel_aspect: float = 1.0  # width of a pixel over its height
    cube: Path | None = None
    transfer: int = 2  # ITU-T H.273's transfer characteristics
    interlaced: bool = False
    _graphs: dict[tuple[Any, ...], Graph] = field(default_factory=dict)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Of the whole picture in square pixels, upright; the side that has too few is stretched."""
        wide, high = width * max(1.0, self.pixel_aspect), height / min(1.0, self.pixel_aspect)
        shrunk = max(1.0, wide / MAX_SIDE, high / MAX_SIDE)
        wide, high = max(1, wide / shrunk), max(1, high / shrunk)
        return (round(high), round(wide)) if self.turns % 2 else (round(wide), round(high))

    def draw(self, frame: VideoFrame, width: int, height: int, pixels: str) -> VideoFrame:
        """The frame at `width` × `height` in the pixel format `pixels`: rgb24, or yuv420p by BT.709."""
        shape = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range)
        kind = (*shape, width, height, pixels)
        if kind not in self._graphs:
            self._graphs[kind] = self._build(frame, width, height, pixels)
        graph = self._graphs[kind]
        graph.push(frame)
        drawn = graph.pull()
        assert isinstance(drawn, VideoFrame)
        return drawn

    def picture(self, frame: VideoFrame, side: int) -> Image:
        """RGB uint8 (h, w, 3), its longer side at most `side` pixels."""
        width, height = self.size(frame.width, frame.height)
        scale = min(1.0, side / max(width, height))
        drawn = self.draw(frame, max(2, round(width * scale)), max(2, round(height * scale)), "rgb24")
        return np.asarray(drawn.to_ndarray(), np.uint8)

    def _build(self, frame: VideoFrame, width: int, height: int, pixels: str) -> Graph:
        chain: list[Filter] = []
        if has_alpha(frame):  # over black: colours times alpha
            chain += ["format=gbrap", "premultiply=inplace=1", "format=gbrp"]
        wide, high = (height, width) if self.turns % 2 else (width, height)
        matrix = _MATRICES.get(frame.colorspace, "bt709" if frame.height >= HD_LINES else "smpte170m")
        source = "" if chain or frame.format.is_rgb else f":in_color_matrix={matrix}"
        # The range of an unnamed one is what FFmpeg takes it for: full for JPEG's formats, narrow for others.
        source += {1: ":in_range=tv", 2: ":in_range=pc"}.get(frame.color_range, "") if source else ""
        scale = f"scale={wide}:{high}:flags=bilinear+accurate_rnd+full_chroma_int"
        if self.cube is not None:
            chain += [f"{scale}{source}", "format=gbrp16le"]
            chain += [("lut3d", {"file": str(self.cube), "interp": "tetrahedral"})]
            scale, source = f"scale={wide}:{high}", ""
        target = "" if pixels == "rgb24" else ":out_color_matrix=bt709:out_range=tv"
        chain += [f"{scale}{source}{target}", f"format={pixels}", "setsar=1"]
        return make_graph(frame, [*chain, *_TURNS[self.turns]])


def has_alpha(frame: VideoFrame) -> bool:
    name = frame.format.name
    return name.startswith(("yuva", "gbrap", "rgba", "bgra", "argb", "abgr", "ya", "pal8"))


@contextlib.contextmanager
def open_view(path: Path, folder: Path) -> Iterator[View]:
    """With the colour cube of an HDR file, which lies in `folder` meanwhile."""
    view = find_view(path)
    if view.transfer in (tone_curve.PQ, tone_curve.HLG):
        view.cube = folder / "colours.cube"
        tone_curve.write_cube(view.cube, view.transfer, find_peak(path, view.transfer))
    try:
        yield view
    finally:
        if view.cube is not None:
            view.cube.unlink(missing_ok=True)


def find_view(path: Path) -> View:
    """From the first frame that can be decoded."""
    with open_media(path) as container:
        stream = picture_stream(container)
        assert stream is not None
        aspect = float(stream.sample_aspect_ratio or 1)
        view = View(pixel_aspect=aspect if 0.1 < aspect < 10 and abs(aspect - 1) > NEARLY_SQUARE else 1.0)
        frame = first_frame(container, stream)
        if frame is not None:
            view.turns = round(getattr(frame, "rotation", 0) / 90) % 4
            view.transfer, view.interlaced = int(frame.color_trc), bool(frame.interlaced_frame)
    return view


def first_frame(container: Any, stream: Any) -> VideoFrame | None:
    with contextlib.suppress(av.FFmpegError, ValueError):
        for frame in container.decode(stream):
            assert isinstance(frame, VideoFrame)
            return frame
    return None


def find_peak(path: Path, transfer: int) -> float:
    """The brightest of some pictures all over the file, cd/m²."""
    peak, raw = 0.0, View()
    with open_media(path) as container:
        stream = picture_stream(container)
        for number in range(PEAK_FRAMES):
            time = clock_start(container) + (container.duration or 0) / 1e6 * number / PEAK_FRAMES
            with contextlib.suppress(av.FFmpegError):
                container.seek(round(time * 1e6))
            frame = first_frame(container, stream)
            if frame is not None:
                nits = tone_curve.read_nits(raw.picture(frame, 320).astype(np.float64) / 255, transfer).max(-1)
                peak = max(peak, float(np.percentile(nits, PEAK_SHARE)))
    return peak

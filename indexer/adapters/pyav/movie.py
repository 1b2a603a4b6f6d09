"""Writing a movie of pictures and sound of our own making, such as the demo."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from indexer.types import Image

PIECE_SECONDS = 2  # of sound, muxed at a time


def write_movie(
    target: Path, pictures: Iterable[Image], rate: int, sound: npt.NDArray[np.int16] | None, sound_rate: int
) -> None:
    """RGB uint8 (h, w, 3) pictures, `rate` a second, and mono int16 samples (n,) as H.264 + AAC in an MP4. Samples are
    read after the pictures that they go with, so that both may be made on the way.
    """
    with av.open(str(target), "w", format="mp4", options={"movflags": "faststart"}) as sink:
        video = sink.add_stream("libx264", rate=rate)
        audio = sink.add_stream("aac", rate=sound_rate, layout="mono") if sound is not None else None
        heard = 0

        def write_sound(until: int | None) -> None:
            nonlocal heard
            if audio is not None and sound is not None and len(piece := sound[heard:until]):
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece[None]), format="s16", layout="mono")
                frame.sample_rate, frame.time_base, frame.pts = sound_rate, Fraction(1, sound_rate), heard
                sink.mux(audio.encode(frame))
                heard += len(piece)

        for number, picture in enumerate(pictures):
            if number == 0:
                video.width, video.height, video.pix_fmt = picture.shape[1], picture.shape[0], "yuv420p"
            sink.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            if (number + 1) % (rate * PIECE_SECONDS) == 0:
                write_sound((number + 1) // rate * sound_rate)
        sink.mux(video.encode(None))
        write_sound(None)
        if audio is not None:
            sink.mux(audio.encode(None))

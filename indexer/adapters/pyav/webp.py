"""Animated WebP, which FFmpeg does not decode: Pillow unrolls it into a film without loss, in memory."""

import io
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from indexer.errors import UnreadableMedia

MAX_PIXELS = 1_000_000_000  # of all pictures together: some minutes at the size of a telephone
MILLISECOND = Fraction(1, 1000)
RATE = 10  # pictures a second that the header names; the times are their own
SHORTEST, LAST = 10, 100  # milliseconds of a picture that names no time, and of one that nothing follows


@lru_cache(maxsize=1)  # an operation of the box opens its one file several times
def unroll(path: Path) -> bytes:
    """The pictures at their times, as FFV1 in Matroska. Raises `UnreadableMedia` for a single picture or damage."""
    film = io.BytesIO()
    try:
        with Pillow.open(path, formats=("WEBP",)) as pictures:
            count: int = getattr(pictures, "n_frames", 1)
            if count < 2:
                raise UnreadableMedia("This is a single picture, not a video. Use it to search with instead.")
            if count * pictures.width * pictures.height > MAX_PIXELS:
                raise UnreadableMedia("This animation is too long to be unrolled. Convert it to MP4 (H.264).")
            write(pictures, count, film)
    except (Pillow.DecompressionBombError, UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise UnreadableMedia("This WebP file is damaged (%(why)s). Upload another copy.", why=error) from error
    return film.getvalue()


def write(pictures: Pillow.Image, count: int, film: io.BytesIO) -> None:
    with av.open(film, "w", format="matroska") as sink:
        stream = sink.add_stream("ffv1", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = pictures.width, pictures.height, "bgr0"
        stream.codec_context.time_base = MILLISECOND
        time = 0
        for number in range(count):
            pictures.seek(number)
            over_black = Pillow.new("RGBA", pictures.size, "black")
            over_black.alpha_composite(pictures.convert("RGBA"))
            frame = VideoFrame.from_ndarray(np.asarray(over_black.convert("RGB")), format="rgb24")
            frame.pts, frame.time_base = time, MILLISECOND
            for packet in stream.encode(frame):
                packet.duration = LAST
                sink.mux(packet)
            time += max(SHORTEST, int(pictures.info.get("duration", 0)))
        for packet in stream.encode(None):
            packet.duration = LAST
            sink.mux(packet)

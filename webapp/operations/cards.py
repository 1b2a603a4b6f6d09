"""What is written into a montage: its title, the source of each piece, and all sources at the end."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from indexer.types import Image
from webapp.messages import clock, speaking

SIZE = (640, 360)
GROUND, INK, SOFT = (16, 24, 28), (240, 244, 245), (160, 176, 182)
STRIP = 26  # pixels at the lower edge that name the source
SHADE = 0.35  # of the picture that is left under it
MAX_LINES = 9  # sources that are listed
# Where systems keep a font that has Chinese; Pillow's own has the letters of Latin, Greek and Cyrillic.
WIDE_FONTS = ("NotoSansCJK-Regular.ttc", "NotoSansSC-Regular.otf", "wqy-microhei.ttc", "msyh.ttc", "PingFang.ttc")
FIRST_WIDE = "\u0590"  # from this letter on


@lru_cache(maxsize=16)
def find_font(size: int, is_wide: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont | None:
    """None where no font of this system has the letters."""
    if not is_wide:
        return ImageFont.load_default(size)
    for name in WIDE_FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return None


def write(pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, ink: tuple[int, ...], wide: int) -> None:
    """One line of at most `wide` pixels; nothing where it can't be written, instead of boxes."""
    font = find_font(size, any(letter >= FIRST_WIDE for letter in text))
    if font is None:
        return
    while text and pen.textlength(text, font) > wide:
        text = text.removesuffix("…")[:-1].rstrip() + "…"
        if text == "…":
            break
    pen.text(at, text, ink, font, "lm")


def begin() -> tuple[Pillow.Image, ImageDraw.ImageDraw]:
    card = Pillow.new("RGB", SIZE, GROUND)
    return card, ImageDraw.Draw(card)


def draw_title(topic: str, moments: int, videos: int, language: str) -> Image:
    card, pen = begin()
    with speaking(language):
        many = ngettext("%(n)s moment", "%(n)s moments", moments) % {"n": moments}
        sources = ngettext("%(n)s video", "%(n)s videos", videos) % {"n": videos}
        write(pen, (60, 160), topic, 34, INK, 520)
        write(pen, (60, 210), f"{many} · {sources}", 18, SOFT, 520)
    return np.asarray(card, np.uint8)


def draw_source(title: str, start: float) -> Image:
    """(STRIP, w): how white each pixel of the strip becomes."""
    strip = Pillow.new("L", (SIZE[0], STRIP), 0)
    write(ImageDraw.Draw(strip), (12, STRIP // 2), f"{title} · {clock(start)}", 14, (255,), SIZE[0] - 24)
    return np.asarray(strip, np.uint8)


def lay_over(frame: Image, strip: Image) -> Image:
    """The frame (h, w, 3), its lower edge darkened, with white letters."""
    letters = strip[:, :, None].astype(np.float32) / 255
    ground = frame[-STRIP:].astype(np.float32) * SHADE
    frame[-STRIP:] = (ground * (1 - letters) + 255 * letters).astype(np.uint8)
    return frame


def draw_sources(sources: Sequence[tuple[str, float]], language: str) -> Image:
    card, pen = begin()
    with speaking(language):
        write(pen, (60, 44), _("Sources"), 22, INK, 520)
        for line, (title, start) in enumerate(sources[:MAX_LINES]):
            write(pen, (60, 84 + 27 * line), f"{title} · {clock(start)}", 16, SOFT, 520)
        if len(sources) > MAX_LINES:
            write(pen, (60, 84 + 27 * MAX_LINES), _("and %(n)s more") % {"n": len(sources) - MAX_LINES}, 16, SOFT, 520)
    return np.asarray(card, np.uint8)

"""A shared video inside another site's page: the size of its player, and the HTML that embeds it."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from webapp.models import Video

MAX_SIDE = 640  # of a player, unless its place is smaller
SOUND_SIZE = (640, 360)  # of what has no picture


def fit(video: Video, max_width: int | None = None, max_height: int | None = None) -> tuple[int, int]:
    """Width and height of the largest player of the video's own shape, in whole pixels of at least 1."""
    width, height = (video.width, video.height) if video.width and video.height else SOUND_SIZE
    limits = (MAX_SIDE if max_width is None else max_width, MAX_SIDE if max_height is None else max_height)
    scale = min(MAX_SIDE / max(width, height), limits[0] / width, limits[1] / height)
    return max(1, int(width * scale)), max(1, int(height * scale))


def write_embed_code(video: Video, address: str, size: tuple[int, int] | None = None) -> SafeString:
    width, height = size or fit(video)
    return format_html(
        '<iframe src="{}" width="{}" height="{}" title="{}" allow="fullscreen; picture-in-picture" loading="lazy">'
        "</iframe>",
        address,
        width,
        height,
        video.title,
    )

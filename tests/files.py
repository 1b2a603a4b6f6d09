"""Where the files of a video lie on this machine, for tests that damage or compare them."""

from pathlib import Path

from django.conf import settings

from webapp.models import Video


def media_path(video: Video) -> Path:
    return Path(settings.KINOSCOPE_HOME) / video.media.name


def derived_path(video: Video) -> Path:
    return Path(settings.KINOSCOPE_HOME) / video.folder

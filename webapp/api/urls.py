"""The addresses of the API, below /api/v1/."""

from webapp.api import answers, collections, videos
from webapp.api.service import api

__all__ = ["api"]

api.add_router("", videos.router)
api.add_router("", answers.router)
api.add_router("", collections.router)

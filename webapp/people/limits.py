"""How often one person may search, ask and upload, and one address may try to sign in. Counted in Redis where there
is one, else in each web process.
"""

import logging
import time
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from limits import parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from webapp.problems import ask_to_wait

log = logging.getLogger(__name__)

REST_SECONDS = 15.0  # after a failure, before Redis is asked again
_rest_until = 0.0

ASKING = ("q", "frame", "picture", "like")  # what makes a GET a search

View = Callable[..., HttpResponseBase]


@cache
def _counted_here() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


@cache
def _counted_together() -> MovingWindowRateLimiter:
    """In Redis, for all web processes; a page does not wait for one that is away or stalled."""
    return MovingWindowRateLimiter(RedisStorage(settings.REDIS_URL, socket_timeout=0.25, socket_connect_timeout=0.25))


def is_too_often(request: HttpRequest, kind: str) -> bool:
    """Count this request; is it beyond the limit of `kind` for this person (or address)?"""
    global _rest_until
    limit, who = parse(settings.KINOSCOPE_LIMITS[kind]), str(request.user.pk or request.META.get("REMOTE_ADDR", ""))
    if settings.REDIS_URL and time.monotonic() > _rest_until:
        try:
            return not _counted_together().hit(limit, kind, who)
        except (RedisError, OSError):
            _rest_until = time.monotonic() + REST_SECONDS
            log.warning("Redis does not count; limits are those of each process for a while")
    return not _counted_here().hit(limit, kind, who)


def throttled(kind: str) -> Callable[[View], View]:
    """For views that do something on POST, or for a GET that asks; beyond the limit of `kind` they answer 429."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            acts = request.method == "POST" or any(request.GET.get(name) for name in ASKING)
            if acts and is_too_often(request, kind):
                return ask_to_wait(_("That was a lot in a short time. Wait a minute, then go on."), 429, 60)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def lock_out(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """What django-axes answers to somebody who guesses passwords, whether or not there is such a person."""
    return ask_to_wait(_("Too many wrong passwords. Try again in 15 minutes."), 429, 15 * 60)

"""How often one person may search, ask and upload, and one address may try to sign in. Counted in this web process."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from webapp.problems import ask_to_wait

ASKING = ("q", "frame", "picture", "like")  # what makes a GET a search

View = Callable[..., HttpResponseBase]


@cache
def _limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


def is_too_often(request: HttpRequest, kind: str) -> bool:
    """Count this request; is it beyond the limit of `kind` for this person (or address)?"""
    who = request.user.pk or request.META.get("REMOTE_ADDR", "")
    return not _limiter().hit(parse(settings.KINOSCOPE_LIMITS[kind]), kind, str(who))


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

"""Tokens: programs sign in with them, at the API, at uploads and at files; never on pages."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.models import Token, User
from webapp.problems import problem

TOKEN_TTL = timedelta(days=365)
PREFIX = "kino_"  # so that scanners for leaked secrets can know one
MIN_USE_INTERVAL = timedelta(minutes=5)  # uses nearer than this to the last one are not written down
# Where a token signs in, and what it must be allowed there; operations of the API say it themselves.
PLACES = {"/api/": "", "/uploads": Token.Scope.UPLOAD, "/media/": Token.Scope.READ}


def issue(owner: User, name: str, scopes: Sequence[str]) -> str:
    """A new token, good for a year. This is the only time that anybody sees it."""
    text = PREFIX + secrets.token_urlsafe(32)
    chosen = [scope for scope in Token.Scope.values if scope in scopes]
    Token.objects.create(
        owner=owner, name=name[:60], scopes=chosen, digest=digest(text), expires_at=timezone.now() + TOKEN_TTL
    )
    return text


def digest(text: str) -> str:
    """A token is random enough to need no salt and no slow hash."""
    return hashlib.sha256(text.encode()).hexdigest()


def find(text: str) -> Token | None:
    """The token, if it is known, has not expired, and its owner may still sign in."""
    known = Token.objects.select_related("owner").filter(expires_at__gt=Now(), owner__is_active=True)
    token = known.filter(digest=digest(text)).first()
    if token is not None:
        stale = Q(used_at=None) | Q(used_at__lt=Now() - MIN_USE_INTERVAL)
        Token.objects.filter(stale, pk=token.pk).update(used_at=Now())
    return token


def sign_in(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: `Authorization: Bearer TOKEN` makes its owner the person behind the request, in `PLACES` only."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
        place = next((start for start in PLACES if request.path_info.startswith(start)), None)
        if place is None or scheme.lower() != "bearer":
            return get_response(request)
        token = find(text.strip())
        if token is None:
            return problem(401, _("This token is not known here, or has expired. Make one on your account page."))
        if PLACES[place] and PLACES[place] not in token.scopes:
            return problem(403, _("This token may not do that. It needs the scope “%s”.") % PLACES[place])
        request.user = token.owner
        request.scopes = frozenset(token.scopes)  # type: ignore[attr-defined]
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # no cookie signs this request in
        return get_response(request)

    return answer

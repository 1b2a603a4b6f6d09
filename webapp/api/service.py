"""The API as a whole: who may come in, how errors look, where its description is."""

import functools
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from csp.decorators import csp_update
from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Query, Schema
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, ValidationError
from ninja.security import HttpBearer, SessionAuth

from webapp.models import User
from webapp.people.limits import is_too_often
from webapp.problems import CONTENT_TYPE, problem, unkeepable_text

ABOUT = """Search, ask, upload and look after videos. Sign in with a token of your account page
(`Authorization: Bearer kino_…`) or with the session of the browser. Errors are `application/problem+json`.

Files are uploaded by [tus 1.0](https://tus.io/protocols/resumable-upload) at `/uploads`, with the same token (scope
`upload`); `Upload-Metadata` takes `filename` and `visibility`. Video files, pictures and captions are under `/media/`.
"""
T = TypeVar("T")


class Bearer(HttpBearer):
    """A token that is allowed `scope`. The middleware `tokens.sign_in` has found it already."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        scopes = getattr(request, "scopes", None)
        if scopes is not None and self.scope not in scopes:
            raise HttpError(403, _("This token may not do that. It needs the scope “%s”.") % self.scope)
        return request.user if scopes is not None else None


class Session(SessionAuth):
    """Somebody who signed in with a browser; changes need its CSRF token."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return None if hasattr(request, "scopes") else super().authenticate(request, key)


def allowed(scope: str) -> list[Any]:
    """For `auth=`: a token with this scope, or somebody who is signed in."""
    return [Bearer(scope), Session()]


class Service(NinjaAPI):
    """Its description says that errors are problems, whatever the operation."""

    def get_openapi_schema(self, **kwargs: Any) -> Any:
        schema = super().get_openapi_schema(**kwargs)
        for path in schema["paths"].values():
            for operation in path.values():
                for status, answer in operation["responses"].items():
                    if int(status) >= 400 and "content" in answer:
                        answer["content"] = {CONTENT_TYPE: answer["content"].pop("application/json")}
        return schema


class Problem(Schema):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] = []


ERRORS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 422: Problem, 429: Problem}

# Swagger UI writes styles into its page. No other page may.
api = Service(
    title="Kinoscope",
    version="1",
    description=ABOUT,
    urls_namespace="api",
    docs_decorator=csp_update({"style-src": ["'self'", "'unsafe-inline'"]}),
)


@api.exception_handler(ValidationError)
def refuse_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    wrong = [{"where": ".".join(map(str, e["loc"])), "what": e["msg"]} for e in error.errors]
    return problem(422, "; ".join(f"{w['where']}: {w['what']}" for w in wrong), wrong)


@api.exception_handler(DataError)
def refuse_text(request: HttpRequest, error: DataError) -> HttpResponse:
    return problem(422, unkeepable_text())


@api.exception_handler(HttpError)
def refuse(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(error.status_code, str(error))


@api.exception_handler(AuthenticationError)
def refuse_stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem(401, _("Sign in first, or send a token."))


@api.exception_handler(AuthorizationError)
@api.exception_handler(PermissionDenied)
def refuse_person(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(403, str(error) or _("Your role does not allow this. An admin can change that."))


@api.exception_handler(Http404)
def miss(request: HttpRequest, error: Http404 | None = None) -> HttpResponse:
    """Also for addresses that the API does not have."""
    return problem(404, _("There is nothing of this name, or it is not shared with you."))


def throttled(kind: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """At most so many calls a minute as on pages; then 429."""

    def decorate(operation: Callable[..., T]) -> Callable[..., T]:
        @functools.wraps(operation)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> T:
            if is_too_often(request, kind):
                raise HttpError(429, _("That was a lot in a short time. Wait a minute, then go on."))
            return operation(request, *args, **kwargs)

        return guarded

    return decorate


def find_people(names: list[str]) -> list[User]:
    """The people of these names; nobody is left out in silence."""
    found = {user.username: user for user in User.objects.filter(username__in=names)}
    unknown = sorted(set(names) - found.keys())
    if unknown:
        raise HttpError(422, _("Nobody here is called %s.") % ", ".join(unknown)[:200])
    return list(found.values())


class Window(Schema):
    """Which part of a list."""

    limit: int = Query(24, ge=1, le=100)
    offset: int = Query(0, ge=0, le=1_000_000)


class Page(Schema, Generic[T]):
    """`count` is how many there are in all."""

    items: list[T]
    count: int


def turn_to(rows: QuerySet[Any], window: Window) -> dict[str, Any]:
    return {"items": rows[window.offset : window.offset + window.limit], "count": rows.count()}

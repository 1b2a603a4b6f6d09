"""Sentences that were kept as a template with values (see `indexer.errors`), said in the language of who reads them."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import get_language, get_language_info, gettext, ngettext_lazy, override

from indexer.errors import IndexerError
from qa.errors import QaError

# Django changed this form and its Chinese did not follow (5.2.19); here it is listed for our catalogue.
TOO_SHORT = ngettext_lazy(
    "This password is too short. It must contain at least %d character.",
    "This password is too short. It must contain at least %d characters.",
)


def render(text: str, values: Mapping[str, Any]) -> str:
    """Nothing is filled in where there are no values, nor where they are not those of the template."""
    translated = gettext(text) if text else ""
    try:
        return translated % values if values else translated
    except (KeyError, TypeError, ValueError):  # a translation, or a row of another version, that names other values
        return translated


def explain(error: IndexerError | QaError) -> str:
    return render(error.text, error.values)


def speaking(language: str) -> override:
    """For what is written while nobody looks: in this language, else in the site's."""
    return override(language or settings.LANGUAGE_CODE)


def page_language() -> str:
    """ISO 639-1 of the language that is active."""
    return base_language(get_language() or "")


def base_language(code: str) -> str:
    """ "zh-hans" -> "zh"."""
    return code.split("-")[0]


def language_named(code: str) -> str:
    """ "de" -> "German", in the language that is active."""
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


def clock(seconds: float) -> str:
    """75.2 -> "1:15"; 3675 -> "1:01:15"."""
    whole = int(seconds or 0)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"

"""Composition root: settings -> adapters, imported on first use and kept for the life of the process."""

import threading
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from indexer.ports import PictureEncoder, ScreenReader, SentenceEncoder, Transcriber, VoiceDetector
from qa.ports import Captioner, Decoder

_building = threading.RLock()  # two requests at once must not load a model twice


def _adapter(role: str, *given: Any) -> Any:
    """The profile's adapter for a role; `given` comes before the weights that the settings name, if any."""
    dotted, weights = settings.KINOSCOPE_PROFILES[settings.KINOSCOPE_PROFILE][role]
    return import_string(dotted)(*given, *([weights] if weights else []))


@cache
def _build(role: str) -> Any:
    models = settings.KINOSCOPE_HOME / "models"
    compact = settings.KINOSCOPE_PROFILE == "compact"
    match role:
        case "sentences" | "voice" | "screen" | "transcriber":
            return _adapter(role, models)
        case "pictures":
            return _adapter(role, models, sentences()) if compact else _adapter(role, models)
        case "captioner":
            return _adapter(role, pictures().extract_features) if compact else _build("decoder")  # type: ignore[attr-defined]
        case "decoder":  # one vision-language model writes captions and answers
            return _adapter(role)
    raise KeyError(role)


def _kept(role: str) -> Any:
    with _building:
        return _build(role)


def sentences() -> SentenceEncoder:
    return _kept("sentences")  # type: ignore[no-any-return]


def pictures() -> PictureEncoder:
    return _kept("pictures")  # type: ignore[no-any-return]


def voice() -> VoiceDetector:
    return _kept("voice")  # type: ignore[no-any-return]


def transcriber() -> Transcriber:
    return _kept("transcriber")  # type: ignore[no-any-return]


def screen() -> ScreenReader:
    return _kept("screen")  # type: ignore[no-any-return]


def captioner() -> Captioner:
    return _kept("captioner")  # type: ignore[no-any-return]


def decoder() -> Decoder | None:
    """The model that writes answers; None where the extractive reader alone answers (`compact`)."""
    return _kept("decoder") if "decoder" in settings.KINOSCOPE_PROFILES[settings.KINOSCOPE_PROFILE] else None


def fingerprint() -> str:
    """Names of the encoders whose vectors may be compared with each other."""
    return f"{pictures().name}|{sentences().name}"

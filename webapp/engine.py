"""Composition root: settings and recipe rows -> adapters, imported on first use and kept for the life of the process.

Encoders come from a recipe (a row), because the index must be asked with what made it, whatever the settings say by
now; everything else comes from the profile in the settings.
"""

import threading
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from indexer.errors import ModelMissing
from indexer.ports import (
    Dictionary,
    Fusion,
    PictureEncoder,
    ScreenReader,
    SentenceEncoder,
    SoundDetector,
    Transcriber,
    Translator,
)
from indexer.types import Space
from qa.ports import Captioner, Decoder, Mood, Reranker
from webapp.models import Recipe

Encoders = dict[str, list[str]]  # role -> [dotted path, weights]; a recipe's JSON

_building = threading.RLock()  # two requests at once must not load a model twice


def load_adapter(dotted: str) -> Any:
    """Whatever an adapter module holds; nothing else of the site imports one."""
    return import_string(dotted)


def encoders_of_settings(profile: str = "") -> Encoders:
    """The encoders of the profile: what `reindex` builds a recipe for."""
    named = settings.KINOSCOPE_PROFILES[profile or settings.KINOSCOPE_PROFILE]
    return {role: list(named[role]) for role in ("pictures", "sentences")}


def load_encoders(encoders: Encoders) -> tuple[PictureEncoder, SentenceEncoder]:
    with _building:
        sentences = tuple(encoders["sentences"])
        return _pictures(*encoders["pictures"], sentences), _sentences(*sentences)


@cache
def _sentences(dotted: str, weights: str) -> Any:
    return import_string(dotted)(_models(), *([weights] if weights else []))


@cache
def _pictures(dotted: str, weights: str, sentences: tuple[str, str]) -> Any:
    adapter = import_string(dotted)
    below = [_sentences(*sentences)] if getattr(adapter, "over_sentences", False) else []
    return adapter(_models(), *below, *([weights] if weights else []))


def is_gone(recipe: Recipe) -> bool:
    """Whether an upgrade replaced the weights that made its vectors; adapters of fixed weights are named by class."""
    made_by = {"pictures": recipe.picture_encoder, "sentences": recipe.sentence_encoder}
    installed = {role: getattr(import_string(recipe.encoders[role][0]), "name", None) for role in made_by}
    return any(isinstance(name, str) and name != made_by[role] for role, name in installed.items())


def pictures(recipe: Recipe) -> PictureEncoder:
    return _checked(load_encoders(recipe.encoders)[0], recipe.picture_encoder)  # type: ignore[no-any-return]


def sentences(recipe: Recipe) -> SentenceEncoder:
    return _checked(load_encoders(recipe.encoders)[1], recipe.sentence_encoder)  # type: ignore[no-any-return]


def fusion(recipe: Recipe) -> Fusion:
    found = _fusion(recipe.fusion, tuple(recipe.spaces.items()))
    return _checked(found, recipe.fingerprint.split("|")[-1])  # type: ignore[no-any-return]


@cache
def _fusion(dotted: str, spaces: tuple[tuple[str, Space], ...]) -> Any:
    return import_string(dotted)(dict(spaces))


def _checked(found: Any, expected: str) -> Any:
    """What is asked with, if it still is what made the vectors: asking with another gives noise."""
    if found.name != expected:
        raise ModelMissing(
            "The index was made with %(expected)s, but %(found)s is installed. Install the former, or "
            "run `manage.py reindex --wait` and `manage.py reindex --activate`.",
            expected=expected,
            found=found.name,
        )
    return found


def _models() -> Any:
    return settings.KINOSCOPE_HOME / "models"


@cache
def _adapter(dotted: str, *arguments: Any) -> Any:
    return import_string(dotted)(*arguments)


def _build(role: str) -> Any:
    dotted, *weights = settings.KINOSCOPE_PROFILES[settings.KINOSCOPE_PROFILE][role]
    arguments = weights if any(weights) else []
    if role in ("voice", "music", "screen", "transcriber", "reranker"):
        return _adapter(dotted, _models(), *arguments)
    if role == "captioner" and not arguments:
        # Ours reads the features of the compact encoder, whichever encoder answers searches.
        picture_encoder, _ = load_encoders(encoders_of_settings("compact"))
        return _adapter(dotted, picture_encoder.extract_features)  # type: ignore[attr-defined]
    return _adapter(dotted, *arguments)


def _kept(role: str) -> Any:
    with _building:
        return _build(role)


def voice() -> SoundDetector:
    return _kept("voice")  # type: ignore[no-any-return]


def music() -> SoundDetector:
    return _kept("music")  # type: ignore[no-any-return]


def transcriber() -> Transcriber:
    return _kept("transcriber")  # type: ignore[no-any-return]


def screen() -> ScreenReader:
    return _kept("screen")  # type: ignore[no-any-return]


def captioner() -> Captioner:
    return _kept("captioner")  # type: ignore[no-any-return]


def mood() -> Mood:
    return _kept("mood")  # type: ignore[no-any-return]


def reranker() -> Reranker:
    return _kept("reranker")  # type: ignore[no-any-return]


def decoder() -> Decoder | None:
    """The model that writes answers; None where the extractive reader alone answers (`compact`)."""
    return _kept("decoder") if "decoder" in settings.KINOSCOPE_PROFILES[settings.KINOSCOPE_PROFILE] else None


def english_words() -> Dictionary:
    return _adapter("indexer.adapters.symspell.EnglishWords")  # type: ignore[no-any-return]


def translates() -> bool:
    """Whether a translation model belongs to the profile; none does to `compact`."""
    return "translator" in settings.KINOSCOPE_PROFILES[settings.KINOSCOPE_PROFILE]


def translator() -> Translator | None:
    return _kept("translator") if translates() else None

"""Composition root: settings, choices and recipe rows -> adapters, imported on first use and kept while they are used.

Encoders come from a recipe (a row), because the index must be asked with what made it, whatever was chosen by now.
Everything else is looked up each time it is used, so that a choice takes effect without a restart.
"""

import logging
import threading
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
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
from qa.ports import Captioner, Decoder, Inference, Mood, Reranker
from webapp.catalogue.download import folder_of, is_here
from webapp.catalogue.entry import INDEXED, PREFIX, Entry
from webapp.catalogue.table import find_entry
from webapp.models import Assignment, Recipe

log = logging.getLogger(__name__)

Encoders = dict[str, list[str]]  # role -> [dotted path, weights]; a recipe's JSON
Adapter = tuple[str, ...]  # dotted path, and what it is given

_IN_MODELS = ("voice", "music", "screen", "transcriber", "reranker")  # whose adapters are given the models folder

_building = threading.RLock()  # two requests at once must not load a model twice
_asking = threading.Lock()
_loading: dict[int, threading.Thread] = {}  # by recipe
_held: dict[tuple[str, Adapter], Any] = {}  # what was loaded, for which role


def load_adapter(dotted: str) -> Any:
    """Whatever an adapter module holds; nothing else of the site imports one."""
    return import_string(dotted)


def models_folder() -> Path:
    """Where weights are kept that are no package's."""
    return Path(settings.KINOSCOPE_HOME) / "models"


def catalogue_folder() -> Path:
    """Where models of the catalogue are installed."""
    return models_folder() / "catalogue"


# -- which model does what -----------------------------------------------------------------------------------------


def adapter_of(role: str) -> Adapter | None:
    """What does it; None where nothing does."""
    return list_adapters().get(role)


def list_adapters() -> dict[str, Adapter]:
    """By role: what the environment names wins, then what an admin chose, then the profile."""
    chosen = {role: tuple(adapter) for role, adapter in Assignment.objects.values_list("role", "adapter")}
    fixed = settings.KINOSCOPE_FIXED_ROLES
    return {**profile(), **{role: adapter for role, adapter in chosen.items() if role not in fixed}}


def profile(name: str = "") -> dict[str, Adapter]:
    """Role -> adapter, as the settings have them."""
    return settings.KINOSCOPE_PROFILES[name or settings.KINOSCOPE_PROFILE]


def environment_names_encoders() -> bool:
    return not settings.KINOSCOPE_FIXED_ROLES.isdisjoint(INDEXED)


def wanted_encoders() -> Encoders:
    """The encoders that are chosen: what `reindex` builds a recipe for."""
    adapters = list_adapters()
    return {role: list(adapters[role]) for role in INDEXED}


def open_adapter(adapter: Adapter, *before: Any) -> Any:
    """Load it. A model of the catalogue lies in another folder on each machine, so its name is the catalogue's."""
    dotted, *given = adapter
    entry = find_entry(given[0]) if given else None
    if entry is None and given and given[0].startswith(PREFIX):
        raise ModelMissing(
            "This version of Kinoscope knows no model “%(name)s”. Choose another one on the models page.",
            name=given[0].removeprefix(PREFIX),
        )
    if entry is None:
        return import_string(dotted)(*before, *(given if any(given) else []))
    if not is_here(catalogue_folder(), entry):
        raise ModelMissing(
            "%(name)s is not on this machine. Fetch it on the models page, or with `manage.py models fetch %(entry)s`.",
            name=entry.title,
            entry=entry.name,
        )
    found = import_string(dotted)(*before, entry.arguments(folder_of(catalogue_folder(), entry)))
    found.name = f"{entry.name}@{entry.revision[:8]}"
    return found


def list_used() -> set[str]:
    """Names of models of the catalogue that a role, or the vectors of a recipe, need."""
    weights = (weights for _role, adapter in _list_used() for weights in adapter[1:])
    return {entry.name for entry in map(find_entry, weights) if entry}


def open_entry(entry: Entry) -> Any:
    """A model of the catalogue by itself, for who tries it."""
    before = [models_folder()] if {*entry.roles} & {*INDEXED, *_IN_MODELS} else []
    return open_adapter((entry.adapter, entry.weights), *before)


# -- encoders of recipes -------------------------------------------------------------------------------------------


def load_encoders(encoders: Encoders) -> tuple[PictureEncoder, SentenceEncoder]:
    pictures, sentences = tuple(encoders["pictures"]), tuple(encoders["sentences"])
    here = _held.get(("pictures", pictures)), _held.get(("sentences", sentences))
    if None not in here:  # without waiting for whatever is being loaded
        return here  # type: ignore[return-value]
    with _building:
        return _load_pictures(pictures), _load("sentences", sentences, models_folder())


def load_soon(recipe: Recipe) -> bool:
    """Whether it is worth waiting for: a thread loads its encoders. False once they are here, or can't be loaded."""
    if all((role, tuple(recipe.encoders[role])) in _held for role in INDEXED):
        return False
    with _asking:
        if recipe.pk not in _loading:
            _loading[recipe.pk] = threading.Thread(target=_load_quietly, args=(recipe.encoders,), daemon=True)
            _loading[recipe.pk].start()
    return _loading[recipe.pk].is_alive()


def _load_quietly(encoders: Encoders) -> None:
    try:
        load_encoders(encoders)
    except Exception:  # whatever is missing, the next search says it where a person sees it
        log.warning("the encoders of another recipe could not be loaded", exc_info=True)
    finally:
        connection.close()


def _load_pictures(adapter: Adapter) -> Any:
    """The compact pictures are aligned with the compact sentences, whichever encoder reads what is said."""
    if not getattr(import_string(adapter[0]), "over_sentences", False):
        return _load("pictures", adapter, models_folder())
    aligned = _load("sentences", profile("compact")["sentences"], models_folder())
    return _load("pictures", adapter, models_folder(), aligned)


def _load(role: str, adapter: Adapter, *before: Any) -> Any:
    """Once in the life of the process, or until nothing uses it any more."""
    if (role, adapter) not in _held:
        for unused in _held.keys() - _list_used():
            del _held[unused]
        _held[role, adapter] = open_adapter(adapter, *before)
    return _held[role, adapter]


def _list_used() -> set[tuple[str, Adapter]]:
    """By roles, by recipes, and by what stands behind both: role and adapter."""
    kept = {(role, tuple(recipe.encoders[role])) for recipe in Recipe.objects.all() for role in INDEXED}
    return {*list_adapters().items(), *kept, *((role, profile("compact")[role]) for role in (*INDEXED, "reranker"))}


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


# -- everything else -----------------------------------------------------------------------------------------------


def _kept(role: str) -> Any:
    """What does a role now; None where nothing does. Two roles of one model share it."""
    adapter = adapter_of(role)
    if adapter is None:
        return None
    if (found := _held.get((role, adapter))) is not None:  # without waiting for whatever is being loaded
        return found
    with _building:
        if role == "captioner" and not any(adapter[1:]):
            # Ours reads the features of the compact encoder, whichever encoder answers searches.
            return _load(role, adapter, _load_pictures(profile("compact")["pictures"]).extract_features)
        shared = next((r for r in ("captioner", "decoder") if (r, adapter) in _held), role)
        return _load(shared, adapter, *([models_folder()] if role in _IN_MODELS else []))


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


def bundled_reranker() -> Reranker:
    """The one that came with Kinoscope, while another is not ready to be trusted."""
    with _building:
        return _load("reranker", profile()["reranker"], models_folder())  # type: ignore[no-any-return]


def inference() -> Inference | None:
    """The model that tells whether two sentences agree; None where rules alone do (`compact`)."""
    return _kept("inference")  # type: ignore[no-any-return]


def decoder() -> Decoder | None:
    """The model that writes answers; None where the extractive reader alone answers (`compact`)."""
    return _kept("decoder")  # type: ignore[no-any-return]


@cache
def english_words() -> Dictionary:
    return import_string("indexer.adapters.symspell.EnglishWords")()  # type: ignore[no-any-return]


def translates() -> bool:
    """Whether there is a translation model; none belongs to `compact`."""
    return adapter_of("translator") is not None


def translator() -> Translator | None:
    return _kept("translator")  # type: ignore[no-any-return]

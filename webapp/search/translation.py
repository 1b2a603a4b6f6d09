"""What is said, in the language of who reads it."""

from collections.abc import Sequence
from functools import lru_cache

from indexer.ports import Translator
from webapp import engine
from webapp.models import Segment


def translate(segment: Segment, target: str) -> str:
    """The speech of a moment in another language (ISO 639-1); "" and errors as `translate_lines`."""
    told = translate_lines((segment.speech,), segment.language, target) if segment.speech else []
    return told[0] if told else ""


def translate_lines(lines: Sequence[str], source: str, target: str) -> list[str]:
    """[] where no model knows both languages, or there is nothing to do. Raises `ModelMissing` where the model is not
    there.
    """
    model = engine.translator()
    if model is None or source == target or not (model.knows(source) and model.knows(target)):
        return []
    return [_translate(model, line, source, target) for line in lines]


@lru_cache(maxsize=1000)
def _translate(model: Translator, text: str, source: str, target: str) -> str:
    return model.translate([text], source, target)[0]

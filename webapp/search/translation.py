"""What is said in a moment, in the language of who reads it."""

from functools import lru_cache

from indexer.ports import Translator
from webapp import engine
from webapp.models import Segment


def translate(segment: Segment, target: str) -> str:
    """Its speech in another language (ISO 639-1); "" where no model knows both languages, or there is nothing to do.
    Raises `ModelMissing` where the model is not there.
    """
    model = engine.translator()
    if not segment.speech or model is None or not (model.knows(segment.language) and model.knows(target)):
        return ""
    return "" if segment.language == target else _translate(model, segment.speech, segment.language, target)


@lru_cache(maxsize=1000)
def _translate(model: Translator, text: str, source: str, target: str) -> str:
    return model.translate([text], source, target)[0]

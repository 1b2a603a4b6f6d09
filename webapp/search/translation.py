"""What is said in a moment, in the language of who reads it."""

from functools import lru_cache

from webapp import engine
from webapp.models import Segment

CODES = {"zh-hans": "zh"}  # of the site -> ISO 639-1


def translate(segment: Segment, language: str) -> str:
    """Its speech in the language of a page; "" where no model knows both languages, or there is nothing to do. Raises
    `ModelMissing` where the model is not there.
    """
    target = CODES.get(language, language)
    if not segment.speech or not segment.language or segment.language == target:
        return ""
    return _translate(segment.speech, segment.language, target)


@lru_cache(maxsize=1000)
def _translate(text: str, source: str, target: str) -> str:
    model = engine.translator()
    if model is None or not (model.knows(source) and model.knows(target)):
        return ""
    return model.translate([text], source, target)[0]

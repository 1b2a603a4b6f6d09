"""Which language a line is written in, by py3langid (Lui & Baldwin 2012, https://aclanthology.org/P12-3005/)."""

from functools import cache
from typing import Any

from indexer.alternates import LEMMATIZED
from indexer.word_forms import NEAREST, STEMMERS

MIN_SURE = 0.9  # probability
MIN_LETTERS = 15  # of a text that is long enough to tell
WITHOUT_STEMS = "bn he ja km ko lo mr my ta te th ur vi zh"  # languages that are told apart, too


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    wanted = {*STEMMERS, *NEAREST, *LEMMATIZED, *WITHOUT_STEMS.split()}
    identifier.set_languages(sorted(wanted & set(identifier.labels)))
    return identifier


def detect_language(text: str) -> str:
    """ISO 639-1; "" where the text is short or could be of several."""
    if sum(map(str.isalpha, text)) < MIN_LETTERS:
        return ""
    language, probability = _identifier().classify(text)
    return str(language) if probability >= MIN_SURE else ""

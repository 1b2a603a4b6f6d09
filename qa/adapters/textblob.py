"""TextBlob's lexicon of English: how positive or negative a sentence is."""

from collections.abc import Sequence


class EnglishMood:
    """Polarity by the words of a sentence (De Smedt & Daelemans 2012, https://aclanthology.org/L12-1657/)."""

    name = "textblob"

    def judge(self, texts: Sequence[str]) -> list[float]:
        """Each in [-1, 1]; 0 for what has no such words, other languages included."""
        from textblob import TextBlob

        return [float(TextBlob(text).sentiment.polarity) if text.isascii() else 0.0 for text in texts]

"""Whisper's pieces become whole sentences: what people quote, search and cite."""

from collections.abc import Sequence

from indexer.types import Utterance, Word

PAUSE = 1.5  # seconds of silence end a sentence whatever the punctuation says
LONGEST = 20.0  # seconds
_ENDS = (".", "!", "?", "。", "！", "？", "…")
_TITLES = ("mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "vs.", "no.")


def join_sentences(utterances: Sequence[Utterance]) -> list[Utterance]:
    """Cut at sentence ends and long pauses, join across Whisper's own cuts; times come from the words."""
    sentences: list[Utterance] = []
    words: list[Word] = []
    confidence: list[float] = []

    def close() -> None:
        if words:
            text = "".join(w.text for w in words).strip()
            mean = sum(confidence) / len(confidence)
            if text:
                sentences.append(Utterance(words[0].start, words[-1].end, text, mean, list(words)))
        words.clear()
        confidence.clear()

    for utterance in utterances:
        for word in utterance.words or [Word(" " + utterance.text, utterance.start, utterance.end)]:
            if words and (word.start - words[-1].end > PAUSE or word.end - words[0].start > LONGEST):
                close()
            words.append(word)
            confidence.append(utterance.confidence)
            text = word.text.strip().lower()
            if text.endswith(_ENDS) and text not in _TITLES:
                close()
    close()
    return sentences

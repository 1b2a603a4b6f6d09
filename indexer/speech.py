"""Around a transcriber: voiced spans become windows for it, its pieces become whole sentences."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from indexer.tokens import simplify
from indexer.types import SAMPLE_RATE, Audio, Span, Transcript, Utterance, Word

PIECE, PIECE_EDGE = 600.0, 20.0  # seconds of a recording heard at a time, and within which a quiet place ends them
LULL = 0.3  # seconds: the gap between two words
LULL_SAMPLES = round(LULL * SAMPLE_RATE)
WINDOW = 28.0  # seconds of audio per call: Whisper's own window is 30
GAP = 2.0  # voiced spans nearer than this share a window
PAUSE = 1.5  # seconds of silence end a sentence whatever the punctuation says
LONGEST = 20.0  # seconds
PHRASES = 6.0  # seconds after which a space ends a Mandarin sentence: Whisper writes no stops there, but spaces
SILENCE = 0.003  # root mean square of samples in [-1, 1]: -50 dB of full scale
CLEAR, CLEAR_SECONDS = 0.6, 2.0  # chance, in a span of that many seconds, from which on a language may be spoken
CHANGE_CHANCE = 0.1  # that the next span is in another language
DOUBT = 0.3  # chance of its stretch's language below which a span is heard in others, too
RIVAL, RIVALS = 0.1, 3  # chance of a language that is worth a try; how many are tried
BETTER, CONVINCING = 0.05, 0.5  # by how much another must be understood better; how well if it is spoken nowhere else
LEAST_CHANCE = 0.01  # of a language in a span: a guess of a second's speech is never certain
_PHRASE = re.compile(r"\s[\u4e00-\u9fff]")
_HUM = re.compile(r"(\w)\1{2,}\W*", re.IGNORECASE)  # "Mmmm.": one sound, however long, is no word
_ENDS = (".", "!", "?", "。", "！", "？", "…")
_TITLES = ("mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "vs.", "no.")


def write_down(heard: Sequence[Utterance]) -> Transcript:
    """What a transcriber returns, without what is only hummed. Mandarin is written in simplified characters: Whisper
    uses either script, even both in one video. A prompt in one of them settles it, too, but made the base model mishear
    (`bench speech`: 31.6 % wrong characters with it, 8.8 without).
    """
    written = [_simplify(u) if u.language == "zh" else u for u in heard if not _HUM.fullmatch(u.text)]
    seconds: dict[str, float] = defaultdict(float)
    for u in written:
        seconds[u.language] += u.end - u.start
    return Transcript(max(seconds, key=lambda language: seconds[language], default=""), written)


def _simplify(u: Utterance) -> Utterance:
    return replace(u, text=simplify(u.text), words=[replace(w, text=simplify(w.text)) for w in u.words])


def find_languages(speech: Sequence[Span], chances: Sequence[Mapping[str, float]]) -> list[tuple[list[Span], str]]:
    """Stretches of one language each, from the chance of every language in every span: the likeliest sequence in which
    a change of language is rare (Viterbi 1967). A language must be clear in a span of some length to be taken into
    account: short cries and names sound like many.
    """
    if not speech:
        return []
    total: dict[str, float] = defaultdict(float)
    for span, chance in zip(speech, chances, strict=True):
        for language, share in chance.items():
            total[language] += share * span.length
    clear = {
        language
        for span, chance in zip(speech, chances, strict=True)
        for language, share in chance.items()
        if share >= CLEAR and span.length >= CLEAR_SECONDS
    }
    languages = sorted(clear | {max(total, key=lambda language: total[language])})
    emitted = np.log(np.array([[c.get(language, 0.0) for language in languages] for c in chances]) + LEAST_CHANCE)
    emitted *= np.minimum(1.0, np.array([s.length for s in speech]) / CLEAR_SECONDS)[:, None]
    change = np.where(np.eye(len(languages), dtype=np.bool_), 0.0, math.log(CHANGE_CHANCE))
    score, before = emitted[0], []
    for row in emitted[1:]:
        ways = score[:, None] + change
        before.append(ways.argmax(0))
        score = ways.max(0) + row
    path = [int(score.argmax())]
    for previous in reversed(before):
        path.append(int(previous[path[-1]]))
    runs = groupby(zip(speech, reversed(path), strict=True), key=lambda pair: pair[1])
    return [([span for span, _ in run], languages[number]) for number, run in runs]


def join_sentences(utterances: Sequence[Utterance]) -> list[Utterance]:
    """Cut at sentence ends and long pauses, join across Whisper's own cuts; times come from the words."""
    sentences: list[Utterance] = []
    words: list[Word] = []
    confidence: list[float] = []
    language = ""

    def close() -> None:
        if words:
            text = "".join(w.text for w in words).strip()
            mean = sum(confidence) / len(confidence)
            if text:
                sentences.append(Utterance(words[0].start, words[-1].end, text, mean, list(words), language))
        words.clear()
        confidence.clear()

    for utterance in utterances:
        if utterance.language != language:
            close()
            language = utterance.language
        for word in utterance.words or [Word(" " + utterance.text, utterance.start, utterance.end)]:
            if words and (
                word.start - words[-1].end > PAUSE
                or word.end - words[0].start > LONGEST
                or (_PHRASE.match(word.text) and word.start - words[0].start >= PHRASES)
            ):
                close()
            words.append(word)
            confidence.append(utterance.confidence)
            text = word.text.strip().lower()
            if text.endswith(_ENDS) and text not in _TITLES:
                close()
    close()
    return sentences


def cut_windows(audio: Audio) -> list[Span]:
    """Mono 16 kHz float32 (n,) of any length -> windows of at most ten minutes that end where it is most quiet."""
    seconds, windows = len(audio) / SAMPLE_RATE, list[Span]()
    start = 0.0
    while seconds - start > PIECE:
        edge = cut_audio(audio, Span(start + PIECE - PIECE_EDGE, start + PIECE))
        loud = np.square(edge[: len(edge) // LULL_SAMPLES * LULL_SAMPLES]).reshape(-1, LULL_SAMPLES).mean(1)
        end = start + PIECE - PIECE_EDGE + (int(loud.argmin()) + 0.5) * LULL
        windows.append(Span(start, end))
        start = end
    return [*windows, Span(start, seconds)] if seconds > start else windows


def join_spans(speech: Sequence[Span]) -> list[Span]:
    """Neighbouring spans joined into windows of at most 28 s; a longer span is cut."""
    windows: list[Span] = []
    for span in speech:
        start = span.start
        while span.end - start > WINDOW:
            windows.append(Span(start, start + WINDOW))
            start += WINDOW
        last = windows[-1] if windows else None
        if last and start - last.end < GAP and span.end - last.start <= WINDOW:
            windows[-1] = Span(last.start, span.end)
        else:
            windows.append(Span(start, span.end))
    return windows


def find_unheard(speech: Sequence[Span], heard: Sequence[Utterance]) -> list[Span]:
    """Voiced spans of a second or more of which less than a fifth is covered by utterances."""
    missed = []
    for span in speech:
        covered = sum(span.overlap(Span(u.start, u.end)) for u in heard)
        if span.length >= 1.0 and covered < 0.2 * span.length:
            missed.append(span)
    return missed


def settle_doubts(
    speech: Sequence[Span],
    chances: Sequence[Mapping[str, float]],
    hear: Callable[[Sequence[Span], str], Sequence[Sequence[Utterance]]],
) -> list[tuple[list[Span], str]]:
    """As `find_languages`, but a span that does not sound like the language of its stretch is heard in that one and in
    those that are likely or spoken elsewhere: what is understood with most confidence is what is spoken. Music sounds
    like many: a language that is nowhere else has to convince.
    """
    settled = [dict(chance) for chance in chances]
    assigned = {span: language for stretch, language in find_languages(speech, chances) for span in stretch}
    doubtful = [n for n, s in enumerate(speech) if s.length >= 1.0 and chances[n].get(assigned[s], 0.0) < DOUBT]
    sure = {assigned[s] for n, s in enumerate(speech) if n not in doubtful and s.length >= CLEAR_SECONDS}

    def list_languages(number: int) -> list[str]:
        """That of its stretch, then those that are likely or spoken elsewhere."""
        best, chance = assigned[speech[number]], chances[number]
        likely = {language for language, share in chance.items() if share >= RIVAL} | sure
        rivals = sorted(likely - {best}, key=lambda name: (name not in sure, -chance.get(name, 0.0)))
        return [best, *rivals[:RIVALS]]

    trusted: dict[tuple[int, str], float] = {}
    known: set[str] | None = None
    while sure != known:  # what is spoken in one place is likely in another
        known, tried = set(sure), {number: list_languages(number) for number in doubtful}
        for language in dict.fromkeys(language for languages in tried.values() for language in languages):
            left = [n for n, languages in tried.items() if language in languages and (n, language) not in trusted]
            heard = hear([speech[n] for n in left], language) if left else []
            trusted |= {(n, language): trust(utterances) for n, utterances in zip(left, heard, strict=True)}
        for number, (best, *rivals) in tried.items():
            understood = trusted[number, best] + BETTER
            for language in rivals:
                convinces = language in sure or trusted[number, language] >= CONVINCING
                if trusted[number, language] > understood and convinces:
                    best, understood = language, trusted[number, language]
                    sure.add(language)
            settled[number] = {best: 1.0}
    return find_languages(speech, settled)


def trust(utterances: Sequence[Utterance]) -> float:
    """Mean confidence, weighted by length; 0 where nothing was heard."""
    total = sum(u.end - u.start for u in utterances)
    return sum(u.confidence * (u.end - u.start) for u in utterances) / total if total > 0 else 0.0


def share_sound(audio: Audio, speech: Sequence[Span], music: Sequence[Span]) -> dict[str, float]:
    """Shares in [0, 1] of speech, of music that nobody speaks over, of other sound and of silence, which together are
    1; by stretches of half a second.
    """
    length = SAMPLE_RATE // 2
    count = len(audio) // length
    if not count:
        return {}
    loud = np.sqrt(np.square(audio[: count * length].reshape(count, length)).mean(1)) >= SILENCE
    middles = (np.arange(count) + 0.5) / 2
    spoken, played = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for mask, spans in ((spoken, speech), (played, music)):
        for span in spans:
            mask |= (middles >= span.start) & (middles < span.end)
    played &= ~spoken
    heard = spoken | played
    shares = {"speech": spoken, "music": played, "other": loud & ~heard, "silence": ~loud & ~heard}
    return {name: round(float(mask.mean()), 3) for name, mask in shares.items()}


def cut_audio(audio: Audio, span: Span) -> Audio:
    """The samples of a span."""
    return np.ascontiguousarray(audio[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)])

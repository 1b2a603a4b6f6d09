"""A query as it is understood: operators, corrected words, and vectors in the spaces of the recipe that answers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from indexer import fusion, queries
from indexer.errors import ModelMissing
from indexer.expansion import Lexicon, find_words
from indexer.lexical import Term
from indexer.ports import PictureEncoder, SentenceEncoder
from indexer.queries import PHRASE, Example, Query
from indexer.query_language import Parsed
from indexer.snapshot import Masks, Snapshot
from indexer.tokens import tokenize
from indexer.types import Vectors
from indexer.vectors import unpack_valid
from webapp import engine
from webapp.models import Recipe, Segment
from webapp.search.corrections import Correction, correct


@dataclass(frozen=True)
class Wanted:
    """What is searched: words, a picture's vector (dv,), moments to be more (or less) like; `off` parts don't count.
    `literal` words are searched as they are typed.
    """

    text: str = ""
    picture_vector: Vectors | None = None
    like: tuple[int, ...] = ()
    unlike: tuple[int, ...] = ()
    off: frozenset[str] = frozenset()
    upto: int | None = None  # sequence of the index that the first page saw: later ones must not shift its moments
    literal: bool = False

    def __bool__(self) -> bool:
        return bool(self.text or self.picture_vector is not None or self.like)


@dataclass(frozen=True)
class Reading:
    """How a query was understood, for who asked. `texts` are its alternatives in natural language, corrected; none
    where nothing is left to search for. `terms` are those of all queries that were made of them. `problems` say why a
    part was left out, by its place in the query.
    """

    parsed: Parsed
    texts: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    corrections: tuple[Correction, ...] = ()
    problems: Mapping[int, str] = field(default_factory=dict)

    @property
    def forms(self) -> frozenset[str]:
        """All words that count as found, to be marked."""
        return frozenset(form for term in self.terms for form in term.forms)

    @property
    def corrected(self) -> str:
        """The query with the corrections that were applied; "" without any."""
        return self._put([c for c in self.corrections if c.applied])

    @property
    def offered(self) -> str:
        """The query as it may have been meant, where that is only a guess; "" without one."""
        return self._put([c for c in self.corrections if not c.applied])

    def _put(self, corrections: Sequence[Correction]) -> str:
        return put(self.parsed.source, corrections) if corrections else ""


def put(text: str, corrections: Iterable[Correction]) -> str:
    """The text with the better words in place of the typed ones."""
    better = {correction.typed: correction.better for correction in corrections}
    pieces, reached = [], 0
    for token in tokenize(text):
        if token.text in better:
            pieces += [text[reached : token.start], better[token.text]]
            reached = token.end
    return "".join([*pieces, text[reached:]])


def understand(parsed: Parsed, lexicon: Lexicon, literal: bool, problems: Mapping[int, str]) -> Reading:
    """Words that are nowhere may be mistyped; phrases are taken as they are."""
    texts = [text for text in parsed.alternatives if tokenize(text)]
    if not texts and parsed.values("title"):
        texts = [" ".join(parsed.values("title"))]
    quoted = parsed.values("phrase")
    free = [text for text in texts if text not in quoted]
    corrections = [] if literal else [c for text in free for c in correct(text, lexicon, quoted)]
    applied = [correction for correction in corrections if correction.applied]
    corrected = tuple(put(text, applied) if text in free else text for text in texts)
    return Reading(parsed, corrected, (), tuple(dict.fromkeys(corrections)), problems)


def narrow(masks: Masks, parsed: Parsed, snapshot: Snapshot, lexicon: Lexicon) -> Masks:
    """What the operators leave: moments with the phrases, titles with the words, no videos with words left out."""
    phrases = parsed.values("phrase") if len(parsed.alternatives) < 2 else ()
    titled = [_forms_of(text, lexicon) for text in parsed.values("title")]
    left_out = [_forms_of(text, lexicon) for text in parsed.values("without")]
    if not (phrases or titled or left_out):
        return masks
    return snapshot.narrow(masks, [lexicon.quote(phrase).forms for phrase in phrases], titled, left_out)


def _forms_of(text: str, lexicon: Lexicon) -> Collection[str]:
    """Of a word the forms that are it; of several words, or characters, these as a phrase."""
    if len(tokenize(text)) > 1:
        return lexicon.quote(text).forms
    return [form for term in lexicon.expand(find_words(text)) for form, weight in term.forms.items() if weight == 1]


# -- vectors ---------------------------------------------------------------------------------------------------------


def read(text: str, wanted: Wanted, parsed: Parsed, lexicon: Lexicon, recipe: Recipe) -> Query:
    """One alternative in the spaces of `recipe`, and in no other's, with its events. Raises `ModelMissing`."""
    events = queries.split_events(text)
    parts = [encode(replace(wanted, text=e), parsed, lexicon, recipe) for e in events] if len(events) > 1 else []
    return replace(encode(replace(wanted, text=text), parsed, lexicon, recipe), events=tuple(parts))


def encode(wanted: Wanted, parsed: Parsed, lexicon: Lexicon, recipe: Recipe) -> Query:
    query = read_words(wanted, parsed, lexicon, recipe)
    visual, text = query.visual, query.text_vector
    if wanted.text:
        visual, text = _encode_text(wanted.text, engine.pictures(recipe), engine.sentences(recipe))
    if wanted.picture_vector is not None:
        picture = wanted.picture_vector
        visual = picture if not wanted.text else fusion.mean_direction([visual, picture])
    liked, disliked = load_examples(wanted.like, recipe), load_examples(wanted.unlike, recipe)
    return replace(query, visual=visual, text_vector=text).moved(liked, disliked)


@lru_cache(maxsize=1000)
def _encode_text(
    text: str, picture_encoder: PictureEncoder, sentence_encoder: SentenceEncoder
) -> tuple[Vectors, Vectors]:
    visual = picture_encoder.encode_texts([queries.caption_of(text)])[0]
    return visual, sentence_encoder.encode_queries([text])[0]


def read_words(wanted: Wanted, parsed: Parsed, lexicon: Lexicon, recipe: Recipe) -> Query:
    """A query that only the lexical channel can answer."""
    visual, text = (np.zeros(recipe.dims[space], np.float32) for space in fusion.SPACES)
    preference = PHRASE if parsed.values("phrase") else queries.classify(wanted.text)
    terms = read_terms(wanted.text, parsed, lexicon)
    return Query(wanted.text, terms, visual, text, replace(preference, off=wanted.off), gains=recipe.gains)


def read_terms(text: str, parsed: Parsed, lexicon: Lexicon) -> tuple[Term, ...]:
    """The words of what is asked for, and the phrases in it as wholes."""
    quoted = [phrase for phrase in parsed.values("phrase") if phrase in text]
    return (*lexicon.expand(find_words(queries.caption_of(text))), *map(lexicon.quote, quoted))


def load_examples(ids: Collection[int], recipe: Recipe) -> list[Example]:
    """Moments that a person pointed at; whether they may see them is the caller's to check."""
    rows = Segment.objects.filter(pk__in=ids, recipe=recipe).values_list(*fusion.SPACES) if ids else []
    vectors = [[unpack_valid(b, recipe.dims[s]) for b, s in zip(row, fusion.SPACES, strict=True)] for row in rows]
    return [Example(visual, text) for visual, text in vectors if visual is not None and text is not None]


def read_all(
    reading: Reading, wanted: Wanted, lexicon: Lexicon, recipe: Recipe
) -> tuple[list[Query], ModelMissing | None]:
    """A query for each alternative; while an encoder is missing, only their words."""
    texts = reading.texts or ("",)
    try:
        return [read(text, wanted, reading.parsed, lexicon, recipe) for text in texts], None
    except ModelMissing as error:
        return [read_words(replace(wanted, text=text), reading.parsed, lexicon, recipe) for text in texts], error

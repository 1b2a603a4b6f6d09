"""Words of a text to compare it with another: stems without stop words, in the order of the text.

Search looks words up in an index that knows the languages they were said in (`expansion`, `lexical`); this is for two
texts side by side, whose language nobody told: each word is stemmed as its script suggests.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from indexer.tokens import STOP, Run, find_runs, segment, split_run
from indexer.word_forms import SCRIPTS, find_core, script_of, stem


def terms(text: str) -> list[str]:
    """Stop words left out: "Dogs running 小狗跑" -> ["dog", "run", "小狗", "小", "狗", "跑"].

    A Chinese word counts as a whole and by its characters, so that 狗 finds 小狗 and 小狗 finds it first.
    """
    return [term for run in find_runs(text) for term in _terms_of(run) if term not in STOP]


def _terms_of(run: Run) -> Iterator[str]:
    tokens = [token.text for token in split_run(run)]
    if run.kind != "characters":
        for word in map(find_core, tokens):
            if word not in STOP:
                script = script_of(word)
                yield stem(word, SCRIPTS[script]) if script else word
    elif run.is_japanese:
        yield from tokens
        yield from (one + two for one, two in pairwise(tokens))
    else:
        for word in segment("".join(tokens)):
            yield word
            if len(word) > 1:
                yield from word


@lru_cache(maxsize=20_000)
def cached_terms(text: str) -> tuple[str, ...]:
    """`terms`, kept: of sentences that are compared again and again."""
    return tuple(terms(text))

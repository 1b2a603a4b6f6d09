"""Where in a text the words stand that were searched, as they are written there."""

from collections.abc import Collection, Iterator, Sequence

from indexer.tokens import tokenize


def find_forms(words: Sequence[str], forms: Collection[str]) -> Iterator[tuple[int, int]]:
    """Where forms stand in the tokens of a text: [first, last) of each, form by form (`lexical.Term`)."""
    for form in forms:
        wanted = form.split(" ")
        for at in range(len(words) - len(wanted) + 1):
            if all(words[at + n] == word for n, word in enumerate(wanted)):
                yield at, at + len(wanted)


def find_highlights(text: str, forms: Collection[str]) -> list[tuple[int, int]]:
    """Stretches [start, end) of the text, in order and apart, that are one of the forms: words, or several words that
    follow each other (`lexical.Term`). Characters that stand side by side are one stretch.
    """
    tokens = tokenize(text)
    places = find_forms([token.text for token in tokens], forms)
    marked = {at for first, last in places for at in range(first, last)}
    found: list[tuple[int, int]] = []
    for at in sorted(marked):
        start, end = tokens[at].start, tokens[at].end
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found

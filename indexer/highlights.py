"""Where in a text the words stand that were searched, as they are written there."""

from collections.abc import Collection

from indexer.tokens import tokenize


def find_highlights(text: str, forms: Collection[str]) -> list[tuple[int, int]]:
    """Stretches [start, end) of the text, in order and apart, that are one of the forms: words, or several words that
    follow each other (`lexical.Term`). Characters that stand side by side are one stretch.
    """
    tokens = tokenize(text)
    marked: set[int] = set()
    for form in forms:
        words = form.split(" ")
        for at in range(len(tokens) - len(words) + 1):
            if all(tokens[at + n].text == word for n, word in enumerate(words)):
                marked.update(range(at, at + len(words)))
    found: list[tuple[int, int]] = []
    for at in sorted(marked):
        start, end = tokens[at].start, tokens[at].end
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found

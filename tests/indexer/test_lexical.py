"""BM25 with positions: rare words first, phrases as they are said, and only what is allowed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.documents import Document
from indexer.expansion import Lexicon, Word, find_words
from indexer.lexical import LexicalIndex, Term
from tests.files import dump

pytestmark = pytest.mark.unit


def index(*lines: str, language: str = "en") -> LexicalIndex:
    return LexicalIndex((Document.of("", "", line, "", language), language) for line in lines)


def see(found: LexicalIndex, allowed: list[bool] | None = None) -> Lexicon:
    return Lexicon([(found, np.array(allowed or [True] * len(found), np.bool_))])


def test_words_find_what_holds_them_rare_ones_first_and_only_what_is_allowed() -> None:
    found = LexicalIndex.load(dump(index("dog run", "dog sleep", "cat run run", "", "dog zebra")))

    def search(text: str, k: int, allowed: list[bool] | None = None) -> list[int]:
        mask = None if allowed is None else np.array(allowed)
        return [row for row, _ in found.search(see(found).expand(find_words(text)), k, mask)]

    assert search("dog zebra unknown", 5) == [4, 0, 1]
    assert search("run", 1) == [2]  # twice in it
    assert search("dog", 5, [False, True, True, True, False]) == [1]
    assert search("unknown", 5) == [] == index().search([Term("dog", {"dog": 1.0})], 5, None)
    zebra, dog = see(found).expand(find_words("zebra dog"))
    assert zebra.rarity > dog.rarity


def test_phrases_keep_their_order_and_stay_within_a_field() -> None:
    documents = [
        Document.of("red car", "blue sky", "the budget was not approved", "budget of the year"),
        Document.of("", "", "not approved budget"),
    ]
    found = LexicalIndex((document, "") for document in documents)
    assert found.find_rows("not approved budget").tolist() == [0, 1]  # the first one's goes on in the next segment
    assert found.find_rows("budget was not approved").tolist() == [0]
    assert found.find_rows("car blue").tolist() == found.find_rows("sky the").tolist() == []
    assert found.find_rows("car", titled=True).tolist() == [0]
    assert found.find_rows("sky", titled=True).tolist() == []
    # What is only said in the next segment is no reason to find this one.
    assert found.search([Term("year", {"year": 1.0})], 5, None) == []
    assert documents[0].fields["speech"] == " the budget was not approved   "


@given(
    st.lists(st.lists(st.sampled_from("abcd"), max_size=12), max_size=6),
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=3),
)
def test_a_phrase_is_found_wherever_it_is_written(lines: list[list[str]], phrase: list[str]) -> None:
    texts = [" ".join(line) for line in lines]
    wanted = " ".join(phrase)
    held = [row for row, text in enumerate(texts) if f" {wanted} " in f" {text} "]
    assert index(*texts).find_rows(wanted).tolist() == held


def test_words_that_nobody_may_see_are_as_good_as_not_there() -> None:
    found = index("the pineapple", "a hidden artichoke", "wifi and e-mail")
    shown, all_ = see(found, [True, False, True]), see(found)
    assert all_.find_nearest("artichokke") == ["artichoke"]
    assert shown.find_nearest("artichokke") == []
    assert shown.find_nearest("pineaple") == ["pineapple"]
    assert shown.expand(find_words("artichoke"))[0].forms == {}
    assert shown.find_written(Word(("email",))) == {"e mail": 1.0}  # two words that are written as one
    assert shown.expand(find_words("wi fi"))[0].forms == {"wifi": 1.0}  # one that is written as two


def test_names_are_found_by_their_sound_where_nothing_else_fits() -> None:
    found = index("Margaret Hollis and Katharina")
    assert see(found).expand(find_words("catherina"))[0].forms == {"katharina": 0.5}
    assert see(found).expand(find_words("hollis"))[0].forms == {"hollis": 1.0}

"""Words as they are searched: stemmed, Chinese split, threads apart."""

from indexer.terms import terms


def test_terms_are_stemmed_and_chinese_is_split() -> None:
    assert terms("The dogs are running 狗在跑步") == ["dog", "run", "狗", "跑步", "跑", "步"]
    assert terms("!!! the") == []
    assert terms("電視臺") == terms("电视台") != []  # whichever script is typed or written on the screen


def test_threads_do_not_mix_their_words() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from indexer import terms, word_forms

    words = [f"{word}{end}" for word in ("walk", "nation", "happi", "develop") for end in ("ing", "ness", "s", "al")]
    expected = [terms.terms(word) for word in words]

    def ask(number: int) -> bool:
        if number % 5 == 0:
            word_forms.stem.cache_clear()
        return [terms.terms(word) for word in words] == expected

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(400)))

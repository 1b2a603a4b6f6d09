"""Words that OCR ran together are told apart; words, names and addresses are left alone."""

import pytest

from indexer.adapters.symspell import WordSplitter


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("CrystalMountain", "Crystal Mountain"),
        ("#1TRAIN PASSING BY", "#1 TRAIN PASSING BY"),
        ("Copyright 2013Brandon", "Copyright 2013 Brandon"),
        ("WELCOMETOTHESHOW", "WELCOME TO THE SHOW"),
        ("openthedoor", "open the door"),
        ("Thenwhisperwritesdownwhat", "Then whisper writes down what"),
        ("YouTube", "YouTube"),
        ("Castellano", "Castellano"),
        ("Grimmelshausen", "Grimmelshausen"),
        ("www.example.com", "www.example.com"),
        ("cinematography", "cinematography"),
        ("一只狗 4K 1080p", "一只狗 4K 1080p"),
    ],
)
def test_glued_words(read: str, meant: str) -> None:
    assert WordSplitter().split(read) == meant

"""Pure parts: shots, segments, sentences, terms, fusion, calibration, ranking, the index."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import calibration, fusion, retriever, shots
from indexer.adapters.faiss import FaissIndex
from indexer.errors import BadVectors
from indexer.lexical import LexicalIndex
from indexer.queries import Query
from indexer.segments import MAX_SEGMENT_SECONDS, MIN_SEGMENT_SECONDS, build_segments
from indexer.speech import find_unheard, join_sentences, join_spans, write_down
from indexer.terms import terms
from indexer.types import ScreenLine, Space, Span, Utterance, Word


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def test_a_cut_stands_out_and_a_fade_does_not() -> None:
    times = [i / 10 for i in range(60)]
    cut = [0.0] + [1.0] * 59
    cut[30] = 60.0
    assert shots.find_cuts(times, cut) == [3.0]
    fade = [0.0] + [14.0] * 59
    assert shots.find_cuts(times, fade) == []


def test_a_flash_is_one_cut_at_most() -> None:
    times = [i / 10 for i in range(60)]
    flash = [0.0] + [1.0] * 59
    flash[30] = flash[31] = 80.0
    assert len(shots.find_cuts(times, flash)) <= 1


spans = st.lists(st.floats(0.4, 90), min_size=1, max_size=12).map(
    lambda lengths: [Span(sum(lengths[:i]), sum(lengths[: i + 1])) for i in range(len(lengths))]
)


@given(spans)
def test_segments_cover_the_video_without_gaps(found: list[Span]) -> None:
    said = [Utterance(s.start, s.end, "words") for s in found]
    segments = build_segments(found, said, [], found[-1].end)
    assert segments[0].start == 0
    assert segments[-1].end == pytest.approx(found[-1].end)
    for a, b in pairwise(segments):
        assert a.end == b.start
        assert a.end - a.start >= MIN_SEGMENT_SECONDS - 1e-6 or b.end - a.start > MAX_SEGMENT_SECONDS
    assert all(s.end - s.start <= MAX_SEGMENT_SECONDS + 1e-6 for s in segments)
    assert sum(s.speech.count("words") for s in segments) == len(said)


def test_screen_text_is_kept_once_per_segment() -> None:
    lines = [ScreenLine(t, "EXIT", 0.9, (0, 0, 1, 1)) for t in (1.0, 2.0)] + [
        ScreenLine(8, "Gate 4", 0.9, (0, 0, 1, 1))
    ]
    first, second = build_segments([Span(0, 6), Span(6, 12)], [], lines, 12)
    assert (first.screen, second.screen) == ("EXIT", "Gate 4")


def words(text: str, start: float) -> Utterance:
    found = [Word(" " + w, start + i * 0.4, start + i * 0.4 + 0.3) for i, w in enumerate(text.split())]
    return Utterance(found[0].start, found[-1].end, text, 0.9, found)


def test_sentences_are_joined_across_cuts_and_split_at_stops() -> None:
    pieces = [words("Mr. Lee went home. He was", 0), words("tired.", 2.5), words("Later he", 9)]
    assert [u.text for u in join_sentences(pieces)] == ["Mr. Lee went home.", "He was tired.", "Later he"]


@given(st.lists(st.tuples(st.floats(0.1, 5), st.floats(0.3, 70)), min_size=1, max_size=20))
def test_windows_hold_all_speech(gaps: list[tuple[float, float]]) -> None:
    speech, now = [], 0.0
    for gap, length in gaps:
        speech.append(Span(now + gap, now + gap + length))
        now += gap + length
    windows = join_spans(speech)
    assert all(w.length <= 28.0 + 1e-6 for w in windows)
    for span in speech:
        assert sum(span.overlap(w) for w in windows) == pytest.approx(span.length)


def test_voice_without_words_is_found() -> None:
    assert find_unheard([Span(0, 3), Span(5, 8), Span(9, 9.5)], [Utterance(0, 3, "a")]) == [Span(5, 8)]


def test_terms_are_stemmed_and_chinese_is_split() -> None:
    assert terms("The dogs are running 狗在跑步") == ["dog", "run", "狗", "跑步", "跑", "步"]
    assert terms("!!! the") == []
    assert terms("電視臺") == terms("电视台") != []  # whichever script is typed or written on the screen


def test_mandarin_phrases_become_sentences() -> None:
    words = [Word(("" if i == 0 else " ") + "举头望明月", 2.5 * i, 2.5 * i + 2.5) for i in range(6)]
    heard = [Utterance(0.0, 15.0, "".join(w.text for w in words), 0.9, words)]
    assert [(s.start, s.end) for s in join_sentences(heard)] == [(0.0, 7.5), (7.5, 15.0)]
    spaced = [Word(" word", 2.5 * i, 2.5 * i + 2.5) for i in range(6)]
    assert len(join_sentences([Utterance(0.0, 15.0, "", 0.9, spaced)])) == 1


def test_mandarin_is_written_in_one_script_and_japanese_is_left_alone() -> None:
    heard = [Utterance(0.0, 2.0, "這兩天央視播出", 0.9, [Word("這兩天", 0.0, 1.0), Word("央視播出", 1.0, 2.0)])]
    written = write_down("zh", heard).utterances[0]
    assert (written.text, [w.text for w in written.words]) == ("这两天央视播出", ["这两天", "央视播出"])
    assert write_down("ja", heard).utterances == heard
    assert write_down("zh", []).language == ""


def test_the_fused_product_is_the_weighted_sum_of_cosines() -> None:
    dice = np.random.default_rng(0)
    v, t = (dice.normal(size=(5, 4)).astype(np.float32) for _ in range(2))
    v, t = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (v, t))
    both = fusion.Concatenation({"visual": Space("", 4), "text": Space("", 4)})
    fused = both.fuse_segments({"visual": v, "text": t})
    query = both.fuse_query({"visual": v[0], "text": t[1]}, {"visual": 2.0, "text": 0.5})
    assert np.allclose(fused @ query, 2 * v @ v[0] + 0.5 * t @ t[1], atol=1e-5)


@pytest.mark.parametrize("flat_most", [200_000, 1000])
def test_the_index_finds_what_an_exact_scan_finds_and_never_what_is_not_allowed(flat_most, monkeypatch) -> None:
    monkeypatch.setattr("indexer.adapters.faiss.MAX_FLAT_VECTORS", flat_most)  # above it there are inverted lists
    dice = np.random.default_rng(1)
    vectors = dice.normal(size=(3000, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = np.arange(10_000, 13_000)
    index = FaissIndex.load(FaissIndex(vectors, ids).dump())
    assert index.search(vectors[7], 1, None)[0].segment == 10_007
    mask = np.zeros(len(ids), np.bool_)
    mask[dice.choice(len(ids), 30, replace=False)] = True  # one person sees 1 %
    allowed = ids[mask]
    hits = index.search(vectors[7], 10, mask)
    truth = sorted(allowed, key=lambda i: -float(vectors[i - 10_000] @ vectors[7]))[:10]
    assert {h.segment for h in hits} <= set(allowed.tolist())
    assert len({h.segment for h in hits} & set(truth)) >= 9
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert index.search(vectors[7], 10, ~mask & mask) == []
    assert np.allclose(index.vectors()[1], vectors, atol=1e-3)
    assert list(index.vectors()[0]) == list(ids)


def test_words_find_what_holds_them_rare_ones_first_and_only_what_is_allowed() -> None:
    documents = [["dog", "run"], ["dog", "sleep"], ["cat", "run", "run"], [], ["dog", "zebra"]]
    index = LexicalIndex.load(LexicalIndex(documents).dump())
    assert [row for row, _ in index.search(["dog", "zebra", "unknown"], 5, None)] == [4, 0, 1]
    assert [row for row, _ in index.search(["run"], 1, None)] == [2]  # twice in it
    assert [row for row, _ in index.search(["dog"], 5, np.array([False, True, True, True, False]))] == [1]
    assert index.search(["unknown"], 5, None) == [] == LexicalIndex([]).search(["dog"], 5, None)
    assert index.rarity(["zebra"])["zebra"] > index.rarity(["dog"])["dog"]


@pytest.mark.parametrize("fault", ["nan", "shape", "twice"])
def test_the_index_refuses_bad_vectors(fault: str) -> None:
    vectors, ids = np.eye(3, dtype=np.float32), np.arange(3)
    if fault == "nan":
        vectors[0, 0] = np.nan
    if fault == "shape":
        ids = np.arange(2)
    if fault == "twice":
        ids = np.array([1, 1, 2])
    with pytest.raises(BadVectors):
        FaissIndex(vectors, ids)


def candidate(number: int, look: np.ndarray, text: np.ndarray, speech: str = "") -> retriever.Candidate:
    return retriever.Candidate(
        number, number, Span(0, 10), {"speech": text}, look, np.stack([look]), [1.0], [Span(0, 10)],
        {"speech": terms(speech), "screen": [], "title": []},
    )  # fmt: skip


def test_ranking_explains_itself() -> None:
    east, north, none = unit(1, 0, 0), unit(0, 1, 0), np.zeros(3, np.float32)
    measured = calibration.Calibration({"visual": 0.0, "text": 0.0}, {"visual": 0.1, "text": 0.1}, [1.0, 2.0])
    query = Query("green parrot", tuple(terms("green parrot")), east, east)
    seen, said, neither = (
        candidate(1, east, none),
        candidate(2, north, east, "a green parrot"),
        candidate(3, north, none),
    )
    ranked = retriever.rank(query, [neither, said, seen], measured, {"green": 1.0, "parrot": 2.0})
    assert [r.candidate.segment for r in ranked] in ([2, 1, 3], [1, 2, 3])
    for item in ranked:
        assert sum(item.parts.values()) == pytest.approx(item.score, abs=1e-5)
    by_id = {r.candidate.segment: r for r in ranked}
    assert by_id[1].parts["visual"] > 5 > by_id[1].parts["speech"]
    assert by_id[2].parts["speech"] > 5
    assert measured.confidence(by_id[1].score) > 0.99
    assert measured.confidence(by_id[3].score) < 0.1


def test_a_moment_is_cut_to_the_shots_that_show_it() -> None:
    east, north = unit(1, 0), unit(0, 1)
    shot = [Span(0, 3), Span(3, 6), Span(6, 9)]
    found = retriever.Candidate(
        1, 1, Span(0, 9), {}, north, np.stack([north, east, north]), [1, 4, 7], shot,
        {"speech": [], "screen": [], "title": []},
    )  # fmt: skip
    cosines = found.frames @ east
    assert retriever.tighten(found, cosines, 0.1) == Span(3, 6)


def test_calibration_of_an_empty_library_is_neutral() -> None:
    empty = {"visual": np.zeros((0, 4), np.float32), "text": np.zeros((0, 4), np.float32)}
    queries = {space: np.eye(4, dtype=np.float32) for space in empty}
    measured = calibration.calibrate(queries, empty)
    assert measured.spread == calibration.NEUTRAL.spread
    assert measured.confidence(3.0) == 0.5


def test_threads_do_not_mix_their_words() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from indexer import terms

    words = [f"{word}{end}" for word in ("walk", "nation", "happi", "develop") for end in ("ing", "ness", "s", "al")]
    expected = [terms.terms(word) for word in words]

    def ask(number: int) -> bool:
        if number % 5 == 0:
            terms._stem.cache_clear()
        return [terms.terms(word) for word in words] == expected

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(400)))

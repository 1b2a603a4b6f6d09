"""The measuring itself: metrics against values worked out by hand, and the formats of the field."""

import json

import pytest

from indexer.measures import (
    Outcomes,
    auroc,
    average_precision,
    count_word_errors,
    iou,
    moment_scores,
    recalls,
    span_precision,
)
from webapp.benchmarks import gpu, judged
from webapp.benchmarks.changes import applied


def test_metrics_are_those_of_the_papers() -> None:
    assert recalls(1) == {"R@1": 100, "R@5": 100, "R@10": 100, "MdR": 1}
    assert recalls(6) == {"R@1": 0, "R@5": 0, "R@10": 100, "MdR": 6}
    assert average_precision(["a", "x", "b"], ["a", "b"]) == pytest.approx(100 * (1 + 2 / 3) / 2)
    assert iou((0, 4), (2, 6)) == pytest.approx(2 / 6)
    assert iou((0, 1), (2, 3)) == 0
    assert auroc([2, 3], [1, 2]) == pytest.approx(100 * 3.5 / 4)
    assert count_word_errors("a b c", "a x c d") == (2, 3)
    assert count_word_errors("你好吗", "你号吗", by_character=True) == (1, 3)


def test_moments_are_scored_as_on_qvhighlights() -> None:
    truth = [(0, 10), (20, 30)]
    scores = moment_scores([(0, 9), (40, 50), (21, 29)], truth)
    assert (scores["R1@0.3"], scores["R1@0.7"], scores["point hit"]) == (100, 100, 100)
    # At IoU 0.5 the first and the third are right: precision 1 up to recall 0.5, then 2/3.
    assert span_precision([(0, 9), (40, 50), (21, 29)], truth, 0.5) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert span_precision([(0, 9), (0, 9)], [(0, 10)], 0.5) == 1.0  # a span is found once
    assert moment_scores([], truth)["R1@0.3"] == 0


def test_intervals_draw_whole_videos_and_comparisons_are_paired() -> None:
    before, after = Outcomes("x"), Outcomes("x")
    for number in range(40):
        before.add(f"q{number}", f"v{number // 4}", {"R@1": 0})
        after.add(f"q{number}", f"v{number // 4}", {"R@1": 100 * (number // 4 < 5)})
    low, high = after.summarize()["R@1 ±"]
    assert after.summarize()["R@1"] == 50
    assert low <= 20 < 80 <= high  # ten videos are few, however many queries they have
    change = after.compare(before)
    assert change["R@1"] == 50
    assert change["R@1 worse in %"] == 0
    assert after.compare(after)["R@1 ±"] == [0, 0]


def test_the_formats_of_the_field_are_read(tmp_path) -> None:
    (tmp_path / "MSRVTT_JSFUSION_test.csv").write_text(
        'key,vid_key,video_id,sentence\nret0,msr9770,video9770,"a person, connecting something"\n'
    )
    (tmp_path / "highlight_val_release.jsonl").write_text(
        json.dumps({"qid": 7, "query": "a dog", "vid": "abc_60.0_210.0", "duration": 150, "relevant_windows": [[2, 8]]})
    )
    sentences = [{"sen_id": 1, "caption": "a car", "video_id": "video1"}, {"caption": "x", "video_id": "video2"}]
    videos = [{"video_id": "video1", "split": "test"}, {"video_id": "video2", "split": "train"}]
    (tmp_path / "videodatainfo.json").write_text(json.dumps({"videos": videos, "sentences": sentences}))
    found = judged.read(tmp_path)
    assert [(d.text, d.relevant) for d in found.described] == [
        ("a person, connecting something", ("video9770",)),
        ("a car", ("video1",)),
    ]
    assert found.placed[0].spans == ((2.0, 8.0),)
    assert found.gallery == ["video9770", "video1"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(LookupError, match="no benchmark"):
        judged.read(empty)


def test_a_constant_is_changed_for_the_time_of_a_benchmark() -> None:
    from indexer import queries, retriever

    usual = retriever.EDGE_SIGMA
    with applied(["retriever.EDGE_SIGMA=0.1", "queries.SCENE.visual=2"]):
        assert (retriever.EDGE_SIGMA, queries.SCENE.visual) == (0.1, 2.0)
        assert queries.classify("a dog runs").visual == 2.0
    assert (retriever.EDGE_SIGMA, queries.SCENE.visual) == (usual, 1.0)
    for nonsense in ("retriever.NOTHING=1", "nowhere.X=1", "retriever.EDGE_SIGMA=much"):
        with pytest.raises(LookupError, match="--set"), applied([nonsense]):
            pass


def test_a_queue_that_has_room_makes_nobody_wait_and_a_full_one_does() -> None:
    simulate = pytest.importorskip("webapp.benchmarks.simulate")
    job = {"probe": 1.0, "glance": 2.0, "look": 10.0, "speech": 20.0, "embed": 5.0, "describe": 5.0}
    found = simulate.Measured([job], [100.0], 400.0, {"vectors": 1500.0, "database": 8000.0}, {"originals": 1e9})
    assert simulate.longest_way(job) == 1 + 20 + 5 + 5  # the look runs beside the speech
    waits, busy = simulate.run(found, workers=50, arrivals=1 / 100, seconds=20_000)
    assert max(waits) < 1
    assert busy == pytest.approx(43 / 100 / 50, rel=0.2)
    crowded, all_of_it = simulate.run(found, workers=1, arrivals=1 / 40, seconds=20_000)
    assert max(crowded) > 100
    assert all_of_it > 0.95
    needed = simulate.staff(found, hours_a_day=24 * 10)
    assert 5 <= needed["workers"] <= 8  # 4.3 workers' time, and room
    assert simulate.size(found, 100_000_000)["search"] == "an engine is needed"
    assert simulate.size(found, 1_000_000)["memory of a process GB"] == 2.1


def test_without_a_gpu_it_is_said_that_nothing_was_measured(monkeypatch) -> None:
    monkeypatch.setattr("webapp.benchmarks.gpu.find_gpu", lambda: ("", 0))
    (record,) = gpu.gpu()
    assert "nothing was measured" in str(record["skipped"])


@pytest.mark.slow
def test_a_gpu_is_measured_beside_the_processor(monkeypatch, tmp_path) -> None:
    """In processes of their own; where none has a GPU, both are as fast."""
    monkeypatch.setattr("webapp.benchmarks.gpu.find_gpu", lambda: ("A card", 1 << 30))
    monkeypatch.setattr("webapp.benchmarks.gpu.towers", lambda: iter([{"bench": "an architecture"}]))
    monkeypatch.setenv("KINOSCOPE_HOME", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    *rows, last = gpu.gpu()
    assert last == {"bench": "an architecture"}
    pictures = next(row for row in rows if "pictures a second, A card" in row)
    assert pictures["processor"] > 0
    assert 0.2 < pictures["times"] < 5

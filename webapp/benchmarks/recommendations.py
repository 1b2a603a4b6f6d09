"""Recommendations against popularity and chance: same-tag precision, near-duplicates, and leave-last-out on histories.

Histories are simulated (a person who likes one tag watches three of its videos to the end and leaves two others soon;
a fourth of the tag is the last one) and, where the library has them, recorded.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from indexer.measures import Outcomes, Record, average_precision
from indexer.recommender import Topics, Watched, suggest
from webapp.benchmarks.judged import items
from webapp.benchmarks.library import Shelf
from webapp.models import User, Video
from webapp.search import recommendations

PEOPLE = 400
TOP = 10

History = tuple[list[Watched], int]  # newest first, and the row that came next


def recommend(shelf: Shelf) -> Iterator[Outcomes | Record]:
    """Raises `LookupError` when the judged videos are not in the library."""
    videos = shelf.videos
    rows = [row for row in items(shelf.data, "clips") if row["id"] in videos]
    if len(rows) < 10:
        raise LookupError("Fewer than ten judged videos with tags are in the library.")
    scope = Video.objects.filter(pk__in=[videos[row["id"]].pk for row in rows])
    known = recommendations.topics(scope)
    place = {row["id"]: known.row(videos[row["id"]].pk) for row in rows}
    tags = {place[row["id"]]: set(row["tags"]) for row in rows}
    dice = np.random.default_rng(1)
    nearness = known.vectors @ known.vectors.T
    np.fill_diagonal(nearness, -np.inf)
    yield same_tag("same tag, similar", tags, lambda row: list(np.argsort(-nearness[row])[:-1]))
    yield same_tag("same tag, random", tags, lambda row: [r for r in dice.permutation(len(nearness)) if r != row])
    yield duplicates(rows, place, nearness)
    yield from compare("simulated", known, simulate(tags, dice))
    recorded = replay(known)
    if len(recorded) >= 5:
        yield from compare("recorded", known, recorded)


def same_tag(name: str, tags: dict[int, set[str]], order: Callable[[int], Sequence[int]]) -> Outcomes:
    outcomes = Outcomes(name)
    for row, own in tags.items():
        ranking = [str(r) for r in order(row)]
        for tag in sorted(own):
            relevant = [str(other) for other, theirs in tags.items() if tag in theirs and other != row]
            if relevant:
                outcomes.add(f"{row} {tag}", str(row), {"mAP": average_precision(ranking, relevant)})
    return outcomes


def duplicates(rows: list[Record], place: dict[str, int], nearness: "np.typing.NDArray[np.float32]") -> Record:
    groups: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row.get("near_duplicate_group"):
            groups[str(row["near_duplicate_group"])].append(place[row["id"]])
    pairs = [(a, b) for group in groups.values() for a in group for b in group if a != b]
    first = [int(nearness[a].argmax()) == b for a, b in pairs]
    return {
        "bench": "near-duplicates",
        "first %": round(100 * float(np.mean(first or [False])), 1),
        "pairs": len(pairs),
    }


def simulate(tags: dict[int, set[str]], dice: np.random.Generator) -> list[History]:
    by_tag: dict[str, list[int]] = defaultdict(list)
    for row, own in tags.items():
        for tag in own:
            by_tag[tag].append(row)
    liked = sorted(tag for tag, rows in by_tag.items() if 5 <= len(rows) <= len(tags) / 3)
    histories = []
    for _ in range(PEOPLE):
        group = by_tag[liked[dice.integers(len(liked))]]
        *seen, last = dice.choice(group, 4, replace=False).tolist()
        others = dice.choice([r for r in tags if r not in group], 2, replace=False).tolist()
        history = [Watched(r, float(dice.uniform(0.6, 1))) for r in seen]
        history += [Watched(r, float(dice.uniform(0.02, 0.3))) for r in others]
        histories.append(([history[i] for i in dice.permutation(len(history))], int(last)))
    return histories


def replay(known: Topics) -> list[History]:
    """What people of this library watched, the newest left out."""
    histories = []
    for person in User.objects.all():
        viewings = person.viewings.select_related("video").order_by("-seen_at")
        rows = [(known.row(v.video_id), v.watched_seconds / max(v.video.duration, 1.0)) for v in viewings]
        met = [Watched(row, min(1.0, share)) for row, share in rows if row >= 0]
        if len(met) >= 3 and met[0].share > 0.5:
            histories.append((met[1:], met[0].row))
    return histories


def compare(kind: str, known: Topics, histories: list[History]) -> Iterator[Outcomes | Record]:
    """Hit rate and NDCG at ten of three ways to choose, with coverage and diversity."""
    dice = np.random.default_rng(2)
    counts = Counter(w.row for history, _ in histories for w in history if w.share > 0.5)
    popular = [row for row, _ in counts.most_common()]
    ways: dict[str, Callable[[list[Watched]], list[int]]] = {
        "for you": lambda history: [s.row for s in suggest(known.vectors, history, [], TOP)],
        "popularity": lambda history: [r for r in popular if r not in {w.row for w in history}][:TOP],
        "random": lambda history: [
            int(r) for r in dice.permutation(len(known.videos)) if r not in {w.row for w in history}
        ][:TOP],
    }
    for name, choose in ways.items():
        outcomes, shown, alike = Outcomes(f"{kind} histories, {name}"), set[int](), []
        for number, (history, last) in enumerate(histories):
            chosen = choose(history)
            rank = chosen.index(last) + 1 if last in chosen else 0
            gain = 100 / np.log2(rank + 1) if rank else 0.0
            outcomes.add(str(number), str(number), {f"hit@{TOP}": 100.0 * bool(rank), f"NDCG@{TOP}": gain})
            shown.update(chosen)
            among = known.vectors[chosen] @ known.vectors[chosen].T
            alike.append(float((among.sum() - len(chosen)) / max(1, len(chosen) * (len(chosen) - 1))))
        yield outcomes
        yield {
            "bench": f"{kind} histories, {name}, lists",
            "coverage %": round(100 * len(shown) / len(known.videos), 1),
            "diversity": round(1 - float(np.mean(alike)), 3),
        }

"""What the pictures of a video say to a question: its likeliest frames are looked at, and vote."""

from collections import defaultdict

import numpy as np

from indexer.queries import caption_of
from qa.pictures import Asked
from qa.questions import Window
from qa.types import Citation, Sentence
from webapp import engine
from webapp.models import Keyframe, Recipe, Segment, Video
from webapp.pipeline.embed import load_picture
from webapp.search.candidates import load_frames

FRAMES = 3  # looked at: each costs a thirtieth of a second
SURE = 0.35  # calibrated chance of being right, averaged over the frames; below it the pictures stay silent


def look(video: Video, asked: Asked, window: Window | None, recipe: Recipe) -> Sentence | None:
    """One sentence with the segment that shows it, or None when the frames are not sure or do not agree."""
    segments = {
        s.pk: s for s in video.segments.filter(recipe=recipe) if window is None or window.overlaps(s.start, s.end)
    }
    frames = choose_frames(segments, asked, window, recipe)
    if not frames:
        return None
    files = dict(Keyframe.objects.filter(video=video, segments__in=segments).values_list("time", "file"))
    seen = [(segment, time) for segment, time in frames if time in files]
    guesses = engine.captioner().answer_about(asked, [load_picture(video.derived / files[time]) for _, time in seen])
    votes: dict[str, float] = defaultdict(float)
    for guess in guesses:
        votes[guess.text] += guess.confidence / len(guesses)
    best = max(votes, key=votes.__getitem__, default="")
    if not best or votes[best] < SURE:
        return None
    _, (segment, _) = max((g.confidence, place) for g, place in zip(guesses, seen, strict=True) if g.text == best)
    shown = segments[segment]
    return Sentence(f"In the picture: {best}.", [Citation(video.pk, shown.start, shown.end)])


def choose_frames(
    segments: dict[int, Segment], asked: Asked, window: Window | None, recipe: Recipe
) -> list[tuple[int, float]]:
    """The frames (segment, time) that are most like what the question speaks of."""
    query = engine.pictures(recipe).encode_texts([caption_of(asked.text)])[0]
    scored = []
    for segment, (vectors, times) in load_frames(list(segments), recipe).items():
        for time, cosine in zip(times, np.asarray(vectors @ query).tolist(), strict=True):
            if window is None or window.overlaps(time - 0.5, time + 0.5):
                scored.append((cosine, segment, time))
    return [(segment, time) for _, segment, time in sorted(scored, reverse=True)[:FRAMES]]

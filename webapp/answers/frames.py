"""What the pictures of a video say to a question: its likeliest frames are asked, and vote."""

import numpy as np

from indexer.queries import caption_of
from qa.pictures import PictureQuestion, vote
from qa.types import Citation, Sentence
from qa.windows import Window
from webapp import engine
from webapp.models import Keyframe, Recipe, Segment, Video
from webapp.pipeline.embed import load_picture
from webapp.search.candidates import load_frames

MAX_FRAMES = 3  # asked: each costs a thirtieth of a second


def ask_frames(video: Video, question: PictureQuestion, window: Window | None, recipe: Recipe) -> Sentence | None:
    """One sentence with the segment that shows it, or None when the frames are not sure or do not agree."""
    segments = {
        s.pk: s for s in video.segments.filter(recipe=recipe) if window is None or window.overlaps(s.start, s.end)
    }
    frames = choose_frames(segments, question, window, recipe)
    if not frames:
        return None
    files = dict(Keyframe.objects.filter(video=video, segments__in=segments).values_list("time", "file"))
    places = [(segment, time) for segment, time in frames if time in files]
    pictures = [load_picture(video.derived(files[time]).read()) for _, time in places]
    agreed = vote(engine.captioner().answer_about(question, pictures))
    if agreed is None:
        return None
    text, surest = agreed
    shown = segments[places[surest][0]]
    return Sentence(text, [Citation(video.pk, shown.start, shown.end)], "frame")


def choose_frames(
    segments: dict[int, Segment], question: PictureQuestion, window: Window | None, recipe: Recipe
) -> list[tuple[int, float]]:
    """The frames (segment, time) that are most like what the question speaks of."""
    query = engine.pictures(recipe).encode_texts([caption_of(question.text)])[0]
    scored = []
    for segment, (vectors, _smoothed, times) in load_frames(list(segments), recipe).items():
        for time, cosine in zip(times, np.asarray(vectors @ query).tolist(), strict=True):
            if window is None or window.overlaps(time - 0.5, time + 0.5):
                scored.append((cosine, segment, time))
    return [(segment, time) for _, segment, time in sorted(scored, reverse=True)[:MAX_FRAMES]]

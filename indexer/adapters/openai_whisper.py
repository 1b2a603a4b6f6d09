"""OpenAI's Whisper (PyTorch), for profile `standard`. Given samples, so its own ffmpeg call is never reached."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexer.errors import ModelMissing
from indexer.ports import Progress
from indexer.speech import cut_audio, join_spans, settle_doubts, write_down
from indexer.types import Audio, Span, Transcript, Utterance, Word


class OpenaiWhisper:
    """`weights` is the path of a .pt file."""

    def __init__(self, models: Path, weights: str) -> None:
        import whisper

        del models
        path = Path(weights)
        if not path.exists():
            raise ModelMissing(
                "Whisper weights %(path)s are not on this machine. Run `manage.py models fetch`, or set "
                "KINOSCOPE_WHISPER to the path of a PyTorch file.",
                path=path,
            )
        self.name = f"openai-whisper-{path.stem}"
        self._model = whisper.load_model(str(path))

    def transcribe(
        self, audio: Audio, speech: Sequence[Span], progress: Progress, spellings: Sequence[str] = ()
    ) -> Transcript:
        """Like every transcriber: the spans of `speech` only, times relative to `audio`."""

        def hear(window: Span, language: str) -> list[Utterance]:
            heard = self._model.transcribe(
                cut_audio(audio, window),
                language=language,
                temperature=(0.0, 0.4),
                condition_on_previous_text=False,
                initial_prompt=", ".join(spellings) or None,
                word_timestamps=True,
                fp16=self._model.device.type == "cuda",
            )
            return [
                _utterance(piece, window.start, language)
                for piece in heard["segments"]
                if piece["text"].strip() and piece["no_speech_prob"] < 0.6 and piece["avg_logprob"] > -1.0
            ]

        chances = [self._guess_languages(cut_audio(audio, span)) for span in speech]
        spoken = settle_doubts(speech, chances, lambda spans, language: [hear(span, language) for span in spans])
        windows = [(w, language) for stretch, language in spoken for w in join_spans(stretch)]
        found: list[Utterance] = []
        for number, (window, language) in enumerate(windows):
            found += hear(window, language)
            progress((number + 1) / len(windows))
        return write_down(found)

    def _guess_languages(self, audio: Audio) -> dict[str, float]:
        """Chance of each language; this Whisper encodes 30 seconds whatever it is given."""
        import whisper

        if not self._model.is_multilingual:
            return {"en": 1.0}
        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(audio), self._model.dims.n_mels)
        _, chances = self._model.detect_language(mel.to(self._model.device))
        return dict(chances)


def _utterance(piece: dict[str, object], offset: float, language: str) -> Utterance:
    words = [
        Word(str(w["word"]), round(offset + w["start"], 3), round(offset + w["end"], 3))
        for w in piece.get("words", [])  # type: ignore[attr-defined]
    ]
    return Utterance(
        round(offset + float(piece["start"]), 3),  # type: ignore[arg-type]
        round(offset + float(piece["end"]), 3),  # type: ignore[arg-type]
        str(piece["text"]).strip(),
        float(np.exp(piece["avg_logprob"])),  # type: ignore[call-overload]
        words,
        language,
    )

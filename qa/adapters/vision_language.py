"""A transformers vision-language model (SmolVLM2, Qwen-VL class): captioner and answer decoder of `standard`."""

from collections.abc import Iterator, Sequence
from threading import BoundedSemaphore, Thread
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from qa.adapters.turns import take_turn
from qa.errors import DecoderMissing
from qa.pictures import PictureQuestion
from qa.prompts import CAPTION, SHORTLY, SYSTEM, build_prompt
from qa.types import Caption, Evidence, Guess, Turn

_CAPTION_TOKENS, _SHORT_TOKENS, _ANSWER_TOKENS = 40, 8, 200


class VisionLanguageModel:
    """`weights` is a folder."""

    def __init__(self, weights: str) -> None:
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self._torch = torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        kind = torch.bfloat16 if self._device == "cuda" else torch.float32
        try:
            self._processor: Any = AutoProcessor.from_pretrained(weights, local_files_only=True)
            self._model: Any = AutoModelForImageTextToText.from_pretrained(weights, dtype=kind, local_files_only=True)
        except (OSError, ValueError) as error:
            raise DecoderMissing(
                "The vision-language model %(name)s is not on this machine. Run `manage.py models fetch`, "
                "or set KINOSCOPE_VLM to a folder.",
                name=weights,
            ) from error
        self._model.eval().to(self._device)
        self.name = f"transformers {weights}"
        self._turns = BoundedSemaphore(1)

    def caption(self, images: Sequence[npt.NDArray[np.uint8]]) -> list[Caption]:
        """RGB uint8 (h, w, 3) each -> one sentence each; confidence is the mean probability of its tokens."""
        return [Caption(*self._describe(Pillow.fromarray(image), CAPTION, _CAPTION_TOKENS)) for image in images]

    def _describe(self, picture: Pillow.Image, prompt: str, most: int) -> tuple[str, float]:
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        inputs = self._prepare([{"role": "user", "content": content}], [picture])
        with self._torch.inference_mode():
            written = self._model.generate(
                **inputs,
                max_new_tokens=most,
                do_sample=False,
                return_dict_in_generate=True,
                output_scores=True,
            )
        tokens = written.sequences[0, inputs["input_ids"].shape[1] :]
        chosen = [s[0].log_softmax(-1)[t].item() for s, t in zip(written.scores, tokens, strict=False)]
        text = self._processor.decode(tokens, skip_special_tokens=True).strip()
        return " ".join(text.split()), float(np.exp(np.mean(chosen))) if chosen else 0.0

    def answer(self, question: str, evidence: Sequence[Evidence], turns: Sequence[Turn]) -> Iterator[str]:
        """Pieces of the answer as they are written, sentences marked with [n]."""
        prompt = build_prompt(question, evidence, turns)
        inputs = self._prepare(
            [
                {"role": "system", "content": [{"type": "text", "text": SYSTEM}]},
                {"role": "user", "content": [{"type": "text", "text": prompt}]},
            ],
            None,
        )
        with take_turn(self._turns, self.name):
            yield from write(self._model, self._processor.tokenizer, inputs)

    def answer_about(self, question: PictureQuestion, images: Sequence[npt.NDArray[np.uint8]]) -> list[Guess]:
        """RGB uint8 (h, w, 3) each -> a few words each; confidence is the mean probability of their tokens."""
        prompt = f"{question.text} {SHORTLY}"
        written = [self._describe(Pillow.fromarray(image), prompt, _SHORT_TOKENS) for image in images]
        return [Guess(text.rstrip(".").lower(), confidence) for text, confidence in written]

    def _prepare(self, messages: list[dict[str, Any]], pictures: list[Pillow.Image] | None) -> dict[str, Any]:
        text = self._processor.apply_chat_template(messages, add_generation_prompt=True)
        inputs = self._processor(text=text, images=pictures, return_tensors="pt")
        return {name: value.to(self._device) for name, value in inputs.items()}


def write(model: Any, tokenizer: Any, inputs: dict[str, Any]) -> Iterator[str]:
    """Pieces of text as a transformers model generates them, greedily."""
    from transformers import TextIteratorStreamer

    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    options = {**inputs, "streamer": streamer, "max_new_tokens": _ANSWER_TOKENS, "do_sample": False}
    writer = Thread(target=model.generate, kwargs=options, daemon=True)
    writer.start()
    yield from streamer
    writer.join()

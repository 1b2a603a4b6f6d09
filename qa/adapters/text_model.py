"""A transformers text model (SmolLM2, Qwen … class; safetensors or GGUF) that writes answers from evidence."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qa.adapters.turns import take_turn
from qa.adapters.vision_language import write
from qa.errors import DecoderMissing
from qa.prompts import build_messages
from qa.types import Evidence, Turn


class TextModel:
    """`weights` is a folder or a GGUF file."""

    def __init__(self, weights: str) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        path = Path(weights)
        options = {"gguf_file": path.name} if path.suffix == ".gguf" else {}
        source = str(path.parent) if options else weights
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        kind = torch.bfloat16 if self._device == "cuda" else torch.float32
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(source, local_files_only=True, **options)
            self._model: Any = AutoModelForCausalLM.from_pretrained(
                source, dtype=kind, local_files_only=True, **options
            )
        except (OSError, ValueError, ImportError) as error:
            raise DecoderMissing(
                "The text model %(name)s can't be loaded (%(why)s). Run `manage.py models fetch`, or set "
                "KINOSCOPE_DECODER to a folder or a GGUF file (extra `gguf`).",
                name=weights,
                why=str(error)[:150],
            ) from error
        self._model.eval().to(self._device)
        self.name = f"transformers {weights}"
        self._turns = threading.BoundedSemaphore(1)

    def answer(self, question: str, evidence: Sequence[Evidence], turns: Sequence[Turn]) -> Iterator[str]:
        """Pieces of the answer as they are written, sentences marked with [n]."""
        messages = build_messages(question, evidence, turns)
        inputs = self._tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with take_turn(self._turns, self.name):
            yield from write(self._model, self._tokenizer, {name: v.to(self._device) for name, v in inputs.items()})

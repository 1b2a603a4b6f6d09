"""M2M100 by transformers: any of a hundred languages into any other (Fan et al. 2020,
https://arxiv.org/abs/2010.11125; weights MIT).
"""

import threading
from collections.abc import Sequence
from typing import Any

from indexer.errors import loading

MAX_TOKENS = 400  # of a text, before and after


class M2M100:
    """`weights` is a folder."""

    def __init__(self, weights: str) -> None:
        import torch
        from transformers import M2M100ForConditionalGeneration, M2M100Tokenizer

        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        with loading(weights):
            self._tokenizer: Any = M2M100Tokenizer.from_pretrained(weights, local_files_only=True)
            self._model: Any = M2M100ForConditionalGeneration.from_pretrained(weights, local_files_only=True)
        self._model.eval().to(self._device)
        self._one_at_a_time = threading.Lock()  # the tokenizer keeps the language that it reads
        self.name = f"m2m100 {weights}"

    def knows(self, language: str) -> bool:
        return language in self._tokenizer.lang_code_to_token

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """Each text of one language in the other one (ISO 639-1); both are known."""
        import torch

        with self._one_at_a_time, torch.inference_mode():
            self._tokenizer.src_lang = source
            inputs = self._tokenizer(
                list(texts), return_tensors="pt", padding=True, truncation=True, max_length=MAX_TOKENS
            )
            written = self._model.generate(
                **inputs.to(self._device),
                forced_bos_token_id=self._tokenizer.get_lang_id(target),
                max_new_tokens=MAX_TOKENS,
                num_beams=2,
            )
        told = written[:, 2:]  # behind the start and the language
        return [str(text).strip() for text in self._tokenizer.batch_decode(told, skip_special_tokens=True)]

"""A model that people already run: llama.cpp, Ollama, vLLM or any other server that speaks OpenAI's chat completions.

https://platform.openai.com/docs/api-reference/chat/streaming. The evidence leaves this machine when the address does.
"""

import json
import threading
from collections.abc import Iterator, Sequence

import httpx2

from qa.adapters.turns import take_turn
from qa.errors import DecoderMissing
from qa.prompts import build_messages
from qa.types import Evidence, Turn

_TOKENS = 300
_TIMEOUT = httpx2.Timeout(60.0, connect=5.0)
_AT_ONCE = 2


class OpenaiEndpoint:
    """`address` is the base of the API ("http://localhost:11434/v1"), `model` what the server calls its model."""

    def __init__(self, address: str, model: str, key: str = "") -> None:
        self._address, self._model = address.rstrip("/"), model
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.name = f"{model} at {self._address}"
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    def answer(self, question: str, evidence: Sequence[Evidence], turns: Sequence[Turn]) -> Iterator[str]:
        """Pieces of the answer as they are written, sentences marked with [n]. Raises `DecoderMissing`."""
        messages = build_messages(question, evidence, turns)
        body = {"model": self._model, "messages": messages, "stream": True, "temperature": 0, "max_tokens": _TOKENS}
        try:
            with (
                take_turn(self._turns, self.name),
                httpx2.stream(
                    "POST", f"{self._address}/chat/completions", json=body, headers=self._headers, timeout=_TIMEOUT
                ) as response,
            ):
                response.raise_for_status()
                for line in response.iter_lines():
                    if line.startswith("data:") and line[5:].strip() != "[DONE]":
                        choice = json.loads(line[5:])["choices"][0]
                        yield choice["delta"].get("content") or ""
        except (httpx2.HTTPError, ValueError, KeyError, IndexError) as error:
            raise DecoderMissing(
                "The model %(name)s did not answer (%(why)s). Start it, or choose another one on the models page; "
                "until then answers are quotations.",
                name=self.name,
                why=f"{type(error).__name__}: {str(error)[:100]}",
            ) from error

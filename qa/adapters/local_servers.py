"""Language models that already run on this machine, found by their usual ports.

Each speaks OpenAI's list of models (https://platform.openai.com/docs/api-reference/models/list).
"""

from collections.abc import Iterable, Iterator

import httpx2

# llama.cpp, Ollama, LM Studio, vLLM: their documented defaults. vLLM's is also that of this site.
PORTS = {"llama.cpp": 8080, "Ollama": 11434, "LM Studio": 1234, "vLLM": 8000}
_TIMEOUT = httpx2.Timeout(0.5)


def find_local(ports: Iterable[int] = tuple(PORTS.values())) -> Iterator[tuple[str, str]]:
    """(base address, first model) of each server that answers within half a second. Nothing leaves this machine."""
    for port in ports:
        address = f"http://127.0.0.1:{port}/v1"
        try:
            rows = httpx2.get(f"{address}/models", timeout=_TIMEOUT).raise_for_status().json()["data"]
            name = str(rows[0]["id"])
        except (httpx2.HTTPError, ValueError, KeyError, IndexError, TypeError):
            continue
        yield address, name

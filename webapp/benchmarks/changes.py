"""Changing constants of the libraries for the time of a benchmark: `--set retriever.EDGE_SIGMA=2`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any


@contextmanager
def applied(settings: Sequence[str]) -> Iterator[None]:
    """`module.NAME=value`, or `queries.SCENE.visual=value` for a field of a dataclass; modules of `indexer`."""
    before: list[tuple[Any, str, Any]] = []
    try:
        for setting in settings:
            path, _, text = setting.partition("=")
            module_name, _, name = path.partition(".")
            name, _, part = name.partition(".")
            try:
                module = import_module(f"indexer.{module_name}")
                old = getattr(module, name)
                current = getattr(old, part) if part else old
                value = type(current)(text)
            except (ImportError, AttributeError, ValueError, TypeError) as error:
                raise LookupError(f"--set {setting}: {error}") from None
            before.append((module, name, old))
            setattr(module, name, replace(old, **{part: value}) if part else value)
        yield
    finally:
        for module, name, old in reversed(before):
            setattr(module, name, old)

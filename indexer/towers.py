"""How large networks are computed on the machines that share a folder: what was measured and chosen there."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from indexer import files

PLAIN = "torch float32"


@dataclass(frozen=True)
class Choice:
    """How a network is computed here. `tried` maps each way to its milliseconds an item and its worst cosine to
    float32, or to the reason why it can't be used.
    """

    network: str
    way: str
    tried: dict[str, dict[str, float | str]]

    def __str__(self) -> str:
        gain = float(self.tried[PLAIN]["ms"]) / float(self.tried[self.way]["ms"])
        return f"{self.network}: {self.way}, {gain:.1f} × {PLAIN}, cosine {self.tried[self.way]['cosine']}"


def read_choices(folder: Path) -> dict[str, Choice]:
    """What was measured on the machines that share `folder`; nothing when the file can't be read."""
    try:
        rows = json.loads((folder / "towers.json").read_text())
        return {key: Choice(**row) for key, row in rows.items()}
    except (OSError, ValueError, TypeError):
        return {}


def keep_choice(folder: Path, key: str, choice: Choice) -> None:
    """Add what was measured for the network `key` to what is known in `folder`."""
    everything = {**read_choices(folder), key: choice}
    text = json.dumps({name: asdict(value) for name, value in everything.items()}, indent=1)
    files.write_whole(folder / "towers.json", lambda temporary: temporary.write_text(text))

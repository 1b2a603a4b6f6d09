"""Errors name the thing, the reason and the remedy: an English template with the values that fill it."""


class QaError(Exception):
    """Base of what `qa` raises. `text` is the template, filled from `values`."""

    permanent = False
    code = "qa"

    def __init__(self, text: str, **values: object) -> None:
        self.text = text
        self.values = {name: v if isinstance(v, int | float) else str(v)[:300] for name, v in values.items()}
        super().__init__(self.text, self.values)

    def __str__(self) -> str:
        return self.text % self.values if self.values else self.text


class DecoderMissing(QaError):
    """The decoder's weights are not on this machine."""

    code = "model-missing"

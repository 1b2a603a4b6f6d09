"""`manage.py makemessages -l zh_Hans`: Django's, which also finds the sentences of the libraries' errors."""

from django.core.management.commands import makemessages

from indexer import errors
from qa.errors import QaError
from webapp.pipeline import worker  # noqa: F401 - it has errors of its own


def name_errors(base: type[Exception]) -> list[str]:
    """The class and all that are derived from it."""
    return [base.__name__, *(name for kind in base.__subclasses__() for name in name_errors(kind))]


class Command(makemessages.Command):
    xgettext_options = [
        *makemessages.Command.xgettext_options,
        *(f"--keyword={name}" for name in ("translatable", *name_errors(errors.IndexerError), *name_errors(QaError))),
    ]

"""`manage.py models list|verify|fetch`: the weights, their origin, and whether they are the pinned ones."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils.module_loading import import_string

from indexer import towers
from indexer.errors import ModelMissing
from indexer.weights import COMPACT, HEADS, Weights
from webapp.management.base import JsonCommand, usage


class Command(JsonCommand):
    help = "List, check or fetch model weights."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("what", choices=["list", "verify", "fetch"])

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "fetch":
            self.fetch(options["json"])
            return
        failed = False
        for weights in (*COMPACT, *HEADS):
            record = describe(weights, check=options["what"] == "verify")
            failed |= record["status"] != "ok" and record["status"] != "installed"
            size = f"{record['size_bytes'] / 1e6:.1f} MB"
            line = f"{weights.name:32} {weights.licence:14} {size:>9}  {weights.package}  {record['status']}"
            self.emit(record, line, options["json"])
        for choice in towers.read_choices(settings.KINOSCOPE_HOME / "models" / "towers").values():
            record = {"name": choice.network, "computed by": choice.way, "tried": choice.tried}
            self.emit(record, str(choice), options["json"])
        if failed:
            raise SystemExit(1)

    def fetch(self, as_json: bool) -> None:
        """The only command that may contact a hub, and only for the profile that needs one."""
        if settings.KINOSCOPE_PROFILE == "compact":
            self.emit({"fetched": []}, "Profile compact needs nothing from a hub.", as_json)
            return
        if settings.KINOSCOPE_HUB_FORBIDDEN:
            raise usage("HF_HUB_OFFLINE is set: unset it to fetch, or set the settings to local paths.")
        os.environ["HF_HUB_OFFLINE"] = "0"  # before the hub's library is imported, which reads it once
        for role, (dotted, weights, *_) in settings.KINOSCOPE_PROFILES[settings.KINOSCOPE_PROFILE].items():
            if not weights or not hasattr(import_string(dotted), "fetch") or os.path.exists(weights):
                continue
            try:
                import_string(dotted).fetch(settings.KINOSCOPE_HOME / "models", weights)
            except OSError as error:
                raise usage(
                    f"{role}: the hub did not give the weights ({error}). Set the setting to a local path instead."
                ) from None
            self.emit({"role": role, "weights": weights}, f"{role}: {weights}", as_json)


def describe(weights: Weights, check: bool) -> dict[str, Any]:
    record: dict[str, Any] = {
        "name": weights.name,
        "purpose": weights.purpose,
        "package": weights.package,
        "licence": weights.licence,
        "source": weights.source,
        "files": weights.files,
        "size_bytes": 0,
    }
    try:
        record["size_bytes"] = weights.size_bytes()
        if check:
            weights.verify()
        record["status"] = "ok" if check else "installed"
    except (ModelMissing, OSError) as error:
        record["status"] = str(error)
    return record

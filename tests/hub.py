"""A hub on loopback that speaks as huggingface.co does: revisions, etags, redirects to another address for large files,
ranges, gated answers; and that breaks transfers on demand.
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import sleep

LARGE = (".safetensors", ".bin", ".pt", "tokenizer.json", ".model")  # what git keeps by LFS
PIECE = 4096


@dataclass
class Hub:
    """`folders` by repository and revision. `break_at`: bytes after which the next transfer of a large file is cut."""

    folders: dict[tuple[str, str], Path] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    spoiled: set[str] = field(default_factory=set)  # files that come with other bytes than announced
    break_at: list[int] = field(default_factory=list)
    seconds_a_piece: float = 0.0
    token: str = "hf_secret"
    ranges: list[str] = field(default_factory=list)  # that were asked for
    asked: list[tuple[str, str]] = field(default_factory=list)  # path, token
    address: str = ""

    def find(self, sha256: str) -> Path | None:
        files = (path for folder in self.folders.values() for path in folder.rglob("*") if path.is_file())
        return next((path for path in files if hash_of(path) == sha256), None)


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def serve_hub() -> Iterator[Hub]:
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = self.path.partition("?")[0]
        token = self.headers.get("Authorization", "")
        self.hub.asked.append((path, token))
        if found := re.fullmatch(r"/api/models/(.+)/revision/(\w+)", path):
            self.describe(found[1], found[2], token)
        elif found := re.fullmatch(r"/(.+)/resolve/(\w+)/(.+)", path):
            self.resolve(found[1], found[2], found[3], token)
        elif file := self.find_file(path):
            self.send_file(file, {})
        else:
            self.refuse(404, "EntryNotFound")

    def find_file(self, path: str) -> Path | None:
        """What is not in a repository's own address: large files of all of them, and single files."""
        if found := re.fullmatch(r"/cdn/(\w+)", path):
            return self.hub.find(found[1])
        alone = self.hub.folders.get(("files", ""), Path("/nowhere")) / path[1:]
        return alone if alone.is_file() else None

    def folder(self, repository: str, revision: str, token: str) -> Path | None:
        """Of what may be given, else None once it was refused."""
        if repository in self.hub.gated and token != f"Bearer {self.hub.token}":
            self.refuse(403 if token else 401, "GatedRepo")
            return None
        found = self.hub.folders.get((repository, revision))
        if found is None:
            known = any(name == repository for name, _revision in self.hub.folders)
            self.refuse(404, "RevisionNotFound" if known else "RepoNotFound")
        return found

    def describe(self, repository: str, revision: str, token: str) -> None:
        folder = self.folder(repository, revision, token)
        if folder is None:
            return
        siblings = []
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            data, name = path.read_bytes(), path.relative_to(folder).as_posix()
            row: dict[str, object] = {"rfilename": name, "size": len(data)}
            row["blobId"] = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
            if name.endswith(LARGE):
                row["lfs"] = {"sha256": hash_of(path), "size": len(data), "pointerSize": 130}
            siblings.append(row)
        body = json.dumps({"_id": "1", "id": repository, "modelId": repository, "sha": revision, "siblings": siblings})
        self.send(200, body.encode(), {"Content-Type": "application/json"})

    def resolve(self, repository: str, revision: str, name: str, token: str) -> None:
        folder = self.folder(repository, revision, token)
        if folder is None:
            return
        path = folder / name
        if not path.is_file():
            self.refuse(404, "EntryNotFound")
            return
        about = {"X-Repo-Commit": revision, "ETag": f'"{hash_of(path)}"'}
        if name.endswith(LARGE):
            size = {"X-Linked-Size": str(path.stat().st_size), "X-Linked-Etag": f'"{hash_of(path)}"'}
            self.send(302, b"", {**about, **size, "Location": f"{self.hub.address}/cdn/{hash_of(path)}"})
        else:
            self.send_file(path, about)

    def refuse(self, status: int, code: str) -> None:
        self.send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": code})

    def send_file(self, path: Path, headers: dict[str, str]) -> None:
        data = path.read_bytes()
        if path.name in self.hub.spoiled:
            data = bytes([data[0] ^ 1]) + data[1:]
        wanted = self.headers.get("Range")
        if wanted and self.command == "GET":
            self.hub.ranges.append(wanted)
            first = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            part = data[first:]
            self.send(206, part, {**headers, "Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"})
        else:
            self.send(200, data, headers)

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Accept-Ranges": "bytes"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = self.hub.break_at.pop(0) if self.hub.break_at and len(body) > self.hub.break_at[0] else None
        for first in range(0, len(body) if cut is None else cut, PIECE):
            self.wfile.write(body[first : first + PIECE][: None if cut is None else cut - first])
            sleep(self.hub.seconds_a_piece)
        if cut is not None:
            self.wfile.flush()
            self.connection.close()
            self.close_connection = True

"""A person at the site of an installation, over real HTTP, without scripts."""

import http.cookiejar
import re
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from tests.faults.conftest import Installation
from tests.site import free_port


class Browser:
    """Signs in and posts like a browser without scripts."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.jar = http.cookiejar.CookieJar()
        self.open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar)).open

    def get(self, path: str) -> tuple[int, str, float]:
        return self.send(urllib.request.Request(self.base + path))

    def head(self, path: str) -> tuple[int, dict[str, str], float]:
        """Status, headers and seconds of a page that is read to its end."""
        begun = time.monotonic()
        try:
            with self.open(self.base + path, timeout=120) as answer:
                answer.read()
                return answer.status, dict(answer.headers), time.monotonic() - begun
        except urllib.error.HTTPError as error:
            return error.code, {}, time.monotonic() - begun

    def send(self, request: urllib.request.Request) -> tuple[int, str, float]:
        begun = time.monotonic()
        try:
            with self.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode(errors="replace"), time.monotonic() - begun
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace"), time.monotonic() - begun

    def sign_in(self, password: str = "a long one", name: str = "admin") -> None:
        page = self.get("/sign-in")[1]
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page).group(1)  # type: ignore[union-attr]
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token, "username": name, "password": password})
        request = urllib.request.Request(self.base + "/sign-in", data.encode(), {"Referer": self.base + "/sign-in"})
        assert self.send(request)[0] == 200

    def upload(self, path: Path) -> tuple[int, str, float]:
        token = next(c.value for c in self.jar if c.name == "csrftoken")
        edge, line = "----edge", b"\r\n"
        fields = [(f'name="csrfmiddlewaretoken"', token.encode()), ('name="visibility"', b"private")]  # noqa: F541
        fields.append((f'name="files"; filename="{path.name}"\r\nContent-Type: video/mp4', path.read_bytes()))
        body = b"".join(
            b"--" + edge.encode() + line + f"Content-Disposition: form-data; {head}".encode() + line * 2 + data + line
            for head, data in fields
        )
        body += b"--" + edge.encode() + b"--" + line
        kind = f"multipart/form-data; boundary={edge}"
        headers = {"Content-Type": kind, "Accept": "application/json", "Referer": self.base + "/upload"}
        return self.send(urllib.request.Request(self.base + "/upload", body, headers))


def open_site(site: Installation, worker: bool = False) -> Browser:
    port = free_port()
    site.serve(port, worker)
    browser = Browser(port)
    for _ in range(300):
        with socket.socket() as link:
            if link.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    browser.sign_in()
    return browser

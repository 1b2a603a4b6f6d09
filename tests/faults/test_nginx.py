"""nginx in front, as `manage.py deploy nginx` configures it: it sends the media, the site decides who gets them."""

import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.browser import Browser, open_site
from tests.faults.conftest import ROOT, Installation, write_silent
from tests.faults.test_uploads import headers
from tests.site import free_port

pytestmark = pytest.mark.skipif(not shutil.which("nginx"), reason="SKIPPED LOUDLY: nginx is not installed")


@pytest.fixture
def front(site: Installation, tmp_path: Path) -> Iterator[Browser]:
    """nginx with the very lines that `deploy` prints, before a site that knows of it."""
    site.env["KINOSCOPE_ACCEL"] = "/protected"
    back = open_site(site, worker=True)
    port = free_port()
    port_of_the_site = back.base.rsplit(":", 1)[1]
    asked = [sys.executable, "manage.py", "deploy", "nginx", "--port", port_of_the_site]
    server = subprocess.run(asked, cwd=ROOT, env=site.env, capture_output=True, text=True, check=True).stdout
    server = server.replace("listen 80;", f"listen 127.0.0.1:{port};")
    server = server.replace("$scheme", "http")
    (tmp_path / "nginx.conf").write_text(
        f"user root; daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;\nevents {{}} http {{\n"
        f"access_log off; client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;\n"
        f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n{server} }}\n"
    )
    nginx = subprocess.Popen(["nginx", "-c", str(tmp_path / "nginx.conf")], stderr=subprocess.PIPE)
    time.sleep(1)
    assert nginx.poll() is None, nginx.stderr.read().decode()  # type: ignore[union-attr]
    browser = Browser(port)
    browser.sign_in()
    yield browser
    nginx.terminate()
    nginx.wait()


def test_nginx_sends_what_the_site_allows(site: Installation, front: Browser, tmp_path: Path) -> None:
    import urllib.request

    path = write_silent(tmp_path / "a.mp4", 1)
    assert front.upload(path)[0] == 200
    site.wait(lambda: site.sql("SELECT content_type FROM webapp_video")[0][0] != "")
    ((key,),) = site.sql("SELECT key FROM webapp_video")
    key, data = uuid.UUID(str(key)), path.read_bytes()
    address = f"{front.base}/media/{key}/video"
    request = urllib.request.Request(address, headers=headers(front, Range="bytes=100-299"))
    with front.open(request) as answer:
        assert answer.status == 206
        assert answer.read() == data[100:300]
        told = answer.headers
    assert told["Content-Type"] == "video/mp4"
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert told["Cache-Control"] == "private, no-cache"
    assert "X-Accel-Redirect" not in told
    with front.open(urllib.request.Request(address, headers=headers(front))) as answer:
        assert answer.read() == data
    stranger = Browser(int(front.base.rsplit(":", 1)[1]))
    assert "Sign in" in stranger.get(f"/media/{key}/video")[1]
    paths = [f"media/{key}.bin", "secret_key", "media/../secret_key", "media/%2e%2e/secret_key"]
    for hidden in [*(f"/protected/{path}" for path in paths), f"/media/../protected/media/{key}.bin"]:
        for who in (stranger, front):
            status, body, _ = who.get(hidden)
            assert status in (400, 404), hidden
            assert data[4:40].decode(errors="replace") not in body

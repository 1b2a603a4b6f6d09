"""Messages to addresses that admins set up, signed as https://www.standardwebhooks.com says.

A connection is only made to an address of the public internet: the name is looked up here, and what it stands for is
what is connected to, so that a name that changes its mind (DNS rebinding) opens no way into the network this runs in.
Redirects are not followed.
"""

import ipaddress
import json
import socket
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import httpcore2
from django.conf import settings
from standardwebhooks import Webhook as Signer

from webapp.models import Webhook

TIMEOUT = 10.0  # seconds that an address may take, for each part of an answer
_FAILURES = (
    *(httpcore2.NetworkError, httpcore2.TimeoutException),
    *(httpcore2.ProtocolError, httpcore2.UnsupportedProtocol),
)
_LIMITS = dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT)


class Refused(Exception):
    """An address that may not be asked, or did not take the message; why, in words."""


class PublicOnly(httpcore2.SyncBackend):
    """Connects to public addresses only, unless `KINOSCOPE_WEBHOOKS_PRIVATE` is set."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        found = {str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        allowed = [address for address in sorted(found) if is_allowed(address)]
        if not allowed:
            raise Refused(f"{host} is in a private network; KINOSCOPE_WEBHOOKS_PRIVATE=1 allows that")
        return super().connect_tcp(allowed[0], port, timeout, local_address, socket_options)


def is_allowed(address: str) -> bool:
    """An IPv4 address that is written as an IPv6 one counts as what it is."""
    found = ipaddress.ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    return settings.KINOSCOPE_WEBHOOKS_PRIVATE or (found.is_global and not found.is_multicast)


def post(webhook: Webhook, key: str, message: dict[str, Any]) -> None:
    """Send `message`; `key` is the same whenever it is tried again. Raises `Refused`."""
    now = datetime.now(UTC)
    body = json.dumps({**message, "timestamp": now.isoformat()}, ensure_ascii=False)
    headers: dict[str | bytes, str | bytes] = {
        "content-type": "application/json",
        "user-agent": "Kinoscope",
        "webhook-id": key,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Signer(webhook.secret).sign(key, now, body),
    }
    try:
        with (
            httpcore2.ConnectionPool(network_backend=PublicOnly()) as pool,
            pool.stream(
                "POST", webhook.url, headers=headers, content=body.encode(), extensions={"timeout": _LIMITS}
            ) as response,
        ):
            status = response.status  # what else it says is not read
    except (*_FAILURES, OSError, ValueError) as error:
        raise Refused(f"{type(error).__name__}: {error}"[:250]) from error
    if not 200 <= status < 300:
        raise Refused(f"it answered {status}")

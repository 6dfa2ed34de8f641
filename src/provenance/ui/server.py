"""Serving the page on this machine, at a port that the system chooses."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final

import uvicorn

import provenance as p
from provenance.ui.app import LOCAL, create_app

if TYPE_CHECKING:
    from socket import socket

AT_ONCE: Final = 64
"""Requests that are answered at a time."""


class _Server(uvicorn.Server):
    """A server that says where it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[int], None]) -> None:
        super().__init__(config)
        self.announce = announce

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.announce(self.servers[0].sockets[0].getsockname()[1])


def is_loopback(host: str) -> bool:
    """Return whether *host* is this machine alone.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def serve(
    repo: p.Repository,
    announce: Callable[[str], None],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
) -> bool:
    """Serve the page of *repo* until the process is interrupted.

    Args:
        repo: What is shown; nothing is written to it.
        announce: Called with the address, once the server listens.
        host: The address to listen at.
        port: The port; 0 lets the system choose a free one.
        token: What requests must hold; by default a random one.

    Returns:
        Whether it could listen there.
    """
    secret = token or token_urlsafe(16)
    name = f"[{host}]" if ":" in host else host
    app = create_app(repo, secret, (*LOCAL, name))
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        limit_concurrency=AT_ONCE,
    )
    server = _Server(config, lambda used: announce(f"http://{name}:{used}/?token={secret}"))
    try:
        server.run()
    except SystemExit:
        return False
    return server.started

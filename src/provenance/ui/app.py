"""The application and its server: addresses of pages, the door, and a port that the system chooses.

A request must name this server as its host and hold the token, and can only read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from ipaddress import ip_address
from secrets import compare_digest, token_urlsafe
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlencode

import anyio
import uvicorn
from anyio.to_thread import run_sync
from attrs import frozen
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import provenance as p
from provenance.documents.items import write_document
from provenance.documents.words import ConditionError
from provenance.ui import pages
from provenance.ui.compare import compare
from provenance.ui.pages import NotFound, Page
from provenance.ui.previews import browsing, read_image
from provenance.ui.rendering import Frame, asset, render

if TYPE_CHECKING:
    from socket import socket

POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
"""Content security policy of the pages: nothing of other servers, and no script inside a page."""
IMAGE_POLICY: Final = "default-src 'none'; sandbox"
_HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
SECONDS: Final = 30.0
"""Time after which a page is given up."""
LOCAL: Final = ("127.0.0.1", "localhost", "[::1]")
"""The names of this machine that requests may be addressed to."""
_REFRESH: Final = 10


# ---------------------------------------------------------------- the door


@frozen(eq=False)
class Guard:
    """The door around the application.

    Attributes:
        app: the application.
        token: what requests must hold, in a cookie that the address with `?token=` sets.
        hosts: names that requests may be addressed to.
    """

    app: ASGIApp
    token: str
    hosts: tuple[str, ...]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return
        answer = self._refuse(Request(scope)) or self.app

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await answer(scope, receive, send_guarded)

    def _refuse(self, request: Request) -> Response | None:
        """Return the answer to a request that may not come in, or that holds the token in its address."""
        port = request.scope["server"][1]
        if not _is_addressed(request.headers, self.hosts, port):
            text = "This server answers only to its own name; open the address that it printed."
            return PlainTextResponse(text, 421)
        if request.method not in {"GET", "HEAD"}:
            return PlainTextResponse("Only reading exists here.", 405, {"allow": "GET, HEAD"})
        cookie = f"provenance-{port}"
        given = request.query_params.get("token")
        if given is not None and _equal(given, self.token):
            return self._admit(request, cookie)
        if not _equal(request.cookies.get(cookie, ""), self.token):
            text = "Open the address that `provenance ui` printed: it has a token."
            return PlainTextResponse(text, 403)
        return None

    def _admit(self, request: Request, cookie: str) -> Response:
        """Set the cookie, and lead to the same address without the token."""
        rest = [(key, text) for key, text in request.query_params.multi_items() if key != "token"]
        path = "/" + request.url.path.lstrip("/")
        response = RedirectResponse(path + (f"?{urlencode(rest)}" if rest else ""), 303)
        response.set_cookie(cookie, self.token, httponly=True, samesite="strict", path="/")
        return response


def _equal(one: str, other: str) -> bool:
    return compare_digest(one.encode("utf-8", "replace"), other.encode())


def _is_addressed(headers: Headers, hosts: Iterable[str], port: int) -> bool:
    """Return whether a request names this server, so that no foreign name leads here."""
    given = headers.getlist("host")
    # Browsers leave out the port 80.
    names = {f"{host}:{port}".removesuffix(":80") for host in hosts}
    return len(given) == 1 and given[0].lower() in names


# ---------------------------------------------------------------- pages

Make: TypeAlias = Callable[[p.Repository, Mapping[str, str]], Page]
"""Makes a page, given what its path and the query say."""

_PAGES: Final[dict[str, tuple[str | None, Make]]] = {
    "/": ("stats", lambda repo, _: pages.overview(repo)),
    "/artifacts": ("artifacts", pages.artifacts),
    "/a/{id}": ("artifacts/{id}", pages.artifact),
    "/a/{id}/lineage": ("artifacts/{id}/lineage", pages.lineage),
    "/a/{id}/uses": ("artifacts/{id}/uses", pages.uses),
    "/compare": ("compare", compare),
    "/why/{id}": ("artifacts/{id}/why", pages.why),
    "/f/{name:path}": ("functions/{name:path}", pages.function),
    "/runs": ("runs", lambda repo, _: pages.runs(repo)),
    "/r/{id}": ("runs/{id}", pages.run),
    "/sets": ("sets", lambda repo, _: pages.sets(repo)),
    "/s/{id}": ("sets/{id}", pages.artifact_set),
    "/search": ("search", pages.find),
    "/storage": (None, lambda repo, _: pages.storage(repo)),
}
"""The pages by path, each with the path of its JSON document."""


@frozen(eq=False)
class Site:
    """The pages of a repository, as endpoints."""

    repo: p.Repository
    seconds: float = SECONDS

    async def html(self, make: Make, request: Request) -> Response:
        """Return a page."""
        page = await self._ask(make, request)
        refresh = _REFRESH if page.is_live and "refresh" in request.query_params else None
        frame = Frame(self.repo.name, now=datetime.now().astimezone(), refresh=refresh)
        return HTMLResponse(await run_sync(render, page, frame), page.status)

    async def json(self, make: Make, request: Request) -> Response:
        """Return the JSON document of a page."""
        page = await self._ask(make, request)
        text = write_document(page.document)
        return Response(text, page.status, media_type="application/json")

    async def _ask(self, make: Make, request: Request) -> Page:
        """Make a page in a thread, for a limited time; an error is a page, too."""
        given = {**request.query_params, **request.path_params}
        try:
            with anyio.fail_after(self.seconds):
                return await run_sync(make, self.repo, given, abandon_on_cancel=True)
        except TimeoutError:
            return pages.problem("Too slow", f"no answer within {self.seconds:g} seconds", 503)
        except p.ProvenanceError as error:
            return pages.problem(*describe(error))

    def fail(self, _: Request, error: Exception) -> Response:
        """Return the page of an error of this library; the server logs its traceback."""
        page = pages.problem("A bug", f"this page failed with {type(error).__name__}", 500)
        return HTMLResponse(render(page, Frame(self.repo.name)), 500)

    def image(self, request: Request) -> Response:
        """Return an archived image, by its own bytes a picture and nothing else."""
        try:
            one = pages.find_artifact(self.repo, request.path_params["id"])
            found = read_image(one, self.repo)
        except p.ProvenanceError as error:
            return PlainTextResponse(str(error), describe(error)[2])
        if found is None:
            return PlainTextResponse("no image", 404)
        headers = {"content-security-policy": IMAGE_POLICY}
        return Response(found[0], media_type=found[1], headers=headers)

    def newest(self, _: Request) -> Response:
        """Return the id of the newest artifact, by which a page learns that something came."""
        newest = p.search(repo=self.repo).first
        text = write_document({"newest": None if newest is None else newest.id})
        return Response(text, media_type="application/json")


def describe(error: p.ProvenanceError) -> tuple[str, str, int]:
    """Return the title, the text and the HTTP status of an error."""
    match error:
        case NotFound() | p.ArtifactNotFoundError() | p.SetNotFoundError() | p.RunNotFoundError():
            return "Not found", str(error), 404
        case p.AmbiguousIdError() | ConditionError() | p.ConfigError():
            return "Cannot be read", str(error), 400
        case p.StoreUnavailableError():
            return "Not reachable", str(error), 503
        case _:
            return "Cannot be shown", str(error), 500


def send_asset(request: Request) -> Response:
    """Return a style sheet, a script or the icon."""
    found = asset(request.path_params["name"])
    if found is None:
        return PlainTextResponse("not found", 404)
    return Response(found[0], media_type=found[1])


def send_icon(_: Request) -> Response:
    """Return the icon at the address that browsers try."""
    return RedirectResponse("/assets/icon.svg", 303)


def create_app(
    repo: p.Repository, token: str, hosts: Iterable[str] = LOCAL, *, seconds: float = SECONDS
) -> ASGIApp:
    """Return the application that shows *repo*.

    Args:
        repo: What is shown; nothing is written to it.
        token: What requests must hold.
        hosts: Names that requests may be addressed to.
        seconds: Time after which a page is given up.
    """
    site = Site(browsing(repo), seconds)
    routes = [
        *(Route(path, partial(site.html, make)) for path, (_, make) in _PAGES.items()),
        Route("/a/{id}/image", site.image),
        Route("/api/v1/newest", site.newest),
        *(
            Route(f"/api/v1/{path}", partial(site.json, make))
            for path, make in _PAGES.values()
            if path is not None
        ),
        Route("/assets/{name}", send_asset),
        Route("/favicon.ico", send_icon),
        Route("/{rest:path}", partial(site.html, _no_page)),
    ]
    app = Starlette(routes=routes, exception_handlers={Exception: site.fail})
    return Guard(app, token, tuple(hosts))


def _no_page(_: p.Repository, given: Mapping[str, str]) -> Page:
    path = f"/{given['rest']}"
    raise NotFound(f"no page has the path {path!r}")


# ---------------------------------------------------------------- the server

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

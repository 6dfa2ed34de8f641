"""From pages to HTML: templates, addresses of pages, and texts that show what is in them."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final, cast
from urllib.parse import quote, urlencode

from attrs import field, frozen
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

import provenance as p
from provenance.documents.words import count_of, format_argument, format_arguments, format_time
from provenance.escaping import escape_invisible
from provenance.ui.pages import Page
from provenance.util.formatting import duration, size
from provenance.vis import visualize_lineage
from provenance.vis.layout import lay_out
from provenance.vis.scene import ArtifactNode, Kind
from provenance.vis.svg import rules, svg

SHORT_ID: Final = 12


@frozen
class Links:
    """The addresses of pages: of a server, or of files beside one another.

    Attributes:
        root: what leads from a page to the front page.
        suffix: how the names of files end; empty for a server.
        known: ids that have a page; None for all.
        files: other files beside the pages, by their paths in a bundle.
    """

    root: str = "/"
    suffix: str = ""
    known: frozenset[str] | None = None
    files: Container[str] = ()

    @property
    def is_static(self) -> bool:
        """Whether the pages are files."""
        return bool(self.suffix)

    def artifact(self, artifact_id: str) -> str | None:
        """Return the address of an artifact; None if it has no page."""
        return self._thing("a", artifact_id)

    def run(self, run_id: str) -> str | None:
        """Return the address of a run; None if it has no page."""
        return self._thing("r", run_id)

    def set(self, set_id: str) -> str | None:
        """Return the address of a set; None if it has no page."""
        return self._thing("s", set_id)

    def function(self, name: str) -> str:
        """Return the address of a function."""
        # A name may hold anything, and file systems do not take everything.
        key = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return self.page(
            f"f/{key}" if self.suffix else f"f/{quote(name, safe='', errors='replace')}"
        )

    def page(self, name: str, /, **query: object) -> str:
        """Return the address of a page by its path."""
        given = {key: value for key, value in query.items() if value not in (None, "")}
        if not name:
            return f"{self.root}index{self.suffix}" if self.suffix else self.root
        return f"{self.root}{name}{self.suffix}" + (f"?{urlencode(given)}" if given else "")

    def image(self, artifact_id: str, media_type: str) -> str:
        """Return the address of an archived image."""
        if self.is_static:
            return f"{self.root}images/{artifact_id}.{media_type.rpartition('/')[2]}"
        return f"{self.root}a/{artifact_id}/image"

    def source(self, digest: str) -> str | None:
        """Return the address of a recorded source; None if it is not beside the pages."""
        return self._beside(f"sources/{digest}.py")

    def blob(self, digest: str) -> str | None:
        """Return the address of the bytes of a value; None if they are not beside the pages."""
        return self._beside(f"blobs/{digest[:2]}/{digest[2:]}")

    def _beside(self, path: str) -> str | None:
        return f"{self.root}{path}" if path in self.files else None

    def asset(self, name: str) -> str:
        """Return the address of a style sheet or script."""
        return f"{self.root}assets/{name}"

    def _thing(self, kind: str, key: str) -> str | None:
        if self.known is not None and key not in self.known:
            return None
        return f"{self.root}{kind}/{quote(key, safe='')}{self.suffix}"


def show(value: object) -> object:
    """Return what a template prints for *value*: a text shows all that is in it, in one line."""
    if value is None:
        return ""
    return escape_invisible(value) if type(value) is str else value


def shorten(text: str) -> str:
    """Return the first digits of an id."""
    return text[:SHORT_ID]


def name_of_type(text: str) -> str:
    """Return the name of a type without its module."""
    return text.rpartition(":")[2]


def show_lines(text: str) -> Markup:
    """Return a text of several lines as markup."""
    lines = (escape_invisible(line.expandtabs()) for line in text.splitlines())
    return Markup("\n").join(map(escape, lines))


def show_time(text: str | None, now: datetime | None) -> Markup:
    """Return a time as an element: near *now* by the day, without it in UTC."""
    if not text:
        return Markup()
    moment = datetime.fromisoformat(text)
    exact = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    shown = exact[:16] if now is None else format_time(text, now)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(text, exact, shown)


def draw_lineage(graph: p.Lineage, links: Links) -> Markup:
    """Return the picture of a lineage, whose artifacts are links to their pages, and boxes of those left out to all of them."""
    layout = lay_out(visualize_lineage(graph).scene)
    rest = "uses" if graph.down else "lineage"

    def link(node: ArtifactNode) -> str | None:
        if node.kind is Kind.MORE and not links.is_static:
            return links.page(f"a/{node.id}/{rest}")
        return links.artifact(node.id)

    # The SVG comes from a writer that escapes all names and values.
    return Markup(svg(layout, link=link))  # noqa: S704


def draw_line(values: Sequence[float], width: int = 160, height: int = 28) -> Markup:
    """Return numbers as a small line, from left to right; nothing for fewer than two."""
    if len(values) < 2:  # noqa: PLR2004 - a line has two ends
        return Markup()
    most = max(values) or 1.0
    step = (width - 4) / (len(values) - 1)
    points = " ".join(
        f"{2 + i * step:.1f},{height - 3 - value / most * (height - 6):.1f}"
        for i, value in enumerate(values)
    )
    return Markup(
        '<svg class="line" viewBox="0 0 {w} {h}" width="{w}" height="{h}" aria-hidden="true">'
        '<polyline points="{points}"/></svg>'
    ).format(w=width, h=height, points=points)


@cache
def templates() -> Environment:
    """Return the templates."""
    environment = Environment(
        loader=PackageLoader("provenance.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=show,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., object]] = {
        "argument": format_argument,
        "arguments": format_arguments,
        "count": count_of,
        "duration": duration,
        "lines": show_lines,
        "short": shorten,
        "size": size,
        "type": name_of_type,
    }
    environment.filters.update(cast("Any", filters))
    return environment


@frozen
class Frame:
    """What surrounds each page.

    Attributes:
        repo: name of the repository.
        links: addresses of pages.
        now: the local time; None for files, which are read at any time.
        refresh: seconds after which a browser without JavaScript loads the page again.
    """

    repo: str
    links: Links = field(factory=Links)
    now: datetime | None = None
    refresh: int | None = None


def render(page: Page, frame: Frame) -> str:
    """Return *page* as HTML."""
    template = templates().get_template(f"{page.template}.html")
    return template.render(
        **page.content,
        title=page.title,
        live=page.is_live,
        frame=frame,
        links=frame.links,
        picture=partial(draw_lineage, links=frame.links),
        sparkline=draw_line,
        when=partial(show_time, now=frame.now),
    )


def asset(name: str) -> tuple[bytes, str] | None:
    """Return a style sheet or script and its media type; None for any other name."""
    if name == "lineage.css":
        return rules(dark=True).encode(), "text/css; charset=utf-8"
    kinds = {
        "style.css": "text/css; charset=utf-8",
        "script.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
    }
    if name not in kinds:
        return None
    return (files("provenance.ui") / "assets" / name).read_bytes(), kinds[name]

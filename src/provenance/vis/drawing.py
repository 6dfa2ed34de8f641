"""`Drawing`: a picture of lineage in each of its formats."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Container, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from attrs import frozen

from provenance.catalog.graph import Lineage
from provenance.catalog.trace import lineage
from provenance.errors import ConfigError
from provenance.telemetry import last_outcomes
from provenance.vis import graph_languages, html, svg
from provenance.vis.layout import Layout, lay_out
from provenance.vis.scene import Scene, scene_of

SHARP: Final = 2.0
"""Pixels per unit of the drawing."""
MAX_DOTS: Final = 16_000_000
"""Maximum number of pixels."""
LONGEST: Final = 12_000
"""Maximum number of pixels of one side."""


def png(svg: str, width: float, height: float) -> bytes:
    """Return the drawing of this size as PNG.

    Raises:
        ConfigError: if `resvg-py` is not installed.
    """
    try:
        import resvg_py  # noqa: PLC0415 - optional
    except ImportError as error:
        advice = "pip install resvg-py, or save as SVG or HTML, which need no library"
        raise ConfigError("vis", "PNG needs resvg-py", advice) from error
    zoom = scale(width, height)
    broad, high = max(1, int(width * zoom)), max(1, int(height * zoom))
    if zoom == SHARP:
        return resvg_py.svg_to_bytes(svg, width=broad, height=high)
    # Three times as fast, and the difference cannot be seen at a small scale.
    return resvg_py.svg_to_bytes(
        svg,
        width=broad,
        height=high,
        shape_rendering="optimize_speed",
        text_rendering="optimize_speed",
    )


def scale(width: float, height: float) -> float:
    """Return the pixels per unit, so that the picture is sharp but not too large.

    >>> scale(500, 400), scale(100_000, 10), scale(20_000, 20_000) < 1
    (2.0, 0.12, True)
    """
    return min(SHARP, LONGEST / max(width, height), math.sqrt(MAX_DOTS / (width * height)))


@frozen(repr=False)
class Drawing:
    """A picture of a lineage: show it in a notebook, `save` it, or use its text in a format.

    It shows the records as they were when it was made, and never reads a value.
    """

    lineage: Lineage
    scene: Scene

    @cached_property
    def _layout(self) -> Layout:
        return lay_out(self.scene)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG, with colors for light and dark pages."""
        return svg.svg(self._layout)

    @property
    def html(self) -> str:
        """The picture as a standalone page that zooms, pans and shows details on a click."""
        return html.page(self.svg, self.scene.title)

    @property
    def dot(self) -> str:
        """The graph in the language of Graphviz."""
        return graph_languages.dot(self.scene)

    @property
    def mermaid(self) -> str:
        """The graph in the language of Mermaid."""
        return graph_languages.mermaid(self.scene)

    @property
    def png(self) -> bytes:
        """The picture as PNG, with colors for light pages.

        Raises:
            ConfigError: if `resvg-py` is not installed.
        """
        return png(svg.svg(self._layout, dark=False), self._layout.width, self._layout.height)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture in the format of the suffix: .svg, .html, .png, .dot, .gv or .mmd.

        Raises:
            ConfigError: for any other suffix, or is `.png` and `resvg-py` is not installed.
        """
        target = Path(path)
        encode = _FORMATS.get(target.suffix.lower())
        if encode is None:
            problem = f"cannot save a picture as {target.suffix or 'a file without a suffix'}"
            raise ConfigError(str(target), problem, f"use {', '.join(_FORMATS)}")
        target.write_bytes(encode(self))
        return target

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return _MIME["text/html"](self)

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]:
        def is_wanted(mime: str) -> bool:
            return (not include or mime in include) and not (exclude and mime in exclude)

        return {mime: render(self) for mime, render in _MIME.items() if is_wanted(mime)}

    def __repr__(self) -> str:
        return f"<provenance.vis.Drawing: {self.scene.title}>"


_FORMATS: Final[Mapping[str, Callable[[Drawing], bytes]]] = {
    ".svg": lambda drawing: drawing.svg.encode(),
    ".html": lambda drawing: drawing.html.encode(),
    ".png": lambda drawing: drawing.png,
    ".dot": lambda drawing: drawing.dot.encode(),
    ".gv": lambda drawing: drawing.dot.encode(),
    ".mmd": lambda drawing: drawing.mermaid.encode(),
}
_MIME: Final[Mapping[str, Callable[[Drawing], str]]] = {
    "text/plain": repr,
    "text/html": lambda drawing: html.embed(drawing.svg),
    "image/svg+xml": lambda drawing: drawing.svg,
}


def visualize_lineage(of: object) -> Drawing:
    """Draw the lineage of *of*: a proxy, an artifact, an id (or its first digits), or a `Lineage`.

    Each artifact is a node below the node of the function that made it. Its color shows whether
    this process found it in the store or computed it. Only records are read, so the size of values
    does not matter.

    Raises:
        TypeError: if *of* is anything else.
        ArtifactNotFoundError: if there is no artifact with this id.
    """
    graph = of if isinstance(of, Lineage) else lineage(of)
    return Drawing(graph, scene_of(graph, last_outcomes(graph.artifacts)))

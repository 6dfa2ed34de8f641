"""What `visualize_lineage` returns: a picture that notebooks show and that can be saved in several formats."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from attrs import frozen

from provenance.errors import ConfigError
from provenance.journal import outcomes
from provenance.lineage import Lineage
from provenance.tracing import lineage
from provenance.vis import dot, mermaid, page, raster, svg
from provenance.vis.layout import Layout, laid_out
from provenance.vis.scene import Scene, scene_of


@frozen(repr=False)
class Drawing:
    """A picture of a lineage: show it in a notebook, `save` it, or take its text in one of the formats.

    It shows what was known when it was made, and reads no value, whatever is done with it.
    """

    lineage: Lineage
    scene: Scene

    @cached_property
    def _layout(self) -> Layout:
        return laid_out(self.scene)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG, with colours for light and dark pages."""
        return svg.svg(self._layout)

    @property
    def html(self) -> str:
        """The picture as a page of its own, which zooms, moves and shows details on a click; it needs no network."""
        return page.page(self.svg, self.scene.title)

    @property
    def dot(self) -> str:
        """The graph in the language of Graphviz."""
        return dot.dot(self.scene)

    @property
    def mermaid(self) -> str:
        """The graph in the language of Mermaid."""
        return mermaid.mermaid(self.scene)

    @property
    def png(self) -> bytes:
        """The picture in dots, with the colours for light pages.

        Raises:
            ConfigError: if the extra `vis` is not installed.
        """
        return raster.png(svg.svg(self._layout, dark=False), self._layout.width, self._layout.height)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture in the format that the suffix of *path* names: .svg, .html, .png, .dot, .gv or .mmd.

        Raises:
            ConfigError: if it names none of these, or `.png` without the extra `vis`.
        """
        place = Path(path)
        write = _FORMATS.get(place.suffix.lower())
        if write is None:
            known = ", ".join(_FORMATS)
            raise ConfigError(
                str(place), f"no picture can be saved as {place.suffix or 'a file without a suffix'}", f"use {known}"
            )
        place.write_bytes(write(self))
        return place

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return _MIME["text/html"](self)

    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]:
        wanted = (each for each in _MIME if (not include or each in include) and not (exclude and each in exclude))
        return {each: _MIME[each](self) for each in wanted}

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
    "text/html": lambda drawing: page.embedded(drawing.svg),
    "image/svg+xml": lambda drawing: drawing.svg,
}


def visualize_lineage(of: object) -> Drawing:
    """A picture of where *of* came from: a proxy, an artifact, an id (or its first digits), or a `Lineage`.

    Each artifact is a node, below the node of the function that made it. Its colour says how this process came by it:
    found in the store, or computed. Only records are read, so it is quick however large the values are.

    Raises:
        TypeError: if *of* is none of these.
        ArtifactNotFoundError: if there is no artifact of this id.
    """
    graph = of if isinstance(of, Lineage) else lineage(of)
    return Drawing(graph, scene_of(graph, outcomes(graph.artifacts)))

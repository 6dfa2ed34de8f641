"""`visualize_lineage` and its result: a picture for notebooks and for files of several formats."""

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
    """A picture of a lineage: show it in a notebook, `save` it, or use its text in a format.

    It shows the records as they were when it was made, and never reads a value.
    """

    lineage: Lineage
    scene: Scene

    @cached_property
    def _layout(self) -> Layout:
        return laid_out(self.scene)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG, with colors for light and dark pages."""
        return svg.svg(self._layout)

    @property
    def html(self) -> str:
        """The picture as a standalone page that zooms, pans and shows details on a click."""
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
        """The picture as PNG, with colors for light pages.

        Raises:
            ConfigError: if the extra `vis` is not installed.
        """
        return raster.png(
            svg.svg(self._layout, dark=False), self._layout.width, self._layout.height
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture in the format of the suffix: .svg, .html, .png, .dot, .gv or .mmd.

        Raises:
            ConfigError: if the suffix is none of these, or is `.png` without the extra `vis`.
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
    "text/html": lambda drawing: page.embedded(drawing.svg),
    "image/svg+xml": lambda drawing: drawing.svg,
}


def visualize_lineage(of: object) -> Drawing:
    """Draw the lineage of *of*: a proxy, an artifact, an id (or its first digits), or a `Lineage`.

    Each artifact is a node below the node of the function that made it. Its color shows whether
    this process found it in the store or computed it. Only records are read, so the size of values
    does not matter.

    Raises:
        TypeError: if *of* is none of these.
        ArtifactNotFoundError: if there is no artifact with this id.
    """
    graph = of if isinstance(of, Lineage) else lineage(of)
    return Drawing(graph, scene_of(graph, outcomes(graph.artifacts)))

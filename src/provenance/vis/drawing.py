"""`Drawing`: a picture of lineage in each of its formats.

The HTML page works offline. The wheel zooms, dragging pans, and a click on a step shows its facts and highlights its
ancestors and descendants. Its script avoids `<` and `&`, so that the page is both XML and HTML; it reads facts from the
titles of the SVG and inserts them as text, never as markup.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Container, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from attrs import frozen

from provenance.catalog.graph import Lineage
from provenance.catalog.trace import lineage
from provenance.errors import ConfigError
from provenance.telemetry import last_outcomes
from provenance.vis import graph_languages, svg
from provenance.vis.layout import Layout, lay_out
from provenance.vis.scene import Scene, scene_of
from provenance.vis.svg import DARK, FIXED, FONTS, LIGHT, NAME

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
        return page(self.svg, self.scene.title)

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
        """Write the picture to *path*, in the format of its suffix: .svg, .html, .png, .dot, .gv or .mmd.

        Raises:
            ConfigError: for any other suffix, or for `.png` if `resvg-py` is not installed.
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
    # No taller than the window, and without a script.
    "text/html": lambda drawing: f'<div style="overflow:auto;max-height:85vh">{drawing.svg}</div>',
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


# ---------------------------------------------------------------- the page

_LOCK: Final = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""Content security policy: the page loads nothing, whatever markup a name or value contains."""

_STYLE: Final = f"""
html,body{{margin:0;height:100%;overflow:hidden;background:{LIGHT.sheet};color:{LIGHT.text};font:13px {FONTS}}}
svg.{NAME}{{width:100vw;height:100vh;cursor:grab;touch-action:none}}
svg.{NAME} .step{{cursor:pointer}}
.picked .step,.picked .use{{opacity:.2}}
.picked .step.near,.picked .use.near{{opacity:1}}
#facts{{position:fixed;right:12px;top:12px;max-width:42vw;max-height:80vh;overflow:auto;margin:0;padding:10px 14px;
border:1px solid {LIGHT.function.line};border-radius:8px;background:{LIGHT.function.fill};font:12px {FIXED};
white-space:pre-wrap;overflow-wrap:anywhere}}
#facts:empty{{display:none}}
#keys{{position:fixed;left:12px;bottom:8px;margin:0;color:{LIGHT.quiet}}}
@media (prefers-color-scheme:dark){{
html,body{{background:{DARK.sheet};color:{DARK.text}}}
#facts{{background:{DARK.function.fill};border-color:{DARK.function.line}}}
#keys{{color:{DARK.quiet}}}
}}
"""

_SCRIPT: Final = """
const svg = document.querySelector("svg"), facts = document.getElementById("facts");
const full = svg.getAttribute("viewBox").split(" ").map(Number);
let view = full.slice(), held = null, moved = false;
const show = () => svg.setAttribute("viewBox", view.join(" "));
const unit = () => Math.max(view[2] / svg.clientWidth, view[3] / svg.clientHeight);
function zoom(by, x, y) {
  const u = unit(), cx = view[0] + view[2] / 2 + (x - svg.clientWidth / 2) * u;
  const cy = view[1] + view[3] / 2 + (y - svg.clientHeight / 2) * u;
  view = [cx - (cx - view[0]) * by, cy - (cy - view[1]) * by, view[2] * by, view[3] * by];
  show();
}
function begin() {
  const whole = Math.max(1, full[2] / svg.clientWidth, full[3] / svg.clientHeight), u = whole > 1.8 ? 1.2 : whole;
  const wide = svg.clientWidth * u, high = svg.clientHeight * u, root = svg.querySelector(".root").getBBox();
  const x = whole > 1.8 ? root.x + root.width / 2 : full[2] / 2;
  const end = full[3] / 2 > root.y + root.height / 2 ? Math.min(0, full[3] - high) : full[3] - high;
  view = [x - wide / 2, end + Math.max(0, high - full[3]) / 2, wide, high];
  show();
}
svg.addEventListener("wheel", e => { e.preventDefault(); zoom(Math.exp(e.deltaY / 500), e.clientX, e.clientY); },
  {passive: false});
svg.addEventListener("pointerdown", e => { held = [e.clientX, e.clientY]; moved = false; });
window.addEventListener("pointerup", () => { held = null; });
window.addEventListener("pointermove", e => {
  if (held === null) return;
  const dx = e.clientX - held[0], dy = e.clientY - held[1], u = unit();
  if (Math.abs(dx) + Math.abs(dy) > 3) moved = true;
  if (!moved) return;
  view[0] -= dx * u; view[1] -= dy * u; held = [e.clientX, e.clientY];
  show();
});
const steps = Array.from(svg.querySelectorAll(".step")), uses = Array.from(svg.querySelectorAll(".use"));
const ends = uses.filter(w => w.dataset.to !== undefined).map(w => [w.dataset.from, w.dataset.to]);
const below = new Map(), above = new Map();
function link(from, to, at) { if (!at.has(from)) at.set(from, []); at.get(from).push(to); }
for (const [from, to] of ends) { link(from, to, below); link(to, from, above); }
function reached(start, at) {
  const met = new Set([start]), waiting = [start];
  while (waiting.length > 0) {
    for (const each of at.get(waiting.pop()) || []) if (!met.has(each)) { met.add(each); waiting.push(each); }
  }
  return met;
}
function pick(step) {
  svg.classList.toggle("picked", step !== null);
  facts.textContent = "";
  if (step === null) return;
  const id = step.dataset.step, up = reached(id, above), down = reached(id, below);
  const within = (set, w) => set.has(w.dataset.from) ? w.dataset.to === undefined || set.has(w.dataset.to) : false;
  for (const each of steps) each.classList.toggle("near", up.has(each.dataset.step) || down.has(each.dataset.step));
  for (const each of uses) each.classList.toggle("near", within(up, each) || within(down, each));
  facts.textContent = Array.from(step.querySelectorAll("title")).map(t => t.textContent).join("\\n\\n");
}
svg.addEventListener("click", e => { if (!moved) pick(e.target.closest(".step")); });
window.addEventListener("keydown", e => {
  const x = svg.clientWidth / 2, y = svg.clientHeight / 2;
  if (e.key === "+") zoom(0.8, x, y);
  if (e.key === "-") zoom(1.25, x, y);
  if (e.key === "0") { view = full.slice(); show(); }
  if (e.key === "1") begin();
  if (e.key === "Escape") pick(null);
});
begin();
"""


def page(svg: str, title: str) -> str:
    """Return the page that shows *svg*."""
    return (
        '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en"><head>'
        '<meta charset="utf-8"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{_LOCK}"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n{svg}\n"
        '<pre id="facts"></pre><p id="keys">'
        "drag: move · wheel, + -: zoom · 0: all · 1: the result · click: what is known</p>"
        f"<script>{_SCRIPT}</script></body></html>\n"
    )

"""The layout as SVG, with its palette and style sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias
from xml.sax.saxutils import escape, quoteattr

from attrs import frozen

from provenance.events import Outcome
from provenance.vis.layout import MARGIN, Box, Figure, Layout, Wire
from provenance.vis.measure import LINE, PADDING, Line, fit_text
from provenance.vis.scene import ArtifactNode, Facts, FunctionNode, Kind, class_of

NAME: Final = "provenance-lineage"
"""Class of the whole picture, to which its style sheet is limited."""


@frozen
class Paint:
    """The fill and the outline of a node."""

    fill: str
    line: str


@frozen
class Palette:
    """All colors of a picture; `paints` by the outcome of a call, None if it is unknown."""

    sheet: str
    text: str
    quiet: str
    wire: str
    function: Paint
    paints: dict[Outcome | None, Paint]


LIGHT: Final = Palette(
    "#ffffff",
    "#1b2530",
    "#5b6875",
    "#8592a0",
    Paint("#f4f6f8", "#a3aeb9"),
    {
        None: Paint("#e9f0f7", "#5f86ad"),
        Outcome.HIT: Paint("#dcf3e3", "#2b9150"),
        Outcome.MISS: Paint("#ffe5c7", "#d9730d"),
        Outcome.RECOMPUTED: Paint("#e8dffd", "#7a4fd6"),
        Outcome.RECOVERED: Paint("#ffdfe3", "#d6324a"),
    },
)
DARK: Final = Palette(
    "#161b22",
    "#e6ebf0",
    "#9aa7b4",
    "#6c7a89",
    Paint("#222a34", "#55626f"),
    {
        None: Paint("#1d3148", "#6d9bc9"),
        Outcome.HIT: Paint("#14382a", "#3fb46c"),
        Outcome.MISS: Paint("#46300f", "#eb9234"),
        Outcome.RECOMPUTED: Paint("#35275a", "#a582f0"),
        Outcome.RECOVERED: Paint("#4b1d28", "#f0647a"),
    },
)
FONTS: Final = "system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif"
FIXED: Final = "ui-monospace,'SF Mono',Consolas,'DejaVu Sans Mono',monospace"

_SHAPES: Final = f"""
text{{font-family:{FONTS};font-size:11px}}
.title{{font-size:14px;font-weight:600}}
.name,.type{{font-size:12px;font-weight:600}}
.id{{font-family:{FIXED};font-size:11px}}
.port{{font-style:italic}}
.right{{text-anchor:end}}
.port{{text-anchor:middle}}
.use,.link{{fill:none;stroke-width:1.3}}
.straight{{stroke-opacity:.35}}
.back{{stroke-dasharray:5 4}}
.call{{stroke-width:1}}
.thing{{stroke-width:1.5}}
.root{{stroke-width:3}}
.missing{{stroke-dasharray:4 3}}
"""


def rules(*, dark: bool) -> str:
    """Return the style sheet; with *dark*, it has colors for dark pages too."""
    text = _scope(_SHAPES) + _scope(_colors(LIGHT))
    return f"{text}@media (prefers-color-scheme:dark){{{_scope(_colors(DARK))}}}" if dark else text


def _scope(text: str) -> str:
    rules = [line.split("{", 1) for line in text.split("\n") if line]
    scoped = [",".join(f".{NAME} {name}" for name in names.split(",")) for names, _ in rules]
    return "".join(f"{names}{{{body}\n" for names, (_, body) in zip(scoped, rules, strict=True))


def _colors(palette: Palette) -> str:
    nodes = {f".{class_of(outcome)}": paint for outcome, paint in palette.paints.items()}
    nodes |= {".call": palette.function, ".missing": Paint(palette.sheet, palette.quiet)}
    lines = [
        f".sheet{{fill:{palette.sheet}}}",
        f"text{{fill:{palette.text}}}",
        f".quiet,.right,.port,.argument{{fill:{palette.quiet}}}",
        f".use,.link{{stroke:{palette.wire}}}",
        f".tip{{fill:{palette.wire}}}",
        *(f"{name}{{fill:{paint.fill};stroke:{paint.line}}}" for name, paint in nodes.items()),
    ]
    return "\n".join(lines)


SWATCH: Final = 12.0
"""Side of the square that shows a color."""

_BASE: Final = 12.0
"""From the top of a line of text to its baseline."""
_FOLD: Final = 8.0
"""Size of the folded corner in the page of a file."""


Link: TypeAlias = Callable[[ArtifactNode], str | None]
"""The address that a node leads to."""


def svg(layout: Layout, *, dark: bool = True, link: Link | None = None) -> str:
    """Return the picture as SVG.

    Args:
        layout: The nodes and edges in their places.
        dark: It adapts to dark pages.
        link: Makes nodes links, of a page that has the style sheet `rules` itself.
    """
    broad, high = f"{layout.width:.0f}", f"{layout.height:.0f}"
    tip = f"tip-{layout.scene.steps[layout.scene.root].artifact.short_id}"
    size = f'width="{broad}" height="{high}" viewBox="0 0 {broad} {high}"'
    title = escape(layout.scene.title)
    style = f"<style>{rules(dark=dark)}</style>" if link is None else ""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{NAME}" role="img" {size}>',
        f"<title>{title}</title>{style}{_arrow(tip)}",
        f'<rect class="sheet" width="{broad}" height="{high}"/>',
        *_header(layout),
        '<g fill="none">',
    ]
    lines += [
        _tag("path", class_="use", d=one.path, data_from=str(one.source)) for one in layout.trunks
    ]
    lines += [*(_wire(wire, tip) for wire in layout.wires), "</g>"]
    root = layout.scene.root
    lines += [_figure(i, one, tip, link, is_root=i == root) for i, one in enumerate(layout.figures)]
    return "\n".join([*lines, "</svg>"])


def _tag(name: str, content: str = "", **attributes: str | float) -> str:
    """Return an element with quoted attributes; *content* is markup."""
    opening = name
    for key, value in attributes.items():
        text = value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
        opening += f" {key.rstrip('_').replace('_', '-')}={quoteattr(text)}"
    return f"<{opening}>{content}</{name}>" if content else f"<{opening}/>"


def _text(text: str, x: float, y: float, style: str) -> str:
    return _tag("text", escape(text), class_=style, x=x, y=y)


# ---------------------------------------------------------------- above the picture


def _header(layout: Layout) -> Iterator[str]:
    yield _text(fit_text(layout.scene.title, (layout.width - 2 * MARGIN) / 15), MARGIN, 26, "title")
    for x, style, text in layout.legend:
        yield _tag("rect", class_=style, x=MARGIN + x, y=38, width=SWATCH, height=SWATCH, rx=3)
        yield _text(text, MARGIN + x + SWATCH + 5, 48, "quiet")


# ---------------------------------------------------------------- edges


def _arrow(tip: str) -> str:
    # A name of its own: of two pictures on a page, one may be hidden with all that it defines.
    path = _tag("path", class_="tip", d="M0,0L8,4L0,8z")
    size = 'refX="7" refY="4" markerWidth="6.5" markerHeight="6.5" orient="auto"'
    return f'<defs><marker id={quoteattr(tip)} viewBox="0 0 8 8" {size}>{path}</marker></defs>'


def _wire(wire: Wire, tip: str) -> str:
    title = _tag("title", escape(wire.use.argument) or " ")
    ends = {"data_from": str(wire.use.source), "data_to": str(wire.use.user)}
    return _tag("path", title, class_=wire.style, d=wire.path, marker_end=f"url(#{tip})", **ends)


# ---------------------------------------------------------------- nodes


def _figure(number: int, figure: Figure, tip: str, link: Link | None, *, is_root: bool) -> str:
    content = "\n".join([*_call(figure.step.call, figure, tip), *_thing(figure, is_root=is_root)])
    address = None if link is None else link(figure.step.artifact)
    if address is not None:
        content = _tag("a", content, href=address)
    return _tag("g", content, class_="step", data_step=str(number))


def _call(call: FunctionNode | None, figure: Figure, tip: str) -> Iterator[str]:
    if call is None:
        return
    box = figure.call
    facts = ("function", call.title), ("took", call.duration), *call.arguments
    yield f'<g class="function">{_tooltip(facts)}'
    yield _tag("rect", class_="call", x=box.x, y=box.y, width=box.width, height=box.height, rx=7)
    top = box.y + PADDING / 2
    for x, text in figure.ports:
        if text:
            yield _text(text, x, top + _BASE, "port")
    if figure.block.crowd:
        yield _text(figure.block.crowd, box.middle, top + _BASE, "port")
    yield from _lines(figure.block.call, box, top + (LINE if figure.ports else 0.0))
    link = f"M{box.middle:.1f},{box.bottom:.1f}V{figure.artifact.y:.1f}"
    yield _tag("path", class_="link", d=link, marker_end=f"url(#{tip})")
    yield "</g>"


def _thing(figure: Figure, *, is_root: bool) -> Iterator[str]:
    thing, box = figure.step.artifact, figure.artifact
    style = "missing" if thing.is_gone else class_of(thing.outcome)
    yield f'<g class="artifact">{_tooltip(thing.facts)}'
    yield from _shape(thing, box, f"thing {style}{' root' if is_root else ''}")
    yield from _lines(figure.block.artifact, box, box.y + PADDING / 2)
    yield "</g>"


def _shape(thing: ArtifactNode, box: Box, style: str) -> Iterator[str]:
    """Yield a rounded box, two for a composite, or a page with a folded corner for a file."""
    if thing.kind is Kind.FILE:
        right, corner = box.x + box.width, box.y + _FOLD
        fold = f"{right - _FOLD:.1f}"
        outline = f"M{box.x:.1f},{box.y:.1f}H{fold}L{right:.1f},{corner:.1f}"
        outline += f"V{box.bottom:.1f}H{box.x:.1f}z"
        yield _tag("path", class_=style, d=f"{outline}M{fold},{box.y:.1f}v{_FOLD}h{_FOLD}")
        return
    for shift in (5, 0) if thing.kind is Kind.COMPOSITE else (0,):
        x, y = box.x + shift, box.y + shift
        yield _tag("rect", class_=style, x=x, y=y, width=box.width, height=box.height, rx=14)


def _lines(lines: Sequence[Line], box: Box, top: float) -> Iterator[str]:
    for i, line in enumerate(lines):
        base = top + i * LINE + _BASE
        yield _text(line.left, box.x + PADDING, base, line.style)
        if line.right:
            yield _text(line.right, box.x + box.width - PADDING, base, "right")


def _tooltip(facts: Facts) -> str:
    return _tag("title", escape("\n".join(f"{name}: {text}" for name, text in facts)))

"""Colors for light and dark pages; they differ in lightness too, and text repeats their meaning."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from provenance.events import Outcome

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
        Outcome.HEALED: Paint("#ffdfe3", "#d6324a"),
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
        Outcome.HEALED: Paint("#4b1d28", "#f0647a"),
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


def class_of(outcome: Outcome | None) -> str:
    """Return the style class of artifacts with this outcome."""
    return "unknown" if outcome is None else outcome.name.lower()


def rules(*, dark: bool) -> str:
    """Return the style sheet; with *dark*, it has colors for dark pages too."""
    text = _scoped(_SHAPES) + _scoped(_colors(LIGHT))
    return f"{text}@media (prefers-color-scheme:dark){{{_scoped(_colors(DARK))}}}" if dark else text


def _scoped(text: str) -> str:
    rules = [line.split("{", 1) for line in text.split("\n") if line]
    scoped = [",".join(f".{NAME} {name}" for name in names.split(",")) for names, _ in rules]
    return "".join(f"{names}{{{body}\n" for names, (_, body) in zip(scoped, rules, strict=True))


def _colors(palette: Palette) -> str:
    nodes = {f".{class_of(outcome)}": paint for outcome, paint in palette.paints.items()}
    nodes |= {".call": palette.function, ".missing": Paint(palette.sheet, palette.quiet)}
    lines = [f"{name}{{fill:{paint.fill};stroke:{paint.line}}}" for name, paint in nodes.items()]
    return "\n".join(
        (
            f".sheet{{fill:{palette.sheet}}}",
            f"text{{fill:{palette.text}}}",
            f".quiet,.right,.port,.argument{{fill:{palette.quiet}}}",
            f".use,.link{{stroke:{palette.wire}}}",
            f".tip{{fill:{palette.wire}}}",
            *lines,
        )
    )

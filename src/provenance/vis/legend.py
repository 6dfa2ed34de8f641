"""The legend: a line above the picture that explains the colors in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provenance.vis.boxes import SMALL
from provenance.vis.scene import Kind, Scene
from provenance.vis.style import class_of
from provenance.vis.wording import width

SWATCH: Final = 12.0
"""Side of the square that shows a color."""
LEAST: Final = 400.0
"""Minimum width, for the title of the smallest picture."""
_APART: Final = 30.0
_MEANINGS: Final = {
    "hit": "hit",
    "miss": "miss: computed",
    "recomputed": "recomputed",
    "healed": "healed",
    "unknown": "artifact",
}


def entries(scene: Scene) -> Iterator[tuple[float, str, str]]:
    """Yield the position of each entry from the left, the style class it explains and its text."""
    x = 0.0
    for style, text in _meanings(scene):
        yield x, style, text
        x += _APART + width(text) * SMALL


def breadth(scene: Scene) -> float:
    """Return the width of the legend."""
    return max(LEAST, *(x + _APART + width(text) * SMALL for x, _, text in entries(scene)))


def _meanings(scene: Scene) -> Iterator[tuple[str, str]]:
    if any(step.call for step in scene.steps):
        yield "call", "function"
    things = [step.thing for step in scene.steps if step.thing.kind is not Kind.MISSING]
    for name in sorted({class_of(thing.outcome) for thing in things}):
        yield f"thing {name}", _MEANINGS[name]
    if any(step.thing.kind is Kind.MISSING for step in scene.steps):
        yield "thing missing", Kind.MISSING.value

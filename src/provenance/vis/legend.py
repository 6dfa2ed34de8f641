"""What the colours of a picture mean: of those that occur in it, in a line above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provenance.vis.boxes import SMALL
from provenance.vis.scene import Kind, Scene
from provenance.vis.style import class_of
from provenance.vis.wording import width

SWATCH: Final = 12.0
"""Side of the square that shows a colour."""
LEAST: Final = 400.0
"""Room for the title, in the smallest picture."""
_APART: Final = 30.0
_MEANINGS: Final = {
    "hit": "hit",
    "miss": "miss: computed",
    "recomputed": "recomputed",
    "healed": "healed",
    "unknown": "artifact",
}


def entries(scene: Scene) -> Iterator[tuple[float, str, str]]:
    """Each entry's place from the left, the class of what it explains, and its text."""
    x = 0.0
    for style, text in _meanings(scene):
        yield x, style, text
        x += _APART + width(text) * SMALL


def breadth(scene: Scene) -> float:
    """How much room the line takes."""
    return max(LEAST, *(x + _APART + width(text) * SMALL for x, _, text in entries(scene)))


def _meanings(scene: Scene) -> Iterator[tuple[str, str]]:
    if any(step.call for step in scene.steps):
        yield "call", "function"
    here = {step.thing.outcome for step in scene.steps if step.thing.kind is not Kind.MISSING}
    for each in sorted(here, key=class_of):
        yield f"thing {class_of(each)}", _MEANINGS[class_of(each)]
    if any(step.thing.kind is Kind.MISSING for step in scene.steps):
        yield "thing missing", Kind.MISSING.value

"""How much room the nodes take: their lines of text, measured and cut to fit."""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from provenance.vis.scene import Call, Kind, Scene, Thing, Use
from provenance.vis.wording import fitted, width

FONT: Final = 12.0
"""Size of names; the rest is smaller."""
SMALL: Final = 11.0
LINE: Final = 16.0
PADDING: Final = 9.0
LINK: Final = 13.0
"""From a function's node to the artifact that it made."""
NARROWEST: Final = 132.0
BROADEST: Final = 268.0
MOST_ARGUMENTS: Final = 5
"""Lines of arguments; what more there are is counted."""
TALLEST: Final = 60.0
"""Of a port's text …"""
MOST_PORTS: Final = 6
"""… of which so many are named one by one."""


@frozen
class Line:
    """A line of text in a node: *left*, and at its other end *right*; `style` is its class in the style sheet."""

    left: str
    style: str
    right: str = ""


@frozen
class Block:
    """A call above the artifact that it made, as one thing to be placed.

    `ports` are the arguments that were artifacts, in the order of `scene.uses`, with the room that the text of each has.
    Where there are too many to be named, one line in their stead says so, and they have no texts.
    """

    width: float
    ports: tuple[str, ...]
    slots: tuple[float, ...]
    crowd: str
    call: tuple[Line, ...]
    thing: tuple[Line, ...]

    @property
    def call_height(self) -> float:
        """Height of the function's node."""
        rows = len(self.call) + bool(self.slots)
        return rows * LINE + PADDING if self.call else 0.0

    @property
    def thing_height(self) -> float:
        """Height of the artifact's node."""
        return len(self.thing) * LINE + PADDING

    @property
    def height(self) -> float:
        """Height of both, with what is between them."""
        return self.call_height + self.thing_height + (LINK if self.call else 0.0)


def blocks_of(scene: Scene) -> tuple[Block, ...]:
    """A block for each step of the scene."""
    given: list[list[Use]] = [[] for _ in scene.steps]
    for use in scene.uses:
        given[use.user].append(use)
    return tuple(_block(step.thing, step.call, uses) for step, uses in zip(scene.steps, given, strict=True))


def _block(thing: Thing, call: Call | None, uses: list[Use]) -> Block:
    lines = _call_lines(call) if call else ()
    below = _thing_lines(thing)
    names = [fitted(use.argument, TALLEST / SMALL * 1.6) for use in uses]
    wanted = [_wide(name, SMALL) + 2 * PADDING for name in names]
    named = len(names) <= MOST_PORTS and sum(wanted) <= BROADEST
    texts = [_line_width(line) for line in (*lines, *below)]
    broad = min(BROADEST, max(NARROWEST, *texts, sum(wanted) if named else 0.0))
    crowd = "" if named else f"{len(names)} in {_holders(uses)}"
    spread = sum(wanted) or 1.0
    slots = [each * broad / spread for each in wanted] if named else [(broad - 2 * PADDING) / len(uses)] * len(uses)
    return Block(
        broad,
        tuple(names) if named else ("",) * len(names),
        tuple(slots),
        fitted(crowd, (broad - 2 * PADDING) / SMALL),
        tuple(_cut(line, broad) for line in lines),
        tuple(_cut(line, broad) for line in below),
    )


def _holders(uses: list[Use]) -> str:
    """The arguments that hold these artifacts, without the places in them."""
    return ", ".join(dict.fromkeys(re.split(r"[\[{*]", use.argument)[0].strip() or "*" for use in uses))


def _call_lines(call: Call) -> tuple[Line, ...]:
    shown = call.arguments if len(call.arguments) <= MOST_ARGUMENTS else call.arguments[: MOST_ARGUMENTS - 1]
    rest = len(call.arguments) - len(shown)
    arguments = [Line(f"{name} = {text}", "argument") for name, text in shown]
    more = [Line(f"and {rest} more", "quiet")] if rest else []
    return Line(call.title, "name", call.duration), *arguments, *more


def _thing_lines(thing: Thing) -> tuple[Line, ...]:
    if thing.kind is Kind.MISSING:
        return Line(thing.kind.value, "quiet"), Line(thing.short_id, "id")
    notes = ("" if thing.kind is Kind.PLAIN else thing.kind.name, "" if thing.outcome is None else thing.outcome.name)
    return Line(thing.type, "type", thing.size), Line(thing.short_id, "id", " · ".join(filter(None, notes)).lower())


def _wide(text: str, font: float) -> float:
    return width(text) * font


def _line_width(line: Line) -> float:
    right = _wide(line.right, SMALL) + 2 * PADDING if line.right else 0.0
    return _wide(line.left, FONT) + right + 2 * PADDING


def _cut(line: Line, broad: float) -> Line:
    right = _wide(line.right, SMALL) + 2 * PADDING if line.right else 0.0
    room = broad - 2 * PADDING - right + 1e-6  # which rounding may have taken
    return Line(fitted(line.left, room / FONT), line.style, line.right)

"""The sizes of nodes: their lines of text, measured and cut to fit."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from attrs import frozen
from toolz import unique

from provenance.escaping import JOINERS
from provenance.vis.scene import ArtifactNode, FunctionNode, Kind, Scene, Step, Use

FONT: Final = 12.0
"""Font size of names."""
SMALL: Final = 11.0
"""Font size of other text."""
LINE: Final = 16.0
PADDING: Final = 9.0
LINK: Final = 13.0
"""Distance from a function's node to that of its artifact."""
NARROWEST: Final = 132.0
BROADEST: Final = 268.0
MOST_ARGUMENTS: Final = 5
"""Maximum number of arguments listed one by one."""
TALLEST: Final = 60.0
"""Maximum length of a port's text."""
MOST_PORTS: Final = 6
"""Maximum number of ports that are named one by one."""


@frozen
class Line:
    """A line of text in a node: `left`, `right` at the other end, and its style class."""

    left: str
    style: str
    right: str = ""


@frozen
class Block:
    """A call above the artifact that it made, placed as a unit.

    `ports` are the labels of arguments that are artifacts, in the order of `scene.uses`, and
    `slots` their widths. If there are too many to name, the labels are empty and `crowd` summarizes
    them.
    """

    width: float
    ports: tuple[str, ...]
    slots: tuple[float, ...]
    crowd: str
    call: tuple[Line, ...]
    artifact: tuple[Line, ...]

    @property
    def function_height(self) -> float:
        """Height of the function's node."""
        rows = len(self.call) + bool(self.slots)
        return rows * LINE + PADDING if self.call else 0.0

    @property
    def artifact_height(self) -> float:
        """Height of the artifact's node."""
        return len(self.artifact) * LINE + PADDING

    @property
    def height(self) -> float:
        """Height of both nodes and the link between them."""
        return self.function_height + self.artifact_height + (LINK if self.call else 0.0)


def blocks_of(scene: Scene) -> tuple[Block, ...]:
    """Return a block for each step of the scene."""
    uses = scene.uses_by_user
    return tuple(_block(step, uses.get(i, [])) for i, step in enumerate(scene.steps))


def _block(step: Step, uses: list[Use]) -> Block:
    call_lines = _call_lines(step.call) if step.call else ()
    thing_lines = _thing_lines(step.artifact)
    names = [fit_text(use.argument, TALLEST / SMALL * 1.6) for use in uses]
    widths = [width(name) * SMALL + 2 * PADDING for name in names]
    needed = sum(widths)
    texts = [width(line.left) * FONT + _margins(line) for line in (*call_lines, *thing_lines)]
    is_named = len(names) <= MOST_PORTS and needed <= BROADEST
    broad = min(BROADEST, max(NARROWEST, *texts, needed if is_named else 0.0))
    if is_named:
        crowd = ""
        slots = [port * broad / (needed or 1.0) for port in widths]
    else:
        # The names of the arguments that hold these artifacts, without the positions in them.
        holders = [re.split(r"[\[{*]", use.argument)[0].strip() or "*" for use in uses]
        crowd = f"{len(names)} in {', '.join(unique(holders))}"
        names = [""] * len(names)
        slots = [(broad - 2 * PADDING) / len(uses)] * len(uses)
    return Block(
        broad,
        tuple(names),
        tuple(slots),
        fit_text(crowd, (broad - 2 * PADDING) / SMALL),
        tuple(_wrap_line(line, broad) for line in call_lines),
        tuple(_wrap_line(line, broad) for line in thing_lines),
    )


def _call_lines(call: FunctionNode) -> tuple[Line, ...]:
    arguments = [Line(f"{name} = {text}", "argument") for name, text in call.arguments]
    if len(arguments) > MOST_ARGUMENTS:
        rest = len(arguments) - MOST_ARGUMENTS + 1
        arguments = [*arguments[: MOST_ARGUMENTS - 1], Line(f"and {rest} more", "quiet")]
    return Line(call.title, "name", call.duration), *arguments


def _thing_lines(thing: ArtifactNode) -> tuple[Line, ...]:
    if thing.kind is Kind.MISSING:
        return Line(thing.kind.value, "quiet"), Line(thing.short_id, "id")
    if thing.kind is Kind.MORE:
        return (Line(thing.type, "quiet"),)
    kind = [] if thing.kind is Kind.PLAIN else [thing.kind.name]
    outcome = [] if thing.outcome is None else [thing.outcome.name]
    notes = " · ".join(kind + outcome).lower()
    return Line(thing.type, "type", thing.size), Line(thing.label, "id", notes)


def _margins(line: Line) -> float:
    """Return the width of a line without its left text."""
    right = width(line.right) * SMALL + 2 * PADDING if line.right else 0.0
    return right + 2 * PADDING


def _wrap_line(line: Line, broad: float) -> Line:
    # The small number makes up for rounding.
    room = broad - _margins(line) + 1e-6
    return Line(fit_text(line.left, room / FONT), line.style, line.right)


# ---------------------------------------------------------------- text

_NARROW: Final = frozenset("iljtfrI.,:;'|!()[]{} `/\\-\"")
_BROAD: Final = frozenset("mwMW@%…—<>&#=+~")


def width(text: str) -> float:
    """Estimate the width of *text* in a proportional font, in units of the font size, from above.

    >>> width("iii") < width("nnn") < width("mmm") < width("日本語")
    True
    """
    return sum(map(_width, text))


def _width(character: str) -> float:
    if character in _NARROW:
        return 0.42
    if character in _BROAD:
        return 0.97
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if unicodedata.combining(character) or character in JOINERS:
        return 0.0
    return 0.7 if character.isupper() else 0.63


def fit_text(text: str, room: float) -> str:
    """Return *text*, or what fits into *room* of its start and end, with an ellipsis between.

    >>> fit_text("short", 10), fit_text("abcdefghijklmnopqrstuvwxyz", 7)
    ('short', 'abcdef…xyz')
    """
    if width(text) <= room:
        return text
    room -= width("…")
    head = _start(text, room * 2 / 3)
    tail = _start(text[::-1], room - width(head))[::-1]
    return f"{head}…{tail}"


def _start(text: str, room: float) -> str:
    for count, character in enumerate(text):
        room -= _width(character)
        if room < 0:
            return text[:count]
    return text

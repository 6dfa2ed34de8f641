"""From a scene to positions: nodes, routes of edges, and the legend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from attrs import frozen

from provenance.vis.layered import Placement, Rows, assign_rows, place
from provenance.vis.measure import LINK, PADDING, SMALL, Block, blocks_of, width
from provenance.vis.scene import Kind, Scene, Step, Use, class_of

MIN_ENTRIES: Final = 400.0
"""Minimum width, for the title of the smallest picture."""
_APART: Final = 30.0
Entry: TypeAlias = tuple[float, str, str]
"""An entry of the legend: its position from the left, the style class that it explains, and its text."""
_MEANINGS: Final = {
    "hit": "hit",
    "miss": "miss: computed",
    "recomputed": "recomputed",
    "recovered": "recovered",
    "unknown": "artifact",
}


def _legend(scene: Scene) -> tuple[tuple[Entry, ...], float]:
    """Return the entries of the legend, and their width."""
    meanings: dict[str, str] = {}
    if any(step.call for step in scene.steps):
        meanings["call"] = "function"
    things = [step.artifact for step in scene.steps]
    for name in sorted({class_of(thing.outcome) for thing in things if not thing.is_gone}):
        meanings[f"thing {name}"] = _MEANINGS[name]
    if any(thing.kind is Kind.MISSING for thing in things):
        meanings["thing missing"] = Kind.MISSING.value
    entries: list[Entry] = []
    x = 0.0
    for style, text in meanings.items():
        entries.append((x, style, text))
        x += _APART + width(text) * SMALL
    return tuple(entries), max(MIN_ENTRIES, x)


MARGIN: Final = 24.0
HEADER: Final = 64.0
"""Height of the title and the legend above the drawing."""
BULGE: Final = 26.0
"""How far an edge that closes a cycle bulges to the right."""


@frozen
class Box:
    """A rectangle by its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """The horizontal center."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height


@frozen
class Figure:
    """A step in its place: the boxes and texts of its function and its artifact."""

    step: Step
    block: Block
    call: Box
    artifact: Box
    ports: tuple[tuple[float, str], ...]


@frozen
class Trunk:
    """The part that edges from *source* to distant rows share, as an SVG path."""

    source: int
    path: str


@frozen
class Wire:
    """An edge in its place, from its source or from where it leaves the trunk.

    Its style class is `use`, `use straight` if it runs behind the nodes, `use back` if it closes a cycle.
    """

    use: Use
    style: str
    path: str


@frozen
class Layout:
    """All parts of the picture in their places, on a sheet of *width* and *height*."""

    scene: Scene
    legend: tuple[Entry, ...]
    figures: tuple[Figure, ...]
    trunks: tuple[Trunk, ...]
    wires: tuple[Wire, ...]
    width: float
    height: float


def lay_out(scene: Scene) -> Layout:
    """Return the layout of a scene, always the same for the same scene."""
    blocks = blocks_of(scene)
    forward = [(use.source, use.user) for use in scene.uses if not use.turns_back]
    rows = assign_rows(len(blocks), forward)
    places = place(rows, blocks, HEADER)
    legend, legend_width = _legend(scene)
    least = legend_width + 2 * MARGIN
    shift = MARGIN + max(0.0, least - places.width - 2 * MARGIN) / 2
    drawing = _Drawing(scene, blocks, rows, places, shift)
    ports = dict(drawing.ports())
    uses = scene.uses_by_user
    figures = tuple(
        drawing.figure(i, [ports[use] for use in uses.get(i, [])]) for i in range(len(blocks))
    )
    wires = tuple(drawing.wire(use, figures, ports[use][0]) for use in scene.uses)
    bulge = BULGE if any(use.turns_back for use in scene.uses) else 0.0
    width = max(least, places.width + 2 * MARGIN + bulge)
    height = max(places.bottoms.values()) + MARGIN
    return Layout(scene, legend, figures, tuple(drawing.trunks(figures)), wires, width, height)


@frozen
class _Drawing:
    scene: Scene
    blocks: Sequence[Block]
    rows: Rows
    places: Placement
    shift: float

    def x(self, node: int) -> float:
        """Return the center of a node or bend."""
        return self.places.middles[node] + self.shift

    def ports(self) -> Iterator[tuple[Use, tuple[float, str]]]:
        """Yield where each edge enters its node, from left to right as the edges arrive."""
        for user, uses in self.scene.uses_by_user.items():
            block = self.blocks[user]
            slots = zip(uses, block.slots, block.ports, strict=True)
            left = self.x(user) - sum(block.slots) / 2
            for use, room, text in sorted(slots, key=lambda slot: self._origin(slot[0])):
                yield use, (left + room / 2, text)
                left += room

    def _origin(self, use: Use) -> float:
        if use.turns_back:
            return float("inf")
        path = self.rows.paths[use.source, use.user]
        return self.x(path[-1] if path else use.source)

    def figure(self, number: int, ports: Sequence[tuple[float, str]]) -> Figure:
        """Return a step in its place."""
        block = self.blocks[number]
        x, y = self.x(number) - block.width / 2, self.places.tops[number]
        call = Box(x, y, block.width, block.function_height)
        thing_y = y + block.height - block.artifact_height
        thing = Box(x, thing_y, block.width, block.artifact_height)
        return Figure(self.scene.steps[number], block, call, thing, tuple(ports))

    def wire(self, use: Use, figures: Sequence[Figure], port: float) -> Wire:
        """Return an edge in its place."""
        source, user = figures[use.source], figures[use.user]
        if use.turns_back:
            return Wire(use, "use back", _back(source.artifact, user.call))
        path = self.rows.paths[use.source, use.user]
        end = (port, user.call.y)
        if path is None:
            start = (source.artifact.middle, source.artifact.bottom)
            return Wire(use, "use straight", f"M{_at(*start)}{_bow(start, end)}")
        last = path[-1] if path else use.source
        start = (self.x(last), self.places.bottoms[last])
        stem = f"M{_at(*start)}" if path else self._stem(use.source, figures)
        return Wire(use, "use", stem + _bow(start, end))

    def _stem(self, source: int, figures: Sequence[Figure]) -> str:
        """Return the line from an artifact down to the end of its row."""
        start = _at(self.x(source), figures[source].artifact.bottom)
        return f"M{start}V{self.places.bottoms[source]:.0f}"

    def trunks(self, figures: Sequence[Figure]) -> Iterator[Trunk]:
        """Yield a trunk for each artifact that is used farther down than in the next row."""
        longest: dict[int, tuple[int, ...]] = {}
        for (source, _), path in self.rows.paths.items():
            longest[source] = max(longest.get(source, ()), path or (), key=len)
        for source, path in sorted(longest.items()):
            if not path:
                continue
            line = self._stem(source, figures)
            for before, bend in pairwise((source, *path)):
                start = self.x(before), self.places.bottoms[before]
                line += _bow(start, (self.x(bend), self.places.tops[bend]))
                line += f"V{self.places.bottoms[bend]:.0f}"
            yield Trunk(source, line)


def _at(x: float, y: float) -> str:
    return f"{x:.1f},{y:.0f}"


def _bow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Return a curve that leaves and arrives vertically."""
    middle = (start[1] + end[1]) / 2
    return f"C{_at(start[0], middle)} {_at(end[0], middle)} {_at(*end)}"


def _back(source: Box, user: Box) -> str:
    """Return a curve around the right side, back up to the function that used its descendant."""
    start = (source.x + source.width, source.y + source.height / 2)
    end = (user.x + user.width, user.y + PADDING + LINK)
    out = max(start[0], end[0]) + BULGE
    return f"M{_at(*start)}C{_at(out, start[1])} {_at(out, end[1])} {_at(*end)}"

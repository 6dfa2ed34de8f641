"""A scene laid out: boxes for its nodes, paths for its edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final

from attrs import frozen

from provenance.vis import legend
from provenance.vis.boxes import LINK, PADDING, Block, blocks_of
from provenance.vis.placement import Places, placed
from provenance.vis.rows import Rows, rows_of
from provenance.vis.scene import Scene, Step, Use

MARGIN: Final = 24.0
HEADER: Final = 64.0
"""Room for title and legend above the drawing."""
BULGE: Final = 26.0
"""How far an edge that closes a circle goes out to the side."""


class Course(Enum):
    """How an edge runs: round the nodes, straight and below them, or back up where it closes a circle."""

    ROUND = "use"
    STRAIGHT = "use straight"
    BACK = "use back"


@frozen
class Box:
    """A rectangle by its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Half-way from left to right."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """The lower side."""
        return self.y + self.height


@frozen
class Figure:
    """A step in its place: where its function and its artifact are drawn, and what is written in them."""

    step: Step
    block: Block
    call: Box
    thing: Box
    ports: tuple[tuple[float, str], ...]


@frozen
class Trunk:
    """What the edges from *source* to farther rows have in common, as the path language of SVG has it."""

    source: int
    path: str


@frozen
class Wire:
    """An edge in its place, from its source or from where it leaves the trunk."""

    use: Use
    course: Course
    path: str


@frozen
class Layout:
    """Everything in its place, on a sheet of *width* and *height*."""

    scene: Scene
    figures: tuple[Figure, ...]
    trunks: tuple[Trunk, ...]
    wires: tuple[Wire, ...]
    width: float
    height: float


def laid_out(scene: Scene) -> Layout:
    """The layout of a scene: the same for the same scene, always."""
    blocks = blocks_of(scene)
    rows = rows_of(len(blocks), [(use.source, use.user) for use in scene.uses if not use.turns_back])
    places = placed(rows, blocks, HEADER)
    broad_enough = legend.breadth(scene) + 2 * MARGIN
    shift = MARGIN + max(0.0, broad_enough - places.width - 2 * MARGIN) / 2
    drawing = _Drawing(scene, blocks, rows, places, shift)
    ports = dict(drawing.ports())
    figures = tuple(drawing.figure(i, [ports[use] for use in uses]) for i, uses in enumerate(drawing.given))
    wires = tuple(drawing.wire(use, figures, ports[use][0]) for use in scene.uses)
    aside = BULGE if any(use.turns_back for use in scene.uses) else 0.0
    width = max(broad_enough, places.width + 2 * MARGIN + aside)
    return Layout(scene, figures, tuple(drawing.trunks(figures)), wires, width, max(places.bottoms) + MARGIN)


@frozen
class _Drawing:
    scene: Scene
    blocks: Sequence[Block]
    rows: Rows
    places: Places
    shift: float

    def x(self, node: int) -> float:
        """The middle of a node or bend."""
        return self.places.middles[node] + self.shift

    @property
    def given(self) -> list[list[Use]]:
        """The uses of each step."""
        given: list[list[Use]] = [[] for _ in self.scene.steps]
        for use in self.scene.uses:
            given[use.user].append(use)
        return given

    def ports(self) -> Iterator[tuple[Use, tuple[float, str]]]:
        """Where each edge enters: beside each other, in the order in which the edges come, so that they do not cross."""
        for user, uses in enumerate(self.given):
            block = self.blocks[user]
            slots = sorted(zip(uses, block.slots, block.ports, strict=True), key=lambda slot: self._comes_from(slot[0]))
            left = self.x(user) - sum(block.slots) / 2
            for use, room, text in slots:
                yield use, (left + room / 2, text)
                left += room

    def _comes_from(self, use: Use) -> float:
        if use.turns_back:
            return float("inf")
        path = self.rows.paths[use.source, use.user]
        return self.x(path[-1] if path else use.source)

    def figure(self, number: int, ports: Sequence[tuple[float, str]]) -> Figure:
        """A step in its place."""
        block = self.blocks[number]
        x, y = self.x(number) - block.width / 2, self.places.tops[self.places.row_of[number]]
        call = Box(x, y, block.width, block.call_height)
        below = y + block.height - block.thing_height
        thing = Box(x, below, block.width, block.thing_height)
        return Figure(self.scene.steps[number], block, call, thing, tuple(ports))

    def wire(self, use: Use, figures: Sequence[Figure], port: float) -> Wire:
        """An edge in its place."""
        source, user = figures[use.source], figures[use.user]
        if use.turns_back:
            return Wire(use, Course.BACK, _back(source.thing, user.call))
        path = self.rows.paths[use.source, use.user]
        end = (port, user.call.y)
        if path is None:
            start = (source.thing.middle, source.thing.bottom)
            return Wire(use, Course.STRAIGHT, f"M{_at(*start)}{_bow(start, end)}")
        leaving = path[-1] if path else use.source
        start = (self.x(leaving), self.places.bottoms[self.places.row_of[leaving]])
        stem = f"M{_at(*start)}" if path else f"M{_at(start[0], source.thing.bottom)}V{_high(start[1])}"
        return Wire(use, Course.ROUND, stem + _bow(start, end))

    def trunks(self, figures: Sequence[Figure]) -> Iterator[Trunk]:
        """A trunk for each artifact that is used farther down than in the next row."""
        longest: dict[int, tuple[int, ...]] = {}
        for (source, _), path in self.rows.paths.items():
            longest[source] = max(longest.get(source, ()), path or (), key=len)
        for source, path in sorted(longest.items()):
            if path:
                yield Trunk(source, "".join(self._stations(source, figures[source].thing.bottom, path)))

    def _stations(self, source: int, bottom: float, path: Sequence[int]) -> Iterator[str]:
        here = (self.x(source), self.places.bottoms[self.places.row_of[source]])
        yield f"M{_at(here[0], bottom)}V{_high(here[1])}"
        for bend in path:
            row = self.places.row_of[bend]
            yield _bow(here, (self.x(bend), self.places.tops[row]))
            here = (self.x(bend), self.places.bottoms[row])
            yield f"V{_high(here[1])}"


def _at(x: float, y: float) -> str:
    return f"{x:.1f},{_high(y)}"


def _high(y: float) -> str:
    return f"{y:.0f}"


def _bow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """A curve that leaves and arrives vertically."""
    middle = (start[1] + end[1]) / 2
    return f"C{_at(start[0], middle)} {_at(end[0], middle)} {_at(*end)}"


def _back(source: Box, user: Box) -> str:
    """Round the right side, up to the name of the function that was given its own product."""
    start, end = (source.x + source.width, source.y + source.height / 2), (user.x + user.width, user.y + PADDING + LINK)
    out = max(start[0], end[0]) + BULGE
    return f"M{_at(*start)}C{_at(out, start[1])} {_at(out, end[1])} {_at(*end)}"

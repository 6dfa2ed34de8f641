"""Coordinates of nodes and edges: the second half of a layered drawing.

Ideally each node is centered below or above its neighbors, but nodes of a row must not overlap. The
positions nearest to the ideal, by the sum of squares, are found exactly and in linear time
(isotonic regression by pooling adjacent violators); a few passes down and up over the rows settle
the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import frozen

from provenance.vis.boxes import Block
from provenance.vis.rows import Neighbours, Rows

GAP: Final = 26.0
"""Distance between the blocks of a row."""
BEND_GAP: Final = 12.0
"""Distance on each side of an edge that passes blocks."""
PASSES: Final = 12
STRAIGHT: Final = 6.0
"""Weight of a bend below or above another: long edges should be straight."""
NORMAL: Final = 1.0
"""Weight of a node with neighbors."""
FREE: Final = 0.1
"""Weight of a node without neighbors."""


@frozen
class Places:
    """The center of each node and bend, and the top and bottom of each row."""

    middles: Mapping[int, float]
    row_of: Mapping[int, int]
    tops: tuple[float, ...]
    bottoms: tuple[float, ...]
    width: float


def placed(rows: Rows, blocks: Sequence[Block], top: float) -> Places:
    """Return places for the *blocks*, with the first row at *top* and the leftmost block at 0."""
    middles = _middles(rows, blocks)
    half = {node: blocks[node].width / 2 if node < len(blocks) else 0.0 for node in middles}
    leftmost = min((middle - half[node] for node, middle in middles.items()), default=0.0)
    middles = {node: middle - leftmost for node, middle in middles.items()}
    row_of = {node: i for i, row in enumerate(rows.rows) for node in row}
    tops, bottoms = _levels(rows, blocks, top)
    width = max((middle + half[node] for node, middle in middles.items()), default=0.0)
    return Places(middles, row_of, tops, bottoms, width)


def _levels(
    rows: Rows, blocks: Sequence[Block], top: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return top and bottom of each row; the more edges leave a row, the more room is below it."""
    tops: list[float] = []
    bottoms: list[float] = []
    for row in rows.rows:
        tops.append(top)
        bottoms.append(top + max(blocks[node].height for node in row if node < len(blocks)))
        edges = sum(len(rows.down.get(node, ())) for node in row)
        top = bottoms[-1] + min(140.0, 40.0 + 3.0 * edges)
    return tuple(tops), tuple(bottoms)


def _middles(rows: Rows, blocks: Sequence[Block]) -> dict[int, float]:
    half = [block.width / 2 for block in blocks]
    lines = [(row, _offsets(row, half)) for row in rows.rows]
    center = max((offsets[-1] for _, offsets in lines if offsets), default=0.0) / 2
    middles: dict[int, float] = {}
    for row, offsets in lines:
        for node, offset in zip(row, offsets, strict=True):
            middles[node] = offset + center - offsets[-1] / 2
    for turn in range(PASSES):
        is_down = turn % 2 == 0
        side = rows.up if is_down else rows.down
        for row, offsets in lines if is_down else reversed(lines):
            middles.update(_row_middles(row, offsets, middles, side, len(blocks)))
    return middles


def _offsets(row: Sequence[int], half: Sequence[float]) -> list[float]:
    """Return the centers of a row's nodes if they are as close to each other as possible."""
    offsets: list[float] = []
    end = 0.0
    for node in row:
        room, gap = (half[node], GAP) if node < len(half) else (0.0, BEND_GAP)
        offsets.append(end + room if offsets else room)
        end = offsets[-1] + room + gap
    return offsets


def _row_middles(
    row: Sequence[int],
    offsets: Sequence[float],
    middles: Mapping[int, float],
    side: Neighbours,
    count: int,
) -> dict[int, float]:
    """Return the best centers of a row's nodes, given those of their neighbors on one *side*."""
    wishes: list[float] = []
    weights: list[float] = []
    for node, offset in zip(row, offsets, strict=True):
        neighbors = side.get(node, ())
        bends = [other for other in neighbors if other >= count] if node >= count else []
        targets = bends or neighbors or (node,)
        wishes.append(sum(middles[other] for other in targets) / len(targets) - offset)
        weights.append(STRAIGHT if bends else NORMAL if neighbors else FREE)
    places = rising(wishes, weights)
    return {node: at + offset for node, at, offset in zip(row, places, offsets, strict=True)}


def rising(wishes: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the non-decreasing sequence nearest to *wishes*, by the weighted sum of squares.

    >>> rising([1.0, 3.0, 2.0, 5.0], [1.0, 1.0, 1.0, 1.0])
    [1.0, 2.5, 2.5, 5.0]
    """
    # The mean, the weight and the number of members of each pool.
    pools: list[tuple[float, float, int]] = []
    for wish, weight in zip(wishes, weights, strict=True):
        mean, total, members = wish, weight, 1
        while pools and pools[-1][0] > mean:
            other, by, count = pools.pop()
            mean = (mean * total + other * by) / (total + by)
            total, members = total + by, members + count
        pools.append((mean, total, members))
    return [mean for mean, _, members in pools for _ in range(members)]

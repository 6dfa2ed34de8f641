"""Where nodes stand and edges go: the second half of a layered drawing.

In every row each node wants to be below or above the middle of its neighbours, and none may be nearer to the next than
their widths demand. The nearest to these wishes, by the sum of squares, is found exactly and in linear time (isotonic
regression by pooling adjacent violators); going down and up over the rows a few times settles the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import frozen

from provenance.vis.boxes import Block
from provenance.vis.rows import Neighbours, Rows

GAP: Final = 26.0
"""Between blocks of a row …"""
BEND_GAP: Final = 12.0
"""… and on each side of an edge that passes them."""
PASSES: Final = 12
STRAIGHT: Final = 6.0
"""How much a bend below or above another insists on its place: long edges should be straight …"""
NORMAL: Final = 1.0
"""… and a node with neighbours …"""
FREE: Final = 0.1
"""… or without."""


@frozen
class Places:
    """The middle of each node and bend from left to right, and top and bottom of each row."""

    middles: Mapping[int, float]
    row_of: Mapping[int, int]
    tops: tuple[float, ...]
    bottoms: tuple[float, ...]
    width: float


def placed(rows: Rows, blocks: Sequence[Block], top: float) -> Places:
    """Places for the *blocks*, the highest of them at *top*, the outermost at the edges of the width."""
    middles = _settled(rows, blocks)
    widths = {each: blocks[each].width / 2 if each < len(blocks) else 0.0 for each in middles}
    leftmost = min((middle - widths[each] for each, middle in middles.items()), default=0.0)
    tops, bottoms = _levels(rows, blocks, top)
    moved = {each: middle - leftmost for each, middle in middles.items()}
    return Places(
        moved,
        {each: i for i, row in enumerate(rows.rows) for each in row},
        tops,
        bottoms,
        max((middle + widths[each] for each, middle in moved.items()), default=0.0),
    )


def _levels(rows: Rows, blocks: Sequence[Block], top: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Top and bottom of each row: more room between two of them where many edges run."""
    tops: list[float] = []
    bottoms: list[float] = []
    for row in rows.rows:
        tops.append(top)
        bottoms.append(top + max(blocks[each].height for each in row if each < len(blocks)))
        edges = sum(len(rows.down.get(each, ())) for each in row)
        top = bottoms[-1] + min(140.0, 40.0 + 3.0 * edges)
    return tuple(tops), tuple(bottoms)


def _settled(rows: Rows, blocks: Sequence[Block]) -> dict[int, float]:
    half = [block.width / 2 for block in blocks]
    offsets = [_offsets(row, half) for row in rows.rows]
    middles = {
        each: offset
        for row, line in zip(rows.rows, offsets, strict=True)
        for each, offset in zip(row, line, strict=True)
    }
    centre = max((line[-1] for line in offsets if line), default=0.0) / 2
    for row, line in zip(rows.rows, offsets, strict=True):
        middles.update({each: middles[each] + centre - line[-1] / 2 for each in row})
    numbers = range(len(rows.rows))
    for turn in range(PASSES):
        downwards = turn % 2 == 0
        for i in numbers if downwards else reversed(numbers):
            side = rows.up if downwards else rows.down
            middles.update(_row_settled(rows.rows[i], offsets[i], middles, side, len(blocks)))
    return middles


def _offsets(row: Sequence[int], half: Sequence[float]) -> list[float]:
    """Where each of a row would be if all stood as near to each other as they may."""
    offsets: list[float] = []
    end = 0.0
    for each in row:
        room, gap = (half[each], GAP) if each < len(half) else (0.0, BEND_GAP)
        offsets.append(end + room if offsets else room)
        end = offsets[-1] + room + gap
    return offsets


def _row_settled(
    row: Sequence[int], offsets: Sequence[float], middles: Mapping[int, float], side: Neighbours, count: int
) -> dict[int, float]:
    wishes: list[float] = []
    weights: list[float] = []
    for each, offset in zip(row, offsets, strict=True):
        others = side.get(each, ())
        bends = [other for other in others if other >= count] if each >= count else []
        drawn_to = bends or others
        wish = sum(middles[other] for other in drawn_to) / len(drawn_to) if drawn_to else middles[each]
        wishes.append(wish - offset)
        weights.append(STRAIGHT if bends else NORMAL if drawn_to else FREE)
    return {each: place + offset for each, place, offset in zip(row, rising(wishes, weights), offsets, strict=True)}


def rising(wishes: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The sequence that never falls and is nearest to *wishes*, by the weighted sum of squares.

    >>> rising([1.0, 3.0, 2.0, 5.0], [1.0, 1.0, 1.0, 1.0])
    [1.0, 2.5, 2.5, 5.0]
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for wish, weight in zip(wishes, weights, strict=True):
        mean, total, members = wish, weight, 1
        while pools and pools[-1][0] > mean:
            other, by, count = pools.pop()
            mean = (mean * total + other * by) / (total + by)
            total, members = total + by, members + count
        pools.append((mean, total, members))
    return [mean for mean, _, members in pools for _ in range(members)]

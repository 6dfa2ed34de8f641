"""Layered drawing of graphs: rows, order within a row, and positions that keep edges short."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import Final, TypeAlias

from attrs import frozen
from toolz import first, groupby

from provenance.vis.measure import Block

Edge: TypeAlias = "tuple[int, int]"
Row: TypeAlias = "list[int]"
Neighbours: TypeAlias = "Mapping[int, Sequence[int]]"

SWEEPS: Final = 12
"""Maximum number of sweeps."""
PATIENCE: Final = 3
"""Maximum number of sweeps in succession that save no crossing."""
MOST_BENDS: Final = 20_000
"""Maximum number of bends; beyond it, the longest edges run straight behind everything else."""


@frozen
class Rows:
    """Rows of nodes and bends from left to right; the numbers of bends follow those of the nodes.

    `paths` has the bends of each edge in order, or None for one that runs straight. `up` and `down`
    are the neighbors in the rows above and below.
    """

    rows: tuple[tuple[int, ...], ...]
    paths: Mapping[Edge, tuple[int, ...] | None]
    up: Neighbours
    down: Neighbours


def assign_rows(count: int, edges: Iterable[Edge]) -> Rows:
    """Return rows for the nodes 0 … *count* - 1; each edge leads from a lower to a higher number.

    >>> assign_rows(4, [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)]).rows
    ((0,), (1, 2, 4), (3,))
    """
    distinct = sorted(set(edges))
    depths = _depths(count, distinct)
    paths = _paths(count, distinct, depths)
    chains = [(source, *path, user) for (source, user), path in paths.items() if path is not None]
    segments = sorted(set(chain.from_iterable(map(pairwise, chains))))
    up, down = dict[int, list[int]](), dict[int, list[int]]()
    for above, below in segments:
        down.setdefault(above, []).append(below)
        up.setdefault(below, []).append(above)
    rows: list[Row] = [[] for _ in range(max(depths, default=-1) + 1)]
    for node, depth in _initial_order(count, depths, paths, up):
        rows[depth].append(node)
    return Rows(tuple(map(tuple, _best_order(rows, up, down))), paths, up, down)


def _depths(count: int, edges: Sequence[Edge]) -> list[int]:
    """Return the row of each node: above its users, or the last one if it has none."""
    heights, filled, most = [0] * count, list[int](), most_in_row(count)
    users = groupby(first, edges)
    for node in reversed(range(count)):
        height = max((heights[user] + 1 for _, user in users.get(node, ())), default=0)
        while height < len(filled) and filled[height] >= most:
            height += 1
        filled += [0] * (height + 1 - len(filled))
        filled[height] += 1
        heights[node] = height
    return [len(filled) - 1 - height for height in heights]


def most_in_row(count: int) -> int:
    """Return the maximum number of nodes in a row, so that a large picture is not a thin strip.

    >>> most_in_row(10), most_in_row(2_000)
    (16, 67)
    """
    return max(16, int(1.5 * count**0.5))


def _paths(
    count: int, edges: Sequence[Edge], depths: Sequence[int]
) -> dict[Edge, tuple[int, ...] | None]:
    """Return the bends of each edge; short edges take precedence when there are too many."""
    bends: dict[tuple[int, int], int] = {}
    paths: dict[Edge, tuple[int, ...] | None] = {}
    for source, user in sorted(edges, key=lambda edge: (depths[edge[1]] - depths[edge[0]], edge)):
        places = [(source, depth) for depth in range(depths[source] + 1, depths[user])]
        if len(bends) + sum(place not in bends for place in places) > MOST_BENDS:
            paths[source, user] = None
            continue
        paths[source, user] = tuple(bends.setdefault(place, count + len(bends)) for place in places)
    return paths


def _initial_order(
    count: int, depths: Sequence[int], paths: Mapping[Edge, tuple[int, ...] | None], up: Neighbours
) -> Iterator[tuple[int, int]]:
    """Yield every node and bend with its row, walking from the results to their sources."""
    rows = {
        bend: depths[edge[0]] + i
        for edge, path in paths.items()
        for i, bend in enumerate(path or (), 1)
    }
    rows.update(enumerate(depths))
    seen: set[int] = set()
    waiting = list(range(count))
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            yield node, rows[node]
            waiting += reversed(up.get(node, ()))


# ---------------------------------------------------------------- fewer crossings


def _best_order(rows: Sequence[Row], up: Neighbours, down: Neighbours) -> list[Row]:
    """Return the rows in the best order found."""
    best, fewest, failures = list(rows), crossings(rows, down), 0
    for sweep in range(SWEEPS):
        if not fewest or failures >= PATIENCE:
            break
        # Downwards and upwards in turn.
        rows = _sweep(rows, up) if sweep % 2 == 0 else _sweep(rows[::-1], down)[::-1]
        count = crossings(rows, down)
        failures = failures + 1 if count >= fewest else 0
        best, fewest = (rows, count) if count < fewest else (best, fewest)
    return best


def _sweep(rows: Sequence[Row], before: Neighbours) -> list[Row]:
    """Return each row but the first in the order of its neighbors' middles in the row *before*."""
    ordered = list(rows[:1])
    for row in rows[1:]:
        position = {node: i for i, node in enumerate(ordered[-1])}
        neighbors = {
            node: sorted(position[other] for other in before.get(node, ())) for node in row
        }
        ordered.append(_reordered(row, neighbors))
    return ordered


def _reordered(row: Row, neighbors: Mapping[int, Sequence[int]]) -> Row:
    middles: dict[int, float] = {}
    # A node without neighbors stays beside the node to its left.
    last = 0.0
    for node in row:
        found = neighbors[node]
        last = middles[node] = sum(found) / len(found) if found else last
    row = sorted(row, key=middles.__getitem__)
    for i in range(len(row) - 1):
        left, right = neighbors[row[i]], neighbors[row[i + 1]]
        may_cross = left and right and left[-1] > right[0]
        if may_cross and _inversions(left, right) > _inversions(right, left):
            row[i], row[i + 1] = row[i + 1], row[i]
    return row


def _inversions(left: Sequence[int], right: Sequence[int]) -> int:
    return sum(bisect_left(right, end) for end in left)


def crossings(rows: Sequence[Sequence[int]], down: Neighbours) -> int:
    """Return the number of crossings between the rows.

    >>> crossings([[0, 1], [2, 3]], {0: [3], 1: [2]})
    1
    """
    count = 0
    for i, row in enumerate(rows[:-1]):
        position = {node: place for place, node in enumerate(rows[i + 1])}
        met: list[int] = []
        for node in row:
            ends = sorted(position[other] for other in down.get(node, ()))
            count += sum(len(met) - bisect_left(met, end + 1) for end in ends)
            for end in ends:
                insort(met, end)
    return count


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
class Placement:
    """The center of each node and bend, and top and bottom of its row."""

    middles: Mapping[int, float]
    tops: Mapping[int, float]
    bottoms: Mapping[int, float]
    width: float


def place(rows: Rows, blocks: Sequence[Block], top: float) -> Placement:
    """Return places for the *blocks*, with the first row at *top* and the leftmost block at 0."""
    middles = _middles(rows, blocks)
    half = {node: blocks[node].width / 2 if node < len(blocks) else 0.0 for node in middles}
    leftmost = min((middle - half[node] for node, middle in middles.items()), default=0.0)
    middles = {node: middle - leftmost for node, middle in middles.items()}
    tops, bottoms = _levels(rows, blocks, top)
    width = max((middle + half[node] for node, middle in middles.items()), default=0.0)
    return Placement(middles, tops, bottoms, width)


def _levels(
    rows: Rows, blocks: Sequence[Block], top: float
) -> tuple[dict[int, float], dict[int, float]]:
    """Return top and bottom of each row, by node; the more edges leave a row, the more room is below it."""
    tops, bottoms = dict[int, float](), dict[int, float]()
    for row in rows.rows:
        bottom = top + max(blocks[node].height for node in row if node < len(blocks))
        tops.update(dict.fromkeys(row, top))
        bottoms.update(dict.fromkeys(row, bottom))
        edges = sum(len(rows.down.get(node, ())) for node in row)
        top = bottom + min(140.0, 40.0 + 3.0 * edges)
    return tops, bottoms


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
    places = isotonic(wishes, weights)
    return {node: at + offset for node, at, offset in zip(row, places, offsets, strict=True)}


def isotonic(wishes: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the non-decreasing sequence nearest to *wishes*, by the weighted sum of squares.

    >>> isotonic([1.0, 3.0, 2.0, 5.0], [1.0, 1.0, 1.0, 1.0])
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

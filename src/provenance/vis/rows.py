"""Nodes in rows, so that edges lead downwards and cross each other seldom: the first half of a layered drawing.

Each node goes into the row above the first one that needs it, or further up where rows are full. An edge that passes rows gets a *bend* in each of them;
edges from one node share their bends, like branches of a trunk, which keeps their number within nodes times rows. The
order within the rows is found by sweeping down and up, where each node goes to the middle of its neighbours (Sugiyama's
method), and where two neighbours change places when that saves crossings.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from attrs import frozen

Edge: TypeAlias = "tuple[int, int]"
Row: TypeAlias = "list[int]"
Neighbours: TypeAlias = "Mapping[int, Sequence[int]]"

SWEEPS: Final = 12
"""How often the rows are gone through, at most …"""
PATIENCE: Final = 3
"""… and how many of these times without success."""
MOST_BENDS: Final = 20_000
"""If edges would need more bends than that, the longest ones go straight, below everything else."""


@frozen
class Rows:
    """`rows` of nodes and bends, each from left to right; a bend is a number beyond those of the nodes.

    `paths` are the ways of the edges: the bends of each, in order, None for one that goes straight. `up` and `down` are
    the neighbours in the rows above and below.
    """

    rows: tuple[tuple[int, ...], ...]
    paths: Mapping[Edge, tuple[int, ...] | None]
    up: Neighbours
    down: Neighbours


def rows_of(count: int, edges: Iterable[Edge]) -> Rows:
    """Rows for the nodes 0 … *count* - 1, of which each edge leads from a lower to a higher number.

    >>> rows_of(4, [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)]).rows
    ((0,), (1, 2, 4), (3,))
    """
    distinct = sorted(set(edges))
    depths = _depths(count, distinct)
    paths = _paths(count, distinct, depths)
    rows: list[Row] = [[] for _ in range(max(depths, default=-1) + 1)]
    up, down = dict[int, list[int]](), dict[int, list[int]]()
    for above, below in sorted(set(_segments(paths))):
        down.setdefault(above, []).append(below)
        up.setdefault(below, []).append(above)
    for each, depth in _walked(count, depths, paths, up):
        rows[depth].append(each)
    return Rows(tuple(map(tuple, _untangled(rows, up, down))), paths, up, down)


def _depths(count: int, edges: Sequence[Edge]) -> list[int]:
    """The row of each node: what nothing was made of is in the last one, others above all that need them."""
    heights, filled, most = [0] * count, list[int](), most_in_row(count)
    needed_by: dict[int, list[int]] = {}
    for source, user in edges:
        needed_by.setdefault(source, []).append(user)
    for node in range(count - 1, -1, -1):
        height = max((heights[user] + 1 for user in needed_by.get(node, ())), default=0)
        while height < len(filled) and filled[height] >= most:
            height += 1
        filled += [0] * (height + 1 - len(filled))
        filled[height] += 1
        heights[node] = height
    return [len(filled) - 1 - each for each in heights]


def most_in_row(count: int) -> int:
    """How many nodes may stand beside each other: all of a small picture, while a large one is no thin strip.

    >>> most_in_row(10), most_in_row(2_000)
    (16, 67)
    """
    return max(16, int(1.5 * count**0.5))


def _paths(count: int, edges: Sequence[Edge], depths: Sequence[int]) -> dict[Edge, tuple[int, ...] | None]:
    """The bends of each edge; short edges come first when there are too many."""
    bends: dict[tuple[int, int], int] = {}
    paths: dict[Edge, tuple[int, ...] | None] = {}
    for source, user in sorted(edges, key=lambda edge: (depths[edge[1]] - depths[edge[0]], edge)):
        places = [(source, depth) for depth in range(depths[source] + 1, depths[user])]
        if len(bends) + sum(each not in bends for each in places) > MOST_BENDS:
            paths[source, user] = None
            continue
        paths[source, user] = tuple(bends.setdefault(each, count + len(bends)) for each in places)
    return paths


def _segments(paths: Mapping[Edge, tuple[int, ...] | None]) -> Iterator[Edge]:
    for (source, user), path in paths.items():
        if path is not None:
            stations = (source, *path, user)
            yield from pairwise(stations)


def _walked(
    count: int, depths: Sequence[int], paths: Mapping[Edge, tuple[int, ...] | None], up: Neighbours
) -> Iterator[tuple[int, int]]:
    """Every node and bend with its row, in the order of a walk from the results to their sources: a fair beginning."""
    rows = {bend: depths[edge[0]] + i for edge, path in paths.items() for i, bend in enumerate(path or (), 1)}
    rows.update(enumerate(depths))
    entered: set[int] = set()
    waiting = list(range(count))
    while waiting:
        each = waiting.pop()
        if each not in entered:
            entered.add(each)
            yield each, rows[each]
            waiting += reversed(up.get(each, ()))


# ---------------------------------------------------------------- fewer crossings


def _untangled(rows: Sequence[Row], up: Neighbours, down: Neighbours) -> list[Row]:
    """The rows in the best order that was found."""
    best, fewest, failures = list(rows), crossings(rows, down), 0
    for sweep in range(SWEEPS):
        if not fewest or failures >= PATIENCE:
            break
        rows = _swept(rows, up, down, downwards=sweep % 2 == 0)
        count = crossings(rows, down)
        failures = failures + 1 if count >= fewest else 0
        best, fewest = (rows, count) if count < fewest else (best, fewest)
    return best


def _swept(rows: Sequence[Row], up: Neighbours, down: Neighbours, *, downwards: bool) -> list[Row]:
    """Each row in the order of the middles of its neighbours in the row before."""
    made = list(rows)
    ways = range(1, len(made)) if downwards else range(len(made) - 2, -1, -1)
    before = up if downwards else down
    for i in ways:
        places = {each: place for place, each in enumerate(made[i - 1 if downwards else i + 1])}
        middles = _middles(made[i], before, places)
        made[i] = sorted(made[i], key=middles.__getitem__)
        _switch(made[i], before, places)
    return made


def _middles(row: Row, before: Neighbours, places: Mapping[int, int]) -> dict[int, float]:
    """Where each of a row would like to be; who has no neighbours stays beside whom he stood."""
    middles: dict[int, float] = {}
    last = 0.0
    for each in row:
        found = [places[other] for other in before.get(each, ())]
        last = sum(found) / len(found) if found else last
        middles[each] = last
    return middles


def _switch(row: Row, before: Neighbours, places: Mapping[int, int]) -> None:
    """Let two that stand beside each other change places where their edges cross less then."""
    found = {each: sorted(places[other] for other in before.get(each, ())) for each in row}
    for i in range(len(row) - 1):
        left, right = found[row[i]], found[row[i + 1]]
        if left and right and left[-1] > right[0] and _inversions(left, right) > _inversions(right, left):
            row[i], row[i + 1] = row[i + 1], row[i]


def _inversions(left: Sequence[int], right: Sequence[int]) -> int:
    return sum(bisect_left(right, each) for each in left)


def crossings(rows: Sequence[Sequence[int]], down: Neighbours) -> int:
    """How many edges cross each other between the rows.

    >>> crossings([[0, 1], [2, 3]], {0: [3], 1: [2]})
    1
    """
    count = 0
    for i, row in enumerate(rows[:-1]):
        places = {each: place for place, each in enumerate(rows[i + 1])}
        met: list[int] = []
        for each in row:
            ends = sorted(places[other] for other in down.get(each, ()))
            count += sum(len(met) - bisect_left(met, end + 1) for end in ends)
            for end in ends:
                insort(met, end)
    return count

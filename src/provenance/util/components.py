"""Strongly connected components of a graph, by Kosaraju's algorithm.

Source: A. V. Aho, J. E. Hopcroft, J. D. Ullman, *Data Structures and Algorithms*, 1983, sec. 6.7.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def strongly_connected_components(
    successors: Mapping[Node, Iterable[Node]],
) -> list[frozenset[Node]]:
    """Return the groups of nodes that reach each other, each after those that it leads to.

    >>> [sorted(group) for group in strongly_connected_components({1: [2], 2: [3], 3: [2, 4], 4: []})]
    [[4], [2, 3], [1]]
    """
    predecessors: dict[Node, list[Node]] = {node: [] for node in successors}
    for node, others in successors.items():
        for other in others:
            predecessors[other].append(node)
    seen: set[Node] = set()
    latest_first = reversed(in_postorder(successors, successors, set()))
    groups = [in_postorder(predecessors, [node], seen) for node in latest_first]
    return [frozenset(group) for group in reversed(groups) if group]


def in_postorder(
    graph: Mapping[Node, Iterable[Node]], starts: Iterable[Node], seen: set[Node]
) -> list[Node]:
    """Return the nodes reachable from *starts* in postorder, without *seen*, which is extended."""
    done: list[Node] = []
    waiting = [(start, False) for start in starts]
    while waiting:
        node, is_done = waiting.pop()
        if is_done:
            done.append(node)
        elif node not in seen:
            seen.add(node)
            waiting.append((node, True))
            waiting += [(other, False) for other in graph[node]]
    return done

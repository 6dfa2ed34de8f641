"""networkx: graphs by their nodes and edges, in order: matrices and traversals follow it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from provenance.hashing.attributes import attributes, cached_names, slots
from provenance.hashing.containers import dict_items
from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import inherited, name_of
from provenance.hashing.walk import Walk

_GRAPH = prefix("networkx graph")


@inherited("networkx.classes.graph:Graph")
def _graph(value: Any, walk: Walk) -> Item:
    type_: type = type(cast("object", value))
    state = attributes(value, slots(type_), cached=cached_names(type_))
    # Nodes with their data; neighbors of each node, and of multigraphs the edges to each, with theirs.
    depth = 3 if value.is_multigraph() else 2
    for name in ("_node", "_adj", "_succ", "_pred"):
        if name in state:
            state[name] = _ordered(state[name], 1 if name == "_node" else depth)
    return node(_GRAPH, (name_of(value), *dict_items(state, walk)))


def _ordered(value: Any, depth: int) -> object:
    """Return a mapping as a list of pairs, as are those in it down to *depth*."""
    if depth == 0 or not isinstance(value, Mapping):
        return value
    pairs = cast("Mapping[object, object]", value).items()
    return [(key, _ordered(content, depth - 1)) for key, content in pairs]

"""xarray: data by dimensions, coordinates, attributes and encoding, without caches."""

from __future__ import annotations

from typing import Any, NoReturn, cast

import numpy as np

from provenance.hashing.attributes import Attributes, attributes, cached_names, slots
from provenance.hashing.containers import dict_items
from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import inherited, name_of
from provenance.hashing.walk import UnhashablePart, Walk

_DATA, _TREE = map(prefix, ("xarray data", "xarray tree"))


def _state(value: Any) -> Attributes:
    type_: type = type(cast("object", value))
    state = attributes(value, slots(type_), cached=cached_names(type_))
    # Reading makes an empty dictionary of a missing one.
    for name in ("_attrs", "_encoding"):
        if name in state:
            state[name] = state[name] or {}
    indexes: Any = state.get("_indexes")
    if indexes is not None:
        # They are derived from the coordinates, whose values count.
        state["_indexes"] = {name: name_of(index) for name, index in indexes.items()}
    return state


@inherited("xarray.core.dataset:Dataset", "xarray.core.dataarray:DataArray")
def _data(value: Any, walk: Walk) -> Item:
    state = _state(value)
    return node(_DATA, (name_of(value), *dict_items(state, walk)))


@inherited("xarray.core.variable:Variable")
def _variable(value: Any, walk: Walk) -> Item:
    state = _state(value)
    data: Any = state["_data"]
    is_lazy = type(data).__module__.partition(".")[0] == "dask"
    # What is on disk or belongs to an index is read without being kept.
    state["_data"] = data if is_lazy or type(data) is np.ndarray else value.values
    return node(_DATA, (name_of(value), *dict_items(state, walk)))


@inherited("xarray.core.datatree:DataTree")
def _tree(value: Any, walk: Walk) -> Item:
    own, children = value.to_dataset(inherit=False), dict(value.children)
    return node(_TREE, (name_of(value), *walk.items([value.name, own, children])))


@inherited(
    "xarray.core.groupby:GroupBy",
    "xarray.computation.rolling:Rolling",
    "xarray.computation.rolling:Coarsen",
    "xarray.core.rolling:Rolling",
    "xarray.core.rolling:Coarsen",
)
def _refuse_grouped(value: Any, _: Walk) -> NoReturn:
    reason = f"a {type(value).__name__} caches results, so its state changes with use"
    raise UnhashablePart(reason, "the data and the keys or sizes")

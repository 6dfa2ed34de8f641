"""SciPy: sparse arrays and matrices by format and stored entries, in canonical order; splines and trees.

Their state also caches facts such as whether indices are sorted, which are not part of the value
and change on reading. That of splines and trees holds memory that was never written to.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from provenance.hashing.attributes import instance_dict
from provenance.hashing.containers import dict_items, with_attributes
from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import inherited, name_of, type_name
from provenance.hashing.walk import Walk

_SPARSE, _SPLINE, _TREE = map(prefix, ("scipy sparse", "scipy spline", "scipy tree"))
_sparse = import_module("scipy.sparse")


@inherited(_sparse.sparray, _sparse.spmatrix)
def _entries(value: Any, walk: Walk) -> Item:
    entries = value.tocoo(copy=True)
    # Sorts, and adds up the entries of one place; stored zeros count.
    entries.sum_duplicates()
    axes = entries.coords if hasattr(entries, "coords") else (entries.row, entries.col)
    # The width of indices depends on how the value was made.
    indices = [walk.item(axis.astype("int64")) for axis in axes]
    name = type_name(cast("type[object]", type(value)))
    shape = walk.item(tuple(map(int, value.shape)))
    return node(_SPARSE, (name, value.dtype.str, shape, walk.item(entries.data), *indices))


@inherited("scipy.interpolate._fitpack2:UnivariateSpline")
def _spline(value: Any, walk: Walk) -> Item:
    state = dict(instance_dict(value))
    if "_data" in state:
        # Points, bounds, degree and smoothing; then knots and coefficients in arrays that are longer; and room to work in.
        *given, count, knots, coefficients, residual, _, _, problem = state.pop("_data")
        size = count - given[5] - 1
        state["_data"] = (*given, knots[:count], coefficients[:size], residual, problem)
        state.pop("_eval_args", None)
    return node(_SPLINE, (name_of(value), *dict_items(state, walk)))


@inherited("scipy.spatial._ckdtree:cKDTree")
def _tree(value: Any, walk: Walk) -> Item:
    # The first part of the state are nodes with the padding of C and with addresses; they follow from the rest.
    _, *state = value.__getstate__()
    item = node(_TREE, (name_of(value), *walk.items(state)))
    # Its nodes as Python objects are made when they are read.
    beside = {name: content for name, content in instance_dict(value).items() if name != "_tree"}
    return with_attributes(item, beside, walk)

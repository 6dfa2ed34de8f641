"""SciPy: sparse arrays and matrices by format and stored entries, in canonical order.

Their state also caches facts such as whether indices are sorted, which are not part of the value
and change on reading.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import inherited, type_name
from provenance.hashing.walk import Walk

_SPARSE = prefix("scipy sparse")
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

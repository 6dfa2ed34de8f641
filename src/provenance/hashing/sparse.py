"""scipy's sparse arrays and matrices: by their format and, in canonical order, the entries that they store.

Their own state also remembers what has been found out about them (whether indices are sorted), which is no part of the
value and changes when they are merely looked at.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from provenance.hashing.format import Item, node, prefix
from provenance.hashing.registry import inherited, type_name
from provenance.hashing.walk import Walk

_SPARSE = prefix("scipy sparse")
_sparse = import_module("scipy.sparse")


@inherited(_sparse.sparray, _sparse.spmatrix)
def _entries(value: Any, walk: Walk) -> Item:
    """Entries are sorted by their place, several of one place added up; stored zeros count. Indices are as wide as they need be."""
    entries = value.tocoo(copy=True)
    entries.sum_duplicates()
    places = [
        walk.item(each.astype("int64"))
        for each in (entries.coords if hasattr(entries, "coords") else (entries.row, entries.col))
    ]
    shape = walk.item(tuple(map(int, value.shape)))
    return node(
        _SPARSE,
        (type_name(cast("type[object]", type(value))), value.dtype.str, shape, walk.item(entries.data), *places),
    )

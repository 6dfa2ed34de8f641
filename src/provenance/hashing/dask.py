"""dask: frames by the token of what they compute, which no cache of theirs enters."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import inherited, name_of
from provenance.hashing.walk import UnhashablePart, Walk

_FRAME = prefix("dask frame")
_base: Any = import_module("dask.base")


@inherited("dask.dataframe.dask_expr._collection:FrameBase")
def _frame(value: Any, _: Walk) -> Item:
    try:
        token: str = _base.tokenize(value, ensure_deterministic=True)
    except import_module("dask.tokenize").TokenizationError as error:
        raise UnhashablePart(f"dask has no lasting name for it: {error}") from error
    return node(_FRAME, (name_of(value), token))

"""Columns of strings: the same item for Python objects and for Arrow buffers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from provenance.hashing.arrays import bytes_item
from provenance.hashing.format import Buffer, Item, node, prefix

_STRINGS = prefix("strings")


def strings_item(count: int, ends: Any, missing: Any, text: Buffer) -> Item:
    """Return the item of *count* strings, given their ends in the joined *text*."""
    offsets, mask = bytes_item(np.asarray(ends, "<i8")), bytes_item(np.asarray(missing, "|b1"))
    return node(_STRINGS, (count, offsets, mask, text.item()))


def python_strings(values: Iterable[object]) -> Item:
    """Return the item of a column of strings; other values count as missing."""
    texts = list(values)
    encoded = [
        text.encode("utf-8", "surrogatepass") if isinstance(text, str) else b"" for text in texts
    ]
    ends = np.cumsum([len(text) for text in encoded], dtype="<i8")
    missing = [not isinstance(text, str) for text in texts]
    return strings_item(len(texts), ends, missing, Buffer(b"".join(encoded)))

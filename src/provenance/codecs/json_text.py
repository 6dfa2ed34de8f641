"""Serializer of JSON, for values that JSON preserves."""

from __future__ import annotations

import json
from typing import BinaryIO, cast

_SCALARS = frozenset({type(None), bool, int, float, str})


def dump_json(value: object, sink: BinaryIO) -> None:
    """Write *value* as JSON in ASCII.

    Raises:
        TypeError: for what JSON would change: tuples, sets, keys that are not strings, subclasses.
        ValueError: for infinities and NaN.
    """
    _check(value)
    sink.write(json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii"))


def load_json(source: BinaryIO) -> object:
    """Read what `dump_json` wrote."""
    return cast("object", json.load(source))


def _check(value: object) -> None:
    kind = type(value)
    if kind is dict:
        entries = cast("dict[object, object]", value)
        if any(type(key) is not str for key in entries):
            raise TypeError("keys must be strings in JSON")
        _check(list(entries.values()))
    elif kind is list:
        for item in cast("list[object]", value):
            _check(item)
    elif kind not in _SCALARS:
        raise TypeError(f"JSON does not preserve {kind.__qualname__}")

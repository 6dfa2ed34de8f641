"""JSON, for values that other programs will read: only what JSON gives back as it was."""

from __future__ import annotations

import json
from typing import BinaryIO, cast

_SCALARS = frozenset({type(None), bool, int, float, str})


def dump_json(value: object, sink: BinaryIO) -> None:
    """Write *value* as JSON in ASCII.

    Raises:
        TypeError: for what would come back as something else: tuples, sets, keys that are no strings, subclasses.
        ValueError: for infinities and NaN, for which JSON has no words.
    """
    _check(value)
    sink.write(json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii"))


def load_json(source: BinaryIO) -> object:
    """Read what `dump_json` wrote."""
    return cast("object", json.load(source))


def _check(value: object) -> None:
    kind = type(value)
    if kind is dict:
        named = cast("dict[object, object]", value)
        if any(type(key) is not str for key in named):
            raise TypeError("JSON has only strings as keys")
        _check(list(named.values()))
    elif kind is list:
        for each in cast("list[object]", value):
            _check(each)
    elif kind not in _SCALARS:
        raise TypeError(f"JSON has no {kind.__qualname__}")

"""Inputs as people and SQL see them: as JSON where they have a JSON form, in a few words where they have none."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from attrs import frozen

from provenance.hashing import hash_value
from provenance.identity import InputHashes
from provenance.recipe import Sighting
from provenance.records import Inputs, Json

LONGEST_TEXT: Final = 1_000
"""Longer strings are summarised …"""
MOST_MEMBERS: Final = 100
"""… and so are containers of more members …"""
DEEPEST: Final = 4
"""… or nested deeper than this."""
_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_VARARGS: Final = "__varargs"
_INT64: Final = range(-(1 << 63), 1 << 63)


@frozen
class Summary:
    """Stands in the recorded inputs for an argument that no serializer could write."""

    type: str
    hash: str | None


def type_name(value: object) -> str:
    """The type of *value* as `module:qualname`.

    >>> type_name(1)
    'builtins:int'
    """
    kind = type(value)
    return f"{kind.__module__}:{kind.__qualname__}"


def inputs_json(inputs: Inputs, hashes: InputHashes, *, plain: bool = False) -> str:
    """JSON text of a call's inputs by parameter name, `*args` under `__varargs`.

    Artifacts appear as `{"artifact": id}`; what is large or has no JSON form as `{"type": …, "hash": …, …}`. Those that
    `are_plain`, which *plain* says, are written as they are.
    """
    text = _encode(
        {**inputs.kargs, _VARARGS: inputs.varargs} if plain else _summaries(inputs, hashes)
    )
    return text if _is_utf8(text) else json.dumps(json.loads(text))


def _summaries(inputs: Inputs, hashes: InputHashes) -> dict[str, Json]:
    named = {name: _json_of(value, hashes.kargs.get(name)) for name, value in inputs.kargs.items()}
    rest = [
        _json_of(value, each)
        for value, each in zip(inputs.varargs, _padded(hashes.varargs, inputs), strict=False)
    ]
    return {**named, _VARARGS: rest}


def _is_utf8(text: str) -> bool:
    """Whether the text has no lone surrogates, as the name of a keyword argument may have."""
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)


def input_json(value: object) -> Json:
    """An input as `inputs_json` shows it; UnhashableValueError where it has no value."""
    return _json_of(value, hash_value(value))


def are_plain(inputs: Inputs) -> bool:
    """Whether `inputs_json` says all there is to know of *inputs*: they are builtin scalars that JSON can say.

    >>> are_plain(Inputs({"a": 4, "b": None})), are_plain(Inputs({"a": (4,)}))
    (True, False)
    """
    if inputs.captured or _VARARGS in inputs.kargs:
        return False
    return all(map(_is_plain, inputs.kargs.values())) and all(map(_is_plain, inputs.varargs))


def plain_inputs(text: str) -> Inputs:
    """The inputs that `inputs_json` wrote, if they were plain.

    >>> plain_inputs('{"a": 4, "__varargs": [1.5]}')
    {'kargs': {'a': 4}, 'varargs': (1.5,)}
    """
    kargs: dict[str, object] = json.loads(text)
    return Inputs(kargs, tuple(cast("list[object]", kargs.pop(_VARARGS))))


def _is_plain(value: object) -> bool:
    kind = type(value)
    if kind is int:
        return value in _INT64
    scalar = _SCALARS.get(kind)
    return value is None or kind is bool if scalar is None else scalar(value)


def _padded(hashes: tuple[str, ...], inputs: Inputs) -> list[str | None]:
    """One hash for each of `*args`, even if the user's `input_hash_fn` returned fewer."""
    return [*hashes, *[None] * max(0, len(inputs.varargs) - len(hashes))]


def _json_of(value: object, digest: str | None = None, depth: int = 0) -> Json:
    kind = type(value)
    if value is None or kind is bool:
        return cast("Json", value)
    scalar = _SCALARS.get(kind)
    if scalar is not None:
        return cast("Json", value) if scalar(value) else _summary(value, digest)
    artifact_id = _artifact_id(value)
    if artifact_id is not None:
        return {"artifact": artifact_id}
    if hasattr(kind, "__provenance_sighting__"):  # what is in no store is a plain value
        return _json_of(cast("Any", value).__wrapped__, digest, depth)
    return _container(value, digest, depth)


def _container(value: object, digest: str | None, depth: int) -> Json:
    if depth < DEEPEST:
        sequence, mapping = cast("list[object]", value), cast("dict[object, object]", value)
        if type(sequence) in (list, tuple) and len(sequence) <= MOST_MEMBERS:
            return [_json_of(member, None, depth + 1) for member in sequence]
        if type(mapping) is dict and _is_object(mapping):
            return {str(key): _json_of(member, None, depth + 1) for key, member in mapping.items()}
    return _summary(value, digest)


def _is_object(entries: dict[object, object]) -> bool:
    return len(entries) <= MOST_MEMBERS and all(
        type(key) is str and _is_text(key) for key in entries
    )


def _is_text(value: Any) -> bool:  # noqa: ANN401 - a str of the scalar table
    """Whether every database takes the string: none takes lone surrogates, PostgreSQL no NUL."""
    if len(value) > LONGEST_TEXT or "\0" in value:
        return False
    return _is_utf8(value)


def _is_small(value: Any) -> bool:  # noqa: ANN401 - an int of the scalar table
    return value in _INT64


_SCALARS: Final[Mapping[type, Callable[[Any], bool]]] = {
    int: _is_small,
    float: math.isfinite,
    str: _is_text,
}


def _artifact_id(value: object) -> str | None:
    sight: Callable[[object], Sighting | None] | None = getattr(
        type(value), "__provenance_sighting__", None
    )
    sighting = None if sight is None else sight(value)
    return None if sighting is None else sighting.artifact_id


def _summary(value: object, digest: str | None) -> Json:
    facts: dict[str, Json] = {"type": type_name(value)}
    if digest is not None:
        facts["hash"] = digest
    try:
        return {**facts, **_measures(value)}
    except Exception:  # noqa: BLE001 - a type's own methods may fail: recording never fails the call
        return facts


def _measures(value: object) -> dict[str, Json]:
    """Length, shape and element type of *value*, as far as it has them."""
    facts: dict[str, Json] = {}
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(shape, tuple) and all(
        type(each) is int for each in cast("tuple[object, ...]", shape)
    ):
        facts["shape"] = list(cast("tuple[int, ...]", shape))
    if dtype is not None:
        facts["dtype"] = str(dtype)[:LONGEST_TEXT]
    if hasattr(type(value), "__len__") and facts.get("shape") != []:
        facts["len"] = len(cast("list[object]", value))
    return facts

"""The inputs of a call: their hashes, and what the record keeps of them as JSON."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable, Mapping
from datetime import date, time
from functools import cache
from itertools import zip_longest
from pathlib import PurePath
from typing import Any, Final, cast

from attrs import field, frozen

from provenance.hashing import hash_value
from provenance.hashing.files import InputFile
from provenance.model.records import Inputs, Json
from provenance.model.references import SCALARS, InputRef
from provenance.model.rows import is_utf8
from provenance.util.formatting import type_name
from provenance.util.naming import exported
from provenance.util.optional import imported_module

NO_HASHES: Mapping[str, str] = {}


@exported
@frozen
class InputHashes:
    """The hashes of a call's inputs, as hex: by parameter, of `*args`, and by captured variable."""

    kargs: Mapping[str, str]
    varargs: tuple[str, ...] = ()
    captured: Mapping[str, str] = field(default=NO_HASHES)

    @property
    def text(self) -> str:
        """The hashes as they are recorded: JSON, without empty sections."""
        kargs, captured = {**self.kargs}, {**self.captured}
        sections = {"kargs": kargs, "varargs": self.varargs, "captured": captured}
        return _json_text({name: section for name, section in sections.items() if section})

    @classmethod
    def parse(cls, text: str) -> InputHashes:
        """Return the inverse of `text`.

        >>> InputHashes.parse(InputHashes({"n": "5f"}, ("6a",)).text)
        InputHashes(kargs={'n': '5f'}, varargs=('6a',), captured={})
        """
        found = json.loads(text)
        varargs = tuple(found.get("varargs", ()))
        return cls(found.get("kargs", {}), varargs, found.get("captured", {}))


LONGEST_TEXT: Final = 1_000
"""Longer strings are summarized."""
MOST_MEMBERS: Final = 100
"""Containers with more members are summarized."""
DEEPEST: Final = 4
"""Containers nested deeper are summarized."""
_VARARGS: Final = "__varargs"
_NUMBER: Final = 8
"""Bytes of Python's float."""
_INT64: Final = range(-(1 << 63), 1 << 63)


@exported
@frozen
class Summary:
    """The type and hash of a recorded argument that no serializer could write."""

    type: str
    hash: str | None


def inputs_json(inputs: Inputs, hashes: InputHashes, *, plain: bool = False) -> str:
    """Return the JSON text of a call's inputs by parameter name, with `*args` under `__varargs`.

    Artifacts appear as `{"artifact": id}`, dates, times, decimals and paths as text, scalars and
    short arrays of NumPy as their items; what is large or has no JSON form as `{"type": …,
    "hash": …, …}`. *plain* inputs, for which `are_plain` is true, are written as they are.
    """
    if plain:
        return _json_text({**inputs.kargs, _VARARGS: inputs.varargs})
    kargs = {name: _json_of(value, hashes.kargs.get(name)) for name, value in inputs.kargs.items()}
    # The user's `input_hash_fn` may have returned too few hashes, or too many.
    pairs = list(zip_longest(inputs.varargs, hashes.varargs))[: len(inputs.varargs)]
    return _json_text({**kargs, _VARARGS: [_json_of(value, digest) for value, digest in pairs]})


def _json_text(document: dict[str, object]) -> str:
    """Return a document without NaN as JSON text, valid UTF-8."""
    try:
        return _encoder()(document).decode()
    except (TypeError, UnicodeEncodeError):  # subclasses of `str`, lone surrogates
        return json.dumps(document, allow_nan=False, separators=(",", ":"))


@cache
def _encoder() -> Callable[[object], bytes]:
    """Return an encoder that takes a tenth of the time of `json`, imported with the first call."""
    from msgspec.json import Encoder  # noqa: PLC0415 - see above

    return Encoder().encode


def input_json(value: object) -> Json:
    """Return an input as `inputs_json` writes it; raise UnhashableValueError if it has no hash."""
    return _json_of(value, hash_value(value))


def are_plain(inputs: Inputs) -> bool:
    """Return whether *inputs* are builtin scalars with a JSON form, so that JSON says everything.

    >>> are_plain(Inputs({"a": 4, "b": None})), are_plain(Inputs({"a": (4,)}))
    (True, False)
    """
    if inputs.captured or _VARARGS in inputs.kargs:
        return False
    return all(map(_is_plain, inputs.kargs.values())) and all(map(_is_plain, inputs.varargs))


def plain_inputs(text: str) -> Inputs:
    """Return the inputs that `inputs_json` wrote, if they were plain.

    >>> plain_inputs('{"a": 4, "__varargs": [1.5]}')
    {'kargs': {'a': 4}, 'varargs': (1.5,)}
    """
    kargs: dict[str, object] = json.loads(text)
    return Inputs(kargs, tuple(cast("list[object]", kargs.pop(_VARARGS))))


def recorded_inputs(text: str) -> dict[str, Json]:
    """Return what `inputs_json` wrote, by parameter; `*args` are left out if there were none.

    >>> recorded_inputs('{"a": 4, "__varargs": []}'), recorded_inputs('{"__varargs": [1]}')
    ({'a': 4}, {'*args': [1]})
    """
    document: dict[str, Json] = json.loads(text)
    varargs = document.pop(_VARARGS, None)
    return {**document, "*args": varargs} if varargs else document


def _is_plain(value: object) -> bool:
    kind = type(value)
    if kind is int:
        return value in _INT64
    has_json = _SCALARS.get(kind)
    return value is None or kind is bool if has_json is None else has_json(value)


def _json_of(value: object, digest: str | None = None, depth: int = 0) -> Json:
    kind = type(value)
    if value is None or kind is bool:
        return cast("Json", value)
    has_json = _SCALARS.get(kind)
    if has_json is not None:
        return cast("Json", value) if has_json(value) else _summary(value, digest)
    sight: Callable[[object], InputRef | None] | None
    sight = getattr(kind, "__provenance_sighting__", None)
    if sight is not None:
        ref = sight(value)
        if ref is not None:
            return {"artifact": ref.artifact_id}
        # A proxy of a result that is in no store counts as its value.
        return _json_of(cast("Any", value).__wrapped__, digest, depth)
    if kind is InputFile and _is_text(path := str(value)):
        return {"file": path} if digest is None else {"file": path, "hash": digest}
    if depth < DEEPEST:
        members: Any = value
        if kind in (list, tuple) and len(members) <= MOST_MEMBERS:
            return [_json_of(member, None, depth + 1) for member in members]
        if kind is dict and _is_object(members):
            return {key: _json_of(member, None, depth + 1) for key, member in members.items()}
    shown = _plain_form(value, DEEPEST - depth)
    return _summary(value, digest) if shown is None else _json_of(shown, digest, depth)


def _plain_form(value: object, deepest: int) -> bool | int | float | str | list[Any] | None:
    """Return what SQL can query of a standard scalar, or of a scalar or short array of NumPy; None for anything else."""
    if isinstance(value, date | time):
        return value.isoformat()
    uuid, decimal = imported_module("uuid"), imported_module("decimal")
    is_uuid = uuid is not None and isinstance(value, uuid.UUID)
    if isinstance(value, PurePath) or is_uuid or (decimal and isinstance(value, decimal.Decimal)):
        return str(value)
    np = imported_module("numpy")
    if np is None or not isinstance(value, np.generic | np.ndarray):
        return None
    array: Any = value
    # Neither JSON nor Python has long doubles.
    is_long_double = array.dtype.kind == "f" and array.dtype.itemsize > _NUMBER
    kind: str = "V" if is_long_double else array.dtype.kind
    if isinstance(value, np.ndarray):
        is_short = array.size <= MOST_MEMBERS and array.ndim <= deepest
        if type(value) is not np.ndarray or not is_short or kind not in "biufUM":
            return None
        return cast("list[Any]", (array.astype("U") if kind == "M" else array).tolist())
    if kind == "M":
        return str(array)
    return cast("bool | int | float | str", array.item()) if kind in "biufU" else None


def _is_object(entries: dict[object, object]) -> bool:
    is_short = len(entries) <= MOST_MEMBERS
    return is_short and all(type(key) is str and _is_text(key) for key in entries)


def _is_text(value: str) -> bool:
    """Return whether every database accepts the string: no lone surrogates, no NUL (PostgreSQL)."""
    return len(value) <= LONGEST_TEXT and "\0" not in value and is_utf8(value)


_SCALARS: Final[dict[type, Callable[[Any], bool]]] = {
    int: _INT64.__contains__,
    float: math.isfinite,
    str: _is_text,
}


def _summary(value: object, digest: str | None) -> Json:
    facts: dict[str, Json] = {"type": type_name(value)}
    if digest is not None:
        facts["hash"] = digest
    try:
        return {**facts, **_measurements(value)}
    except Exception:  # noqa: BLE001 - a type's own methods may fail; recording must not
        return facts


def _measurements(value: object) -> dict[str, Json]:
    """Return the shape, element type and length of *value*, as far as it has them."""
    facts: dict[str, Json] = {}
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(shape, tuple):
        lengths = cast("tuple[object, ...]", shape)
        if all(type(length) is int for length in lengths):
            facts["shape"] = list(cast("tuple[int, ...]", lengths))
    if dtype is not None:
        facts["dtype"] = str(dtype)[:LONGEST_TEXT]
    if hasattr(type(value), "__len__") and facts.get("shape") != []:
        facts["len"] = len(cast("list[object]", value))
    return facts


def plain_only(inputs: Inputs) -> dict[str, object]:
    """Return the inputs of a call as a record stores them."""
    kargs, captured = dict(inputs.kargs), dict(inputs.captured)
    return {"kargs": kargs, "varargs": inputs.varargs, "captured": captured}


def summarize(inputs: Inputs, hashes: InputHashes) -> Inputs:
    """Return the inputs of a call as they can always be written: of odd ones, only types and hashes."""

    def digests(values: Mapping[str, object], known: Mapping[str, str]) -> dict[str, object]:
        return {name: _input_digest(value, known.get(name)) for name, value in values.items()}

    varargs = tuple(_input_digest(value, None) for value in inputs.varargs)
    captured = digests(inputs.captured, hashes.captured)
    return Inputs(digests(inputs.kargs, hashes.kargs), varargs, captured)


def _input_digest(value: object, digest: str | None) -> object:
    """Return *value* if it is certain to be written, a builtin scalar or an artifact, else a summary of it."""
    is_artifact = hasattr(type(value), "__provenance_sighting__")
    if type(value) in SCALARS or (is_artifact and _has_own_blob(value)):
        return value
    return Summary(type_name(value), digest)


def _has_own_blob(artifact: object) -> bool:
    """Return whether an artifact can be pickled: as a reference always, but one that is in no store is written as its value."""
    try:
        pickle.dumps(artifact)
    except Exception:  # noqa: BLE001 - the value's own methods may raise anything
        return False
    return True


def inputs_from(stored: object) -> Inputs:
    """Return the inputs that `PendingArtifact.inputs` wrote; raise `TypeError` for anything else."""
    if not isinstance(stored, dict):
        raise TypeError(f"recorded inputs are a dictionary, not {type(stored).__qualname__}")
    parts = cast("dict[str, Any]", stored)
    return Inputs(parts["kargs"], parts["varargs"], parts["captured"])

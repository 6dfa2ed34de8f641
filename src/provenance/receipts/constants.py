"""Constants of modules and classes: values that count by their content in a receipt."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from enum import Enum
from functools import partial
from inspect import getattr_static
from types import (
    BuiltinFunctionType,
    MappingProxyType,
    MemberDescriptorType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any, Final, cast

from provenance.errors import UnhashableValueError
from provenance.hashing import hash_value
from provenance.model.main_module import source_of
from provenance.model.references import CONTAINERS, is_proxy
from provenance.receipts.ownership import is_a, is_code, layers
from provenance.receipts.syntax import short_digest

MOST_ITEMS: Final = 1_000
_MOST_BYTES: Final = 1_000_000
_SCALARS: Final = (type(None), bool, int, float, complex, str, bytes, type(...), range)
_VALUE_MODULES: Final = frozenset(
    {"datetime", "decimal", "fractions", "operator", "pathlib", "re", "uuid"}
)
_MAPPINGS: Final = (OrderedDict, Counter, defaultdict, MappingProxyType)
_FIELDS: Final = ("__dataclass_fields__", "__attrs_attrs__")
"""Attributes of data classes and attrs classes that list their fields."""


class _TooManyPartsError(Exception):
    """A value has more than 1,000 parts."""


class _NoConstant:
    """What stands for an object whose state does not count; the rest of the value is looked at all the same."""


def digest_of(value: object) -> tuple[str | None, list[object]]:
    """Return the digest of a constant, None for what is none or is too large; and the parts that were met."""
    plain = _plain(value)
    if plain is not None:
        return plain, []
    parts: list[object] = []
    try:
        shape = _shape(value, parts)
    except (_TooManyPartsError, RecursionError):  # the latter of what contains itself
        return None, parts
    return (None if any(part is _NoConstant for part in parts) else short_digest(shape)), parts


def _plain(value: object) -> str | None:
    """Return the digest of a value that is hashed as it is; None for others."""
    kind = type(value)
    # A context of decimals notes what each calculation meets.
    is_plain = kind.__module__.partition(".")[0] in _VALUE_MODULES and kind.__name__ != "Context"
    is_array = getattr_static(kind, "nbytes", None) is not None
    if not is_plain and (not is_array or cast("Any", value).nbytes > _MOST_BYTES):
        return None
    try:
        return short_digest(value)
    except UnhashableValueError:
        return None


def field_names(kind: type) -> frozenset[str]:
    """Return the names of the fields of a data class or attrs class; none of another one."""
    listed: list[Any] = [getattr_static(kind, name, ()) for name in _FIELDS]
    return frozenset(
        str(getattr(field, "name", field))
        for fields in listed
        if isinstance(fields, dict | tuple)
        for field in cast("Any", fields)
    )


def _shape(value: object, parts: list[object]) -> object:
    """Return a constant with names in place of functions and classes, and add all its parts to *parts*.

    Of what is none, `_NoConstant` is among the parts.

    Raises:
        _TooManyPartsError: if there are more than 1,000 of them.
    """
    if len(parts) >= MOST_ITEMS:
        raise _TooManyPartsError
    if is_proxy(value):
        parts.append(_NoConstant)
        return None
    parts.append(value)
    kind = type(value)
    if is_code(value):
        return f"{source_of(value)}.{value.__qualname__}"
    if kind in _SCALARS:
        return value
    if kind is dict:
        return {"dict": _pairs(cast("dict[object, object]", value).items(), parts)}
    if kind in CONTAINERS:
        shapes = [_shape(part, parts) for part in cast("list[object]", value)]
        is_ordered = kind in {list, tuple}
        return [kind.__name__, *(shapes if is_ordered else sorted(map(hash_value, shapes)))]
    plain = _plain(value)
    return plain if plain is not None else [kind.__qualname__, *_members(value, parts)]


def _pairs(pairs: object, parts: list[object]) -> list[tuple[object, object]]:
    items = cast("list[tuple[object, object]]", pairs)
    return [(_shape(key, parts), _shape(part, parts)) for key, part in items]


def _members(value: object, parts: list[object]) -> Iterator[object]:
    """Yield what a value of another kind consists of."""
    known = cast("Any", value)
    if is_a(value, Enum):
        parts.append(type(value))
        yield from (source_of(type(value)), _shape(known._value_, parts))
    elif is_a(value, partial):
        yield from (_shape(part, parts) for part in (known.func, known.args, known.keywords))
    elif _is_of(value, _MAPPINGS):
        yield _shape(getattr(known, "default_factory", None), parts)
        yield from _pairs(known.items(), parts)
    elif _is_of(value, (deque,)) or (issubclass(type(value), tuple) and hasattr(value, "_fields")):
        parts.append(type(value))
        yield from (_shape(part, parts) for part in known)
    elif _is_of(value, (SimpleNamespace,)):
        yield from _pairs(known.__dict__.items(), parts)
    elif names := sorted(field_names(type(value))):
        parts.append(type(value))
        yield from _pairs([(name, _field(value, name)) for name in names], parts)
    else:
        yield _name(value, parts)


def _field(value: object, name: str) -> object:
    """Return a field of an object; of one that is computed what computes it."""
    found: object = getattr_static(value, name, None)
    return getattr(value, name, None) if is_a(found, MemberDescriptorType) else found


def _is_of(value: object, kinds: tuple[type, ...]) -> bool:
    return type(value) in kinds


def _name(value: object, parts: list[object]) -> str:
    """Return the name of something that is called and has no state of its own."""
    inner = [layer for layer in layers(value) if is_code(layer)]
    if inner:
        parts += inner
        named: Callable[..., object] = inner[-1]
        return f"{source_of(named)}.{named.__qualname__}"
    is_builtin = is_a(value, BuiltinFunctionType) and isinstance(value.__self__, ModuleType | None)
    if is_builtin or type(value).__qualname__ == "ufunc":
        return f"{getattr(value, '__module__', '')}.{cast('Any', value).__name__}"
    parts.append(_NoConstant)
    return ""

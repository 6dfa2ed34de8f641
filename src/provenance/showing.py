"""Values of users in texts, whatever their own methods do: a message about a value must not fail because of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, cast

_DEEPEST: Final = 4
"""Containers nested deeper are not taken apart."""


def shown(value: object) -> str:
    """`repr(value)`; where that raises, as it does for an int of more than 4,300 digits, what can be said instead.

    >>> shown([1, "two"]), shown({"n": [1 << 16_000]})
    ("[1, 'two']", "{'n': [<int of 16001 bits>]}")
    """
    return _shown(value, _DEEPEST)


def _shown(value: object, depth: int) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - a value's own method may raise anything
        kind = type(value)
        if issubclass(kind, int):
            return f"<{kind.__qualname__} of {int.bit_length(cast('int', value))} bits>"
        taken_apart = _CONTAINERS.get(kind)
        if taken_apart is None or not depth:
            return f"<{kind.__qualname__} whose repr raises {type(error).__name__}>"
        return taken_apart(value, depth - 1)


def _members(values: Iterable[object], depth: int) -> str:
    return ", ".join([_shown(each, depth) for each in values])


def _tuple(values: tuple[object, ...], depth: int) -> str:
    return f"({_members(values, depth)}{',' if len(values) == 1 else ''})"


def _dict(values: dict[object, object], depth: int) -> str:
    entries = [f"{_shown(key, depth)}: {_shown(each, depth)}" for key, each in values.items()]
    return f"{{{', '.join(entries)}}}"


_CONTAINERS: Final[dict[type, Callable[[Any, int], str]]] = {
    list: lambda values, depth: f"[{_members(values, depth)}]",
    tuple: _tuple,
    dict: _dict,
    set: lambda values, depth: f"{{{_members(values, depth)}}}",
    frozenset: lambda values, depth: f"frozenset({{{_members(values, depth)}}})",
}


def said(error: BaseException) -> str:
    """The type of an error and what it says.

    >>> said(KeyError("x"))
    "KeyError: 'x'"
    """
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - as above
        return type(error).__name__


def shape_of(value: object) -> tuple[object, ...] | None:
    """The `shape` of *value*, None where it has none that is a tuple."""
    try:
        shape = getattr(value, "shape", None)
    except Exception:  # noqa: BLE001 - as above
        return None
    return cast("tuple[object, ...]", shape) if isinstance(shape, tuple) else None

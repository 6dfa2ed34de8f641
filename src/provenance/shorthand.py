"""Values and artifacts in a few characters, for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import PurePath
from typing import Any, Final, cast

from provenance.recipe import Sighting
from provenance.showing import shape_of, shown
from provenance.summary import Summary

SHORT: Final = 8
"""Digits of an id that are shown to people."""
LONGEST: Final = 24
"""Characters of an argument that are shown …"""
MOST: Final = 4
"""… and members of a container."""
_CONTAINERS: Final = frozenset({list, tuple, dict, set, frozenset})


def sighted(value: object) -> Sighting | None:
    """What artifact *value* stands for, None if it is an ordinary value."""
    sight: Callable[[object], Sighting | None] | None = getattr(
        type(value), "__provenance_sighting__", None
    )
    return None if sight is None else sight(value)


def short(value: object, depth: int = 2) -> str:
    """*value* in a few characters: written out if it is small and builtin, else its type.

    >>> short([1, "two", {"three": 3.0}]), short(b"0123456789" * 9), short(object())
    ("[1, 'two', {'three': 3.0}]", "b'01234567890123456789…", '<object>')
    """
    if sighted(value) is not None:
        return "<artifact>"
    kind = type(value)
    if value is None or kind in _SCALARS or isinstance(value, PurePath):
        return _cut(shown(str(value) if isinstance(value, PurePath) else value))
    if isinstance(value, Enum):
        return f"{kind.__name__}.{value.name}"
    if kind in _CONTAINERS and depth:
        return _container(value, depth)
    return _kind_of(value)


_SCALARS: Final = frozenset({bool, int, float, complex, str, bytes})


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]}…"


def _container(value: Any, depth: int) -> str:  # noqa: ANN401 - a container of the table of members
    if len(value) > MOST or type(value) in (set, frozenset):
        return f"<{type(value).__name__} of {len(value)}>"
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value).items()
        return (
            "{"
            + ", ".join(f"{short(key, 0)}: {short(each, depth - 1)}" for key, each in entries)
            + "}"
        )
    inner = ", ".join(short(each, depth - 1) for each in cast("Iterable[object]", value))
    return f"[{inner}]" if isinstance(value, list) else f"({inner})"


def _kind_of(value: object) -> str:
    """The type of *value*, with its shape if it is an array or table; the name of a function or class."""
    if isinstance(value, Summary):
        return f"<{value.type.rpartition(':')[2]}>"
    if isinstance(value, type) or hasattr(type(value), "__code__"):
        return getattr(value, "__qualname__", type(value).__name__)
    shape = shape_of(value)
    if shape is not None and all(type(each) is int for each in shape):
        return f"<{type(value).__name__} {'x'.join(map(str, cast('tuple[int, ...]', shape)))}>"
    return f"<{type(value).__name__}>"

"""Short texts for values and artifacts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import PurePath
from typing import Any, Final, cast

from provenance.recipe import Sighting
from provenance.showing import shape_of, shown
from provenance.summary import Summary

SHORT: Final = 8
"""Number of digits of an id that are shown."""
LONGEST: Final = 24
"""Maximum length of an argument's text."""
MOST: Final = 4
"""Maximum number of members of a container that are shown."""
_SCALARS: Final = frozenset({bool, int, float, complex, str, bytes})
_CONTAINERS: Final = frozenset({list, tuple, dict, set, frozenset})


def sighted(value: object) -> Sighting | None:
    """Return the artifact that *value* stands for; None for an ordinary value."""
    sight: Callable[[object], Sighting | None] | None = getattr(
        type(value), "__provenance_sighting__", None
    )
    return None if sight is None else sight(value)


def short(value: object, depth: int = 2) -> str:
    """Abbreviate *value*: write it out if it is small and builtin, else name its type.

    >>> short([1, "two", {"three": 3.0}]), short(b"0123456789" * 9), short(object())
    ("[1, 'two', {'three': 3.0}]", "b'01234567890123456789…", '<object>')
    """
    if sighted(value) is not None:
        return "<artifact>"
    kind = type(value)
    if value is None or kind in _SCALARS or isinstance(value, PurePath):
        text = shown(str(value) if isinstance(value, PurePath) else value)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]}…"
    if isinstance(value, Enum):
        return f"{kind.__name__}.{value.name}"
    if kind in _CONTAINERS and depth:
        return _container(value, depth)
    if isinstance(value, Summary):
        return f"<{value.type.rpartition(':')[2]}>"
    if isinstance(value, type) or hasattr(kind, "__code__"):
        return getattr(value, "__qualname__", kind.__name__)
    shape = shape_of(value)
    if shape is not None and all(type(length) is int for length in shape):
        return f"<{kind.__name__} {'x'.join(map(str, shape))}>"
    return f"<{kind.__name__}>"


def _container(value: Any, depth: int) -> str:  # noqa: ANN401 - one of _CONTAINERS
    if len(value) > MOST or type(value) in (set, frozenset):
        return f"<{type(value).__name__} of {len(value)}>"
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        entries = [f"{short(key, 0)}: {short(member, depth - 1)}" for key, member in items]
        return f"{{{', '.join(entries)}}}"
    inner = ", ".join(short(member, depth - 1) for member in cast("Iterable[object]", value))
    return f"[{inner}]" if isinstance(value, list) else f"({inner})"

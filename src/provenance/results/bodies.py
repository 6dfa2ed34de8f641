"""What the body of a decorated function receives: results read, and replaced by their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from provenance.model.references import is_proxy
from provenance.model.tracked import any_tracked, proxy_of_tracked
from provenance.results.handles import carry
from provenance.results.kinds import CONTAINERS, is_scalar, is_singleton

_COMMON: Final = frozenset({type(None), bool, int, float, complex, str, bytes})
Change = Callable[[Any], Any]


class Opening:
    """Reads results, also inside builtin containers and named tuples, once each.

    `tracked` has the values that carry no artifact themselves, with their proxies, by identity.
    """

    def __init__(self) -> None:
        self.tracked: dict[int, tuple[object, object]] = {}
        self._opened: dict[int, tuple[object, object]] = {}

    def open(self, value: Any) -> Any:
        """Return what the body receives for *value*: always the same object for the same *value*."""
        kind = cast("type[object]", type(value))
        if kind in _COMMON:
            return value
        known = self._opened.get(id(value))
        if known is not None:
            return known[1]
        self._opened[id(value)] = value, value
        opened = self._open_result(value) if is_proxy(value) else replace_members(value, self.open)
        self._opened[id(value)] = value, opened
        return opened

    def open_all(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return what the body receives for each of *values*."""
        return {name: self.open(value) for name, value in values.items()}

    def _open_result(self, result: Any) -> object:
        value = result.__wrapped__
        tracked = result.__provenance_sighting__() is not None
        kind = cast("type[object]", type(value))
        if kind in CONTAINERS:
            value = replace_members(value, self.open)
        if kind in CONTAINERS or is_scalar(kind):
            known, origin = result.__provenance_reference__(), result.__provenance_origin__()
            return carry(known, origin, value, tracked=tracked, plain_repr=True)
        if tracked and not is_singleton(value):
            self.tracked[id(value)] = value, result
        return value


def close(value: Any) -> Any:
    """Return *value*, with what is known to be the value of an artifact replaced by its proxy, also inside containers."""
    if not any_tracked():
        return value
    met: set[int] = set()

    def closed(part: Any) -> Any:
        if type(part) in _COMMON or is_proxy(part) or id(part) in met:
            return part
        proxy = proxy_of_tracked(part)
        if proxy is not None:
            return proxy
        met.add(id(part))
        changed = replace_members(part, closed)
        met.discard(id(part))
        return changed

    try:
        return closed(value)
    except RecursionError:  # hashing refuses what is nested so deeply, and says so
        return value


def close_call(
    args: tuple[object, ...], kwargs: Mapping[str, object]
) -> tuple[tuple[object, ...], Mapping[str, object]]:
    """Return the arguments of a call with the values of artifacts replaced by their proxies."""
    if not any_tracked():
        return args, kwargs
    return tuple(map(close, args)), {name: close(value) for name, value in kwargs.items()}


def replace_members(value: Any, change: Change) -> Any:
    """Return *value*, a builtin container or named tuple with its members changed; itself if nothing changes."""
    kind = cast("type[object]", type(value))
    if kind is dict:
        entries = cast("dict[object, object]", value)
        pairs = [(change(key), change(member)) for key, member in entries.items()]
        same = all(
            key is before and member is entries[before]
            for (key, member), before in zip(pairs, entries, strict=True)
        )
        return value if same else dict(pairs)
    is_named = (
        issubclass(kind, tuple)
        and hasattr(cast("type[object]", kind), "_fields")
        and not is_proxy(value)
    )
    if kind not in CONTAINERS and not is_named:
        return value
    if set(map(type, value)) <= _COMMON:
        return value
    members = [change(member) for member in value]
    if all(new is old for new, old in zip(members, value, strict=True)):
        return value
    make: Any = kind
    return make._make(members) if is_named else make(members)

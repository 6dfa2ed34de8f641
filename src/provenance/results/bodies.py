"""What the body of a decorated function receives: results read, and replaced by their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from provenance.model.references import CONTAINERS, SCALARS, is_proxy, replace_all, replace_members
from provenance.model.tracked import any_tracked
from provenance.results.handles import as_result, carry
from provenance.results.kinds import is_scalar, is_singleton


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
        if kind in SCALARS:
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


def close(value: Any, *, inside_objects: bool = False) -> Any:
    """Return *value*, with what is known to be the value of an artifact replaced by its proxy, also inside containers.

    Data classes and attrs instances are copied for it if *inside_objects* is true.
    """
    if not any_tracked():
        return value
    return replace_all(value, as_result, inside_objects=inside_objects)


def close_call(
    args: tuple[object, ...], kwargs: Mapping[str, object]
) -> tuple[tuple[object, ...], Mapping[str, object]]:
    """Return the arguments of a call with the values of artifacts replaced by their proxies."""
    if not any_tracked():
        return args, kwargs
    return tuple(map(close, args)), {name: close(value) for name, value in kwargs.items()}

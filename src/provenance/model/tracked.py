"""Plain objects that are known to be the values of artifacts: by identity, in all threads of the process.

While a decorated function runs, the values of its arguments are known. With `results="values"`, results are known as long as
they live.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias, TypeVar

from attrs import define

from provenance.util.locks import ForkSafeLock

T = TypeVar("T")
Represent: TypeAlias = Callable[[object], object]
"""Returns the proxy of a known object."""


@define(eq=False)
class _Entry:
    get: Callable[[], object]
    represent: Represent
    uses: int


_guard: Final = ForkSafeLock()
_entries: Final[dict[int, _Entry]] = {}


def any_tracked() -> bool:
    """Tell whether any object is known: a quick test before a search."""
    return bool(_entries)


def tracks_any(keys: Iterable[int]) -> bool:
    """Tell whether an object of one of these identities may be known."""
    return not _entries.keys().isdisjoint(keys)


def proxy_of_tracked(value: object) -> object | None:
    """Return the proxy of the artifact that *value* is known to be the value of; None for other objects."""
    entry = _entries.get(id(value))
    if entry is None or entry.get() is not value:
        return None
    return entry.represent(value)


@contextmanager
def tracking(proxies: Mapping[int, tuple[object, object]]) -> Generator[None]:
    """Know objects, given with their proxies by identity, in this block."""
    if not proxies:
        yield
        return
    with _guard.lock:
        for key, (value, proxy) in proxies.items():
            entry = _entries.get(key)
            if entry is not None and entry.get() is value:
                entry.uses += 1
            else:
                _entries[key] = _Entry(_constant(value), _constant(proxy), 1)
    try:
        yield
    finally:
        with _guard.lock:
            for key in proxies:
                entry = _entries[key]
                entry.uses -= 1
                if not entry.uses:
                    del _entries[key]


def _constant(value: T) -> Callable[..., T]:
    return lambda *_: value


def track(value: object, represent: Represent) -> bool:
    """Know *value* as long as it lives; False if it cannot be referenced weakly."""
    key = id(value)

    def forget(_: object) -> None:
        with _guard.lock:
            entry = _entries.get(key)
            if entry is not None and entry.get() is None:
                del _entries[key]

    try:
        reference = weakref.ref(value, forget)
    except TypeError:
        return False
    with _guard.lock:
        # One use is never given back: the entry goes with the object.
        _entries[key] = _Entry(reference, represent, 1)
    return True

"""File systems of fsspec's, each used only by the process that made it: what they run on does not survive a fork."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import Any, Final, cast

from fsspec import AbstractFileSystem

from provenance.effects.families import family_of
from provenance.guards import Guard
from provenance.places import Place

_GRACE: Final = 5.0
"""Seconds that it may take to give up."""
_inherited: Final[list[AbstractFileSystem]] = []
"""File systems of a parent's, which a child must neither use nor finalize."""


class Connection:
    """The file system of a place, made when it is first asked and whenever it must be made anew.

    Raises `MissingLibraryError` where what reaches the place is not installed, and `ConfigError` where nothing does.
    """

    def __init__(self, store: str, place: Place) -> None:
        self.family: Final = family_of(place.protocol)
        self.kind: Final = self.family.load(store)
        self._timeout = place.timeout
        in_url = self.kind._get_kwargs_from_urls(place.root) if "://" in place.root else {}  # noqa: SLF001 - fsspec has no other name for it
        self.options: Final = {**in_url, **place.options}
        self._guard = Guard()
        self._made: tuple[int, AbstractFileSystem] | None = None

    def files(self) -> AbstractFileSystem:
        """The file system, made by this process."""
        with self._guard.lock:
            if self._made is not None and self._made[0] != os.getpid():
                _inherited.append(self._made[1])
                self._made = None
            if self._made is None:
                options = self.family.options(self._timeout, self.options)
                self._made = os.getpid(), self.kind(skip_instance_cache=True, **options)
            return self._made[1]

    def renew(self) -> None:
        """Make it anew next time, if it is one that is of no use after its connection was cut."""
        if self.family.breaks:
            with self._guard.lock:
                self._made = None


def call(
    files: AbstractFileSystem, limit: float, method: str, *args: object, **options: object
) -> Any:  # noqa: ANN401 - whatever it answers
    """Ask *files*; one that is asynchronous answers within *limit* seconds, or is given up."""
    files.invalidate_cache()
    if not files.async_impl:
        return getattr(files, method)(*args, **options)
    asked = partial(getattr(files, f"_{method}"), *args, **options)

    async def answered() -> object:
        return await asyncio.wait_for(asked(), limit)

    future = asyncio.run_coroutine_threadsafe(answered(), cast("Any", files).loop)
    try:
        return future.result(limit + _GRACE)
    except BaseException:
        future.cancel()
        raise

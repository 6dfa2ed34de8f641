"""fsspec file systems, each used by one process only: their threads do not survive a fork."""

from __future__ import annotations

import asyncio
import os
from typing import Any, Final, cast

from fsspec import AbstractFileSystem

from provenance.effects.families import family_of
from provenance.guards import Guard
from provenance.places import Place

_GRACE: Final = 5.0
"""Seconds that a cancelled request may take to end."""
_inherited: Final[list[AbstractFileSystem]] = []
"""File systems of the parent process, which a child must neither use nor finalize."""


class Connection:
    """The file system of a place, made on first use and again after a fork or a lost connection.

    Raises `MissingLibraryError` if its library is missing, and `ConfigError` if it is unknown.
    """

    def __init__(self, store: str, place: Place) -> None:
        self.family: Final = family_of(place.protocol)
        self.kind: Final = self.family.load(store)
        self._timeout = place.timeout
        in_url: dict[str, Any] = {}
        if "://" in place.root:
            in_url = self.kind._get_kwargs_from_urls(place.root)  # noqa: SLF001 - no public name
        self.options: Final = {**in_url, **place.options}
        self._guard = Guard()
        self._made: tuple[int, AbstractFileSystem] | None = None

    def files(self) -> AbstractFileSystem:
        """Return the file system of this process."""
        with self._guard.lock:
            if self._made is not None and self._made[0] != os.getpid():
                _inherited.append(self._made[1])
                self._made = None
            if self._made is None:
                options = self.family.options(self._timeout, self.options)
                self._made = os.getpid(), self.kind(skip_instance_cache=True, **options)
            return self._made[1]

    def renew(self) -> None:
        """Make a new file system next time, if this kind is unusable after a lost connection."""
        if self.family.breaks:
            with self._guard.lock:
                self._made = None


def call(
    files: AbstractFileSystem, limit: float, method: str, *args: object, **options: object
) -> Any:  # noqa: ANN401 - whatever it returns
    """Call a method of *files*; cancel an asynchronous one after *limit* seconds."""
    files.invalidate_cache()
    if not files.async_impl:
        return getattr(files, method)(*args, **options)

    async def answer() -> object:
        return await asyncio.wait_for(getattr(files, f"_{method}")(*args, **options), limit)

    future = asyncio.run_coroutine_threadsafe(answer(), cast("Any", files).loop)
    try:
        return future.result(limit + _GRACE)
    except BaseException:
        future.cancel()
        raise

"""Decorated functions for tests of engines: workers import them by name."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from threading import Event

from provenance.calls.decorators import provenance
from provenance.config.stores import SqliteRepo
from provenance.environment import using_repo
from provenance.model.references import unwrap


@provenance()
def increment(number: int) -> int:
    """Add one."""
    return number + 1


def increment_in(number: int, folder: Path) -> int:
    """Add one, and store the result in a database of this folder."""
    with using_repo(SqliteRepo(db=folder / "chosen.db")):
        return unwrap(increment(number))


@provenance()
def double(number: int) -> int:
    """Multiply by two."""
    return 2 * number


@provenance()
def total(*numbers: int) -> list[int]:
    """Return the sum in a list."""
    return [sum(numbers)]


@provenance()
def slowly(number: int, seconds: float) -> int:
    """Add one, after a while."""
    Event().wait(seconds)
    return number + 1


@provenance()
async def coroutine(number: int) -> int:
    """Add one, as a coroutine."""
    return number + 1


@provenance()
def large(size: int) -> bytes:
    """Return many bytes."""
    return b"\0" * size


@provenance()
def calling(number: int) -> int:
    """Call another decorated function."""
    return increment(number) + 1


@provenance(returns_composite=True)
def parts(number: int) -> dict[str, int]:
    """Return a composite."""
    return {"more": number + 1, "less": number - 1}


@provenance(use_cache=False)
def uncached(number: int) -> int:
    """Add one each time."""
    return number + 1


class UnpicklableError(Exception):
    """An exception whose pickle cannot be read."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


@provenance()
def failing(number: int) -> int:
    """Raise for multiples of three, in two ways."""
    if number % 3 == 0:
        raise UnpicklableError("this", "that") if number % 2 else ValueError(f"not {number}")
    return number


@provenance(ignore=["folder"])
def deadly(number: int, times: int, folder: str) -> int:
    """End the process the first *times*, which files in *folder* count."""
    if number == 1 and len(list(Path(folder).iterdir())) < times:
        (Path(folder) / secrets.token_hex()).touch()
        os._exit(1)
    return number


class Scaler:
    """An object with a decorated method."""

    def __init__(self, factor: int) -> None:
        self.factor = factor

    @provenance()
    def scale(self, number: int) -> int:
        """Multiply by the factor."""
        return self.factor * number

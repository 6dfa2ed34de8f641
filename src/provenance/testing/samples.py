"""Decorated functions for tests of engines: workers import them by name."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import provenance as p


@p.provenance()
def increment(number: int) -> int:
    """Add one."""
    return number + 1


@p.provenance()
def double(number: int) -> int:
    """Multiply by two."""
    return 2 * number


@p.provenance()
def total(*numbers: int) -> list[int]:
    """Return the sum in a list."""
    return [sum(numbers)]


@p.provenance()
async def coroutine(number: int) -> int:
    """Add one, as a coroutine."""
    return number + 1


@p.provenance()
def large(size: int) -> bytes:
    """Return many bytes."""
    return b"\0" * size


@p.provenance()
def calling(number: int) -> int:
    """Call another decorated function."""
    return increment(number) + 1


@p.provenance(returns_composite=True)
def parts(number: int) -> dict[str, int]:
    """Return a composite."""
    return {"more": number + 1, "less": number - 1}


@p.provenance(use_cache=False)
def uncached(number: int) -> int:
    """Add one each time."""
    return number + 1


class UnpicklableError(Exception):
    """An exception whose pickle cannot be read."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


@p.provenance()
def failing(number: int) -> int:
    """Raise for multiples of three, in two ways."""
    if number % 3 == 0:
        raise UnpicklableError("this", "that") if number % 2 else ValueError(f"not {number}")
    return number


@p.provenance(ignore=["folder"])
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

    @p.provenance()
    def scale(self, number: int) -> int:
        """Multiply by the factor."""
        return self.factor * number

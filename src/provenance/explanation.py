"""What a hash is made of, and where two values differ that have different hashes."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from itertools import islice
from typing import TypeAlias

from attrs import frozen

from provenance.hashing import hash_value
from provenance.hashing.registry import name_of
from provenance.ids import ValueId
from provenance.parts import Part, parts, summary
from provenance.proxy import unwrap

_Seen: TypeAlias = set[tuple[int, int]]


@frozen
class HashTree:
    """A value, or a part of one, with its digest.

    `path` is how Python would write the way to it, `type` is its type as `module:qualname`, `summary` is a short text that shows it;
    `parts` holds the first of its parts, and `omitted` says how many there are besides.
    """

    path: str
    type: str
    digest: ValueId
    summary: str
    parts: tuple[HashTree, ...] = ()
    omitted: int = 0

    def __str__(self) -> str:
        return "\n".join(self._lines(""))

    def _lines(self, indent: str) -> Iterator[str]:
        yield f"{indent}{self.path}: {self.summary}  {self.digest[:12]}"
        for part in self.parts:
            yield from part._lines(indent + "  ")  # noqa: SLF001 - one of our own
        if self.omitted:
            yield f"{indent}  … {self.omitted:,} more"


class Change(Enum):
    """In what way two values differ at some place."""

    CONTENT = "differs"
    TYPE = "is of another type"
    ADDED = "is only in the second"
    REMOVED = "is only in the first"


@frozen
class Difference:
    """A place at which two values differ: the way to it, how, and short texts that show what is there (`-` for nothing)."""

    path: str
    change: Change
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.path} {self.change.value}: {self.first} and {self.second}"


def explain_hash(value: object, path: str = "value", *, depth: int = 20, limit: int = 100) -> HashTree:
    """What went into the hash of *value*: its parts, their parts and so on, each with the hash that it has by itself.

    At most *depth* levels are shown, and of each value at most *limit* parts.

    >>> print(explain_hash({"b": [1, 2.5]}))
    value: a dict of 1  d2275ecda8a6
      value['b']: a list of 2  30a76321530b
        value['b'][0]: 1  c65d4c3eaf3a
        value['b'][1]: 2.5  8f679f32616f

    Raises:
        UnhashableValueError: if a part of *value* has no content.
    """
    digest = hash_value(value, path)
    found = iter(parts(value)) if depth > 0 else iter(())
    shown = tuple(
        explain_hash(part.value, path + part.step, depth=depth - 1, limit=limit) for part in islice(found, limit)
    )
    return HashTree(path, name_of(unwrap(value)), digest, summary(value), shown, sum(1 for _ in found))


def hash_differences(first: object, second: object, path: str = "value", *, limit: int = 100) -> tuple[Difference, ...]:
    """Where two values differ; nothing exactly if their hashes are equal. At most *limit* places are named.

    Two parts that occur in several places are compared once.

    >>> [str(each) for each in hash_differences({"b": [1, 2, 3]}, {"b": [1, 2, 4]})]
    ["value['b'][2] differs: 3 and 4"]

    Raises:
        UnhashableValueError: if a part of either value has no content.
    """
    found = (each for each in _differences(first, second, path, set()) if each is not None)
    return tuple(islice(found, limit))


def _differences(first: object, second: object, path: str, seen: _Seen) -> Iterator[Difference | None]:
    """The differences between two values; None stands for those that were told before."""
    if hash_value(first, path) == hash_value(second, path):
        return
    if name_of(unwrap(first)) != name_of(unwrap(second)):
        yield Difference(path, Change.TYPE, *(f"{summary(each)} ({name_of(unwrap(each))})" for each in (first, second)))
        return
    is_whole = True
    for found in _within(first, second, path, seen):
        is_whole = False
        yield found
    if is_whole:
        yield Difference(path, Change.CONTENT, summary(first), summary(second))


def _within(first: object, second: object, path: str, seen: _Seen) -> Iterator[Difference | None]:
    """The differences between the parts of two values of one type."""
    ours, theirs = _by_key(first), _by_key(second)
    if (id(first), id(second)) in seen and (ours or theirs):
        yield None
        return
    seen.add((id(first), id(second)))
    for key, part in ours.items():
        found = tuple(_between(part, theirs.get(key), path, seen))
        yield from found
        if found and part.governs:
            return
    for key in [key for key in theirs if key not in ours]:
        yield Difference(path + theirs[key].step, Change.ADDED, "-", summary(theirs[key].value))


def _between(part: Part, other: Part | None, path: str, seen: _Seen) -> Iterator[Difference | None]:
    if other is None:
        yield Difference(path + part.step, Change.REMOVED, summary(part.value), "-")
    elif part.value is not other.value:
        yield from _differences(part.value, other.value, path + part.step, seen)


def _by_key(value: object) -> dict[object, Part]:
    return {part.key: part for part in parts(value)}

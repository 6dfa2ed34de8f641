"""Explanations of hashes: the hashes of a value's parts, and the differences of two values."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from itertools import islice
from typing import TypeAlias

from attrs import frozen

from provenance.hashing import hash_value
from provenance.hashing.registry import name_of
from provenance.ids import ValueId
from provenance.parts import parts, summary
from provenance.proxy import unwrap

_Seen: TypeAlias = set[tuple[int, int]]


@frozen
class HashTree:
    """A value, or a part of one, with its digest.

    Attributes:
        path: The path to the part, in the syntax of Python.
        type: The type as `module:qualname`.
        digest: The hash of the part by itself.
        summary: A short text that shows the part.
        parts: Its first parts.
        omitted: The number of its other parts.
    """

    __module__ = "provenance"

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
            yield from part._lines(indent + "  ")  # noqa: SLF001
        if self.omitted:
            yield f"{indent}  … {self.omitted:,} more"


class Change(Enum):
    """How two values differ at some place."""

    __module__ = "provenance"

    CONTENT = "differs"
    TYPE = "is of another type"
    ADDED = "is only in the second"
    REMOVED = "is only in the first"


@frozen
class Difference:
    """A place where two values differ: path, change, and short texts of both (`-` if absent)."""

    __module__ = "provenance"

    path: str
    change: Change
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.path} {self.change.value}: {self.first} and {self.second}"


def explain_hash(
    value: object, path: str = "value", *, depth: int = 20, limit: int = 100
) -> HashTree:
    """Explain the hash of *value*: its parts, their parts and so on, each with its own hash.

    Args:
        value: The value to explain.
        path: The name of *value* in paths.
        depth: Maximum number of levels.
        limit: Maximum number of parts of each value.

    >>> print(explain_hash({"b": [1, 2.5]}))
    value: a dict of 1  d2275ecda8a6
      value['b']: a list of 2  30a76321530b
        value['b'][0]: 1  c65d4c3eaf3a
        value['b'][1]: 2.5  8f679f32616f

    Raises:
        UnhashableValueError: if a part of *value* cannot be hashed.
    """
    digest = hash_value(value, path)
    remaining = iter(parts(value)) if depth > 0 else iter(())
    trees = tuple(
        explain_hash(part.value, path + part.step, depth=depth - 1, limit=limit)
        for part in islice(remaining, limit)
    )
    omitted = sum(1 for _ in remaining)
    return HashTree(path, name_of(unwrap(value)), digest, summary(value), trees, omitted)


def hash_differences(
    first: object, second: object, path: str = "value", *, limit: int = 100
) -> tuple[Difference, ...]:
    """Return the places where two values differ, at most *limit*; none if their hashes are equal.

    Two parts that occur in several places are compared once.

    >>> [str(change) for change in hash_differences({"b": [1, 2, 3]}, {"b": [1, 2, 4]})]
    ["value['b'][2] differs: 3 and 4"]

    Raises:
        UnhashableValueError: if a part of either value cannot be hashed.
    """
    differences = _differences(first, second, path, set())
    return tuple(islice((change for change in differences if change is not None), limit))


def _differences(
    first: object, second: object, path: str, seen: _Seen
) -> Iterator[Difference | None]:
    """Yield the differences between two values; None for those that were yielded before."""
    if hash_value(first, path) == hash_value(second, path):
        return
    if name_of(unwrap(first)) != name_of(unwrap(second)):
        texts = (f"{summary(value)} ({name_of(unwrap(value))})" for value in (first, second))
        yield Difference(path, Change.TYPE, *texts)
        return
    differs_within = False
    for difference in _part_differences(first, second, path, seen):
        differs_within = True
        yield difference
    if not differs_within:
        yield Difference(path, Change.CONTENT, summary(first), summary(second))


def _part_differences(
    first: object, second: object, path: str, seen: _Seen
) -> Iterator[Difference | None]:
    """Yield the differences between the parts of two values of one type."""
    ours, theirs = ({part.key: part for part in parts(value)} for value in (first, second))
    if (id(first), id(second)) in seen and (ours or theirs):
        yield None
        return
    seen.add((id(first), id(second)))
    for key, part in ours.items():
        step, other = path + part.step, theirs.get(key)
        differences: tuple[Difference | None, ...] = ()
        if other is None:
            differences = (Difference(step, Change.REMOVED, summary(part.value), "-"),)
        elif part.value is not other.value:
            differences = tuple(_differences(part.value, other.value, step, seen))
        yield from differences
        if differences and part.governs:
            return
    for key, part in theirs.items():
        if key not in ours:
            yield Difference(path + part.step, Change.ADDED, "-", summary(part.value))

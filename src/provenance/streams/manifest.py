"""What a stream consists of: its chunks, which are artifacts of their own, and the options that say where chunks end."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from itertools import accumulate
from typing import Any, Final, Generic, Literal, TypeVar, cast

from attrs import Attribute, field, frozen

from provenance.hashing import combine
from provenance.model.ids import ID_DIGITS, ArtifactId, ValueId, is_prefix
from provenance.model.records import freeze_options
from provenance.util.formatting import safe_repr
from provenance.util.naming import exported

T_co = TypeVar("T_co", covariant=True)

MEGABYTE: Final = 1_000_000
CHUNK_FIELDS: Final = freeze_options({"provenance": "chunk of a stream"})
"""Custom fields of all chunks, by which they are found; the field `chunk` says of which stream they are."""


def _positive(*, whole: bool) -> Callable[[object, Attribute[Any], object], None]:
    """Return a validator of positive numbers, bool excluded."""
    kinds: tuple[type, ...] = (int,) if whole else (int, float)
    what = "a positive integer" if whole else "a positive number of seconds"

    def check(_: object, attribute: Attribute[Any], value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, kinds) or not cast("float", value) > 0:
            raise ValueError(f"{attribute.name} must be {what}, got {safe_repr(value)}")

    return check


def _optional_count(_: object, attribute: Attribute[Any], value: object) -> None:
    if value is not None:
        _positive(whole=True)(_, attribute, value)


def _keep(_: object, __: Attribute[Any], value: object) -> None:
    if value not in ("chunks", "all"):
        raise ValueError(f"keep must be 'chunks' or 'all', got {safe_repr(value)}")


@exported
@frozen(kw_only=True)
class Streaming:
    r"""How the items of a generator function are stored.

    Attributes:
        resume: The parameter that gets the last stored item (or state) when a stream goes on after
            a crash; without such a parameter the function runs from its start, and the items that
            are stored already are compared and dropped.
        chunk_items: Items after which a chunk ends; None for any number.
        chunk_bytes: Size in bytes after which a chunk ends.
        chunk_seconds: Seconds after which a chunk ends at the next item.
        keep: What is kept of a stream that is broken off: its full "chunks", or "all" items.
        follow: Read the chunks of another process that computes the same as they appear, instead of
            waiting for its end.

    Example:
        >>> import provenance as p
        >>> @p.provenance(stream=p.Streaming(chunk_items=2))
        ... def lines(text: str):
        ...     yield from text.splitlines()
        >>> stream = lines("one\ntwo\nthree")
        >>> list(stream), len(p.artifact_of(stream).value_artifact_ids)
        (['one', 'two', 'three'], 2)
    """

    resume: str = "after"
    chunk_items: int | None = field(default=None, validator=_optional_count)
    chunk_bytes: int = field(default=8 * MEGABYTE, validator=_positive(whole=True))
    chunk_seconds: float = field(default=30.0, validator=_positive(whole=False))
    keep: Literal["chunks", "all"] = field(default="chunks", validator=_keep)
    follow: bool = False


@exported
@frozen
class Resumable(Generic[T_co]):
    r"""An item of a stream, and the state from which the generator can go on after it.

    A generator yields it in place of the item; the stream has the *item* only.

    Example:
        >>> import provenance as p
        >>> @p.provenance(stream=p.Streaming(resume="line"))
        ... def upper(text: str, *, line: int = 0):
        ...     for number, content in enumerate(text.splitlines()[line:], line):
        ...         yield p.Resumable(content.upper(), number + 1)
        >>> list(upper("one\ntwo"))
        ['ONE', 'TWO']
    """

    item: T_co
    state: object


def bare_items(stored: list[object]) -> list[object]:
    """Return the items of a stored chunk, the last of which may have a state with it."""
    if stored and isinstance(stored[-1], Resumable):
        return [*stored[:-1], cast("Resumable[object]", stored[-1]).item]
    return stored


def chunk_id(call_id: ArtifactId, number: int) -> ArtifactId:
    """Return the id of the chunk of this *number*, from 0, of the stream of a call."""
    return ArtifactId(combine("chunk", [call_id, number]).hex())


def _is_id(_: object, attribute: Attribute[Any], value: str) -> None:
    if len(value) != ID_DIGITS or not is_prefix(value):
        raise ValueError(f"{attribute.name} must be an id, got {safe_repr(value)}")


@frozen
class Chunk:
    """A chunk: its artifact, the hash of its value, and how many items it has."""

    id: ArtifactId = field(validator=_is_id)
    value_id: ValueId = field(validator=_is_id)
    count: int = field(validator=_positive(whole=True))


@frozen
class Manifest:
    """The chunks of a stream in order, and the hash of all items as a list."""

    value_id: ValueId = field(validator=_is_id)
    chunks: tuple[Chunk, ...]

    @cached_property
    def ends(self) -> list[int]:
        """The number of items up to the end of each chunk."""
        return list(accumulate(chunk.count for chunk in self.chunks))

    @property
    def count(self) -> int:
        """The number of items."""
        return self.ends[-1] if self.chunks else 0

    def locate(self, position: int) -> tuple[int, int]:
        """Return the number of the chunk with the item at *position*, and where in it the item is."""
        number = bisect_right(self.ends, position)
        return number, position - (self.ends[number - 1] if number else 0)

    def to_json(self) -> str:
        """Return the manifest as text."""
        rows = [[chunk.id, chunk.value_id, chunk.count] for chunk in self.chunks]
        return json.dumps({"value_id": self.value_id, "chunks": rows}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Return the manifest that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: if it is none.
        """
        document: dict[str, Any] = json.loads(text)
        return cls(document["value_id"], tuple(Chunk(*row) for row in document["chunks"]))

"""Values that come in parts: the chunks of a stream, the options that say where they end, and the stream as a lazy sequence.

Its items are read chunk by chunk when they are used.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, islice
from typing import Any, Final, Generic, Literal, Protocol, TypeAlias, TypeVar, cast, overload

from attrs import Attribute, define, field, frozen
from attrs.validators import optional

from provenance.errors import ArtifactNotFoundError, BlobNotFoundError, CorruptBlobError
from provenance.hashing import Child, Item, Walk, combine, register_item
from provenance.model.ids import ID_DIGITS, ArtifactId, ValueId, is_prefix
from provenance.model.records import Origin, freeze_options
from provenance.results.origin import CurrentOrigin, resolving_origin
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
    chunk_items: int | None = field(default=None, validator=optional(_positive(whole=True)))
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


LossError: TypeAlias = BlobNotFoundError | CorruptBlobError | ArtifactNotFoundError
LOST: Final = (ArtifactNotFoundError, BlobNotFoundError, CorruptBlobError)
"""Errors that say that a stored value, or a part of it, is lost."""


class Items(Protocol):
    """All items of a stream."""

    @property
    def count(self) -> int:
        """The number of items."""
        ...

    @property
    def value_id(self) -> ValueId:
        """The hash of all items, as a list."""
        ...

    def batch(self, position: int, /) -> Sequence[object]:
        """Return items from *position* on, at least one; none after the last one."""
        ...


class LiveItems(Protocol):
    """The items of a stream that is being computed."""

    @property
    def count(self) -> int:
        """The number of items so far."""
        ...

    def batch(self, position: int, /) -> Sequence[object]:
        """Return items from *position* on, computing them if need be; none after the last one."""
        ...

    def complete(self) -> Items:
        """Compute and store what is missing."""
        ...

    def close(self) -> None:
        """Stop computing."""
        ...


@define(eq=False)
class StoredItems:
    """Items in the chunks of a *manifest*. The chunk that was read last is kept.

    *recover* returns the items of a stream of which a chunk is lost.
    """

    manifest: Manifest
    origin: Origin
    recover: Callable[[LossError, Chunk], Items] | None = None
    _last: tuple[int, list[object]] = field(default=(-1, []))
    _recovered: Items | None = None

    @property
    def count(self) -> int:
        """The number of items."""
        return self.manifest.count

    @property
    def value_id(self) -> ValueId:
        """The hash of all items, as a list."""
        return self.manifest.value_id

    def batch(self, position: int, /) -> Sequence[object]:
        """Return the items from *position* to the end of its chunk.

        Raises:
            ArtifactNotFoundError, BlobNotFoundError, CorruptBlobError: if the chunk is lost, and
                cannot be computed again.
        """
        if position >= self.count:
            return ()
        number, start = self.manifest.locate(position)
        # Other threads may read other chunks meanwhile.
        (last, items), recovered = self._last, self._recovered
        if recovered is None and last != number:
            chunk = self.manifest.chunks[number]
            try:
                items = load_chunk(self.origin, chunk)
                self._last = number, items
            except LOST as trouble:
                if self.recover is None:
                    raise
                recovered = self._recovered = self.recover(trouble, chunk)
        return items[start:] if recovered is None else recovered.batch(position)


def load_chunk(origin: Origin, chunk: Chunk) -> list[object]:
    """Return the items of *chunk*.

    Raises:
        ArtifactNotFoundError, BlobNotFoundError, CorruptBlobError: if it is lost, or is not the chunk
            that the stream consists of.
    """
    record = origin.load_record(chunk.id)
    stored = origin.load_value(record) if record.value_id == chunk.value_id else None
    if not isinstance(stored, list) or len(cast("list[object]", stored)) != chunk.count:
        reason = f"artifact {chunk.id} is not the chunk that the stream consists of"
        raise CorruptBlobError(record.value_blob.id, "of the stream", reason, is_sound=True)
    return bare_items(cast("list[object]", stored))


@define(eq=False)
class ItemsInMemory:
    """The items of a stream that is in no store."""

    value_id: ValueId
    items: list[object]

    @property
    def count(self) -> int:
        """The number of items."""
        return len(self.items)

    def batch(self, position: int, /) -> Sequence[object]:
        """Return the items from *position* on."""
        return self.items[position:]


@exported
class Stream(Sequence[T_co]):
    """The items that a generator function yielded: a lazy sequence, read chunk by chunk.

    Equal to a list of equal items, and hashed as that list. While the function runs, iterating
    computes and stores the items; what needs them all (`len`, negative indexes, hashing, pickling)
    runs the function to its end.

    Example:
        >>> import provenance as p
        >>> from collections.abc import Iterator
        >>> @p.provenance(stream=True)
        ... def lines(n: int) -> Iterator[str]:
        ...     for number in range(n):
        ...         yield f"line {number}"
        >>> stream = lines(3)
        >>> list(stream), len(lines(3))
        (['line 0', 'line 1', 'line 2'], 3)
    """

    __slots__ = ("__weakref__", "_items")

    def __init__(self, items: Items | LiveItems) -> None:
        self._items = items

    def items(self) -> Items:
        """Return all items, computing those that are missing."""
        complete: Callable[[], Items] | None = getattr(self._items, "complete", None)
        if complete is not None:
            self._items = complete()
        return cast("Items", self._items)

    def close(self) -> None:
        """Stop computing the stream; what is stored of it stays, and the next call goes on there.

        A stream that is complete stays as it is.
        """
        stop: Callable[[], None] | None = getattr(self._items, "close", None)
        if stop is not None:
            stop()

    def __iter__(self) -> Iterator[T_co]:
        return self._after(0)

    def _after(self, position: int) -> Iterator[T_co]:
        while batch := self._items.batch(position):
            yield from cast("Sequence[T_co]", batch)
            position += len(batch)

    def __len__(self) -> int:
        return self.items().count

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> list[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | list[T_co]:
        if isinstance(index, slice):
            start, stop, step = index.start or 0, index.stop, index.step or 1
            if step > 0 and start >= 0 and (stop is None or stop >= 0):
                rest = None if stop is None else max(stop - start, 0)
                return list(islice(self._after(start), 0, rest, step))
            return [self[at] for at in range(len(self))[index]]
        position = index.__index__()
        if position < 0:
            position += len(self)
        batch = self._items.batch(position) if position >= 0 else ()
        if not batch:
            raise IndexError("stream index out of range")
        return cast("T_co", batch[0])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list | Stream):
            return NotImplemented
        others = cast("Sequence[object]", other)
        return len(self) == len(others) and all(
            mine is theirs or mine == theirs for mine, theirs in zip(self, others, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # as of lists

    def __repr__(self) -> str:
        so_far = " so far" if hasattr(self._items, "complete") else ""
        return f"<provenance.Stream of {self._items.count:,} items{so_far}>"

    def __copy__(self) -> Stream[T_co]:
        return self

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        items = self.items()
        if isinstance(items, StoredItems):
            return restore_stream, (items.manifest.to_json(),)
        return restore_items, (items.value_id, list(self))


@exported
def restore_stream(manifest: str) -> Stream[Any]:
    """Unpickle a stream; no item is read. Pickles name this function."""
    return stream_of(Manifest.from_json(manifest))


@exported
def restore_items(value_id: ValueId, items: list[object]) -> Stream[Any]:
    """Unpickle a stream that is in no store. Pickles name this function."""
    return Stream(ItemsInMemory(value_id, items))


def stream_of(manifest: Manifest) -> Stream[Any]:
    """Return the stream of *manifest* in the repository that is being read, else in the current one."""
    return Stream(StoredItems(manifest, resolving_origin() or CurrentOrigin()))


def _item(stream: Stream[object], _: Walk) -> Item:
    return Child(bytes.fromhex(stream.items().value_id))


register_item(Stream, _item)

"""A stream as a value: a lazy sequence, whose items are read chunk by chunk when they are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol, TypeAlias, TypeVar, cast, overload

from attrs import define, field

from provenance.errors import (
    ArtifactNotFoundError,
    BlobNotFoundError,
    CorruptBlobError,
)
from provenance.hashing import Child, Item, Walk, register_item
from provenance.model.ids import ValueId
from provenance.model.records import Origin
from provenance.results.origin import CurrentOrigin, resolving_origin
from provenance.streams.manifest import Chunk, Manifest, bare_items
from provenance.util.naming import exported

T_co = TypeVar("T_co", covariant=True)

Loss: TypeAlias = BlobNotFoundError | CorruptBlobError | ArtifactNotFoundError


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
    recover: Callable[[Loss, Chunk], Items] | None = None
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
        if self._recovered is not None:
            return self._recovered.batch(position)
        number, start = self.manifest.locate(position)
        last, items = self._last
        if last != number:
            chunk = self.manifest.chunks[number]
            try:
                items = load_chunk(self.origin, chunk)
            except (ArtifactNotFoundError, BlobNotFoundError, CorruptBlobError) as trouble:
                if self.recover is None:
                    raise
                self._recovered = self.recover(trouble, chunk)
                return self._recovered.batch(position)
            self._last = number, items
        return items[start:]


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
        items = self._items
        complete: Callable[[], Items] | None = getattr(items, "complete", None)
        if complete is not None:
            items = self._items = complete()
        return cast("Items", items)

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

"""Blob stores: the effects that they answer, the methods that an author writes, and the interpreter made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import BinaryIO, Final, Protocol, TypeAlias, runtime_checkable

from attrs import field, frozen

from provenance.effect import Interpreter
from provenance.errors import CorruptBlobError, KeyExistsError, ProvenanceError
from provenance.model.records import NO_OPTIONS, Blob, WriteResult
from provenance.ports.permissions import StoreEffect

MARGIN: Final = timedelta(minutes=1)
"""Age below which a blob may belong to a result that is not recorded yet."""


class BlobArea(Enum):
    """An area of a blob store."""

    STORED = "stored"
    """Blobs, under their digests."""
    TEMPORARY = "temporary"
    """Blobs being written; they stay there if the writer dies."""
    QUARANTINED = "quarantined"
    """Damaged blobs."""


@frozen
class BlobEntry:
    """An entry of an area: key (a stored blob's id), size in bytes, and time of writing in UTC."""

    key: str
    size: int
    since: datetime


@frozen(eq=False, repr=False)
class VerifyBlob(StoreEffect[None]):
    """Read *blob* in every tier that has it, without caches, and verify its digest.

    Raises as `ReadBlob` does.
    """

    needs, action = "read", "checking a blob"
    blob: Blob


@frozen(eq=False, repr=False)
class ListBlobEntries(StoreEffect[tuple[BlobEntry, ...]]):
    """Up to *limit* entries of an area with keys after *after*, in order.

    Fewer than *limit* are the last ones.

    Bytes stored in the rows of records are not listed.
    """

    needs, action = "read", "listing stored blobs"
    shelf: BlobArea
    after: str = ""
    limit: int = 1000


@frozen(eq=False, repr=False)
class DeleteIfOlder(StoreEffect[bool]):
    """Delete an entry if it is older than *before*; answers whether it was deleted.

    The age is read again for this, so that an entry rewritten since it was listed stays.
    """

    needs, action = "delete", "deleting garbage"
    shelf: BlobArea
    key: str
    before: datetime


@frozen(eq=False, repr=False)
class GetBlobLocations(StoreEffect[frozenset[str]]):
    """The identities of the locations with the bytes, equal for stores that share one."""

    needs, action = "read", "looking up blob locations"


BlobMaintenance: TypeAlias = VerifyBlob | ListBlobEntries | DeleteIfOlder | GetBlobLocations
"""Maintenance effects of a blob store."""


@frozen(eq=False, repr=False)
class WriteBlob(StoreEffect[WriteResult]):
    """Store what *write* writes into a sink; *write* may be called more than once."""

    needs, action = "write", "writing a blob"
    write: Callable[[BinaryIO], None]


@frozen(eq=False, repr=False)
class WriteBlobs(StoreEffect[tuple[WriteResult | ProvenanceError, ...]]):
    """Store several blobs, concurrently if that is faster.

    Answers the result or error of each; the error of one does not affect the others.
    """

    needs, action = "write", "writing blobs"
    writes: tuple[Callable[[BinaryIO], None], ...]


@frozen(eq=False, repr=False)
class ReadBlob(StoreEffect[object]):
    """Open *blob*, verify its digest and answer what *read* returns for it.

    Raises:
        BlobNotFoundError: if it is missing.
        CorruptBlobError: if it is not what was written.
    """

    needs, action = "read", "reading a blob"
    blob: Blob
    read: Callable[[BinaryIO], object]


@frozen(eq=False, repr=False)
class HasBlob(StoreEffect[bool]):
    """Whether a blob of this id and size exists; it is not read."""

    needs, action = "read", "looking for a blob"
    blob: Blob


@frozen(eq=False, repr=False)
class DeleteBlob(StoreEffect[None]):
    """Delete *blob* if it exists and, if *before* is set, was written before that time."""

    needs, action = "delete", "deleting a blob"
    blob: Blob
    before: datetime | None = None


@frozen(eq=False, repr=False)
class Quarantine(StoreEffect[None]):
    """Quarantine *blob*: keep it for inspection where it is no longer found."""

    # It makes room for a sound one.
    needs, action = "write", "quarantining a damaged blob"
    blob: Blob


BlobEffects: TypeAlias = (
    WriteBlob | WriteBlobs | ReadBlob | HasBlob | DeleteBlob | Quarantine | BlobMaintenance
)
"""Effects of a blob store."""

_CHUNK: Final = 1 << 20


class OnDuplicate(Enum):
    """What to do with bytes that are stored already, under the same digest."""

    SKIP = "skip"
    """Keep them, as if they had been written just now."""
    OVERWRITE = "overwrite"
    """Replace them with the new ones."""
    CHECK_COLLISION = "check_collision"
    """Compare them with the new ones byte for byte: keep equal ones, raise for others."""
    RAISE = "raise"
    """Raise an error."""

    def keeps_existing(
        self, blob: Blob, store: str, size: int | None, is_same: Callable[[], bool]
    ) -> bool:
        """Return whether the *size* bytes that *store* has for *blob* stay; None if it has none.

        Bytes of another size than *blob* has are damaged, and are replaced.

        Raises:
            KeyExistsError: if the policy forbids duplicates.
            CorruptBlobError: if the policy compares them, and they differ.
        """
        if size is None or self is OnDuplicate.OVERWRITE:
            return False
        if self is OnDuplicate.CHECK_COLLISION and not (size == blob.size and is_same()):
            raise CorruptBlobError(
                blob.id, store, "stored bytes differ from the bytes being written"
            )
        if self is OnDuplicate.RAISE and size == blob.size:
            raise KeyExistsError(blob.id, store)
        return size == blob.size


def have_same_bytes(one: BinaryIO, other: BinaryIO) -> bool:
    """Return whether two files hold the same bytes, from their positions to their ends.

    >>> import io
    >>> have_same_bytes(io.BytesIO(b"a"), io.BytesIO(b"a")), have_same_bytes(io.BytesIO(b"a"), io.BytesIO(b"ab"))
    (True, False)
    """
    while chunk := one.read(_CHUNK):
        if chunk != other.read(_CHUNK):
            return False
    return not other.read(1)


class Durability(Enum):
    """The failures that stored bytes survive once a store has answered."""

    PROCESS = "process"
    """The end of the process, however sudden."""
    POWER = "power"
    """The loss of power as well; each write waits for the device."""


class VerifyReads(Enum):
    """When the bytes of a file are compared with their digest."""

    CHANGED = "changed"
    """When they are read: a large file once in a process, and again when it has changed."""
    ALWAYS = "always"
    """Each time they are read."""
    SIZE = "size"
    """Check the size only. For disks with their own integrity checks and a single writer."""


@frozen
class RemoteLocation:
    """Location of blobs: a protocol of fsspec, a root path, and options of the file system."""

    protocol: str
    root: str
    options: Mapping[str, object] = field(factory=lambda: NO_OPTIONS, repr=False)
    timeout: float = 15.0
    deadline: float = 60.0


@runtime_checkable
class MaintainableBlobStore(Protocol):
    """A blob store with garbage collection.

    Each method answers the effect of its name, whose docstring says how: `verify_blob` answers
    `VerifyBlob`. The parameters are the attributes of the effect.
    """

    def verify_blob(self, blob: Blob, /) -> None: ...
    def list_blob_entries(
        self, shelf: BlobArea, after: str, limit: int, /
    ) -> tuple[BlobEntry, ...]: ...
    def delete_if_older(self, shelf: BlobArea, key: str, before: datetime, /) -> bool: ...
    def get_blob_locations(self) -> frozenset[str]: ...


@runtime_checkable
class EventuallyConsistentStore(Protocol):
    """A blob store in which rewriting a blob updates its age only if it is older than `lag`."""

    @property
    def lag(self) -> timedelta: ...


def blob_maintenance_effects(store: BlobStore) -> Interpreter[BlobMaintenance]:
    """Return an interpreter for *store*; without `MaintainableBlobStore` it lists no entries."""
    if isinstance(store, MaintainableBlobStore):
        return (
            VerifyBlob.on(lambda ask: store.verify_blob(ask.blob))
            | ListBlobEntries.on(
                lambda ask: store.list_blob_entries(ask.shelf, ask.after, ask.limit)
            )
            | DeleteIfOlder.on(lambda ask: store.delete_if_older(ask.shelf, ask.key, ask.before))
            | GetBlobLocations.on(lambda _: store.get_blob_locations())
        )

    def verify_blob(ask: VerifyBlob) -> None:
        store.read_blob(ask.blob, lambda _: None)

    return (
        VerifyBlob.on(verify_blob)
        | ListBlobEntries.on(lambda _: ())
        | DeleteIfOlder.on(lambda _: False)
        | GetBlobLocations.on(lambda _: frozenset())
    )


Write: TypeAlias = Callable[[BinaryIO], None]
"""Writes a blob into a sink."""


class BlobStore(Protocol):
    """A store of bytes under their digests.

    Each method answers the effect of its name, whose docstring says how: `read_blob` answers
    `ReadBlob`. The parameters are the attributes of the effect.
    """

    def write_blob(self, write: Callable[[BinaryIO], None], /) -> WriteResult: ...
    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object], /) -> object: ...
    def has_blob(self, blob: Blob, /) -> bool: ...
    def delete_blob(self, blob: Blob, /) -> None: ...
    def quarantine(self, blob: Blob, /) -> None: ...


def attempt_write(
    write_blob: Callable[[Write], WriteResult], write: Write
) -> WriteResult | ProvenanceError:
    """Write one of several blobs, and return its error instead of raising it."""
    try:
        return write_blob(write)
    except ProvenanceError as error:
        return error


def blob_effects(store: BlobStore) -> Interpreter[BlobEffects]:
    """Return an interpreter for *store*; for maintenance it may be one of `MaintainableBlobStore`."""

    def drop(ask: DeleteBlob) -> None:
        # Only a store with `delete_if_older` can compare the age of a blob.
        if ask.before is None or not isinstance(store, MaintainableBlobStore):
            store.delete_blob(ask.blob)
            return
        lag = store.lag if isinstance(store, EventuallyConsistentStore) else timedelta(0)
        store.delete_if_older(BlobArea.STORED, ask.blob.id, ask.before - lag)

    return (
        WriteBlob.on(lambda ask: store.write_blob(ask.write))
        | WriteBlobs.on(
            lambda ask: tuple([attempt_write(store.write_blob, write) for write in ask.writes])
        )
        | ReadBlob.on(lambda ask: store.read_blob(ask.blob, ask.read))
        | HasBlob.on(lambda ask: store.has_blob(ask.blob))
        | DeleteBlob.on(drop)
        | Quarantine.on(lambda ask: store.quarantine(ask.blob))
        | blob_maintenance_effects(store)
    )


Copying: TypeAlias = Callable[[Blob], Write]
"""Maps a blob to a function that writes its bytes into a sink."""


def copying_from(source: Interpreter[ReadBlob]) -> Copying:
    """Return how to copy blobs from *source*."""

    def write(blob: Blob, sink: BinaryIO) -> None:
        source(ReadBlob(blob, partial(_copy, sink)))

    return lambda blob: partial(write, blob)


def _copy(sink: BinaryIO, source: BinaryIO) -> None:
    while piece := source.read(_CHUNK):
        sink.write(piece)

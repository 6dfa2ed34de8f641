"""The stores under test: records and blobs together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias, cast

from attrs import field, frozen

from provenance.asks import Blobs, FindRecord, PutRecord, ReadBlob, Records, WriteBlob
from provenance.effect import Interpreter
from provenance.effects.memory import MemoryBlobs, MemoryRecords, MemorySets
from provenance.ports import BlobStore, RecordStore, SetStore, blob_effects, record_effects
from provenance.records import ArtifactRecord, Blob, Held, Written
from provenance.testing.samples import record, run

Damage: TypeAlias = Callable[[Blob, Callable[[bytes], bytes]], None]
"""Changes the bytes of a stored blob without the store."""

LIMIT: Final = 1000
"""Size in bytes around which the suites test.

If a store treats small and large blobs differently, let it distinguish them at this size.
"""


def _cannot_damage(_: Blob, __: Callable[[bytes], bytes]) -> None:
    raise NotImplementedError("this test damages a stored blob; pass `damage` to the Place")


def _do_nothing() -> None:
    pass


def inline_blobs(*written: Written) -> tuple[Held, ...]:
    """Return the blobs that the record store holds itself, which must be put with a record."""
    return tuple(blob for blob in written if isinstance(blob, Held))


@frozen
class Place:
    """Stores of records and blobs under test.

    Attributes:
        ask: Answers the effects of both.
        damage: Changes the bytes of a stored blob without the store.
        close: Called after the test.
    """

    ask: Interpreter[Records | Blobs]
    damage: Damage = field(default=_cannot_damage)
    close: Callable[[], None] = field(default=_do_nothing)

    @classmethod
    def of_blobs(
        cls,
        store: BlobStore,
        damage: Damage = _cannot_damage,
        close: Callable[[], None] = _do_nothing,
    ) -> Place:
        """Return a blob store under test, with records in memory."""
        sets = MemorySets()
        return cls(
            blob_effects(store) | record_effects(MemoryRecords(sets=sets), sets), damage, close
        )

    @classmethod
    def of_records(
        cls, records: RecordStore, sets: SetStore, close: Callable[[], None] = _do_nothing
    ) -> Place:
        """Return a record store and a set store under test, with blobs in memory."""
        return cls(
            blob_effects(MemoryBlobs()) | record_effects(records, sets), _cannot_damage, close
        )

    def write(self, data: bytes) -> Written:
        """Write *data*."""
        return self.ask(WriteBlob(lambda sink: cast("None", sink.write(data))))

    def keep(self, data: bytes) -> Blob:
        """Write *data* so that it can be read, with a record if the store needs one."""
        return self.kept(self.write(data))

    def kept(self, written: Written) -> Blob:
        """Return the written blob, after putting a record with it if the store needs one."""
        if isinstance(written, Held):
            self.put(record(value_blob=written.blob, inputs_blob=written.blob), written)
        return written.blob

    def read(self, blob: Blob) -> bytes:
        """Return the bytes of *blob*."""
        return cast("bytes", self.ask(ReadBlob(blob, lambda source: source.read())))

    def put(self, one: ArtifactRecord, *held: Held, replace: bool = False) -> ArtifactRecord:
        """Put *one* with the sample run, and return the record that is stored now."""
        return self.ask(PutRecord(one, run(), "{}", held, replace))

    def find(self, one: ArtifactRecord) -> ArtifactRecord | None:
        """Return the record stored under the id of *one*."""
        return self.ask(FindRecord(one.id))

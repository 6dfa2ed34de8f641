"""A store of records and one of blobs, together as the contract suites take them."""

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
"""Changes the bytes of a stored blob, behind the store's back."""

LIMIT: Final = 1000
"""Bytes around which the suites try: an author whose store treats small and large blobs differently has it do so here."""


def _cannot_damage(_: Blob, __: Callable[[bytes], bytes]) -> None:
    raise NotImplementedError("this place was made without `damage`, so what the store notices of it cannot be tested")


def _nothing() -> None:
    """Leave it open."""


@frozen
class Place:
    """Records and blobs under test. `damage` changes a stored blob's bytes behind the store's back, `close` ends its use."""

    ask: Interpreter[Records | Blobs]
    damage: Damage = field(default=_cannot_damage)
    close: Callable[[], None] = field(default=_nothing)

    @classmethod
    def of_blobs(cls, store: BlobStore, damage: Damage = _cannot_damage, close: Callable[[], None] = _nothing) -> Place:
        """A blob store under test, beside records in memory."""
        sets = MemorySets()
        return cls(blob_effects(store) | record_effects(MemoryRecords(sets=sets), sets), damage, close)

    @classmethod
    def of_records(cls, records: RecordStore, sets: SetStore, close: Callable[[], None] = _nothing) -> Place:
        """A store of records, and one of sets, under test, beside blobs in memory."""
        return cls(blob_effects(MemoryBlobs()) | record_effects(records, sets), _cannot_damage, close)

    def write(self, data: bytes) -> Written:
        """What became of *data*."""
        return self.ask(WriteBlob(lambda sink: cast("None", sink.write(data))))

    def keep(self, data: bytes) -> Blob:
        """The blob of *data*, there to be read: with a record where the store wants one."""
        return self.kept(self.write(data))

    def kept(self, written: Written) -> Blob:
        """The blob that was written, there to be read: with a record where the store wants one."""
        if isinstance(written, Held):
            named = record(value_blob=written.blob, inputs_blob=written.blob)
            self.ask(PutRecord(named, run(), "{}", (written,)))
        return written.blob

    def read(self, blob: Blob) -> bytes:
        """The bytes of *blob*."""
        return cast("bytes", self.ask(ReadBlob(blob, lambda source: source.read())))

    def put(self, one: ArtifactRecord, *held: Held, replace: bool = False) -> ArtifactRecord:
        """The record that is now stored, where *one* was put with the one run."""
        return self.ask(PutRecord(one, run(), "{}", held, replace))

    def find(self, one: ArtifactRecord) -> ArtifactRecord | None:
        """What is stored under the id of *one*."""
        return self.ask(FindRecord(one.id))

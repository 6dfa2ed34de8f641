"""Stores under test, and records to fill them with."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, cast

from attrs import evolve, field, frozen

from provenance.effect import Interpreter
from provenance.effects.io import blob_of
from provenance.effects.memory import MemoryRecords, MemorySets
from provenance.effects.memory_blobs import MemoryBlobs
from provenance.model.ids import ArtifactId, RunId, ValueId
from provenance.model.records import (
    NO_OPTIONS,
    ArtifactRecord,
    Blob,
    InlineBlob,
    Run,
    WriteResult,
    freeze_options,
)
from provenance.ports.blobs import BlobEffects, BlobStore, ReadBlob, WriteBlob, blob_effects
from provenance.ports.records import (
    FindRecord,
    PutRecord,
    RecordEffects,
    RecordStore,
    SetStore,
    record_effects,
)

MOMENT: Final = datetime(2024, 5, 17, 12, 30, 1, 250, tzinfo=UTC)
"""The time of the sample run and record."""

_RUN: Final = Run(
    id=RunId("5" * 40),
    created_at=MOMENT,
    host={"nodename": "größe", "cpu_count": 2},
    process={"pid": 1, "cmdline": ["python", "x.py"], "cwd": None},
    python={"version": "3.11.7"},
    git={"commit": "abc", "branch": None, "dirty": False},
    packages={"numpy": "2.0"},
    extra={"nested": {"深": [1, 2.5, None, True, {"x": []}]}},
)
_RECORD: Final = ArtifactRecord(
    id=ArtifactId("0" * 40),
    value_id=ValueId("1" * 40),
    name="module.fn",
    version=0,
    fn_module="module",
    fn_name="fn",
    fn_qualname="Class.fn",
    composite=False,
    serializer="joblib",
    load_kwargs=NO_OPTIONS,
    dump_kwargs=NO_OPTIONS,
    input_artifact_ids=frozenset(),
    custom_fields=freeze_options({"größe": [1, {"b": None}]}),
    tags=("a", "b"),
    computed_at=MOMENT,
    added_at=MOMENT + timedelta(seconds=1),
    compute_duration=1.5,
    hash_duration=0.25,
    value_id_duration=0.125,
    run_id=_RUN.id,
    value_blob=blob_of(b""),
    inputs_blob=blob_of(b""),
    value_type="builtins:dict",
    interface=("__iter__", "__len__"),
    code="2" * 40,
    value_artifact_ids=frozenset(),
    input_hashes="{}",
    input_derivations=frozenset(),
)


def new_id() -> ArtifactId:
    """Return a new random id."""
    return ArtifactId(secrets.token_hex(20))


def run(**changes: object) -> Run:
    """Return the sample run with *changes*."""
    fields: dict[str, Any] = changes
    return evolve(_RUN, **fields)


def record(**changes: object) -> ArtifactRecord:
    """Return a record with its own id, value and blobs, made by the sample run, with *changes*."""
    fields: dict[str, Any] = {
        "id": new_id(),
        "value_id": new_id(),
        "value_blob": blob_of(secrets.token_bytes(8)),
        "inputs_blob": blob_of(secrets.token_bytes(8)),
        "code": new_id(),
        **changes,
    }
    return evolve(_RECORD, **fields)


Damage: TypeAlias = Callable[[Blob, Callable[[bytes], bytes]], None]
"""Changes the bytes of a stored blob without the store."""

LIMIT: Final = 1000
"""Size in bytes around which the suites test.

If a store treats small and large blobs differently, let it distinguish them at this size.
"""


def _cannot_damage(_: Blob, __: Callable[[bytes], bytes]) -> None:
    raise NotImplementedError("this test damages a stored blob; pass `damage` to StoreUnderTest")


def _do_nothing() -> None:
    pass


def inline_blobs(*written: WriteResult) -> tuple[InlineBlob, ...]:
    """Return the blobs that the record store holds itself, which must be put with a record."""
    return tuple(blob for blob in written if isinstance(blob, InlineBlob))


@frozen
class StoreUnderTest:
    """Stores of records and blobs under test.

    Attributes:
        ask: Answers the effects of both.
        damage: Changes the bytes of a stored blob without the store.
        close: Called after the test.
    """

    ask: Interpreter[RecordEffects | BlobEffects]
    damage: Damage = field(default=_cannot_damage)
    close: Callable[[], None] = field(default=_do_nothing)

    @classmethod
    def of_blobs(
        cls,
        store: BlobStore,
        damage: Damage = _cannot_damage,
        close: Callable[[], None] = _do_nothing,
    ) -> StoreUnderTest:
        """Return a blob store under test, with records in memory.

        Args:
            store: The store, an empty one.
            damage: Called with a stored `Blob` and a function from its bytes to others, which it
                writes in their place behind the store's back; `DamageContract` needs it.
            close: Called without arguments when a test is over.
        """
        sets = MemorySets()
        return cls(
            blob_effects(store) | record_effects(MemoryRecords(sets=sets), sets), damage, close
        )

    @classmethod
    def of_records(
        cls, records: RecordStore, sets: SetStore, close: Callable[[], None] = _do_nothing
    ) -> StoreUnderTest:
        """Return a record store and a set store under test, with blobs in memory.

        Args:
            records: The store of records, an empty one.
            sets: The store of sets; it may be the same object.
            close: Called without arguments when a test is over.
        """
        return cls(
            blob_effects(MemoryBlobs()) | record_effects(records, sets), _cannot_damage, close
        )

    def write(self, data: bytes) -> WriteResult:
        """Write *data*."""
        return self.ask(WriteBlob(lambda sink: cast("None", sink.write(data))))

    def keep(self, data: bytes) -> Blob:
        """Write *data* so that it can be read, with a record if the store needs one."""
        return self.kept(self.write(data))

    def kept(self, written: WriteResult) -> Blob:
        """Return the blob that was *written*, after putting a record with it if the store needs one."""
        if isinstance(written, InlineBlob):
            self.put(record(value_blob=written.blob, inputs_blob=written.blob), written)
        return written.blob

    def read(self, blob: Blob) -> bytes:
        """Return the bytes of *blob*."""
        return cast("bytes", self.ask(ReadBlob(blob, lambda source: source.read())))

    def put(self, one: ArtifactRecord, *held: InlineBlob, replace: bool = False) -> ArtifactRecord:
        """Put *one* with the sample run, and return the record that is stored now.

        Args:
            one: The record.
            *held: Blobs that the record store keeps itself.
            replace: Whether it takes the place of a record of its id.
        """
        return self.ask(PutRecord(one, run(), "{}", held, replace))

    def find(self, one: ArtifactRecord) -> ArtifactRecord | None:
        """Return the record stored under the id of *one*."""
        return self.ask(FindRecord(one.id))

"""Copying artifacts from one store to another.

Values and inputs are copied as bytes: nothing is decoded, so that what arrives is what was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from typing import BinaryIO, Final, TypeAlias

from attrs import evolve, frozen

from provenance.asks import (
    FindInputs,
    FindRecord,
    FindRun,
    HasBlob,
    Now,
    PutRecord,
    ReadBlob,
    WriteBlobs,
)
from provenance.circles import circles
from provenance.codecs import Decoding, may_execute
from provenance.effect import Interpreter, Program
from provenance.errors import (
    ArtifactNotFoundError,
    CorruptBlobError,
    CorruptRecordError,
    ProvenanceError,
    RunNotFoundError,
    UntrustedStoreError,
)
from provenance.ids import ArtifactId
from provenance.records import ArtifactRecord, Blob, Held, Run, Written

_PIECE: Final = 1 << 20
"""Bytes that are copied at a time."""

Copying: TypeAlias = Callable[[Blob], Callable[[BinaryIO], None]]
"""Maps a blob to a function that writes its bytes into a sink."""


class CopyPolicy(IntEnum):
    """What a store takes of a source that is not trusted; of several stores that are one, the strictest decides."""

    ANYTHING = 0
    """It is not trusted itself."""
    DATA_ONLY = 1
    """It is trusted, so that what is in it may be executed."""
    NOTHING = 2
    """It signs what is in it."""


def may_copy(*, trusted: bool, executes: bool, into: CopyPolicy) -> bool:
    """Tell whether a copy may be made: the rule of docs/trust.md, for everything that copies.

    Args:
        trusted: Whether the source is trusted, because nobody else can write there or because it is signed.
        executes: Whether reading the copy may execute what it says.
        into: What the target takes.
    """
    return trusted or into is CopyPolicy.ANYTHING or (into is CopyPolicy.DATA_ONLY and not executes)


def record_executes(record: ArtifactRecord) -> bool:
    """Tell whether reading the value or the inputs of *record* may execute them: inputs that are a blob are a pickle."""
    return record.inputs_blob is not None or may_execute(record.serializer)


def is_vouched(read: object) -> bool:
    """Tell whether a trusted record named the bytes that *read* decodes: their digest is what it says."""
    return isinstance(read, Decoding) and read.untrusted is None


def read_executes(read: object) -> bool:
    """Tell whether the bytes that *read* reads may be executed; of what is not decoded, nothing is known."""
    return not isinstance(read, Decoding) or may_execute(read.serializer)


def check_copies(
    records: Iterable[ArtifactRecord], source: str, target: str, *, trusted: bool, into: CopyPolicy
) -> None:
    """Raise UntrustedStoreError for the first record that may not be copied; see `may_copy`."""
    for record in records:
        if not may_copy(trusted=trusted, executes=record_executes(record), into=into):
            what = (
                "its copy would be signed"
                if into is CopyPolicy.NOTHING
                else "its copy could execute code when it is read"
            )
            raise UntrustedStoreError(source, record.serializer, what, target)


@frozen
class Given:
    """All that a store has of an artifact, except the bytes."""

    record: ArtifactRecord
    run: Run
    inputs_json: str


def closure(root: ArtifactId, repo: str) -> Program[FindRecord, tuple[ArtifactRecord, ...]]:
    """Return the records of an artifact and of all that it was made from or holds, each after its own sources.

    Deleted artifacts are left out; raises `ArtifactNotFoundError` if *root* itself is missing.
    """
    found: dict[ArtifactId, ArtifactRecord] = {}
    met, waiting = {root}, [root]
    while waiting:
        record = yield from FindRecord(waiting.pop())
        if record is not None:
            found[record.id] = record
            fresh = sorted(record.source_ids - met)
            met.update(fresh)
            waiting += fresh
    if root not in found:
        raise ArtifactNotFoundError(root, repo)
    groups = circles(
        {record.id: sorted(record.source_ids & found.keys()) for record in found.values()}
    )
    return tuple(found[id_] for group in groups for id_ in sorted(group))


def given(record: ArtifactRecord, repo: str) -> Program[FindRun | FindInputs, Given]:
    """Look up what is stored beside the record; raises `RunNotFoundError` or `ArtifactNotFoundError` if it is missing."""
    run = yield from FindRun(record.run_id)
    if run is None:
        raise RunNotFoundError(record.run_id, record.id, repo)
    inputs = yield from FindInputs(record.id)
    if inputs is None:
        raise ArtifactNotFoundError(record.id, repo)
    return Given(record, run, inputs)


def is_whole(record: ArtifactRecord) -> Program[FindRecord | HasBlob, bool]:
    """Tell whether the artifact is stored with all its bytes."""
    try:
        there = yield from FindRecord(record.id, fresh=True)
    except CorruptRecordError:
        return False
    for blob in () if there is None else there.blobs:
        if not (yield from HasBlob(blob)):
            return False
    return there is not None


def fetched(
    records: Iterable[ArtifactRecord], copying: Copying
) -> Program[WriteBlobs, Mapping[Blob, Written | ProvenanceError]]:
    """Copy the bytes of *records*, several blobs at a time; returns what became of each."""
    blobs = tuple(dict.fromkeys(blob for record in records for blob in record.blobs))
    written = yield from WriteBlobs(tuple([copying(blob) for blob in blobs]))
    return dict(zip(blobs, written, strict=True))


def take(
    what: Given, copies: Mapping[Blob, Written | ProvenanceError], repo: str
) -> Program[FindRecord | Now | PutRecord, ArtifactRecord]:
    """Record an artifact whose bytes are in *copies*, replacing a record of other bytes; returns what is recorded then.

    Raises:
        BlobNotFoundError, CorruptBlobError: if the bytes were missing from the source, or differ from what was stored.
    """
    held: list[Held] = []
    for blob in dict.fromkeys(what.record.blobs):
        copy = copies[blob]
        if isinstance(copy, ProvenanceError):
            raise copy
        if copy.blob != blob:
            raise CorruptBlobError(blob.id, repo, f"its copy has the digest {copy.blob.id}")
        held += [copy] if isinstance(copy, Held) else []
    now = yield from Now()
    replace = yield from _is_to_be_replaced(what.record)
    return (
        yield from PutRecord(
            evolve(what.record, added_at=now), what.run, what.inputs_json, tuple(held), replace
        )
    )


def _is_to_be_replaced(record: ArtifactRecord) -> Program[FindRecord, bool]:
    """Tell whether a record of this id is stored that has other bytes, or is corrupt."""
    try:
        there = yield from FindRecord(record.id, fresh=True)
    except CorruptRecordError:
        return True
    return there is not None and there.blobs != record.blobs


def copying_from(source: Interpreter[ReadBlob]) -> Copying:
    """Return how to copy blobs from *source*."""

    def copying(blob: Blob) -> Callable[[BinaryIO], None]:
        def write(sink: BinaryIO) -> None:
            source(ReadBlob(blob, lambda opened: _copy(opened, sink)))

        return write

    return copying


def _copy(source: BinaryIO, sink: BinaryIO) -> None:
    while piece := source.read(_PIECE):
        sink.write(piece)

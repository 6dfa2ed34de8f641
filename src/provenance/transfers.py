"""Copying artifacts from one store to another.

Values and inputs are copied as bytes: nothing is decoded, so that what arrives is what was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO, Final, TypeAlias

from attrs import evolve, frozen

from provenance.asks import FindInputs, FindRecord, FindRun, HasBlob, Now, PutRecord, ReadBlob, WriteBlobs
from provenance.circles import circles
from provenance.effect import Interpreter, Program
from provenance.errors import (
    ArtifactNotFoundError,
    CorruptBlobError,
    CorruptRecordError,
    ProvenanceError,
    RunNotFoundError,
)
from provenance.ids import ArtifactId
from provenance.records import ArtifactRecord, Blob, Held, Run, Written

_PIECE: Final = 1 << 20
"""Bytes that are copied at a time."""

Copying: TypeAlias = Callable[[Blob], Callable[[BinaryIO], None]]
"""Maps a blob to a function that writes its bytes into a sink."""


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
    groups = circles({record.id: sorted(record.source_ids & found.keys()) for record in found.values()})
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
    return (yield from PutRecord(evolve(what.record, added_at=now), what.run, what.inputs_json, tuple(held), replace))


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

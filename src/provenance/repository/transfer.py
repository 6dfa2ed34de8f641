"""Copying artifacts, with all that they came from, from one repository to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve

from provenance import errors
from provenance.codecs.trust import CopyPolicy, may_copy, record_executes
from provenance.effect import Program
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord, Blob, InlineBlob, WriteResult
from provenance.ports.blobs import Copying, HasBlob, WriteBlobs
from provenance.ports.copies import RecordWithInputs
from provenance.ports.history import FindDerivations
from provenance.ports.machine import Now
from provenance.ports.records import FindEviction, FindRecord, PutRecord
from provenance.repository.programs import LookupHit, RecordCorrupt, lookup, was_evicted
from provenance.util.components import strongly_connected_components


def check_copies(
    records: Iterable[ArtifactRecord], source: str, target: str, *, trusted: bool, into: CopyPolicy
) -> None:
    """Raise UntrustedStoreError for the first record that may not be copied; see `may_copy`."""
    for record in records:
        if not may_copy(trusted=trusted, executes=record_executes(record), into=into):
            what = "its copy could execute code when it is read"
            if into is CopyPolicy.NOTHING:
                what = "its copy would be signed"
            raise errors.UntrustedStoreError(source, record.serializer, what, target)


def required_records(
    root: ArtifactId, repo: str
) -> Program[FindRecord | FindDerivations, tuple[ArtifactRecord, ...]]:
    """Return the records of an artifact and of all that it was made from or holds, each after its own sources.

    The inputs of its derivations are among them. Deleted artifacts are left out; raises `ArtifactNotFoundError` if *root* itself is missing.
    """
    found: dict[ArtifactId, ArtifactRecord] = {}
    met, waiting = {root}, [root]
    while waiting:
        record = yield from FindRecord(waiting.pop())
        if record is not None:
            found[record.id] = record
            needed = record.source_ids
            for derivation in (yield from FindDerivations(record.id)):
                needed |= derivation.input_artifact_ids
            fresh = sorted(needed - met)
            met.update(fresh)
            waiting += fresh
    if root not in found:
        raise errors.ArtifactNotFoundError(root, repo)
    return sources_first(found)


def sources_first(records: Mapping[ArtifactId, ArtifactRecord]) -> tuple[ArtifactRecord, ...]:
    """Return *records*, each after its own sources."""
    groups = strongly_connected_components(
        {record.id: sorted(record.source_ids & records.keys()) for record in records.values()}
    )
    return tuple(records[artifact_id] for group in groups for artifact_id in sorted(group))


def is_whole(record: ArtifactRecord) -> Program[FindRecord | HasBlob, bool]:
    """Tell whether the artifact is stored with all its bytes."""
    found = yield from lookup(record.id, fresh=True)
    if not isinstance(found, LookupHit):
        return False
    for blob in found.record.blobs:
        if not (yield from HasBlob(blob)):
            return False
    return True


def copy_blobs(
    records: Iterable[ArtifactRecord], copying: Copying
) -> Program[WriteBlobs, Mapping[Blob, WriteResult | errors.ProvenanceError]]:
    """Copy the bytes of *records*, several blobs at a time; returns what became of each."""
    blobs = tuple(dict.fromkeys(blob for record in records for blob in record.blobs))
    written = yield from WriteBlobs(tuple([copying(blob) for blob in blobs]))
    return dict(zip(blobs, written, strict=True))


def values_needed(root: ArtifactId, records: Iterable[ArtifactRecord]) -> frozenset[ArtifactId]:
    """Return *root* and the artifacts that its value holds, at any depth: it cannot be read without their values."""
    held = {record.id: record.value_artifact_ids for record in records}
    needed, waiting = {root}, [root]
    while waiting:
        fresh = held.get(waiting.pop(), frozenset()) - needed
        needed |= fresh
        waiting += fresh
    return frozenset(needed)


def store_copy(
    what: RecordWithInputs,
    copies: Mapping[Blob, WriteResult | errors.ProvenanceError],
    repo: str,
    *,
    evicted: bool = False,
) -> Program[FindRecord | FindEviction | HasBlob | Now | PutRecord, ArtifactRecord]:
    """Record an artifact whose bytes are in *copies*, replacing a record of other bytes; returns what is recorded then.

    The value of one that was *evicted* may be missing, and then is evicted here, too.

    Raises:
        BlobNotFoundError, CorruptBlobError: if the bytes were missing from the source, or differ from what was stored.
    """
    held: list[InlineBlob] = []
    lacks_value = False
    for blob in dict.fromkeys(what.record.blobs):
        copy = copies[blob]
        if (
            isinstance(copy, errors.BlobNotFoundError)
            and evicted
            and blob != what.record.inputs_blob
        ):
            lacks_value = not (yield from HasBlob(blob))
            continue
        if isinstance(copy, errors.ProvenanceError):
            raise copy
        if copy.blob != blob:
            raise errors.CorruptBlobError(blob.id, repo, f"its copy has the digest {copy.blob.id}")
        held += [copy] if isinstance(copy, InlineBlob) else []
    now = yield from Now()
    there = yield from lookup(what.record.id, fresh=True)
    has_other_bytes = isinstance(there, LookupHit) and there.record.blobs != what.record.blobs
    replace = has_other_bytes or isinstance(there, RecordCorrupt)
    # Only a record that replaces another changes whether its value counts as evicted.
    replace |= lacks_value or (yield from was_evicted(what.record.id))
    record = evolve(what.record, added_at=now)
    return (yield from what.put(record, tuple(held), replace=replace, evicted=lacks_value))

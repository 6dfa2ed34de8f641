"""Programs over the stores: look up, commit, load, forget.

The effects that a program may use are in its signature. None of them calls a user's function: a look-up comes before the
function and a commit after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TypeAlias, cast

from attrs import frozen

from provenance.asks import (
    Commit,
    Curate,
    CurrentRun,
    DropBlob,
    DropRecord,
    FindIds,
    FindInputs,
    FindRecord,
    FindRun,
    FindSet,
    FindSetIds,
    HasBlob,
    Load,
    Lookup,
    Now,
    Quarantine,
    ReadBlob,
    WriteBlob,
    WriteBlobs,
)
from provenance.chores import MARGIN, FindEviction
from provenance.codecs import Decoding, Encoding
from provenance.draft import Draft, inputs_from
from provenance.effect import Program
from provenance.errors import (
    AmbiguousIdError,
    ArtifactNotFoundError,
    BlobNotFoundError,
    CorruptBlobError,
    CorruptRecordError,
    ProvenanceError,
    RunNotFoundError,
    SetNotFoundError,
    StorePermissionError,
    UnserializableValueError,
)
from provenance.ids import ID_DIGITS, ArtifactId, is_prefix
from provenance.records import ArtifactRecord, Blob, Inputs, Run, SetRecord, Written
from provenance.showing import said
from provenance.summary import plain_inputs

_INPUTS = Decoding("pickle")


@frozen
class Found:
    """The artifact is recorded."""

    record: ArtifactRecord


@frozen
class Absent:
    """Nothing is recorded under this id."""

    id: ArtifactId


@frozen
class Gone:
    """The artifact is recorded, but its value is no longer in the store, perhaps because it was *evicted*."""

    record: ArtifactRecord
    evicted: bool = False


@frozen
class Unsound:
    """Something is recorded under this id, but not what was put there."""

    id: ArtifactId
    problem: str


LookedUp: TypeAlias = Found | Absent | Gone | Unsound


def lookup(
    artifact_id: ArtifactId, *, fresh: bool = False
) -> Program[FindRecord, Found | Absent | Unsound]:
    """Look up the record of a planned call, past the cache of records if *fresh*; the value is neither read nor looked for."""
    try:
        record = yield from FindRecord(artifact_id, fresh)
    except CorruptRecordError as error:
        return Unsound(artifact_id, str(error))
    return Absent(artifact_id) if record is None else Found(record)


def probe(artifact_id: ArtifactId) -> Program[Lookup, LookedUp]:
    """Look up the record of a planned call, and whether its value is still stored."""
    found = yield from lookup(artifact_id)
    if not isinstance(found, Found):
        return found
    if not (yield from HasBlob(found.record.value_blob)):
        return Gone(found.record, (yield from was_evicted(artifact_id)))
    for part_id in sorted(found.record.value_artifact_ids if found.record.composite else ()):
        part = yield from lookup(part_id)
        if not isinstance(part, Found) or not (yield from HasBlob(part.record.value_blob)):
            return Gone(found.record)
    return found


def commit(draft: Draft) -> Program[Commit, ArtifactRecord]:
    """Store a computed artifact: its value, its inputs, its parts, then run and records in one transaction.

    Returns the record that is stored now, which is another process's if that was first. A crash on the way leaves
    bytes that no record names, never a record without its bytes.

    Raises:
        UnserializableValueError: if no serializer can write the value.
    """
    value, serializer = yield from write_first(draft.values)
    inputs = None if draft.inputs_are_plain else (yield from write_first(draft.inputs))[0]
    parts = (
        (yield from write_each_first([each.values for each in draft.parts])) if draft.parts else ()
    )
    run = yield from CurrentRun()
    now = yield from Now()
    besides = [
        part.put(*written, inputs, run, now)
        for part, written in zip(draft.parts, parts, strict=True)
    ]
    return (yield from draft.put(value, serializer, inputs, run, now, besides))


def write_first(encodings: Iterable[Encoding]) -> Program[WriteBlob, tuple[Written, str]]:
    """Write the first of *encodings* that can be written; returns the name of its serializer, too."""
    refusals: list[UnserializableValueError] = []
    for encoding in encodings:
        try:
            written = yield from WriteBlob(encoding)
        except UnserializableValueError as refusal:
            refusals.append(refusal)
        else:
            return written, encoding.serializer
    raise _refused(refusals) from refusals[-1]


def write_each_first(
    several: Sequence[Iterable[Encoding]],
) -> Program[WriteBlobs, tuple[tuple[Written, str], ...]]:
    """As `write_first`, for several values at once."""
    left = [iter(encodings) for encodings in several]
    refusals: list[list[UnserializableValueError]] = [[] for _ in several]
    written: dict[int, tuple[Written, str]] = {}
    while len(written) < len(several):
        trying = {at: next(left[at], None) for at in range(len(several)) if at not in written}
        encodings = [(at, encoding) for at, encoding in trying.items() if encoding is not None]
        if len(encodings) < len(trying):
            refused = next(refusals[at] for at, encoding in trying.items() if encoding is None)
            raise _refused(refused) from refused[-1]
        answers = yield from WriteBlobs(tuple([encoding for _, encoding in encodings]))
        for (at, encoding), answer in zip(encodings, answers, strict=True):
            if isinstance(answer, UnserializableValueError):
                refusals[at].append(answer)
            elif isinstance(answer, ProvenanceError):
                raise answer
            else:
                written[at] = answer, encoding.serializer
    return tuple([written[at] for at in range(len(several))])


def _refused(refusals: Sequence[UnserializableValueError]) -> UnserializableValueError:
    """Return the error for a value that no serializer can write."""
    reasons = "; ".join(refusal.reason for refusal in refusals)
    return UnserializableValueError(refusals[0].what, reasons, refusals[0].value)


def find_optional(id_or_prefix: str) -> Program[Load, ArtifactRecord | None]:
    """Find the record of an id, or of an unambiguous prefix of at least 6 digits; returns None if there is none.

    Raises:
        AmbiguousIdError: if several ids match; the error lists them.
    """
    if not is_prefix(id_or_prefix):
        return None
    if len(id_or_prefix) == ID_DIGITS:
        return (yield from FindRecord(ArtifactId(id_or_prefix)))
    matches = yield from FindIds(id_or_prefix)
    if len(matches) > 1:
        raise AmbiguousIdError(id_or_prefix, matches)
    return (yield from FindRecord(matches[0])) if matches else None


def find(id_or_prefix: str, repo: str) -> Program[Load, ArtifactRecord]:
    """Find the record of an id or prefix as `find_optional` does; raises `ArtifactNotFoundError` if there is none."""
    record = yield from find_optional(id_or_prefix)
    if record is None:
        raise ArtifactNotFoundError(id_or_prefix, repo)
    return record


def find_set(id_or_prefix: str, repo: str) -> Program[FindSet | FindSetIds, SetRecord]:
    """Find the set of an id or prefix; raises `SetNotFoundError` if there is none."""
    matches = (yield from FindSetIds(id_or_prefix)) if is_prefix(id_or_prefix) else ()
    if len(matches) > 1:
        raise AmbiguousIdError(id_or_prefix, matches)
    record = (yield from FindSet(matches[0])) if matches else None
    if record is None:
        raise SetNotFoundError(f"of the id {id_or_prefix!r}", repo)
    return record


def read_value(record: ArtifactRecord, repo: str) -> Program[ReadBlob, object]:
    """Read and decode the value.

    Raises:
        BlobNotFoundError: if its bytes are missing.
        CorruptBlobError: if they are not what was written, or cannot be decoded.
    """
    return decode(
        record.value_blob, Decoding(record.serializer, record.load_kwargs, record.dump_kwargs), repo
    )


def read_inputs(record: ArtifactRecord, repo: str) -> Program[FindInputs | ReadBlob, Inputs]:
    """Read the recorded inputs; artifacts among them are unread references.

    Raises:
        ArtifactNotFoundError: if the record is missing.
        BlobNotFoundError: if the bytes of the inputs are missing.
        CorruptBlobError: if they are not what was written, or cannot be decoded.
        CorruptRecordError: if what is read is not the inputs of a call.
    """
    stored: object
    if record.inputs_blob is not None:
        stored = yield from decode(record.inputs_blob, _INPUTS, repo)
    else:
        stored = yield from FindInputs(record.id)
        if stored is None:
            raise ArtifactNotFoundError(record.id, repo)
    try:
        return (
            inputs_from(stored)
            if record.inputs_blob is not None
            else plain_inputs(cast("str", stored))
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CorruptRecordError(
            record.id, repo, f"its inputs are not those of a call: {said(error)}"
        ) from error


def decode(blob: Blob, decoding: Decoding, repo: str) -> Program[ReadBlob, object]:
    """Read *blob* and decode it; raises as `read_value` does."""
    try:
        return (yield from ReadBlob(blob, decoding))
    except (ProvenanceError, MemoryError):
        raise
    except Exception as error:
        reason = f"it cannot be decoded: {said(error)}"
        misses_code = isinstance(error, AttributeError | ImportError)
        raise CorruptBlobError(
            blob.id, repo, reason, is_sound=True, misses_code=misses_code
        ) from error


def find_run(record: ArtifactRecord, repo: str) -> Program[FindRun, Run]:
    """Find the run that computed an artifact; raises `RunNotFoundError` if it is not recorded."""
    run = yield from FindRun(record.run_id)
    if run is None:
        raise RunNotFoundError(record.run_id, record.id, repo)
    return run


def set_aside(blob: Blob, error: BlobNotFoundError | CorruptBlobError) -> Program[Quarantine, None]:
    """Quarantine damaged bytes; sound bytes that could not be decoded stay for other readers."""
    if not (isinstance(error, CorruptBlobError) and error.is_sound):
        yield from Quarantine(blob)


def was_evicted(artifact_id: ArtifactId) -> Program[FindEviction, bool]:
    """Tell whether the value of an artifact was evicted."""
    return (yield from FindEviction(artifact_id)) is not None


def forget(artifact_id: ArtifactId) -> Program[Curate, bool]:
    """Delete an artifact, and each of its blobs that no other artifact shares; False if there is none.

    Recently written bytes stay until they are collected: another process may have found them, and be about to record them.
    """
    before = (yield from Now()) - MARGIN
    orphans = yield from DropRecord(artifact_id)
    for blob in orphans or ():
        with suppress(
            StorePermissionError
        ):  # a store without permission to delete keeps the bytes, which no record names
            yield from DropBlob(blob, before)
    return orphans is not None


def forget_whole(artifact_id: ArtifactId) -> Program[Curate, bool]:
    """As `forget`; the parts of a composite are deleted after it, so that an interrupt never leaves it without them."""
    found = yield from lookup(artifact_id)
    there = yield from forget(artifact_id)
    if isinstance(found, Found) and found.record.composite:
        for part_id in sorted(found.record.value_artifact_ids):
            yield from forget(part_id)
    return there

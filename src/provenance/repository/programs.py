"""Programs that look up, find, read, list and delete artifacts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, BinaryIO, Final, TypeAlias, TypeVar, cast

from attrs import evolve, frozen

from provenance import errors
from provenance.archives import ArchivedFile, ArchivedFolder, FolderEntry, copy_stream
from provenance.codecs import Decoding
from provenance.codecs.table_parts import PARQUET_PARTS, TableManifest, join, part_id
from provenance.effect import Effect, Interpreter, Program
from provenance.model.history import Deletion
from provenance.model.ids import ID_DIGITS, ArtifactId, RunId, is_prefix
from provenance.model.records import ArtifactRecord, Blob, Inputs, Run, SetRecord
from provenance.ports import records
from provenance.ports.blobs import MARGIN, DeleteBlob, HasBlob, Quarantine, ReadBlob
from provenance.ports.capabilities import Delete, Load, Lookup
from provenance.ports.history import PutDeletion
from provenance.ports.machine import Materialize, MaterializeFolder, Now
from provenance.repository.inputs import inputs_from, plain_inputs
from provenance.repository.sets import ArtifactSet
from provenance.util.formatting import describe_error

T = TypeVar("T")

_INPUTS = Decoding("pickle", keep_unread=True)
_PAGE: Final = 1_000


@frozen
class LookupHit:
    """The artifact is recorded."""

    record: ArtifactRecord


@frozen
class LookupMiss:
    """Nothing is recorded under this id."""

    id: ArtifactId


@frozen
class BlobLost:
    """The artifact is recorded, but its value is no longer in the store, perhaps because it was *evicted*."""

    record: ArtifactRecord
    evicted: bool = False


@frozen
class RecordCorrupt:
    """Something is recorded under this id, but not what was put there."""

    id: ArtifactId
    problem: str


LookupResult: TypeAlias = LookupHit | LookupMiss | BlobLost | RecordCorrupt


def lookup(
    artifact_id: ArtifactId, *, fresh: bool = False
) -> Program[records.FindRecord, LookupHit | LookupMiss | RecordCorrupt]:
    """Look up the record of a planned call, past the cache of records if *fresh*; the value is neither read nor looked for."""
    try:
        record = yield from records.FindRecord(artifact_id, fresh)
    except errors.CorruptRecordError as error:
        return RecordCorrupt(artifact_id, str(error))
    return LookupMiss(artifact_id) if record is None else LookupHit(record)


def probe(artifact_id: ArtifactId) -> Program[Lookup, LookupResult]:
    """Look up the record of a planned call, and whether its value is still stored."""
    found = yield from lookup(artifact_id)
    if not isinstance(found, LookupHit):
        return found
    if not (yield from HasBlob(found.record.value_blob)):
        return BlobLost(found.record, (yield from was_evicted(artifact_id)))
    for each_id in sorted(found.record.value_artifact_ids if found.record.composite else ()):
        part = yield from lookup(each_id)
        if not isinstance(part, LookupHit) or not (yield from HasBlob(part.record.value_blob)):
            return BlobLost(found.record, (yield from was_evicted(each_id)))
    return found


def probe_first(artifact_ids: Iterable[ArtifactId]) -> Program[Lookup, LookupHit | None]:
    """Return the first of these artifacts that is stored with its value."""
    for artifact_id in artifact_ids:
        found = yield from probe(artifact_id)
        if isinstance(found, LookupHit):
            return found
    return None


def find_optional(id_or_prefix: str) -> Program[Load, ArtifactRecord | None]:
    """Find the record of an id, or of an unambiguous prefix of at least 6 digits; returns None if there is none.

    Raises:
        AmbiguousIdError: if several ids match; the error lists them.
    """
    if not is_prefix(id_or_prefix):
        return None
    if len(id_or_prefix) == ID_DIGITS:
        return (yield from records.FindRecord(ArtifactId(id_or_prefix)))
    matches = yield from records.ListIds(id_or_prefix)
    if len(matches) > 1:
        raise errors.AmbiguousIdError(id_or_prefix, matches)
    return (yield from records.FindRecord(matches[0])) if matches else None


def find(id_or_prefix: str, repo: str) -> Program[Load, ArtifactRecord]:
    """Find the record of an id or prefix as `find_optional` does; raises `ArtifactNotFoundError` if there is none."""
    record = yield from find_optional(id_or_prefix)
    if record is None:
        raise errors.ArtifactNotFoundError(id_or_prefix, repo)
    return record


def find_set(
    id_or_prefix: str, repo: str
) -> Program[records.FindSet | records.ListSetIds, SetRecord]:
    """Find the set of an id or prefix; raises `SetNotFoundError` if there is none."""
    matches = (yield from records.ListSetIds(id_or_prefix)) if is_prefix(id_or_prefix) else ()
    if len(matches) > 1:
        raise errors.AmbiguousIdError(id_or_prefix, matches)
    record = (yield from records.FindSet(matches[0])) if matches else None
    if record is None:
        raise errors.SetNotFoundError(f"of the id {id_or_prefix!r}", repo)
    return record


def read_value(record: ArtifactRecord, repo: str) -> Program[ReadBlob, object]:
    """Read and decode the value.

    Raises:
        BlobNotFoundError: if its bytes are missing.
        CorruptBlobError: if they are not what was written, or cannot be decoded.
    """
    decoding = Decoding(record.serializer, record.load_kwargs, record.dump_kwargs)
    return decode(record.value_blob, decoding, repo)


def read_inputs(
    record: ArtifactRecord, repo: str
) -> Program[records.FindInputs | ReadBlob, Inputs]:
    """Read the recorded inputs; artifacts among them are unread references.

    Raises:
        ArtifactNotFoundError: if the record is missing.
        BlobNotFoundError: if the bytes of the inputs are missing.
        CorruptBlobError: if they are not what was written, or cannot be decoded.
        CorruptRecordError: if what is read is not the inputs of a call.
    """
    parse: Callable[[Any], Inputs]
    stored: Any
    if record.inputs_blob is not None:
        parse, stored = inputs_from, (yield from decode(record.inputs_blob, _INPUTS, repo))
    else:
        parse, stored = plain_inputs, (yield from records.find_inputs(record.id, repo))
    try:
        return parse(stored)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        reason = f"its inputs are not those of a call: {describe_error(error)}"
        raise errors.CorruptRecordError(record.id, repo, reason) from error


def decode(blob: Blob, decoding: Decoding, repo: str) -> Program[ReadBlob, object]:
    """Read *blob* and decode it; raises as `read_value` does."""
    try:
        return (yield from ReadBlob(blob, decoding))
    except (errors.ProvenanceError, MemoryError):
        raise
    except Exception as error:
        reason = f"it cannot be decoded: {describe_error(error)}"
        misses = isinstance(error, AttributeError | ImportError)
        lost = errors.CorruptBlobError(blob.id, repo, reason, is_sound=True, misses_code=misses)
        raise lost from error


def find_run(record: ArtifactRecord, repo: str) -> Program[records.FindRun, Run]:
    """Find the run that computed an artifact; raises `RunNotFoundError` if it is not recorded."""
    run = yield from records.FindRun(record.run_id)
    if run is None:
        raise errors.RunNotFoundError(record.run_id, record.id, repo)
    return run


def quarantine_if_damaged(
    blob: Blob, error: errors.BlobNotFoundError | errors.CorruptBlobError
) -> Program[Quarantine, None]:
    """Quarantine damaged bytes; sound bytes that could not be decoded stay for other readers."""
    if not (isinstance(error, errors.CorruptBlobError) and error.is_sound):
        yield from Quarantine(blob)


def was_evicted(artifact_id: ArtifactId) -> Program[records.FindEviction, bool]:
    """Tell whether the value of an artifact was evicted."""
    return (yield from records.FindEviction(artifact_id)) is not None


def forget(artifact_id: ArtifactId, reason: str = "") -> Program[Delete, bool]:
    """Delete an artifact, and each of its blobs that no other artifact shares; False if there is none.

    Recently written bytes stay until they are collected: another process may have found them, and be about to record them.
    That it was deleted, when and for what *reason* stays known.
    """
    now = yield from Now()
    before = now - MARGIN
    record = None
    with suppress(errors.CorruptRecordError):  # it can be deleted, too
        record = yield from records.FindRecord(artifact_id)
    orphans = yield from records.DeleteRecord(artifact_id)
    if orphans is not None:
        known = ("", 0) if record is None else (record.name, record.version)
        yield from PutDeletion(Deletion(artifact_id, *known, now, reason))
    for blob in orphans or ():
        # A store without permission to delete keeps the bytes, which no record names.
        with suppress(errors.StorePermissionError):
            yield from DeleteBlob(blob, before)
    return orphans is not None


def forget_with_parts(artifact_id: ArtifactId) -> Program[Delete, bool]:
    """As `forget`; the parts of a composite are deleted after it, so that an interrupt never leaves it without them."""
    found = yield from lookup(artifact_id)
    there = yield from forget(artifact_id)
    if isinstance(found, LookupHit) and found.record.composite:
        for each_id in sorted(found.record.value_artifact_ids):
            yield from forget(each_id)
    return there


def contents_of(file: ArchivedFile) -> tuple[Blob, ...]:
    """Return the blobs of a folder's files, each once."""
    return (
        tuple(dict.fromkeys(member.blob for member in file.members))
        if isinstance(file, ArchivedFolder)
        else ()
    )


def read_folder(record: ArtifactRecord, repo: str) -> Program[ReadBlob | HasBlob, object]:
    """Read a folder as `programs.read_value` reads values; it is lost if one of its files is."""
    value = yield from read_value(record, repo)
    if isinstance(value, ArchivedFolder):
        for blob in contents_of(value):
            if not (yield from HasBlob(blob)):
                raise errors.BlobNotFoundError(blob.id, repo)
    return value


def read_table(record: ArtifactRecord, repo: str) -> Program[Load | Quarantine, object]:
    """Read a table in parts; it is lost if one of its parts is. Raises as `read_value` does."""
    manifest = yield from read_value(record, repo)
    frames: list[object] = []
    for number, _ in enumerate(cast("TableManifest", manifest).rows):
        part = yield from records.FindRecord(part_id(record.id, number))
        if part is None:
            raise errors.BlobNotFoundError(record.value_blob.id, repo)
        try:
            frames.append((yield from _quarantining(part.value_blob, read_value(part, repo))))
        except errors.CorruptBlobError as trouble:
            raise errors.BlobNotFoundError(part.value_blob.id, repo) from trouble
    return join(frames)


READING: Final[Mapping[str, Callable[[ArtifactRecord, str], Program[Any, object]]]] = {
    "folder": read_folder,
    PARQUET_PARTS: read_table,
}
"""How values are read that are more than the bytes of one blob, by serializer."""


def read_bytes(
    blob: Blob, read: Callable[[BinaryIO], object]
) -> Program[ReadBlob | Quarantine, object]:
    """Return what *read* makes of a file's bytes; damaged ones are quarantined, so that the next call computes them again."""
    return (yield from _quarantining(blob, iter(ReadBlob(blob, read))))


def _quarantining(blob: Blob, reading: Program[Any, T]) -> Program[Any, T]:
    """Return what *reading* answers; damaged bytes are quarantined before their error is raised.

    A read-only store keeps them; the damage is reported anyway.
    """
    try:
        return (yield from reading)
    except errors.CorruptBlobError as trouble:
        with suppress(errors.StorePermissionError):
            yield from quarantine_if_damaged(blob, trouble)
        raise


def local_path(
    blob: Blob, extension: str, stores: Interpreter[Any], *, executable: bool = False
) -> Program[Materialize | Quarantine, str]:
    """Return the path of a local copy of *blob*; *stores* give the bytes if there is none yet."""

    def pour(sink: BinaryIO) -> None:
        stores(ReadBlob(blob, lambda source: copy_stream(source, sink)))

    copying = iter(Materialize(blob, extension, pour, executable))
    return (yield from _quarantining(blob, copying))


def local_folder(
    blob: Blob, members: tuple[FolderEntry, ...], stores: Interpreter[Any]
) -> Program[Materialize | MaterializeFolder | Quarantine, str]:
    """Return the path of a local folder of copies, which *stores* fill."""
    copies: list[tuple[FolderEntry, str]] = []
    for member in members:
        path = yield from local_path(member.blob, "", stores, executable=member.executable)
        copies.append((member, path))
    return (yield from MaterializeFolder(blob, tuple(copies)))


def pages(
    listing: Effect[tuple[T, ...]], ask: Interpreter[Any], key: Callable[[T], str] = str
) -> Iterator[tuple[T, ...]]:
    """Yield the pages of a *listing*, each after the *key* of the last entry of the one before."""
    while page := ask(listing):
        yield page
        listing = evolve(cast("Any", listing), after=key(page[-1]))


def list_runs(ask: Interpreter[Any]) -> tuple[Run, ...]:
    """Return the runs that computed what there is, newest first."""
    found = (
        ask(records.FindRun(RunId(group.key))) for group in ask(records.SummarizeRecords("run"))
    )
    known: list[Run] = [run for run in found if run is not None]
    return tuple(sorted(known, key=lambda run: (run.created_at, run.id), reverse=True))


def list_sets(ask: Interpreter[Any], load: Callable[[str], ArtifactSet]) -> tuple[ArtifactSet, ...]:
    """Return the sets, newest first; *load* returns the set of an id."""
    found: list[ArtifactSet] = []
    for page in pages(records.ListSetIds("", _PAGE), ask):
        for set_id in page:
            # Another process may have deleted it since.
            with suppress(errors.SetNotFoundError):
                found.append(load(set_id))
    return tuple(sorted(found, key=lambda one: (one.created_at, one.id), reverse=True))

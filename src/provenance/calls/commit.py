"""Programs that store a result: its files, its values, and last its record."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from attrs import evolve, field, frozen

from provenance import errors
from provenance.archives import (
    LONGEST_EXTENSION,
    ArchivedFile,
    ArchivedFolder,
    LocalSource,
    extension_of,
)
from provenance.calls.draft import Computation, PendingArtifact
from provenance.calls.plan import CallPlan, plan_call
from provenance.calls.signature import inspect_function
from provenance.calls.spec import Archiving, DecoratorOptions, FunctionSpec, cache_key_of
from provenance.codecs import Encoding
from provenance.effect import Program
from provenance.hashing import hash_value
from provenance.model.ids import ArtifactId
from provenance.model.records import NO_OPTIONS, ArtifactRecord, Blob, Options, WriteResult
from provenance.model.references import InputRef
from provenance.ports.blobs import HasBlob, Quarantine, ReadBlob, WriteBlob, WriteBlobs
from provenance.ports.capabilities import Commit, Lookup
from provenance.ports.machine import CurrentRun, DeleteSource, InspectedFolder, InspectFile, Now
from provenance.repository import programs
from provenance.repository.inputs import are_plain
from provenance.util.formatting import safe_repr


@frozen
class ArchiveCall:
    """A file or folder to be archived under a name.

    The arguments are the path of the original (recorded but ignored), its digest and its extension.
    """

    file: ArchivedFile
    spec: FunctionSpec = field(eq=False)
    arguments: tuple[str, str, str]
    plan: CallPlan

    @property
    def input_ref(self) -> InputRef:
        """Its artifact as an input of another one."""
        value_id = hash_value(self.file)
        return InputRef(self.plan.artifact_id, value_id, value_id)

    @property
    def artifact_id(self) -> ArtifactId:
        """Id of its artifact."""
        return self.plan.artifact_id

    def draft(self, moment: datetime, *, replace: bool) -> PendingArtifact:
        """Return the pending artifact."""
        value_id = hash_value(self.file)
        done = Computation(self.file, value_id, moment, 0.0, 0.0, 0.0)
        return PendingArtifact(self.artifact_id, self.spec, self.plan, done, replace)


def archive_call(
    file: ArchivedFile,
    name: str,
    custom_fields: Options = NO_OPTIONS,
    aliases: tuple[str, ...] = (),
) -> ArchiveCall:
    """Return a deposit of *file* as *name*."""

    def archive_file(filename: str, content: str, extension: str) -> ArchivedFile:  # noqa: ARG001 - recorded inputs
        if isinstance(file.source, LocalSource) and not Path(file.source.path).exists():
            problem = "the stored copy and the original are missing"
            advice = "restore it, or the repository, from a backup"
            raise errors.UnarchivableFileError(repr(filename), problem, advice)
        return file

    module, function = "provenance.calls.archive_file", inspect_function(archive_file)
    wrapped = evolve(function, module=module, source=module, qualname="archive_file")
    options = DecoratorOptions(
        # Databases take only valid UTF-8.
        name=name.encode("utf-8", "backslashreplace").decode(),
        aliases=aliases,
        custom_fields=custom_fields,
        ignore=frozenset({"filename"}),
        remove=frozenset({"file"}),
        use_cache=True,
    )
    spec = FunctionSpec(wrapped, options, cache_key_of(wrapped, options))
    path = file.source.path if isinstance(file.source, LocalSource) else file.name
    arguments = (path, file.digest, "/" if isinstance(file, ArchivedFolder) else file.extension)
    return ArchiveCall(file, spec, arguments, plan_call(spec, arguments, {}))


def store(draft: PendingArtifact) -> Program[Commit, ArtifactRecord]:
    """Store a computed artifact: its value, its inputs, its parts, then run and records in one transaction.

    Returns the record that is stored now, which is another process's if that was first. A crash on the way leaves
    bytes that no record names, never a record without its bytes.

    Raises:
        UnserializableValueError: if no serializer can write the value.
    """
    value, serializer = yield from write_first(draft.values)
    inputs = None if are_plain(draft.plan.inputs) else (yield from write_first(draft.inputs))[0]
    values = [part.values for part in draft.parts]
    parts = (yield from write_each_first(values)) if values else ()
    run = yield from CurrentRun()
    now = yield from Now()
    pairs = zip(draft.parts, parts, strict=True)
    besides = [part.put(*written, inputs, run, now) for part, written in pairs]
    return (yield from draft.put(value, serializer, inputs, run, now, besides))


def write_first(encodings: Iterable[Encoding]) -> Program[WriteBlob, tuple[WriteResult, str]]:
    """Write the first of *encodings* that can be written; returns the name of its serializer, too."""
    refusals: list[errors.UnserializableValueError] = []
    for encoding in encodings:
        try:
            written = yield from WriteBlob(encoding)
        except errors.UnserializableValueError as refusal:
            refusals.append(refusal)
        else:
            return written, encoding.serializer
    raise _raise_refusals(refusals) from refusals[-1]


def write_each_first(
    several: Sequence[Iterable[Encoding]],
) -> Program[WriteBlobs, tuple[tuple[WriteResult, str], ...]]:
    """As `write_first`, for several values at once."""
    left = [iter(encodings) for encodings in several]
    refusals: list[list[errors.UnserializableValueError]] = [[] for _ in several]
    written: dict[int, tuple[WriteResult, str]] = {}
    while len(written) < len(several):
        trying = {at: next(left[at], None) for at in range(len(several)) if at not in written}
        encodings = [(at, encoding) for at, encoding in trying.items() if encoding is not None]
        if len(encodings) < len(trying):
            refused = next(refusals[at] for at, encoding in trying.items() if encoding is None)
            raise _raise_refusals(refused) from refused[-1]
        answers = yield from WriteBlobs(tuple([encoding for _, encoding in encodings]))
        for (at, encoding), answer in zip(encodings, answers, strict=True):
            if isinstance(answer, errors.UnserializableValueError):
                refusals[at].append(answer)
            elif isinstance(answer, errors.ProvenanceError):
                raise answer
            else:
                written[at] = answer, encoding.serializer
    return tuple([written[at] for at in range(len(several))])


def _raise_refusals(
    refusals: Sequence[errors.UnserializableValueError],
) -> errors.UnserializableValueError:
    """Return the error for a value that no serializer can write."""
    reasons = "; ".join(refusal.reason for refusal in refusals)
    return errors.UnserializableValueError(refusals[0].what, reasons, refusals[0].value)


Archive: TypeAlias = Commit | Lookup | ReadBlob | DeleteSource
"""Recording a file, which reads what was stored before it deletes the original."""


def archive_results(
    returned: object, archiving: Archiving | None, label: str
) -> Program[InspectFile, object]:
    """Return what a function *returned* or, if that is to be archived, the file or folder at that path, ready to be stored.

    Raises:
        UnarchivableFileError: if it is not a path, or not that of a readable file; the error holds what was returned.
    """
    if archiving is None:
        return returned
    return (yield from inspect(returned, archiving.preserve_extension, f"the result of {label}"))


def inspect(
    given: object, preserve_extension: bool, what: str
) -> Program[InspectFile, ArchivedFile]:
    """Return the file or folder at a path, not stored yet; *what* names it in errors. Raises as `archive_results` does."""
    if isinstance(given, ArchivedFolder):
        return given
    if isinstance(given, ArchivedFile):
        return evolve(given, extension=extension_of(given.name) if preserve_extension else "")
    path = path_from(given, what)
    try:
        found = yield from InspectFile(path)
    except OSError as error:
        reason = f"{os.fspath(error.filename or path)!r}: {error.strerror or error}"
        advice = "pass the path of a readable file"
        raise errors.UnarchivableFileError(what, reason, advice, given) from error
    name = os.path.basename(found.original.path)  # noqa: PTH119 - paths are text here, as the user gave them
    if isinstance(found, InspectedFolder):
        return ArchivedFolder(found.blob, "", name, found.original, found.members)
    extension = os.path.splitext(name)[1] if preserve_extension else ""  # noqa: PTH122 - a string
    if len(os.fsencode(extension)) > LONGEST_EXTENSION:
        reason = f"the extension of {name[:40]!r}… has over {LONGEST_EXTENSION} bytes"
        advice = "rename the file, or pass preserve_ext=False"
        raise errors.UnarchivableFileError(what, reason, advice, given)
    kept = extension_of(name) if preserve_extension else ""
    return ArchivedFile(found.blob, kept, name, found.original)


def path_from(given: object, what: str) -> str:
    """Return the path *given* as text; raises `UnarchivableFileError` for anything else."""
    try:
        path = os.fspath(cast("str", given))
        os.fsencode(path)
    except (TypeError, UnicodeEncodeError):
        path = None
    if not isinstance(path, str) or not path or "\0" in path:
        reason = f"expected a path, got {safe_repr(given)}"
        raise errors.UnarchivableFileError(what, reason, "pass a str or a pathlib.Path", given)
    return path


def commit(draft: PendingArtifact) -> Program[Archive, ArtifactRecord]:
    """Store what was computed, as `programs.commit` does.

    The files of a folder are stored before it, as artifacts among its inputs. An original that is to be deleted is deleted once
    its copy is safe.
    """
    if draft.parts or isinstance(draft.computation.value, ArchivedFile):
        return _commit_files(draft)
    return store(draft)


def _commit_files(draft: PendingArtifact) -> Program[Archive, ArtifactRecord]:
    archiving, value = draft.spec.options.archive, draft.computation.value
    parts: list[PendingArtifact] = []
    for part in draft.parts:
        whole_part = yield from _add_members(part)
        parts.append(whole_part)
    whole = yield from _add_members(draft)
    record = yield from store(evolve(whole, parts=tuple(parts)))
    is_stored = record.value_id == draft.computation.value_id
    if archiving is not None and archiving.delete_original and is_stored:
        yield from delete_original(value, record)
    return record


def _add_members(draft: PendingArtifact) -> Program[Commit | Lookup, PendingArtifact]:
    """Store the files of a folder that are not stored yet; returns *draft* with their artifacts among its inputs."""
    folder, refs = draft.computation.value, list(draft.plan.input_refs)
    if not isinstance(folder, ArchivedFolder):
        return draft
    for file in folder.files.values():
        member = archive_call(file, file.name)
        found = yield from programs.probe(member.artifact_id)
        if not isinstance(found, programs.LookupHit):
            now = yield from Now()
            yield from store(member.draft(now, replace=not isinstance(found, programs.LookupMiss)))
        refs.append(member.input_ref)
    return evolve(draft, plan=evolve(draft.plan, input_refs=tuple(refs)))


def delete_original(
    value: object, record: ArtifactRecord
) -> Program[ReadBlob | DeleteSource, None]:
    """Delete the original of an archived file, after its stored bytes have been compared with their digest.

    Raises:
        BlobNotFoundError, CorruptBlobError: if they are missing or damaged; the original stays.
    """
    if isinstance(value, ArchivedFile) and isinstance(value.source, LocalSource):
        for blob in (record.value_blob, *programs.contents_of(value)):
            yield from ReadBlob(blob, _nothing)
        yield from DeleteSource(value.source)


def lookup_file(
    artifact_id: ArtifactId, file: ArchivedFile, *, thoroughly: bool
) -> Program[Lookup | ReadBlob | Quarantine, programs.LookupResult]:
    """Look up the artifact of *file*; `BlobLost` if bytes of it are lost.

    If *thoroughly*, all bytes are compared with their digests, and quarantined where they differ.
    """
    found = yield from programs.probe(artifact_id)
    if not isinstance(found, programs.LookupHit):
        return found
    for blob in (found.record.value_blob, *programs.contents_of(file)):
        sound = (yield from _is_sound(blob)) if thoroughly else (yield from HasBlob(blob))
        if not sound:
            return programs.BlobLost(found.record)
    return found


def _is_sound(blob: Blob) -> Program[ReadBlob | Quarantine, bool]:
    try:
        yield from ReadBlob(blob, _nothing)
    except (errors.BlobNotFoundError, errors.CorruptBlobError) as trouble:
        yield from programs.quarantine_if_damaged(blob, trouble)
        return False
    return True


def _nothing(_: BinaryIO) -> None:
    """Read nothing: the store itself compares the bytes with their digest."""

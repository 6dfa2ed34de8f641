"""Archiving, step by step: examine the user's file, store it, and only then delete it; and check out what is stored."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, TypeAlias, cast

from attrs import evolve

from provenance import programs
from provenance.archives import ArchivedFile, ArchivedFolder, extension_of
from provenance.archiving import Archiving
from provenance.asks import (
    Assemble,
    CheckOut,
    Commit,
    DeleteOriginal,
    Examine,
    ExaminedFolder,
    HasBlob,
    Lookup,
    Now,
    Quarantine,
    ReadBlob,
)
from provenance.deposits import deposit
from provenance.draft import Draft
from provenance.effect import Interpreter, Program
from provenance.errors import (
    BlobNotFoundError,
    CorruptBlobError,
    StorePermissionError,
    UnarchivableFileError,
)
from provenance.ids import ArtifactId
from provenance.keepers import Member, Original, copied
from provenance.records import ArtifactRecord, Blob
from provenance.showing import shown

Archive: TypeAlias = Commit | Lookup | ReadBlob | DeleteOriginal
"""Recording a file, which reads what was stored before it deletes the original."""
Verify: TypeAlias = Lookup | ReadBlob | Quarantine
"""Looking up whether a file is stored and sound."""


def taken(returned: object, archiving: Archiving | None, label: str) -> Program[Examine, object]:
    """Return what a function *returned* or, if that is to be archived, the file or folder at that path, ready to be stored.

    Raises:
        UnarchivableFileError: if it is not a path, or not that of a readable file; the error holds what was returned.
    """
    if archiving is None:
        return returned
    return (yield from examined(returned, archiving.preserve_extension, f"the result of {label}"))


def examined(given: object, preserve_extension: bool, what: str) -> Program[Examine, ArchivedFile]:
    """Return the file or folder at a path, not stored yet; *what* names it in errors. Raises as `taken` does."""
    if isinstance(given, ArchivedFolder):
        return given
    if isinstance(given, ArchivedFile):
        return evolve(given, extension=extension_of(given.name) if preserve_extension else "")
    path = path_of(given, what)
    try:
        found = yield from Examine(path)
    except OSError as error:
        reason = f"{os.fspath(error.filename or path)!r}: {error.strerror or error}"
        raise UnarchivableFileError(
            what, reason, "pass the path of a readable file", given
        ) from error
    name = os.path.basename(found.original.path)  # noqa: PTH119 - paths are text here, as the user gave them
    if isinstance(found, ExaminedFolder):
        return ArchivedFolder(found.blob, "", name, found.original, found.members)
    return ArchivedFile(
        found.blob, extension_of(name) if preserve_extension else "", name, found.original
    )


def path_of(given: object, what: str) -> str:
    """Return the path *given* as text; raises `UnarchivableFileError` for anything else."""
    try:
        path = os.fspath(cast("str", given))
    except TypeError:
        path = None
    if not isinstance(path, str) or not path or "\0" in path:
        reason = f"expected a path, got {shown(given)}"
        raise UnarchivableFileError(what, reason, "pass a str or a pathlib.Path", given)
    return path


def commit(draft: Draft) -> Program[Archive, ArtifactRecord]:
    """Store what was computed, as `programs.commit` does.

    The files of a folder are stored before it, as artifacts among its inputs. An original that is to be deleted is deleted once
    its copy is safe.
    """
    if draft.parts or isinstance(draft.computation.value, ArchivedFile):
        return _commit_files(draft)
    return programs.commit(draft)


def _commit_files(draft: Draft) -> Program[Archive, ArtifactRecord]:
    archiving, value = draft.recipe.options.archive, draft.computation.value
    if isinstance(value, ArchivedFolder):
        draft = yield from _with_members(draft, value)
    if draft.parts:
        draft = yield from _with_members_of_parts(draft)
    record = yield from programs.commit(draft)
    if (
        archiving is not None
        and archiving.delete_original
        and record.value_id == draft.computation.value_id
    ):
        yield from delete_original(value, record)
    return record


def _with_members_of_parts(draft: Draft) -> Program[Commit | Lookup, Draft]:
    """Store the files of the parts of a composite that are folders."""
    parts: list[Draft] = []
    for part in draft.parts:
        value = part.computation.value
        parts.append(
            (yield from _with_members(part, value)) if isinstance(value, ArchivedFolder) else part
        )
    return evolve(draft, parts=tuple(parts))


def _with_members(draft: Draft, folder: ArchivedFolder) -> Program[Commit | Lookup, Draft]:
    """Store the files of *folder* that are not stored yet; returns *draft* with their artifacts among its inputs."""
    sightings = list(draft.plan.sightings)
    for file in folder.files.values():
        member = deposit(file, file.name)
        found = yield from programs.probe(member.artifact_id)
        if not isinstance(found, programs.Found):
            now = yield from Now()
            yield from programs.commit(
                member.draft(now, replace=not isinstance(found, programs.Absent))
            )
        sightings.append(member.sighting)
    return evolve(draft, plan=evolve(draft.plan, sightings=tuple(sightings)))


def delete_original(
    value: object, record: ArtifactRecord
) -> Program[ReadBlob | DeleteOriginal, None]:
    """Delete the original of an archived file, after its stored bytes have been compared with their digest.

    Raises:
        BlobNotFoundError, CorruptBlobError: if they are missing or damaged; the original stays.
    """
    if isinstance(value, ArchivedFile) and isinstance(value.keeper, Original):
        for blob in (record.value_blob, *_contents(value)):
            yield from ReadBlob(blob, _nothing)
        yield from DeleteOriginal(value.keeper)


def looked_up(
    artifact_id: ArtifactId, file: ArchivedFile, *, thoroughly: bool
) -> Program[Verify, programs.LookedUp]:
    """Look up the artifact of *file*; `Gone` if bytes of it are lost.

    If *thoroughly*, all bytes are compared with their digests, and quarantined where they differ.
    """
    found = yield from programs.probe(artifact_id)
    if not isinstance(found, programs.Found):
        return found
    for blob in (found.record.value_blob, *_contents(file)):
        sound = (yield from _is_sound(blob)) if thoroughly else (yield from HasBlob(blob))
        if not sound:
            return programs.Gone(found.record)
    return found


def _is_sound(blob: Blob) -> Program[ReadBlob | Quarantine, bool]:
    try:
        yield from ReadBlob(blob, _nothing)
    except (BlobNotFoundError, CorruptBlobError) as trouble:
        yield from programs.set_aside(blob, trouble)
        return False
    return True


def _contents(file: ArchivedFile) -> tuple[Blob, ...]:
    """The blobs of a folder's files, each once."""
    return (
        tuple(dict.fromkeys(member.blob for member in file.members))
        if isinstance(file, ArchivedFolder)
        else ()
    )


def _nothing(_: BinaryIO) -> None:
    """Read nothing: the store itself compares the bytes with their digest."""


def read_folder(record: ArtifactRecord, repo: str) -> Program[ReadBlob | HasBlob, object]:
    """Read a folder as `programs.read_value` reads values; it is lost if one of its files is."""
    value = yield from programs.read_value(record, repo)
    if isinstance(value, ArchivedFolder):
        for blob in _contents(value):
            if not (yield from HasBlob(blob)):
                raise BlobNotFoundError(blob.id, repo)
    return value


def read_bytes(
    blob: Blob, read: Callable[[BinaryIO], object]
) -> Program[ReadBlob | Quarantine, object]:
    """Return what *read* makes of a file's bytes; damaged ones are quarantined, so that the next call computes them again."""
    try:
        return (yield from ReadBlob(blob, read))
    except CorruptBlobError as trouble:
        yield from _quarantine(blob, trouble)
        raise


def _quarantine(blob: Blob, trouble: CorruptBlobError) -> Program[Quarantine, None]:
    with suppress(
        StorePermissionError
    ):  # a read-only store keeps them; the damage is reported anyway
        yield from programs.set_aside(blob, trouble)


def local_path(
    blob: Blob, extension: str, stores: Interpreter[Any], *, executable: bool = False
) -> Program[CheckOut | Quarantine, str]:
    """Return the path of a local copy of *blob*; *stores* give the bytes if there is none yet."""

    def pour(sink: BinaryIO) -> None:
        stores(ReadBlob(blob, lambda source: copied(source, sink)))

    try:
        return (yield from CheckOut(blob, extension, pour, executable))
    except CorruptBlobError as trouble:
        yield from _quarantine(blob, trouble)
        raise


def local_folder(
    blob: Blob, members: tuple[Member, ...], stores: Interpreter[Any]
) -> Program[CheckOut | Assemble | Quarantine, str]:
    """Return the path of a local folder of copies, which *stores* fill."""
    copies: list[tuple[Member, str]] = []
    for member in members:
        path = yield from local_path(member.blob, "", stores, executable=member.executable)
        copies.append((member, path))
    return (yield from Assemble(blob, tuple(copies)))

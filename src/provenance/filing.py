"""Archiving, step by step: examine the user's file, store it, and only then delete it; and check out what is stored."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, cast

from attrs import evolve

from provenance import programs
from provenance.archives import ArchivedFile, Keeper, Original, copied
from provenance.archiving import Archiving
from provenance.asks import CheckOut, Commit, DeleteOriginal, Examine, Lookup, Quarantine, ReadBlob
from provenance.effect import Program
from provenance.errors import BlobNotFoundError, CorruptBlobError, UnarchivableFileError

if TYPE_CHECKING:
    from provenance.draft import Draft
    from provenance.effect import Interpreter
    from provenance.ids import ArtifactId
    from provenance.records import ArtifactRecord, Blob

Archive: TypeAlias = Commit | ReadBlob | DeleteOriginal
"""Recording a file, which reads what was stored before it deletes the original."""

Verify: TypeAlias = Lookup | ReadBlob | Quarantine
"""Looking up whether a file is stored and sound."""


def archived(returned: object, archiving: Archiving, label: str) -> Program[Examine, ArchivedFile]:
    """The file at the path that a function *returned*, ready to be stored; nothing is written or deleted yet.

    Raises:
        UnarchivableFileError: if it is no path, or the path of no readable file; it holds what was returned.
    """
    return (yield from examined(returned, archiving.preserve_extension, f"the result of {label}"))


def examined(given: object, preserve_extension: bool, what: str) -> Program[Examine, ArchivedFile]:
    """As `archived`, for a path that comes from elsewhere."""
    if isinstance(given, ArchivedFile):
        return evolve(given, extension=extension_of(given.name) if preserve_extension else "")
    path = path_of(given, what)
    try:
        found = yield from Examine(path)
    except OSError as error:
        reason = f"{path!r}: {error.strerror or error}"
        raise UnarchivableFileError(what, reason, "give the path of a file that can be read", given) from error
    name = os.path.basename(path)  # noqa: PTH119 - paths are text here, as the user gave them
    return ArchivedFile(found.blob, extension_of(name) if preserve_extension else "", name, found.original)


def path_of(given: object, what: str) -> str:
    """*given* as the text of a path; UnarchivableFileError for what is none."""
    try:
        path = os.fspath(cast("str", given))
    except TypeError:
        path = None
    if not isinstance(path, str) or not path or "\0" in path:
        reason = f"{given!r} is no path"
        raise UnarchivableFileError(what, reason, "give a str or a pathlib.Path", given)
    return path


def extension_of(name: str) -> str:
    """The last extension of a file's name, with its dot; empty if it has none.

    >>> extension_of("scores.tar.gz"), extension_of(".profile")
    ('.gz', '')
    """
    return os.path.splitext(name)[1]  # noqa: PTH122 - as above


def commit(draft: Draft) -> Program[Archive, ArtifactRecord]:
    """Store what was computed, as `programs.commit` does; a file that is to be deleted is, once its copy is safe."""
    record = yield from programs.commit(draft)
    archiving, value = draft.recipe.options.archive, draft.computation.value
    if archiving is not None and archiving.delete_original and record.value_id == draft.computation.value_id:
        yield from delete_original(value, record)
    return record


def delete_original(value: object, record: ArtifactRecord) -> Program[ReadBlob | DeleteOriginal, None]:
    """Delete the original of an archived file, after its stored bytes were read and compared with their digest.

    Raises:
        BlobNotFoundError, CorruptBlobError: if they are not there as they should be; the original stays.
    """
    if isinstance(value, ArchivedFile) and isinstance(value.keeper, Original):
        yield from ReadBlob(record.value_blob, _nothing)
        yield from DeleteOriginal(value.keeper)


def verified(artifact_id: ArtifactId) -> Program[Verify, programs.LookedUp]:
    """Look an archived file up; `Gone` if its bytes are not what they should be, which are put aside then."""
    found = yield from programs.probe(artifact_id)
    if isinstance(found, programs.Found):
        try:
            yield from ReadBlob(found.record.value_blob, _nothing)
        except (BlobNotFoundError, CorruptBlobError) as trouble:
            yield from programs.set_aside(found.record.value_blob, trouble)
            return programs.Gone(found.record)
    return found


def _nothing(_: BinaryIO) -> None:
    """Read nothing: the store has compared the bytes."""


def settled(value: object, keeper: Keeper) -> object:
    """*value* after it was stored: an archived file is no longer where its original was, but with its *keeper*."""
    return evolve(value, keeper=keeper) if isinstance(value, ArchivedFile) else value


def local_path(blob: Blob, extension: str, stores: Interpreter[Any]) -> Program[CheckOut, str]:
    """Path of a local copy of *blob*, to which *stores* give the bytes where there is none yet."""

    def pour(sink: BinaryIO) -> None:
        stores(ReadBlob(blob, lambda source: copied(source, sink)))

    return (yield from CheckOut(blob, extension, pour))

"""Archiving files that no function made: the sources of a pipeline."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from attrs import evolve

from provenance import calls, filing, programs, session
from provenance.archives import ArchivedFile, Original
from provenance.binding import subject_of
from provenance.choices import Choices, checked
from provenance.effect import run
from provenance.errors import UnarchivableFileError
from provenance.events import Why
from provenance.proxy import artifact_of, unwrap
from provenance.recipe import captures_of, recipe_of


def archive_file(
    filename: str | os.PathLike[str],
    name: str | None = None,
    delete_original: bool = False,
    custom_fields: Mapping[str, object] | None = None,
    preserve_ext: bool = False,
) -> ArchivedFile:
    """Store the file *filename* in the current repository; its bytes are read piece by piece.

    Args:
        filename: Path of the file. Where it is has no part in the artifact's id: the bytes count, and the name.
        name: Name of the artifact; by default that of the file.
        delete_original: Delete the file once its stored copy was read back and compared.
        custom_fields: JSON to search by.
        preserve_ext: Make the file's extension part of its value, and so of the paths at which it can be opened.

    Returns:
        Proxy of the `ArchivedFile`, to be passed to decorated functions; its artifact is a source of their results.

    Raises:
        UnarchivableFileError: if there is no such file, or it cannot be read.
        ConfigError: if `name` or `custom_fields` cannot be recorded.
        StoreUnavailableError, StorePermissionError: if the store cannot or may not take it; the file stays.
    """
    repo = session.current().repository()
    file = run(filing.examined(unwrap(filename), preserve_ext, repr(filename)), repo.interpreter)
    call = _begun(file, name or file.name, custom_fields)
    look = filing.verified if delete_original else programs.probe
    if isinstance(run(look(call.plan.artifact_id), repo.interpreter), programs.Gone):
        call = evolve(call, why=Why.BLOB_MISSING, detail="it was gone when the file was archived again")
    result = calls.perform(call)
    record = artifact_of(result)
    if delete_original and record.value_blob == file.blob:  # not if it is read-only
        run(filing.delete_original(file, record), repo.interpreter)
    return cast("ArchivedFile", result)


def _begun(file: ArchivedFile, name: str, custom_fields: Mapping[str, object] | None) -> calls.Call:
    """The call that archives *file*: its inputs are the content and, for people only, where it was."""

    def archive(filename: str, content: str, extension: str) -> ArchivedFile:  # noqa: ARG001 - inputs, to be recorded
        if isinstance(file.keeper, Original) and not Path(file.keeper.path).exists():
            advice = "restore it, or the repository, from a backup"
            raise UnarchivableFileError(repr(filename), "its stored copy is lost, and so is the original", advice)
        return file

    subject = evolve(subject_of(archive), module=__name__, qualname=archive_file.__qualname__)
    choices = Choices(name=name, custom_fields=custom_fields, ignore=["filename"], remove=["file"], use_cache=True)
    options = checked(subject, choices)
    recipe = evolve(recipe_of(subject, options, captures_of(subject, options, None), None), code="")
    path = file.keeper.path if isinstance(file.keeper, Original) else file.name
    return calls.begin(recipe, (path, file.digest, file.extension), {})

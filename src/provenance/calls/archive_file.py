"""Archiving of files that no function computed: the sources of a pipeline."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, cast

from provenance import environment
from provenance.archives import ArchivedFile
from provenance.calls import commit, execute
from provenance.calls.options import OptionArguments, check_options
from provenance.calls.signature import inspect_function
from provenance.effect import run
from provenance.model.references import unwrap
from provenance.results.handles import artifact_of
from provenance.util.formatting import safe_repr

_ALIASES: Final = ("archive_file",)
"""The name that the reference library gave files without one: those that were imported from its stores are found."""


def archive_file(
    filename: str | os.PathLike[str],
    name: str | None = None,
    delete_original: bool = False,
    custom_fields: Mapping[str, object] | None = None,
    preserve_ext: bool = False,
) -> ArchivedFile:
    """Store the file *filename* in the current repository; its bytes are read in chunks.

    Args:
        filename: Path of a file or folder. The artifact's id depends on its bytes and on *name*,
            not on the path.
        name: Name of the artifact; by default that of the file.
        delete_original: Delete the file after its stored copy was read back and compared.
        custom_fields: JSON to search by.
        preserve_ext: Make the file's extension part of its value and of the path of its local copy.

    Returns:
        Proxy of the `ArchivedFile` (or `ArchivedFolder`), to be passed to decorated functions; its
        artifact is an input of their results.

    Raises:
        UnarchivableFileError: if the file does not exist or cannot be read.
        ConfigError: if `name` or `custom_fields` cannot be recorded.
        StoreUnavailableError, StorePermissionError: if the store fails or refuses it; the file
            stays.

    Example:
        >>> import provenance as p
        >>> from pathlib import Path
        >>> _ = Path("notes.txt").write_text("measured at noon")
        >>> Path(p.archive_file("notes.txt")).read_text()
        'measured at noon'
    """
    current = environment.current()
    ask = current.repository().interpreter
    file = run(commit.inspect(unwrap(filename), preserve_ext, safe_repr(filename)), ask)
    given = OptionArguments(name=name, custom_fields=custom_fields)
    options = check_options(inspect_function(archive_file), given)
    aliases = _ALIASES if options.name is None else ()
    made = commit.archive_call(file, options.name or file.name, options.custom_fields, aliases)
    call = execute.prepare(current, made.spec, made.arguments, {})
    looking = commit.lookup_file(call.plan.artifact_id, file, thoroughly=delete_original)
    call = execute.replace_found(call, run(looking, ask))
    result = execute.execute(call)
    record = artifact_of(result)
    # With `read_only` nothing was stored.
    if delete_original and record.value_blob == file.blob:
        run(commit.delete_original(file, record), ask)
    return cast("ArchivedFile", result)

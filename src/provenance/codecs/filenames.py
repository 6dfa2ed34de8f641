"""Serializers of one's own that know names of files only, through a temporary file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from provenance.archives import copy_stream

_NAMES: Final = {"filename", "file_name", "fname", "filepath", "file_path", "path"}
"""Names of a parameter that takes the name of a file."""


def takes_filename(dump: Callable[..., None]) -> bool:
    """Tell whether the second parameter of *dump* is named as one that takes the name of a file."""
    try:
        parameters = list(inspect.signature(dump).parameters)
    except (TypeError, ValueError):
        # A function written in C may have no signature.
        return False
    return len(parameters) > 1 and parameters[1] in _NAMES


MakeFolder: TypeAlias = Callable[[], AbstractContextManager[str]]
_folders: Final[list[MakeFolder]] = []


def set_temporary_folders(make: MakeFolder) -> None:
    """Set the function that makes a temporary folder, which goes at the end of a block."""
    _folders[:] = [make]


def dump_by_filename(dump: Callable[..., None]) -> Callable[..., None]:
    """Return *dump*, which writes the file of a name, as a function that writes into a binary file."""

    def dump_through_file(value: object, sink: BinaryIO, **kwargs: object) -> None:
        with _folders[0]() as folder:
            dump(value, str(Path(folder, "value")), **kwargs)
            # Some writers add a suffix to a name without one.
            written = list(Path(folder).iterdir())
            if len(written) != 1:
                raise ValueError(f"it wrote {len(written)} files; write the one of the given name")
            with written[0].open("rb") as file:
                copy_stream(file, sink)

    return dump_through_file


def load_by_filename(load: Callable[..., object]) -> Callable[..., object]:
    """Return *load*, which reads the file of a name, as a function that reads a binary file."""

    def load_through_file(source: BinaryIO, **kwargs: object) -> object:
        with _folders[0]() as folder:
            path = Path(folder, "value")
            with path.open("wb") as file:
                copy_stream(source, file)
            return load(str(path), **kwargs)

    return load_through_file

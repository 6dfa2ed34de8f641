"""Archived files as they are: what is stored is their bytes, and nothing else."""

from __future__ import annotations

from typing import BinaryIO

from provenance.archives import ArchivedFile
from provenance.ids import BlobId
from provenance.records import Blob


def is_archived(value: object) -> bool:
    """Tell whether *value* is an archived file."""
    return isinstance(value, ArchivedFile)


def dump_file(value: object, sink: BinaryIO) -> None:
    """Write the bytes of an archived file, piece by piece; TypeError for anything else."""
    if not isinstance(value, ArchivedFile):
        raise TypeError(
            f"serializer 'file' writes archived files, not {type(value).__qualname__}: decorate with archive_file=True"
        )
    value.pour(sink)


def load_file(_: BinaryIO, *, digest: str = "", size: int = 0, extension: str = "", name: str = "") -> object:
    """The archived file that the record tells of; its bytes are read when they are used."""
    return ArchivedFile(Blob(BlobId(digest), size), extension, name)

"""Archived files and folders: a file is stored as its bytes alone, a folder as its manifest."""

from __future__ import annotations

from typing import BinaryIO, cast

from provenance.archives import ArchivedFile, ArchivedFolder, folder_from_manifest, manifest
from provenance.model.ids import BlobId
from provenance.model.records import Blob


def is_file(value: object) -> bool:
    """Tell whether *value* is an archived file and not a folder."""
    return isinstance(value, ArchivedFile) and not is_folder(value)


def is_folder(value: object) -> bool:
    """Tell whether *value* is an archived folder."""
    return isinstance(value, ArchivedFolder)


def dump_file(value: object, sink: BinaryIO) -> None:
    """Write the bytes of an archived file in chunks; raise TypeError for anything else."""
    if not isinstance(value, ArchivedFile) or is_folder(value):
        raise TypeError(_problem("file", value))
    value.pour(sink)


def load_file(
    _: BinaryIO, *, digest: str = "", size: int = 0, extension: str = "", name: str = ""
) -> object:
    """Return the archived file that the record describes; its bytes are read when they are used.

    Raises:
        TypeError: if the record's facts are not of these types.
    """
    texts = cast("tuple[object, ...]", (digest, extension, name))
    if not all(isinstance(text, str) for text in texts) or type(size) is not int or size < 0:
        raise TypeError(
            "an archived file has a digest, a name and an extension that are text, and a size in bytes"
        )
    return ArchivedFile(Blob(BlobId(digest), size), extension, name)


def dump_folder(value: object, sink: BinaryIO) -> None:
    """Write the manifest of an archived folder, whose files are separate blobs.

    Raise TypeError for anything else.
    """
    if not isinstance(value, ArchivedFolder):
        raise TypeError(_problem("folder", value))
    sink.write(manifest(value.members))


def load_folder(source: BinaryIO, *, digest: str = "", name: str = "") -> object:
    """Return the archived folder that a manifest lists; its files are read when they are used.

    Raises:
        TypeError: if the record's facts are not of these types.
    """
    texts = cast("tuple[object, ...]", (digest, name))
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("an archived folder has a digest and a name that are text")
    return folder_from_manifest(source.read(), BlobId(digest), name)


def _problem(what: str, value: object) -> str:
    return (
        f"serializer {what!r} writes archived {what}s, not {type(value).__qualname__}: "
        "decorate with archive_file=True"
    )

"""Bundles: one zip file with the records of artifacts, in an SQLite file, and their bytes.

Members are stored, not deflated, so that a blob can be read by range and none is larger than the file. Nothing in the file is
believed before it was checked: others may have made it.
"""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH118, PTH119, PTH123

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sqlite3
import tempfile
import threading
import weakref
import zipfile
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from provenance.effects.io import (
    blob_of,
    check_bytes,
    map_os_errors,
    read_through,
    replacing_file,
    write_to_file,
)
from provenance.effects.sql import statements
from provenance.errors import BlobNotFoundError, BundleError, CorruptBlobError, StorePermissionError
from provenance.model.records import Blob, Json, StoredBlob

RECORDS: Final = "records.db"
MANIFEST: Final = "bundle.json"
FORMAT: Final = 1
_MEMBER: Final = re.compile(
    r"blobs/[0-9a-f]{2}/[0-9a-f]{38}|sources/[0-9a-f]{6,40}\.py|environment/[0-9a-f]{1,64}\.txt"
    r"|records\.db|bundle\.json|ro-crate-metadata\.json|index\.html|[ar]/[0-9a-f]{1,64}\.html"
    r"|assets/[a-z]+\.(?:css|svg)|images/[0-9a-f]{40}\.[a-z]+"
)
_LARGEST_MANIFEST: Final = 16 << 20
_CHUNK: Final = 1 << 20
_ENCRYPTED: Final = 0x1
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every member: equal contents make equal bytes."""


class BundleWriter:
    """A bundle being written to the open *file*; a blob store that can be written to, and not read."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._name = name
        self._lock = threading.Lock()
        self._blobs: set[Blob] = set()
        self.members: dict[str, Blob] = {}
        """The members that are not blobs, with their digests."""
        self.facts: dict[str, Json] = {}
        """What the manifest says besides."""

    def write_blob(self, write: Callable[[BinaryIO], None]) -> StoredBlob:
        """Add what *write* writes, under its digest; raises `StoreUnavailableError`."""
        with tempfile.TemporaryFile() as file:
            blob = write_to_file(file.fileno(), self._name, write)
            file.seek(0)
            with self._lock:
                if blob not in self._blobs:
                    self._add(f"blobs/{blob.id[:2]}/{blob.id[2:]}", cast("BinaryIO", file))
                    self._blobs.add(blob)
        return StoredBlob(blob)

    def read_blob(self, blob: Blob, _read: Callable[[BinaryIO], object]) -> object:
        """Raise BlobNotFoundError: a bundle is read when it is complete."""
        raise BlobNotFoundError(blob.id, self._name)

    def has_blob(self, blob: Blob) -> bool:
        """Return whether the blob was added."""
        return blob in self._blobs

    def delete_blob(self, _blob: Blob) -> None:
        """Raise StorePermissionError: nothing is taken out of a bundle."""
        raise StorePermissionError("deleting a blob", self._name, "delete")

    def quarantine(self, _blob: Blob) -> None:
        """Raise StorePermissionError, as nothing in it is ever damaged."""
        raise StorePermissionError("quarantining a damaged blob", self._name, "delete")

    def add(self, name: str, data: bytes) -> None:
        """Add a member that is not a blob."""
        self._add(name, io.BytesIO(data))
        self.members[name] = blob_of(data)

    def add_file(self, name: str, path: str) -> None:
        """Add the file at *path* as a member."""
        with open(path, "rb") as file:
            self.members[name] = read_through(file)
            file.seek(0)
            self._add(name, file)

    def add_manifest(self) -> None:
        """Add the list of the members that are not blobs, with their digests."""
        members: dict[str, Json] = {
            name: {"digest": blob.id, "size": blob.size} for name, blob in self.members.items()
        }
        manifest: Json = {
            "format": FORMAT,
            "schema": statements.VERSION,
            **self.facts,
            "members": members,
        }
        self.add(MANIFEST, json.dumps(manifest, indent=1).encode())

    def close(self) -> None:
        """Write the central directory."""
        self._zip.close()

    def _add(self, name: str, source: BinaryIO) -> None:
        info = zipfile.ZipInfo(name, _EPOCH)
        info.external_attr = 0o644 << 16
        with map_os_errors(self._name), self._zip.open(info, "w", force_zip64=True) as member:
            shutil.copyfileobj(source, member, _CHUNK)


@contextmanager
def writing_bundle(path: str) -> Generator[tuple[BundleWriter, str]]:
    """Write the bundle *path*: the block gets the writer, and the path of a database for the records.

    At its end the records are added, and the file takes its name. After an error nothing stays.
    """
    name = os.path.basename(path)
    with (
        map_os_errors(name),
        replacing_file(path) as file,
        tempfile.TemporaryDirectory(prefix="provenance-") as folder,
    ):
        writer = BundleWriter(file, name)
        records = os.path.join(folder, "writing.db")
        try:
            yield writer, records
            compact(records, os.path.join(folder, RECORDS))
            writer.add_file(RECORDS, os.path.join(folder, RECORDS))
            writer.add_manifest()
        finally:
            writer.close()


@contextmanager
def writing_database(path: str) -> Generator[str]:
    """Write the SQLite file *path*: the block gets the path of a database, which is compacted into it."""
    with (
        map_os_errors(os.path.basename(path)),
        tempfile.TemporaryDirectory(prefix="provenance-") as folder,
        replacing_file(path) as file,
    ):
        records = os.path.join(folder, "writing.db")
        yield records
        compact(records, os.path.join(folder, RECORDS))
        with open(os.path.join(folder, RECORDS), "rb") as made:
            shutil.copyfileobj(made, file, _CHUNK)


def compact(source: str, target: str) -> None:
    """Copy a database without its log and free pages into the new file *target*.

    What was committed last is only in the log of the file that is being written.
    """
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (target,))


class BundleBlobs:
    """The blobs of a bundle, of which nothing but its list of members is read at first."""

    def __init__(self, path: str, name: str, members: Mapping[str, zipfile.ZipInfo]) -> None:
        self._path = os.path.abspath(path)  # noqa: PTH100 - text
        self._name = name
        self._members = members

    def has_blob(self, blob: Blob) -> bool:
        """Return whether there is a member of this name and size."""
        found = self._members.get(f"blobs/{blob.id[:2]}/{blob.id[2:]}")
        return found is not None and found.file_size == blob.size

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        """Check the bytes and return what *read* makes of them.

        Raises `BlobNotFoundError`, `CorruptBlobError`, or `StoreUnavailableError`.
        """
        member = self._members.get(f"blobs/{blob.id[:2]}/{blob.id[2:]}")
        if member is None:
            raise BlobNotFoundError(blob.id, self._name)
        check_bytes(blob, self._name, member.file_size)
        with map_os_errors(self._name):
            archive = zipfile.ZipFile(self._path)
        with archive, ExitStack() as opened:
            try:
                with map_os_errors(self._name):
                    source = cast("BinaryIO", opened.enter_context(archive.open(member)))
                    buffer = memoryview(bytearray(min(blob.size, _CHUNK) or 1))
                    found = read_through(source, buffer)
                    check_bytes(blob, self._name, found.size, found.id)
                    source.seek(0)
            except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
                raise CorruptBlobError(blob.id, self._name, str(error)) from error
            return read(source)

    def write_blob(self, _write: Callable[[BinaryIO], None]) -> StoredBlob:
        """Raise StorePermissionError: a bundle is only read."""
        raise StorePermissionError("writing a blob", self._name, "write")

    def delete_blob(self, _blob: Blob) -> None:
        """Raise StorePermissionError: a bundle is only read."""
        raise StorePermissionError("deleting a blob", self._name, "delete")

    def quarantine(self, _blob: Blob) -> None:
        """Raise StorePermissionError: a bundle is only read."""
        raise StorePermissionError("quarantining a damaged blob", self._name, "write")


def read_members(path: str) -> dict[str, zipfile.ZipInfo]:
    """Return the members of a bundle by name, each with a place in bundles and no larger than the file has room for.

    Raises:
        BundleError: if there is any other member, or it is not a zip file.
        StoreUnavailableError: if the file cannot be read.
    """
    with map_os_errors(os.path.basename(path)):
        room = os.stat(path).st_size  # noqa: PTH116 - text
        try:
            with zipfile.ZipFile(path) as archive:
                infos = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
            raise BundleError(path, f"it is not a zip file ({error})") from error
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.orig_filename
        if name != info.filename or _MEMBER.fullmatch(name) is None:
            raise BundleError(path, f"its member {name[:200]!r} has no place in a bundle")
        if name in members:
            raise BundleError(path, f"it has the member {name!r} twice")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise BundleError(path, f"its member {name!r} is compressed, which could hide any size")
        if info.flag_bits & _ENCRYPTED:
            raise BundleError(path, f"its member {name!r} is encrypted")
        members[name] = info
    if sum(info.file_size for info in members.values()) > room:
        raise BundleError(path, "its members overlap: together they are larger than the file")
    return members


def read_manifest(path: str, members: Mapping[str, zipfile.ZipInfo]) -> dict[str, Json]:
    """Return what `bundle.json` says; raises `BundleError` if it is missing, or of another format."""
    info = members.get(MANIFEST)
    if info is None or RECORDS not in members:
        raise BundleError(path, f"it has no {MANIFEST if info is None else RECORDS}")
    if info.file_size > _LARGEST_MANIFEST:
        raise BundleError(path, f"its {MANIFEST} is larger than {_LARGEST_MANIFEST >> 20} MB")
    try:
        with zipfile.ZipFile(path) as archive:
            found: Json = json.loads(archive.read(info))
    except (zipfile.BadZipFile, ValueError, RecursionError, EOFError) as error:
        raise BundleError(path, f"its {MANIFEST} cannot be read ({error})") from error
    if not isinstance(found, dict) or not isinstance(found.get("members"), dict):
        raise BundleError(path, f"its {MANIFEST} is not one of a bundle")
    given = found.get("format"), found.get("schema")
    if given != (FORMAT, statements.VERSION):
        raise _other_version(path, given, found.get("library"))
    return found


def _other_version(path: str, given: tuple[Json, Json], library: Json) -> BundleError:
    """Return the error for a bundle of another format, or with tables of another version."""
    form, schema = given
    by = (
        f"version {library} of the library"
        if isinstance(library, str) and re.fullmatch(r"[0-9A-Za-z.+]{1,40}", library)
        else "another version of the library"
    )
    reads = f"this one reads format {FORMAT} with tables of version {statements.VERSION}"
    numbers = zip(given, (FORMAT, statements.VERSION), strict=True)
    is_newer = any(isinstance(one, int) and one > known for one, known in numbers)
    advice = "upgrade the library" if is_newer else "export it again with this version"
    made = f"{by} wrote it, in format {form!r} with tables of version {schema!r}"
    return BundleError(path, f"{made}; {reads}"[:300], advice)


class ExtractedRecords:
    """The records of a bundle in a temporary file, which goes with this object."""

    def __init__(self, path: str, members: Mapping[str, zipfile.ZipInfo], expected: Json) -> None:
        folder = tempfile.mkdtemp(prefix="provenance-")
        self.close: Final = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.path: Final = Path(folder, RECORDS)
        try:
            with (
                zipfile.ZipFile(path) as archive,
                archive.open(members[RECORDS]) as source,
                self.path.open("xb") as target,
            ):
                shutil.copyfileobj(source, target, _CHUNK)
            with self.path.open("rb") as file:
                found = read_through(file)
        except (zipfile.BadZipFile, EOFError) as error:
            raise BundleError(path, f"its {RECORDS} cannot be read ({error})") from error
        if expected != {"digest": found.id, "size": found.size}:
            raise BundleError(path, f"its {RECORDS} is not the one that {MANIFEST} names")
        check_database(str(self.path), path)


def check_database(file: str, path: str) -> None:
    """Raise BundleError unless the database *file* of the bundle *path* has just the tables of this library, and is intact.

    A view, a trigger or a column of another's making would be executed by the statements that read it.
    """
    try:
        uri = f"{Path(file).as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            # First of all: the check of the whole file evaluates what its indexes say.
            if version != statements.VERSION or set(connection.execute(_SCHEMA)) != _own_schema():
                reason = f"the tables of its {RECORDS} are not those of this library"
                raise BundleError(path, reason)
            problems = [text for (text,) in connection.execute("PRAGMA integrity_check(1)")]
    except (sqlite3.Error, UnicodeDecodeError) as error:
        reason = f"its {RECORDS} is not a database of this library ({error})"
        raise BundleError(path, reason) from error
    if problems != ["ok"]:
        raise BundleError(path, f"its {RECORDS} is damaged ({problems[0]})")


_SCHEMA: Final = "SELECT type, name, tbl_name, sql FROM sqlite_schema"


def _own_schema() -> set[tuple[object, ...]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in statements.CREATE:
            connection.execute(statement)
        return set(connection.execute(_SCHEMA))

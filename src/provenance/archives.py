"""Archived files and folders as values, and where their bytes are.

Until they are stored the bytes are in the user's own file; then they are in a repository.
"""

from __future__ import annotations

import errno
import json
import os
import pickle
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, Final, Literal, Protocol, Self, TextIO, TypeVar, cast, overload

from attrs import Attribute, evolve, field, frozen

from provenance.hashing import Item, Walk, register_item
from provenance.hashing.encoding import node, prefix
from provenance.model.ids import ID_DIGITS, BlobId, is_prefix
from provenance.model.records import Blob
from provenance.util.images import MOST_IMAGE, image_type
from provenance.util.naming import exported

T = TypeVar("T")
PIECE: Final = 1 << 20
"""Size in bytes of the chunks in which files are read and written."""
_LONGEST_NAME: Final = 255
LONGEST_EXTENSION: Final = 200
"""Bytes of an extension: in the name of a local copy, the digest and a temporary name come with it."""
_SEPARATORS: Final = "\\:" if os.name == "nt" else ""
"""Characters that begin another folder, drive or stream on this system, beside `/`."""
Pour = Callable[[BinaryIO], None]
"""Writes all bytes of a file into a sink."""


def _is_inside(_: object, __: Attribute[str], value: str) -> None:
    # Manifests of an untrusted store must not lead out of the folder.
    if "\0" in value or any(part in ("", ".", "..") for part in value.split("/")):
        raise ValueError(f"path {value!r} escapes the folder")
    if any(character in value for character in _SEPARATORS):
        raise ValueError(f"path {value!r} could escape the folder on this system")
    for name in value.split("/"):
        check_file_name(name)


def check_file_name(name: str) -> None:
    """Raise ValueError for a name that no file can have: one that is too long, or not text of any encoding."""
    # Escaped surrogates stand for bytes of an unknown encoding, other surrogates for nothing.
    if len(name.encode("utf-8", "surrogateescape")) > _LONGEST_NAME:
        raise ValueError(f"{name[:20]!r}… is longer than the name of a file can be")


def is_digest(_: object, __: Attribute[Blob], value: Blob) -> None:
    """Raise ValueError if the id is not a digest, for it becomes part of paths (validator)."""
    if len(value.id) != ID_DIGITS or not is_prefix(value.id):
        raise ValueError(f"invalid digest {value.id!r}")


@frozen
class FolderEntry:
    """A file of a folder: its path (with `/`), its bytes, and whether it is executable."""

    path: str = field(validator=_is_inside)
    blob: Blob = field(validator=is_digest)
    executable: bool = False


class FileSource(Protocol):
    """A source of the bytes of archived files."""

    def local_path(self, blob: Blob, extension: str, /) -> str:
        """Return the path of a local file with the bytes, whose name ends with *extension*."""
        ...

    def local_folder(self, blob: Blob, members: tuple[FolderEntry, ...], /) -> str:
        """Return the path of a local folder with the *members*; *blob* is its manifest."""
        ...

    def read_bytes_of(self, blob: Blob, read: Callable[[BinaryIO], T], /) -> T:
        """Return the result of *read* for the bytes, whose digest is verified."""
        ...


@exported
@frozen
class LocalSource:
    """The user's own file or folder, not stored yet.

    `stamp` tells whether the file has changed since it was hashed. `parts` are the files of a
    folder. `link` is the stamp of a symbolic link at *path*, which led to the file or folder.
    """

    path: str
    stamp: tuple[int, ...] = ()
    parts: tuple[LocalSource, ...] = ()
    link: tuple[int, ...] = ()

    def local_path(self, _blob: Blob, _extension: str, /) -> str:
        """Return the path of the file itself."""
        return self.path

    def local_folder(self, _blob: Blob, _members: tuple[FolderEntry, ...], /) -> str:
        """Return the path of the folder itself."""
        return self.path

    def read_bytes_of(self, _: Blob, read: Callable[[BinaryIO], T], /) -> T:
        """Return the result of *read* for the file as it is now; raises OSError."""
        with open(self.path, "rb") as file:  # noqa: PTH123 - a string
            return read(file)


def copy_stream(source: BinaryIO, sink: BinaryIO) -> None:
    """Write all of *source* into *sink*, through one buffer."""
    piece = memoryview(bytearray(PIECE))
    fill: Callable[[memoryview], int] = cast("Any", source).readinto
    while count := fill(piece):
        sink.write(piece[:count])


_current: Final[list[Callable[[], FileSource]]] = []
_is_home: Final[list[Callable[[FileSource], bool]]] = []


def set_source_resolver(
    current: Callable[[], FileSource], is_home: Callable[[FileSource], bool]
) -> None:
    """Set the source of unpickled files, and the test for the repository being written to."""
    _current[:], _is_home[:] = [current], [is_home]


def current_source() -> FileSource:
    """Return the repository being read, else the environment's current one."""
    return _current[0]()


def source_reference(source: FileSource, name: str) -> LocalSource | None:
    """Return what a pickle contains of the *source*: an original, but not a repository.

    Raises:
        PicklingError: if the pickle is being stored in a repository without the bytes.
    """
    if not _is_home[0](source):
        raise pickle.PicklingError(
            f"the bytes of {name!r} are not in the repository that would refer to them; archive it "
            "there first"
        )
    return source if isinstance(source, LocalSource) else None


def _is_extension(_: object, __: Attribute[str], value: str) -> None:
    # Records of an untrusted store must not lead out of the folder of local copies.
    if value and (value[0] != "." or any(char in value for char in "/\\\0:")):
        raise ValueError(f"invalid file extension {value!r}")
    if len(value.encode("utf-8", "surrogateescape")) > LONGEST_EXTENSION:
        raise ValueError(f"the file extension {value[:20]!r}… has over {LONGEST_EXTENSION} bytes")


@frozen(repr=False)
class ArchivedFile:
    """A file in the store; as a path it is a local, read-only copy, made when it is first needed.

    Two archived files are equal if their bytes are, and their extensions if these are preserved.
    `name` is the name of the original, for people; it is not part of the value.

    Example:
        >>> import provenance as p
        >>> from pathlib import Path
        >>> _ = Path("notes.txt").write_text("measured at noon")
        >>> isinstance(p.unwrap(p.archive_file("notes.txt")), p.ArchivedFile)
        True
    """

    blob: Blob = field(validator=is_digest)
    extension: str = field(default="", validator=_is_extension)
    name: str = field(default="", eq=False)
    source: FileSource = field(factory=current_source, eq=False)

    @property
    def digest(self) -> BlobId:
        """Digest of the bytes, their key in the store."""
        return self.blob.id

    @property
    def blob_id(self) -> BlobId:
        """Digest of the bytes, as `digest`."""
        return self.blob.id

    @property
    def original_filename(self) -> str:
        """Name of the original, as `name`."""
        return self.name

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.blob.size

    def __fspath__(self) -> str:
        """Return the path of a local file with these bytes and the preserved extension.

        Raises:
            BlobNotFoundError, CorruptBlobError: if the store lost or damaged the bytes.
            StoreUnavailableError: if they cannot be read or copied.
        """
        return self.source.local_path(self.blob, self.extension)

    def __str__(self) -> str:
        return self.__fspath__()

    @overload
    def open(self, mode: Literal["rb"] = "rb") -> BinaryIO: ...
    @overload
    def open(self, mode: Literal["r", "rt"], encoding: str | None = None) -> TextIO: ...
    def open(self, mode: str = "rb", encoding: str | None = None) -> BinaryIO | TextIO:
        """Open the local copy for reading, as `open` does; raise ValueError for a mode that writes.

        Args:
            mode: "rb", the default, reads bytes, and "r" reads text.
            encoding: That of a text; by default UTF-8.
        """
        if mode not in ("rb", "r", "rt"):
            raise ValueError(
                f"mode must be 'rb', 'r' or 'rt', got {mode!r}; change a copy of the file"
            )
        text = encoding or (None if mode == "rb" else "utf-8")
        return cast("BinaryIO | TextIO", open(self, mode, encoding=text))  # noqa: PTH123 - left open

    def read_bytes(self) -> bytes:
        """Read all bytes, without a local copy; raises as `os.fspath` does."""
        return self.source.read_bytes_of(self.blob, lambda source: source.read())

    def read_text(self, encoding: str = "utf-8") -> str:
        """Read all bytes as text in *encoding*; raises as `os.fspath` does."""
        return self.read_bytes().decode(encoding)

    def pour(self, sink: BinaryIO) -> None:
        """Write the bytes into *sink*, in chunks."""
        self.source.read_bytes_of(self.blob, lambda source: copy_stream(source, sink))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        original = source_reference(self.source, self.name)
        return restore_file, (self.blob.id, self.blob.size, self.extension, self.name, original)

    def __repr__(self) -> str:
        return (
            f"<provenance.ArchivedFile {self.name!r}, {self.blob.size} bytes, {self.blob.id[:8]}>"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Return the image for a notebook, if it is one; its own bytes tell."""
        shown = {"text/plain": repr(self)}
        if self.size <= MOST_IMAGE:
            data = self.read_bytes()
            if (media_type := image_type(data)) is not None:
                shown[media_type] = b64encode(data).decode()
        return shown


def restore_file(
    digest: BlobId, size: int, extension: str, name: str, original: LocalSource | None
) -> ArchivedFile:
    """Unpickle an archived file: its bytes are in the repository that is being read, else in the current one.

    Pickles refer to this function: neither it nor its arguments may change.
    """
    return ArchivedFile(Blob(digest, size), extension, name, original or current_source())


def _item(file: ArchivedFile, _: Walk) -> Item:
    return node(_FILE, (bytes.fromhex(file.blob.id), file.blob.size, file.extension))


_FILE: Final = prefix("file")
register_item(ArchivedFile, _item)


@frozen(repr=False)
class ArchivedFolder(ArchivedFile):
    """A folder in the store.

    As a path it is a local folder of read-only copies, made when it is first needed.

    Each of its files is an artifact of its own. Two archived folders are equal if their files have
    equal paths, bytes and executable flags; empty folders inside are left out. Methods that need
    bytes raise IsADirectoryError. `blob` is the manifest, which lists the files and their digests.

    Example:
        >>> import provenance as p
        >>> from pathlib import Path
        >>> Path("notes").mkdir()
        >>> _ = Path("notes/one.txt").write_text("measured at noon")
        >>> isinstance(p.unwrap(p.archive_file("notes")), p.ArchivedFolder)
        True
    """

    members: tuple[FolderEntry, ...] = field(default=(), eq=False)

    @property
    def size(self) -> int:
        """Size of all files, in bytes."""
        return sum(member.blob.size for member in self.members)

    @property
    def files(self) -> dict[str, ArchivedFile]:
        """The files by their paths in the folder, in order."""
        return {member.path: self._file(member) for member in self.members}

    def _file(self, member: FolderEntry) -> ArchivedFile:
        name = member.path.rpartition("/")[2]
        source = self.source
        if isinstance(source, LocalSource):
            path = os.path.join(source.path, *member.path.split("/"))  # noqa: PTH118 - a string
            source = LocalSource(path)
        return ArchivedFile(member.blob, extension_of(name), name, source)

    def __fspath__(self) -> str:
        """Return the path of a local folder with these files; raises as for an archived file."""
        return self.source.local_folder(self.blob, self.members)

    def read_bytes(self) -> bytes:
        """Raise IsADirectoryError, as a folder has no bytes."""
        raise self._no_file()

    def pour(self, sink: BinaryIO) -> None:  # noqa: ARG002 - as in its base
        """Raise IsADirectoryError, as a folder has no bytes for *sink*."""
        raise self._no_file()

    def _no_file(self) -> IsADirectoryError:
        return IsADirectoryError(
            errno.EISDIR, "it is an archived folder: read one of its `files`", self.name
        )

    def __reduce__(self) -> tuple[object, ...]:
        original = source_reference(self.source, self.name)
        return restore_folder, (manifest(self.members), self.blob.id, self.name, original)

    def __repr__(self) -> str:
        files = f"{len(self.members)} files"
        return f"<provenance.ArchivedFolder {self.name!r}, {files}, {self.blob.id[:8]}>"


def restore_folder(
    text: bytes, digest: BlobId, name: str, original: LocalSource | None
) -> ArchivedFolder:
    """Unpickle an archived folder; as `restore_file`."""
    return folder_from_manifest(text, digest, name, original)


def folder_from_manifest(
    text: bytes, digest: BlobId, name: str, source: FileSource | None = None
) -> ArchivedFolder:
    """Return the archived folder of the manifest *text*; raise ValueError if it is invalid."""
    blob = Blob(digest, len(text))
    return ArchivedFolder(
        blob, name=name, source=source or current_source(), members=parse_manifest(text)
    )


def _folder_item(folder: ArchivedFolder, _: Walk) -> Item:
    return node(_FOLDER, (bytes.fromhex(folder.blob.id),))


_FOLDER: Final = prefix("folder")


_CANONICAL: Final = {".jpeg": ".jpg", ".mpeg": ".mpg"}
"""Extensions with two spellings, by the other one."""


def extension_of(name: str) -> str:
    """Return the last extension of a file's name in its canonical form, with its dot; empty if it has none.

    An extension that is too long for the name of a local copy does not count.

    >>> extension_of("scores.tar.gz"), extension_of("a.JPEG"), extension_of(".profile")
    ('.gz', '.jpg', '')
    """
    extension = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a string
    is_long = len(os.fsencode(extension)) > LONGEST_EXTENSION
    known = _CANONICAL.get(extension, extension)
    return "" if is_long or ":" in extension or "\\" in extension else known


def manifest(members: Iterable[FolderEntry]) -> bytes:
    r"""Return the manifest of a folder: the same bytes for the same files, in any order.

    >>> one, other = Blob(BlobId("1f" * 20), 5), Blob(BlobId("2e" * 20), 7)
    >>> print(manifest([FolderEntry("b", one), FolderEntry("a/c", other, True)]).decode())
    [
    ["a/c","2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e",7,true],
    ["b","1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f",5,false]
    ]
    <BLANKLINE>
    """
    rows = sorted(
        [member.path, member.blob.id, member.blob.size, member.executable] for member in members
    )
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    return f"[\n{lines}\n]\n".encode()


def parse_manifest(text: bytes) -> tuple[FolderEntry, ...]:
    """Return the members that a manifest lists.

    Raises:
        TypeError, ValueError: if it is not a manifest, or no folder can hold what it lists.
    """
    rows = cast("list[tuple[str, str, int, bool]]", json.loads(text))
    members = tuple(
        FolderEntry(path, Blob(BlobId(digest), size), executable)
        for path, digest, size, executable in rows
    )
    paths = {member.path for member in members}
    folders = {path[:at] for path in paths for at, letter in enumerate(path) if letter == "/"}
    if len(paths) < len(members) or paths & folders:
        raise ValueError("it lists a path twice, or as a file and as a folder")
    if any(
        type(member.blob.size) is not int or type(member.executable) is not bool
        for member in members
    ):
        raise ValueError(
            "it lists a file whose size is not a number of bytes, or whose mode is not true or false"
        )
    return members


register_item(ArchivedFolder, _folder_item)


def with_source(value: object, source: FileSource) -> object:
    """Return *value*, with the *source* if it is an archived file or folder."""
    return evolve(value, source=source) if isinstance(value, ArchivedFile) else value

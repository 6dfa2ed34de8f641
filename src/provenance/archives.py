"""Archived files and folders as values: what is known of their content.

A file's value is its bytes, with the extension where that was asked for; a folder's is the paths and bytes of its files.
Names, places and times are not part of it. The bytes are with a *keeper*.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable
from typing import Any, BinaryIO, Final, Literal, Self, TextIO, cast, overload

from attrs import Attribute, evolve, field, frozen

from provenance.hashing import Item, Walk, register_item
from provenance.hashing.format import node, prefix
from provenance.ids import BlobId
from provenance.keepers import Keeper, Member, Original, copied, current_keeper, is_digest, reference_of
from provenance.records import Blob


def _is_extension(_: object, __: Attribute[str], value: str) -> None:
    """Refuse what would lead out of the folder of local copies: records may come from a store that others write to."""
    if value and (value[0] != "." or any(each in value for each in "/\\\0:")):
        raise ValueError(f"{value!r} is no extension of a file")


@frozen(repr=False)
class ArchivedFile:
    """A file in the store: as a path it is a local, read-only copy, made when it is first needed.

    Two archived files are equal when their bytes are, and their extensions where these were to be preserved. `name` is
    what the original was called; it is for people and not part of the value.
    """

    blob: Blob = field(validator=is_digest)
    extension: str = field(default="", validator=_is_extension)
    name: str = field(default="", eq=False)
    keeper: Keeper = field(factory=current_keeper, eq=False)

    @property
    def digest(self) -> BlobId:
        """Digest of the bytes, by which the store knows them."""
        return self.blob.id

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.blob.size

    def __fspath__(self) -> str:
        """Path of a local file with these bytes and the preserved extension.

        Raises:
            BlobNotFoundError, CorruptBlobError: if the store lost or damaged the bytes.
            StoreUnavailableError: if they cannot be read, or not be copied.
        """
        return self.keeper.local_path(self.blob, self.extension)

    def __str__(self) -> str:
        return self.__fspath__()

    @overload
    def open(self, mode: Literal["rb"] = "rb") -> BinaryIO: ...
    @overload
    def open(self, mode: Literal["r", "rt"], encoding: str | None = None) -> TextIO: ...
    def open(self, mode: str = "rb", encoding: str | None = None) -> BinaryIO | TextIO:
        """The local copy, open for reading; ValueError for a mode that writes."""
        if mode not in ("rb", "r", "rt"):
            raise ValueError(f"an archived file is open to be read, not with mode {mode!r}; change a copy of it")
        text = encoding or (None if mode == "rb" else "utf-8")
        return cast("BinaryIO | TextIO", open(self, mode, encoding=text))  # noqa: PTH123 - the caller closes it

    def read_bytes(self) -> bytes:
        """All bytes, straight from where they are kept; raises as `os.fspath` does."""
        return self.keeper.read_bytes_of(self.blob, _all_of)

    def read_text(self, encoding: str = "utf-8") -> str:
        """All bytes as text; raises as `os.fspath` does."""
        return self.read_bytes().decode(encoding)

    def pour(self, sink: BinaryIO) -> None:
        """Write the bytes into *sink*, piece by piece."""
        self.keeper.read_bytes_of(self.blob, lambda source: copied(source, sink))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        original = reference_of(self.keeper, self.name)
        return restore_file, (self.blob.id, self.blob.size, self.extension, self.name, original)

    def __repr__(self) -> str:
        return f"<provenance.ArchivedFile {self.name!r}, {self.blob.size} bytes, {self.blob.id[:8]}>"


def restore_file(digest: BlobId, size: int, extension: str, name: str, original: Original | None) -> ArchivedFile:
    """Unpickle an archived file: its bytes are in the repository that is being read, else in the current one.

    Pickles name this function: neither it nor its arguments may change.
    """
    return ArchivedFile(Blob(digest, size), extension, name, original or current_keeper())


def _item(file: ArchivedFile, _: Walk) -> Item:
    return node(_FILE, (bytes.fromhex(file.blob.id), file.blob.size, file.extension))


_FILE: Final = prefix("file")
register_item(ArchivedFile, _item)


def _all_of(source: BinaryIO) -> bytes:
    return source.read()


@frozen(repr=False)
class ArchivedFolder(ArchivedFile):
    """A folder in the store: as a path it is a local folder of read-only copies, made when it is first needed.

    Each of its files is an artifact of its own. Two archived folders are equal when their files have equal paths and
    bytes and may be executed alike; empty folders inside are left out. It is an archived file as a `Path` may be that of
    a folder: what needs bytes raises IsADirectoryError. `blob` is the manifest, which lists the files and their digests.
    """

    members: tuple[Member, ...] = field(default=(), eq=False)

    @property
    def size(self) -> int:
        """How many bytes all files have together."""
        return sum(each.blob.size for each in self.members)

    @property
    def files(self) -> dict[str, ArchivedFile]:
        """The files by their paths from the folder, in order; each is read by itself."""
        return {each.path: self._file(each) for each in self.members}

    def _file(self, member: Member) -> ArchivedFile:
        name = member.path.rpartition("/")[2]
        keeper = self.keeper
        if isinstance(keeper, Original):
            keeper = Original(os.path.join(keeper.path, *member.path.split("/")))  # noqa: PTH118 - paths are text here
        return ArchivedFile(member.blob, extension_of(name), name, keeper)

    def __fspath__(self) -> str:
        """Path of a local folder with these files; raises as that of an archived file does."""
        return self.keeper.local_folder(self.blob, self.members)

    def read_bytes(self) -> bytes:
        """Nothing: a folder has no bytes; IsADirectoryError."""
        raise self._no_file()

    def pour(self, sink: BinaryIO) -> None:  # noqa: ARG002 - as in its base
        """Nothing: a folder has no bytes; IsADirectoryError."""
        raise self._no_file()

    def _no_file(self) -> IsADirectoryError:
        return IsADirectoryError(errno.EISDIR, "it is an archived folder: read one of its `files`", self.name)

    def __reduce__(self) -> tuple[object, ...]:
        original = reference_of(self.keeper, self.name)
        return restore_folder, (manifest(self.members), self.blob.id, self.name, original)

    def __repr__(self) -> str:
        return f"<provenance.ArchivedFolder {self.name!r}, {len(self.members)} files, {self.blob.id[:8]}>"


def restore_folder(text: bytes, digest: BlobId, name: str, original: Original | None) -> ArchivedFolder:
    """Unpickle an archived folder; as `restore_file`."""
    return folder_of(text, digest, name, original)


def folder_of(text: bytes, digest: BlobId, name: str, keeper: Keeper | None = None) -> ArchivedFolder:
    """The archived folder whose manifest is *text*; ValueError for what is none."""
    blob = Blob(digest, len(text))
    return ArchivedFolder(blob, name=name, keeper=keeper or current_keeper(), members=members_of(text))


def _folder_item(folder: ArchivedFolder, _: Walk) -> Item:
    return node(_FOLDER, (bytes.fromhex(folder.blob.id),))


_FOLDER: Final = prefix("folder")
register_item(ArchivedFolder, _folder_item)


def extension_of(name: str) -> str:
    """The last extension of a file's name, with its dot; empty if it has none.

    >>> extension_of("scores.tar.gz"), extension_of(".profile")
    ('.gz', '')
    """
    found = os.path.splitext(name)[1]  # noqa: PTH122 - as above
    return "" if ":" in found or "\\" in found else found


def manifest(members: Iterable[Member]) -> bytes:
    r"""What is stored of a folder beside its files: the same bytes for the same files, in whatever order they come.

    >>> one, other = Blob(BlobId("1f" * 20), 5), Blob(BlobId("2e" * 20), 7)
    >>> print(manifest([Member("b", one), Member("a/c", other, True)]).decode())
    [
    ["a/c","2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e",7,true],
    ["b","1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f",5,false]
    ]
    <BLANKLINE>
    """
    rows = sorted([each.path, each.blob.id, each.blob.size, each.executable] for each in members)
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    return f"[\n{lines}\n]\n".encode()


def members_of(text: bytes) -> tuple[Member, ...]:
    """The members that a manifest lists; raises ValueError for what is none."""
    rows = cast("list[tuple[str, str, int, bool]]", json.loads(text))
    return tuple(Member(path, Blob(BlobId(digest), size), executable) for path, digest, size, executable in rows)


def kept_by(value: object, keeper: Keeper) -> object:
    """*value*, its bytes from now on with *keeper* if it is an archived file or folder."""
    return evolve(value, keeper=keeper) if isinstance(value, ArchivedFile) else value

"""Archived files as values: what is known of their content, and where their bytes are to be had.

A file's value is its bytes, with the extension where that was asked for. Its name, path and times are not part of it.
The bytes stay with a *keeper*: the repository that stores them or, until they are stored, the user's own file.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import Any, BinaryIO, Final, Literal, Protocol, Self, TextIO, TypeVar, cast, overload

from attrs import Attribute, field, frozen

from provenance.hashing import Item, Walk, register_item
from provenance.hashing.format import node, prefix
from provenance.ids import BlobId
from provenance.records import Blob

T = TypeVar("T")
PIECE: Final = 1 << 20
"""Bytes in which files are read and written."""
Pour = Callable[[BinaryIO], None]
"""Writes all bytes of a file into a sink."""


class Keeper(Protocol):
    """Where the bytes of archived files are."""

    def local_path(self, blob: Blob, extension: str, /) -> str:
        """Path of a local file that holds the bytes, whose name ends with *extension*."""
        ...

    def read_bytes_of(self, blob: Blob, read: Callable[[BinaryIO], T], /) -> T:
        """What *read* makes of the bytes, which were checked against their digest where they are stored."""
        ...


@frozen
class Original:
    """The user's own file, not stored yet; `stamp` tells whether it was changed since it was examined."""

    path: str
    stamp: tuple[int, ...] = ()

    def local_path(self, _blob: Blob, _extension: str, /) -> str:
        """The file itself."""
        return self.path

    def read_bytes_of(self, _: Blob, read: Callable[[BinaryIO], T], /) -> T:
        """What *read* makes of the file as it is now; raises OSError."""
        with open(self.path, "rb") as file:  # noqa: PTH123 - paths are text here, as the user gave them
            return read(file)


def _is_extension(_: object, __: Attribute[str], value: str) -> None:
    """Refuse what would lead out of the folder of local copies: records may come from a store that others write to."""
    if value and (value[0] != "." or any(each in value for each in "/\\\0:")):
        raise ValueError(f"{value!r} is no extension of a file")


@frozen(repr=False)
class ArchivedFile(os.PathLike[str]):
    """A file in the store: as a path it is a local, read-only copy, made when it is first needed.

    Two archived files are equal when their bytes are, and their extensions where these were to be preserved. `name` is
    what the original was called; it is for people and not part of the value.
    """

    blob: Blob
    extension: str = field(default="", validator=_is_extension)
    name: str = field(default="", eq=False)
    keeper: Keeper = field(factory=lambda: current_keeper(), eq=False)  # noqa: PLW0108 - it is defined below

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
        return restored, (self.blob.id, self.blob.size, self.extension, self.name, original)

    def __repr__(self) -> str:
        return f"<provenance.ArchivedFile {self.name!r}, {self.blob.size} bytes, {self.blob.id[:8]}>"


def restored(digest: BlobId, size: int, extension: str, name: str, original: Original | None) -> ArchivedFile:
    """Unpickle an archived file: its bytes are in the repository that is being read, else in the current one.

    Pickles name this function: neither it nor its arguments may change.
    """
    return ArchivedFile(Blob(digest, size), extension, name, original or current_keeper())


def _item(file: ArchivedFile, _: Walk) -> Item:
    return node(_FILE, (bytes.fromhex(file.blob.id), file.blob.size, file.extension))


_FILE: Final = prefix("file")
register_item(ArchivedFile, _item)


def copied(source: BinaryIO, sink: BinaryIO) -> None:
    """Write all of *source* into *sink*, in pieces of one size through one buffer."""
    piece = memoryview(bytearray(PIECE))
    fill: Callable[[memoryview], int] = cast("Any", source).readinto
    while count := fill(piece):
        sink.write(piece[:count])


def _all_of(source: BinaryIO) -> bytes:
    return source.read()


# ---------------------------------------------------------------- keepers

_current: Final[list[Callable[[], Keeper]]] = []
_is_home: Final[list[Callable[[Keeper], bool]]] = []


def resolve_files_with(current: Callable[[], Keeper], is_home: Callable[[Keeper], bool]) -> None:
    """Say where unpickled files find their bytes, and whether a keeper is where what is being written goes."""
    _current[:], _is_home[:] = [current], [is_home]


def current_keeper() -> Keeper:
    """The repository that is being read; while none is, the environment's current one."""
    return _current[0]()


def reference_of(keeper: Keeper, name: str) -> Original | None:
    """What a pickle says of the *keeper*: nothing of a repository, for whoever unpickles it has one.

    Raises:
        PicklingError: if the pickle is to be stored where the bytes are not.
    """
    if not _is_home[0](keeper):
        raise pickle.PicklingError(
            f"the bytes of {name!r} are not in the repository that would refer to them; archive it there first"
        )
    return keeper if isinstance(keeper, Original) else None

"""Where the bytes of archived files are: with a repository or, until they are stored, in the user's own file."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, BinaryIO, Final, Protocol, TypeVar, cast

from attrs import Attribute, field, frozen

from provenance.ids import ID_DIGITS, is_prefix
from provenance.records import Blob

T = TypeVar("T")
PIECE: Final = 1 << 20
"""Bytes in which files are read and written."""
_LONGEST_NAME: Final = 255
Pour = Callable[[BinaryIO], None]
"""Writes all bytes of a file into a sink."""


def _is_inside(_: object, __: Attribute[str], value: str) -> None:
    """Refuse what would lead out of a folder: manifests may come from a store that others write to."""
    if "\0" in value or any(each in ("", ".", "..") for each in value.split("/")):
        raise ValueError(f"{value!r} is no path inside a folder")
    for name in value.split("/"):
        check_file_name(name)


def check_file_name(name: str) -> None:
    """Raise ValueError for a name that no file can have: one that is too long, or not text of any encoding."""
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"{name[:20]!r}… is longer than the name of a file can be")
    name.encode(
        "utf-8", "surrogateescape"
    )  # which may stand for bytes of an unknown encoding; others stand for nothing


def is_digest(_: object, __: Attribute[Blob], value: Blob) -> None:
    """Refuse what is no digest, and so must not become part of a path; as a validator of attrs."""
    if len(value.id) != ID_DIGITS or not is_prefix(value.id):
        raise ValueError(f"{value.id!r} is no digest")


@frozen
class Member:
    """A file of a folder: its path from there (with `/`), its bytes, and whether it may be executed."""

    path: str = field(validator=_is_inside)
    blob: Blob = field(validator=is_digest)
    executable: bool = False


class Keeper(Protocol):
    """Where the bytes of archived files are."""

    def local_path(self, blob: Blob, extension: str, /) -> str:
        """Path of a local file that holds the bytes, whose name ends with *extension*."""
        ...

    def local_folder(self, blob: Blob, members: tuple[Member, ...], /) -> str:
        """Path of a local folder that holds the *members*; *blob* is its manifest."""
        ...

    def read_bytes_of(self, blob: Blob, read: Callable[[BinaryIO], T], /) -> T:
        """What *read* makes of the bytes, which were checked against their digest where they are stored."""
        ...


@frozen
class Original:
    """The user's own file or folder, not stored yet; `stamp` tells whether a file was changed since it was examined.

    `parts` are the files of a folder. `link` is the stamp of a symbolic link at *path*, which led to the file or folder.
    """

    path: str
    stamp: tuple[int, ...] = ()
    parts: tuple[Original, ...] = ()
    link: tuple[int, ...] = ()

    def local_path(self, _blob: Blob, _extension: str, /) -> str:
        """The file itself."""
        return self.path

    def local_folder(self, _blob: Blob, _members: tuple[Member, ...], /) -> str:
        """The folder itself."""
        return self.path

    def read_bytes_of(self, _: Blob, read: Callable[[BinaryIO], T], /) -> T:
        """What *read* makes of the file as it is now; raises OSError."""
        with open(self.path, "rb") as file:  # noqa: PTH123 - paths are text here, as the user gave them
            return read(file)


def copied(source: BinaryIO, sink: BinaryIO) -> None:
    """Write all of *source* into *sink*, in pieces of one size through one buffer."""
    piece = memoryview(bytearray(PIECE))
    fill: Callable[[memoryview], int] = cast("Any", source).readinto
    while count := fill(piece):
        sink.write(piece[:count])


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

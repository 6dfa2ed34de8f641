"""Sources of the bytes of archived files: a repository or the user's own file."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, BinaryIO, Final, Protocol, TypeVar, cast

from attrs import Attribute, field, frozen

from provenance.ids import ID_DIGITS, is_prefix
from provenance.records import Blob

T = TypeVar("T")
PIECE: Final = 1 << 20
"""Size in bytes of the chunks in which files are read and written."""
_LONGEST_NAME: Final = 255
Pour = Callable[[BinaryIO], None]
"""Writes all bytes of a file into a sink."""


def _is_inside(_: object, __: Attribute[str], value: str) -> None:
    # Manifests of an untrusted store must not lead out of the folder.
    if "\0" in value or any(part in ("", ".", "..") for part in value.split("/")):
        raise ValueError(f"path {value!r} escapes the folder")
    for name in value.split("/"):
        check_file_name(name)


def check_file_name(name: str) -> None:
    """Raise ValueError for a name that no file can have: one that is too long, or not text of any encoding."""
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"{name[:20]!r}… is longer than the name of a file can be")
    # Escaped surrogates stand for bytes of an unknown encoding, other surrogates for nothing.
    name.encode("utf-8", "surrogateescape")


def is_digest(_: object, __: Attribute[Blob], value: Blob) -> None:
    """Raise ValueError if the id is not a digest, for it becomes part of paths (validator)."""
    if len(value.id) != ID_DIGITS or not is_prefix(value.id):
        raise ValueError(f"invalid digest {value.id!r}")


@frozen
class Member:
    """A file of a folder: its path (with `/`), its bytes, and whether it is executable."""

    path: str = field(validator=_is_inside)
    blob: Blob = field(validator=is_digest)
    executable: bool = False


class Keeper(Protocol):
    """A source of the bytes of archived files."""

    def local_path(self, blob: Blob, extension: str, /) -> str:
        """Return the path of a local file with the bytes, whose name ends with *extension*."""
        ...

    def local_folder(self, blob: Blob, members: tuple[Member, ...], /) -> str:
        """Return the path of a local folder with the *members*; *blob* is its manifest."""
        ...

    def read_bytes_of(self, blob: Blob, read: Callable[[BinaryIO], T], /) -> T:
        """Return the result of *read* for the bytes, whose digest is verified."""
        ...


@frozen
class Original:
    """The user's own file or folder, not stored yet.

    `stamp` tells whether the file has changed since it was hashed. `parts` are the files of a
    folder. `link` is the stamp of a symbolic link at *path*, which led to the file or folder.
    """

    __module__ = "provenance"

    path: str
    stamp: tuple[int, ...] = ()
    parts: tuple[Original, ...] = ()
    link: tuple[int, ...] = ()

    def local_path(self, _blob: Blob, _extension: str, /) -> str:
        """Return the path of the file itself."""
        return self.path

    def local_folder(self, _blob: Blob, _members: tuple[Member, ...], /) -> str:
        """Return the path of the folder itself."""
        return self.path

    def read_bytes_of(self, _: Blob, read: Callable[[BinaryIO], T], /) -> T:
        """Return the result of *read* for the file as it is now; raises OSError."""
        with open(self.path, "rb") as file:  # noqa: PTH123 - a string
            return read(file)


def copied(source: BinaryIO, sink: BinaryIO) -> None:
    """Write all of *source* into *sink*, through one buffer."""
    piece = memoryview(bytearray(PIECE))
    fill: Callable[[memoryview], int] = cast("Any", source).readinto
    while count := fill(piece):
        sink.write(piece[:count])


_current: Final[list[Callable[[], Keeper]]] = []
_is_home: Final[list[Callable[[Keeper], bool]]] = []


def resolve_files_with(current: Callable[[], Keeper], is_home: Callable[[Keeper], bool]) -> None:
    """Set the source of unpickled files, and the test for the repository being written to."""
    _current[:], _is_home[:] = [current], [is_home]


def current_keeper() -> Keeper:
    """Return the repository being read, else the environment's current one."""
    return _current[0]()


def reference_of(keeper: Keeper, name: str) -> Original | None:
    """Return what a pickle contains of the *keeper*: an original, but not a repository.

    Raises:
        PicklingError: if the pickle is being stored in a repository without the bytes.
    """
    if not _is_home[0](keeper):
        raise pickle.PicklingError(
            f"the bytes of {name!r} are not in the repository that would refer to them; archive it "
            "there first"
        )
    return keeper if isinstance(keeper, Original) else None

"""Files and folders as the file system has them: read through, listed, and put together from copies."""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH103, PTH104, PTH116, PTH118, PTH120, PTH121, PTH123, PTH208
from __future__ import annotations

import errno
import io
import os
import shutil
import time
from collections.abc import Iterator
from stat import S_ISDIR, S_ISREG
from typing import BinaryIO, Final, TypeAlias, cast

from provenance.effects.sinks import Hashing
from provenance.hashing.threads import LARGE
from provenance.keepers import Member
from provenance.records import Blob

Copies: TypeAlias = "tuple[tuple[Member, str], ...]"
_BUILDING: Final = ".tmp-"


def stamp(status: os.stat_result) -> tuple[int, ...]:
    """What changes when a file is written to."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def through(file: BinaryIO) -> Blob:
    """The blob that *file* holds, by way of one buffer."""
    piece = memoryview(bytearray(min(LARGE, os.fstat(file.fileno()).st_size) or 1))
    hashing = Hashing()
    raw = cast("io.BufferedReader", file)
    while count := raw.readinto(piece):
        hashing.add(piece[:count])
    return hashing.blob()


def holds(path: str, blob: Blob) -> bool:
    """Whether the file at *path* holds *blob*."""
    with open(path, "rb") as file:
        return through(file) == blob


def listed(folder: str, way: str = "") -> Iterator[tuple[str, str]]:
    """Each file below *folder*: its path from there with `/`, and as the system takes it.

    Raises OSError for a symbolic link (what it leads to may be anywhere) and for what is no regular file.
    """
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        mode = os.lstat(path).st_mode
        if S_ISDIR(mode):
            yield from listed(path, f"{way}{name}/")
        elif S_ISREG(mode):
            yield way + name, path
        else:
            what = "a symbolic link" if os.path.islink(path) else "neither a file nor a folder"  # noqa: PTH114 - as above
            raise OSError(errno.EINVAL, f"it is {what}: put a file or folder in its place", path)


def assembled(folder: str, copies: Copies) -> str:
    """*folder*, which holds the *copies* and nothing else; it is put together beside its place and then renamed."""
    if not _is_whole(folder, copies):
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        building = f"{os.path.dirname(folder)}{os.sep}{_BUILDING}{os.getpid()}-{os.urandom(8).hex()}"
        try:
            _build(building, copies)
            _publish(building, folder, copies)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return folder


def _build(folder: str, copies: Copies) -> None:
    os.makedirs(folder)
    for member, copy in copies:
        target = os.path.join(folder, *member.path.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        try:
            os.link(copy, target)
        except OSError:  # not every file system can
            shutil.copy2(copy, target)


def _publish(building: str, folder: str, copies: Copies) -> None:
    """Rename *building* to *folder*, unless another process was quicker; one that somebody changed makes room."""
    try:
        os.rename(building, folder)
    except OSError:
        if _is_whole(folder, copies):
            return
        aside = f"{building}-old"
        os.rename(folder, aside)
        os.rename(building, folder)
        shutil.rmtree(aside, ignore_errors=True)


def _is_whole(folder: str, copies: Copies) -> bool:
    try:
        found = dict(listed(folder))
        return found.keys() == {member.path for member, _ in copies} and all(
            _is_like(found[member.path], copy, member.blob) for member, copy in copies
        )
    except OSError:
        return False


def _is_like(path: str, copy: str, blob: Blob) -> bool:
    return os.path.samefile(path, copy) or holds(path, blob)


def renew(path: str, after: float) -> bool:
    """Note that what is at *path* is in use, if that was last noted more than *after* seconds ago."""
    old = time.time() - os.stat(path).st_mtime > after
    if old:
        os.utime(path)
    return old

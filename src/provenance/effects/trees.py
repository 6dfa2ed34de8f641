"""Files and folders of the file system: hashed, listed, and assembled from copies."""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH103, PTH104, PTH114, PTH116, PTH118, PTH120, PTH121, PTH123, PTH208
from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
from stat import S_ISDIR, S_ISREG
from typing import Final, TypeAlias

from provenance.effects.sinks import read_through
from provenance.keepers import Member
from provenance.records import Blob

Copies: TypeAlias = "tuple[tuple[Member, str], ...]"
_BUILDING: Final = ".tmp-"


def stamp(status: os.stat_result) -> tuple[int, ...]:
    """Return what changes when a file is written."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def holds(path: str, blob: Blob) -> bool:
    """Return whether the file at *path* holds *blob*."""
    with open(path, "rb") as file:
        return read_through(file) == blob


def listed(folder: str, way: str = "") -> Iterator[tuple[str, str]]:
    """Yield each file below *folder*: its relative path with `/`, and its path for the system.

    Raises OSError for a symbolic link, which may lead anywhere, and for special files.
    """
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        mode = os.lstat(path).st_mode
        if S_ISDIR(mode):
            yield from listed(path, f"{way}{name}/")
        elif S_ISREG(mode):
            yield way + name, path
        else:
            what = "a symbolic link" if os.path.islink(path) else "neither a file nor a folder"
            problem = f"it is {what}: put a file or folder in its place"
            raise OSError(errno.EINVAL, problem, path)


def assembled(folder: str, copies: Copies) -> str:
    """Return *folder*, built under another name and renamed if it does not hold just *copies*."""
    if not _is_whole(folder, copies):
        parent = os.path.dirname(folder)
        os.makedirs(parent, exist_ok=True)
        building = f"{parent}{os.sep}{_BUILDING}{os.getpid()}-{os.urandom(8).hex()}"
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
        except OSError:  # the file system has no hard links
            shutil.copy2(copy, target)


def _publish(building: str, folder: str, copies: Copies) -> None:
    """Rename *building* to *folder*, unless another process was faster; replace a changed one."""
    try:
        os.rename(building, folder)
    except OSError:
        if _is_whole(folder, copies):
            return
        old = f"{building}-old"
        os.rename(folder, old)
        os.rename(building, folder)
        shutil.rmtree(old, ignore_errors=True)


def _is_whole(folder: str, copies: Copies) -> bool:
    """Return whether *folder* holds *copies* and nothing else."""
    try:
        found = dict(listed(folder))
        return found.keys() == {member.path for member, _ in copies} and all(
            os.path.samefile(found[member.path], copy) or holds(found[member.path], member.blob)
            for member, copy in copies
        )
    except OSError:
        return False


def renew(path: str, after: float) -> bool:
    """Touch *path* as in use if that was last done more than *after* seconds ago."""
    is_old = time.time() - os.stat(path).st_mtime > after
    if is_old:
        os.utime(path)
    return is_old

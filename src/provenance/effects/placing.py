"""Atomic renames, quarantine and fsync."""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH103, PTH116, PTH120, PTH123
from __future__ import annotations

import errno
import os
from stat import S_ISREG

from provenance.effects.duplicates import are_same


def size_of(path: str) -> int | None:
    """Return the size of the file at *path*; None if it is not a regular file. Raises OSError."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return None
    return status.st_size if S_ISREG(status.st_mode) else None


def is_in_the_way(path: str) -> bool:
    """Return whether something that is not a file is at *path*: a folder, or a dangling link."""
    return os.path.lexists(path) and size_of(path) is None


def hold_the_same(path: str, other: str) -> bool:
    """Return whether two files hold the same bytes. Raises OSError."""
    with open(path, "rb") as one, open(other, "rb") as two:
        return are_same(one, two)


def move(path: str, target: str, *, link: bool = False) -> None:
    """Rename *path* to *target*, or hard *link* it if *target* must be new; make missing folders.

    Raises OSError.
    """
    move = os.link if link else os.replace
    try:
        move(path, target)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        move(path, target)


def sync_folder(folder: str) -> None:
    """Flush the names in *folder* to the device, where the system can. Raises OSError."""
    if os.name != "posix":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def set_aside(path: str, target: str) -> None:
    """Move what is at *path*, if anything, to *target*, or to a name like it if that is taken.

    Raises OSError.
    """
    try:
        # Its age counts from now: how long it has been in quarantine.
        os.utime(path)
    except FileNotFoundError:
        return
    except OSError:
        pass  # a link to itself, or another user's file
    try:
        move(path, target)
    except FileNotFoundError:
        pass  # another process was faster
    except OSError:
        if not os.path.lexists(target):
            raise
        move(path, f"{target}-{os.urandom(8).hex()}")

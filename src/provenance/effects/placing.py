"""Giving files their names, and getting out of the way what is in their place."""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH103, PTH116, PTH120, PTH123
from __future__ import annotations

import errno
import os
from stat import S_ISREG

from provenance.effects.duplicates import are_same


def size_of(path: str) -> int | None:
    """How many bytes the file at *path* has; None where there is no file. Raises OSError."""
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
    """Whether what is at *path* is no file: a folder, or a link that leads nowhere."""
    return os.path.lexists(path) and size_of(path) is None


def hold_the_same(path: str, other: str) -> bool:
    """Whether two files hold the same bytes. Raises OSError."""
    with open(path, "rb") as one, open(other, "rb") as two:
        return are_same(one, two)


def move(path: str, target: str, *, link: bool = False) -> None:
    """Rename *path* to *target*, whose folder is made if need be, or make a *link* there, if there is nothing yet. Raises OSError."""
    move = os.link if link else os.replace
    try:
        move(path, target)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        move(path, target)


def sync_folder(folder: str) -> None:
    """Make the names in *folder* survive the loss of power, where folders can be opened for that. Raises OSError."""
    if os.name != "posix":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def set_aside(path: str, target: str) -> None:
    """Move what is at *path*, if anything is, to *target*, or beside that where it must not take its place. Raises OSError."""
    try:
        os.utime(path)  # its age is from now on that of its being there
    except FileNotFoundError:
        return
    except OSError:  # a link that leads to itself, or another user's
        pass
    try:
        move(path, target)
    except FileNotFoundError:  # somebody else was quicker
        pass
    except OSError:
        if not os.path.lexists(target):
            raise
        move(path, f"{target}-{os.urandom(8).hex()}")

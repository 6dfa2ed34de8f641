"""Files of a blob folder: atomic renames, quarantine, listing, and deleting what is old."""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH102, PTH103, PTH104, PTH105, PTH110, PTH112, PTH114, PTH116, PTH118, PTH119, PTH120, PTH123, PTH208

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from stat import S_ISREG
from typing import Final

from provenance.effects.io import is_digest, remove
from provenance.ports.blobs import BlobArea, BlobEntry, have_same_bytes


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


def is_not_a_file(path: str) -> bool:
    """Return whether something that is not a file is at *path*: a folder, or a dangling link."""
    return os.path.lexists(path) and size_of(path) is None


def have_same_content(path: str, other: str) -> bool:
    """Return whether two files hold the same bytes. Raises OSError."""
    with open(path, "rb") as one, open(other, "rb") as two:
        return have_same_bytes(one, two)


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


def quarantine_file(path: str, target: str) -> None:
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


TEMPORARY: Final = ".tmp"
QUARANTINE: Final = ".quarantine"
_FOLDERS: Final = {BlobArea.TEMPORARY: TEMPORARY, BlobArea.QUARANTINED: QUARANTINE}
_MOVED: Final = "moved-"
_MOMENT: Final = 1.0
"""Seconds after which a collector that moved a file away counts as killed."""
_IS_GROUP: Final = re.compile(r"[0-9a-f]{2}").fullmatch


def list_entries(root: str, shelf: BlobArea, after: str, limit: int) -> tuple[BlobEntry, ...]:
    """Return up to *limit* entries of a shelf below *root* after the key *after*, in order.

    Raises OSError.
    """
    found = (_holding(key, path) for key, path in _paths(root, shelf, after))
    return tuple(islice((holding for holding in found if holding is not None), limit))


def delete_if_older(root: str, shelf: BlobArea, key: str, before: datetime) -> bool:
    """Delete what is stored under *key* if it is older than *before*; return whether it was.

    It is moved away first, and back if it turns out that it was written again, or used, just
    before. What another process writes afterwards is another file, which is not touched; a reader
    that misses the file meanwhile calls `was_restored`. Raises OSError.
    """
    path = _path(root, shelf, key)
    if path is None or not _is_old(path, before) or (shelf is BlobArea.STORED and _is_folder(path)):
        return False
    aside = os.path.join(root, TEMPORARY, f"{_MOVED}{key}-{os.urandom(8).hex()}")
    with suppress(FileExistsError):
        os.mkdir(os.path.dirname(aside))
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return False  # another process was faster
    if not _is_old(aside, before):
        _restore(aside, path)
        return False
    if _is_folder(aside):
        from shutil import rmtree

        rmtree(aside)  # a quarantined folder that was in the place of a file
    else:
        remove(aside)
    return True


def touch(path: str) -> bool:
    """Touch a stored file to protect it from collectors; return False if one deleted it meanwhile.

    The system looks up the path before it changes the time, and a collector may come in between.
    So the touch counts only if the same file is still under its name afterwards.
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        os.utime(path)
        return os.path.samestat(os.fstat(fd), os.stat(path))
    finally:
        os.close(fd)


def was_restored(root: str, key: str) -> bool:
    """Return whether a missing stored file was only moved away, and is there now. Raises OSError.

    A file that a killed collector left behind is put back.
    """
    path = os.path.join(root, key[:2], key[2:])
    folder = os.path.join(root, TEMPORARY)
    until = time.monotonic() + _MOMENT
    while names := [name for name in _names(folder) if name.startswith(f"{_MOVED}{key}-")]:
        if time.monotonic() > until:
            _restore(os.path.join(folder, names[0]), path)
        time.sleep(0.001)
    return os.path.exists(path)


def _restore(aside: str, path: str) -> None:
    """Give a file its name again, unless another file has it now."""
    try:
        os.link(aside, path)
    except (FileExistsError, FileNotFoundError):
        pass  # another process put it back
    except OSError:
        os.replace(aside, path)  # the file system has no hard links
    remove(aside)


def _path(root: str, shelf: BlobArea, key: str) -> str | None:
    """Return the path of an entry; None for an invalid key, which must not become a path."""
    if shelf is BlobArea.STORED:
        return os.path.join(root, key[:2], key[2:]) if is_digest(key) else None
    if os.path.basename(key) != key or key in ("", ".", ".."):
        return None
    return os.path.join(root, _FOLDERS[shelf], key)


def _paths(root: str, shelf: BlobArea, after: str) -> Iterator[tuple[str, str]]:
    """Yield the keys after *after* and their paths, in order."""
    if shelf is not BlobArea.STORED:
        folder = os.path.join(root, _FOLDERS[shelf])
        yield from ((name, os.path.join(folder, name)) for name in _names(folder) if name > after)
        return
    for group in _names(root):
        if _IS_GROUP(group) and group >= after[:2]:
            folder = os.path.join(root, group)
            for rest in _names(folder):
                path = os.path.join(folder, rest)
                if group + rest > after and is_digest(group + rest) and not _is_folder(path):
                    yield group + rest, path


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_folder(path: str) -> bool:
    """Return whether a real folder is at *path*; this library makes none among the blobs."""
    return os.path.isdir(path) and not os.path.islink(path)


def _holding(key: str, path: str) -> BlobEntry | None:
    try:
        status = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return BlobEntry(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _is_old(path: str, before: datetime) -> bool:
    holding = _holding("", path)
    return holding is not None and holding.since < before

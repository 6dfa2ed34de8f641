"""What lies in a folder of blobs: listed page by page, and deleted if it is old."""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH112, PTH114, PTH116, PTH118, PTH119, PTH208
from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from provenance.chores import Holding, Shelf
from provenance.effects.temporary import remove
from provenance.ids import ID_DIGITS

TEMPORARY: Final = ".tmp"
QUARANTINE: Final = ".quarantine"
_FOLDERS: Final = {Shelf.TEMPORARY: TEMPORARY, Shelf.QUARANTINED: QUARANTINE}
_ASIDE: Final = "aside-"
_MOMENT: Final = 1.0
"""Seconds after which whoever moved a file out of the way was killed before it could move it back."""
_IS_GROUP: Final = re.compile(r"[0-9a-f]{2}").fullmatch
_IS_REST: Final = re.compile(rf"[0-9a-f]{{{ID_DIGITS - 2}}}").fullmatch


def listed(root: str, shelf: Shelf, after: str, limit: int) -> tuple[Holding, ...]:
    """What lies on a shelf of the folder *root* under names after *after*, in order; at most *limit*. Raises OSError."""
    names = _stored(root, after) if shelf is Shelf.STORED else _others(os.path.join(root, _FOLDERS[shelf]), after)
    found = (_holding(key, path) for key, path in names if shelf is not Shelf.STORED or not _is_folder(path))
    return tuple(islice((each for each in found if each is not None), limit))


def discarded(root: str, shelf: Shelf, key: str, before: datetime) -> bool:
    """Delete what lies under *key* since *before* a moment; answers whether it went. Raises OSError.

    It is moved out of the way first, and back if it turns out that it was written anew, or taken into use, just before:
    what another process writes afterwards is another file, which is not touched. Who misses it meanwhile asks `is_back`.
    """
    path = _path(root, shelf, key)
    if path is None or not _is_old(path, before) or (shelf is Shelf.STORED and _is_folder(path)):
        return False
    aside = os.path.join(root, TEMPORARY, f"{_ASIDE}{key}-{os.urandom(8).hex()}")
    with suppress(FileExistsError):
        os.mkdir(os.path.dirname(aside))  # noqa: PTH102, PTH120 - as above
    try:
        os.rename(path, aside)  # noqa: PTH104 - as above
    except FileNotFoundError:
        return False  # somebody else was quicker
    if not _is_old(aside, before):
        _put_back(aside, path)
        return False
    if _is_folder(aside):
        shutil.rmtree(aside)  # what was in the place of a file, and was put aside
    else:
        remove(aside)
    return True


def renewed(path: str) -> bool:
    """Let a stored file look as if it was just written, so that no collector takes it; False if one did meanwhile.

    The system finds a file by its path before it changes its time. A collector may come in between: so it is the same file, still
    under its name, only if that is so afterwards.
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        os.utime(path)
        return os.path.samestat(os.fstat(fd), os.stat(path))
    finally:
        os.close(fd)


def is_back(root: str, key: str) -> bool:
    """Whether a stored file that is missed was just out of the way, and is there now. Raises OSError.

    One that a killed collector left out of the way is put back.
    """
    path = os.path.join(root, key[:2], key[2:])
    until = time.monotonic() + _MOMENT
    while aside := _found_aside(root, key):
        if time.monotonic() > until:
            _put_back(aside, path)
        time.sleep(0.001)
    return os.path.exists(path)  # noqa: PTH110 - as above


def _found_aside(root: str, key: str) -> str | None:
    folder = os.path.join(root, TEMPORARY)
    return next((os.path.join(folder, each) for each in _names(folder) if each.startswith(f"{_ASIDE}{key}-")), None)


def _put_back(aside: str, path: str) -> None:
    """Give a file its name again, unless another has it by now."""
    try:
        os.link(aside, path)
    except (FileExistsError, FileNotFoundError):  # somebody else has put it back
        pass
    except OSError:  # not every file system can
        os.replace(aside, path)  # noqa: PTH105 - as above
    remove(aside)


def _path(root: str, shelf: Shelf, key: str) -> str | None:
    """Where it lies; None for what is no name on this shelf, and so must not become a path."""
    if shelf is Shelf.STORED:
        group, rest = key[:2], key[2:]
        return os.path.join(root, group, rest) if _IS_GROUP(group) and _IS_REST(rest) else None
    return None if os.path.basename(key) != key or key in ("", ".", "..") else os.path.join(root, _FOLDERS[shelf], key)


def _stored(root: str, after: str) -> Iterator[tuple[str, str]]:
    for group in _names(root):
        if _IS_GROUP(group) and group >= after[:2]:
            folder = os.path.join(root, group)
            for rest in _names(folder):
                if group + rest > after and _IS_REST(rest):
                    yield group + rest, os.path.join(folder, rest)


def _others(folder: str, after: str) -> Iterator[tuple[str, str]]:
    for name in _names(folder):
        if name > after:
            yield name, os.path.join(folder, name)


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_folder(path: str) -> bool:
    """Whether a folder is at *path*; one among the blobs is none of ours."""
    return os.path.isdir(path) and not os.path.islink(path)


def _holding(key: str, path: str) -> Holding | None:
    try:
        status = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return Holding(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _is_old(path: str, before: datetime) -> bool:
    holding = _holding("", path)
    return holding is not None and holding.since < before

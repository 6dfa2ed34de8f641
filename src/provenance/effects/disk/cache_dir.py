"""Cache directories: each is removed at exit by the process that made it, unless others use it.

A user of such a folder holds a shared lock on a file in it, so that processes know of each other.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from attrs import define

_log: Final = logging.getLogger("provenance")
_LOCK: Final = ".lock"


@define
class _CacheDirUse:
    """This process's use of a folder: the process that may remove it, and the lock it holds."""

    owner: int | None = None
    lock: int | None = None


_uses: Final[dict[Path, _CacheDirUse]] = {}
_kept_folders: Final[set[Path]] = set()


def protect(folder: Path) -> None:
    """Protect *folder*, its contents and its parents from being removed by this process."""
    _kept_folders.add(folder.absolute())


def open_cache_dir(folder: Path | None, *, cleanup: bool) -> Path:
    """Return the folder, made if it is missing, or a new temporary one.

    With *cleanup* it is removed when the process that made it ends. Raises OSError.
    """
    if folder is None:
        from tempfile import mkdtemp

        is_new, path = True, Path(mkdtemp(prefix="provenance-cachedir-"))
    else:
        path = folder.absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = True
        try:
            path.mkdir()
        except FileExistsError:
            is_new = False
    if not cleanup:
        protect(path)
    use = _uses.setdefault(path, _CacheDirUse())
    if is_new and cleanup:
        use.owner = os.getpid()
    if use.lock is None:
        use.lock = _acquire_lock(path)
    return path


def _acquire_lock(path: Path) -> int | None:
    """Take a shared lock on the folder; return None if that is impossible."""
    if sys.platform == "win32":  # only stores of this process know of each other
        return None
    import fcntl

    with suppress(OSError):
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
        except OSError:
            os.close(lock)
            raise
        return lock
    return None


def _is_free(path: Path, use: _CacheDirUse) -> bool:
    """Return whether no other store, here or in another process, uses the folder."""
    if any(kept == path or kept in path.parents or path in kept.parents for kept in _kept_folders):
        return False
    if sys.platform == "win32":
        return True
    import fcntl

    if use.lock is None:
        return False
    try:
        fcntl.flock(use.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def clean_up() -> None:
    """Remove the folders that this process made and that no other one uses."""
    for path, use in list(_uses.items()):
        if use.owner == os.getpid() and _is_free(path, use):
            use.owner = None
            from shutil import rmtree

            rmtree(path, ignore_errors=True)
            _log.debug("removed %s", path)


def _lock_again() -> None:
    """Take new locks in a forked child: the inherited ones are the parent's."""
    for path, use in _uses.items():
        if use.lock is not None:
            lock, use.lock = use.lock, _acquire_lock(path)
            with suppress(OSError):
                os.close(lock)


atexit.register(clean_up)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_lock_again)

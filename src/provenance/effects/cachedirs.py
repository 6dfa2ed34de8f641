"""Folders of local copies, and who removes them: the process that made one, when it ends, if nobody else uses it.

Who uses such a folder holds a shared lock on a file in it, so that processes know of each other.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from attrs import define

_log: Final = logging.getLogger("provenance")
_LOCK: Final = ".lock"


@define
class _Use:
    """What this process knows of a folder: the process that made it and may remove it, and the lock that it holds."""

    owner: int | None = None
    lock: int | None = None


_uses: Final[dict[Path, _Use]] = {}
_kept: Final[set[Path]] = set()


def keep(folder: Path) -> None:
    """Let nobody in this process remove *folder*, or what is in it or around it."""
    _kept.add(folder.absolute())


def cachedir(folder: Path | None, *, cleanup: bool) -> Path:
    """The folder, made if need be; without one, a temporary one. With *cleanup* it goes with the process that made it.

    Raises OSError.
    """
    if folder is None:
        made, path = True, Path(tempfile.mkdtemp(prefix="provenance-cachedir-"))
    else:
        path = folder.absolute()
        made = _make(path)
    if not cleanup:
        keep(path)
    use = _uses.setdefault(path, _Use())
    if made and cleanup:
        use.owner = os.getpid()
    if use.lock is None:
        use.lock = _locked(path)
    return path


def _make(path: Path) -> bool:
    """Make a folder; False where it is there already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True


def _locked(path: Path) -> int | None:
    """A shared lock on the folder; None where there is none to be had."""
    if sys.platform == "win32":  # where only stores of this process know of each other
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


def _is_free(path: Path, use: _Use) -> bool:
    """Whether no other store, here or in another process, uses the folder."""
    if any(each == path or each in path.parents or path in each.parents for each in _kept):
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
    """Remove what this process made, and nobody else uses."""
    for path, use in list(_uses.items()):
        if use.owner == os.getpid() and _is_free(path, use):
            use.owner = None
            shutil.rmtree(path, ignore_errors=True)
            _log.debug("removed %s", path)


def _lock_anew() -> None:
    """Hold locks of one's own: those of the parent are its."""
    for path, use in _uses.items():
        if use.lock is not None:
            lock, use.lock = use.lock, _locked(path)
            with suppress(OSError):
                os.close(lock)


atexit.register(clean_up)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_lock_anew)

"""Temporary files, beside the place where they will be published."""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH103, PTH108, PTH118
from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_STALE: Final = 24 * 60 * 60.0
"""Seconds after its last write when a temporary file counts as abandoned."""
_CREATE: Final = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)


class Temporary:
    """Files with unique names under *root*; the first one of a process deletes abandoned ones."""

    def __init__(self, root: str) -> None:
        self._folder = os.path.join(root, ".tmp")
        self._swept_by = 0

    def create(self) -> tuple[int, str]:
        """Return an open file and its path, with the mode that the umask leaves. Raises OSError."""
        pid = os.getpid()
        if self._swept_by != pid:
            self._swept_by = pid
            sweep(self._folder, time.time() - _STALE)
        path = f"{self._folder}{os.sep}{pid}-{os.urandom(8).hex()}"
        try:
            return os.open(path, _CREATE, 0o666), path
        except FileNotFoundError:
            os.makedirs(self._folder, exist_ok=True)
            return os.open(path, _CREATE, 0o666), path


def sweep(folder: str, before: float, delete: Callable[[str], None] = os.unlink) -> None:
    """Delete what is in *folder* and was last written *before*, as far as it can be deleted."""
    # Errors are ignored: cleaning must not fail the write that it precedes.
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    delete(entry.path)


def remove(path: str) -> None:
    """Delete the file at *path* if it exists. Raises OSError."""
    with suppress(FileNotFoundError):
        os.unlink(path)

"""Spool files: bytes pass through them on their way to a remote store and back."""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH103, PTH118
from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Final

from provenance.effects.temporary import Temporary, remove
from provenance.effects.trouble import Reaching

_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH if os.name == "posix" else 0


class Spool:
    """Temporary local files of *store*; errors about them say `name`."""

    def __init__(self, store: str) -> None:
        self.name: Final = temporary_files_of(store)
        self.reaching: Final = Reaching(self.name)

    @contextmanager
    def file(self) -> Generator[tuple[int, str]]:
        """Open an empty file for writing and yield it with its path; close and delete it after."""
        with self.reaching:
            fd, path = _temporary(tempfile.gettempdir()).create()
        try:
            yield fd, path
        finally:
            os.close(fd)
            with self.reaching:
                remove(path)


def temporary_files_of(store: str) -> str:
    """Return the name of the spool files of *store* for error messages."""
    return f"{store} (its temporary files, in {tempfile.gettempdir()})"


@cache
def _temporary(folder: str) -> Temporary:
    """Return names in a private folder of this user below *folder*, which others may write to."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    path = os.path.join(folder, f"provenance-{user}")
    os.makedirs(path, mode=0o700, exist_ok=True)
    status = os.lstat(path)
    is_private = status.st_uid == user and not status.st_mode & _OTHERS_WRITE
    if not (is_private and stat.S_ISDIR(status.st_mode)):
        path = tempfile.mkdtemp(prefix="provenance-", dir=folder)
    return Temporary(path)

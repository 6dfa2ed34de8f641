"""Local files through which bytes pass on their way to a place that is elsewhere, and back."""

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
    """Files that are there while *store* needs them; `name` says of a full disk whose it is."""

    def __init__(self, store: str) -> None:
        self.name: Final = temporary_files_of(store)
        self.reaching: Final = Reaching(self.name)

    @contextmanager
    def file(self) -> Generator[tuple[int, str]]:
        """An empty file that is open for writing, and its path; it is closed and deleted afterwards."""
        with self.reaching:
            fd, path = _temporary(tempfile.gettempdir()).create()
        try:
            yield fd, path
        finally:
            os.close(fd)
            with self.reaching:
                remove(path)


def temporary_files_of(store: str) -> str:
    """What an error calls the files of *store*."""
    return f"{store} (its temporary files, in {tempfile.gettempdir()})"


@cache
def _temporary(folder: str) -> Temporary:
    """Names in a folder of this user's own below *folder*, where anybody may make any other folder."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    path = os.path.join(folder, f"provenance-{user}")
    os.makedirs(path, mode=0o700, exist_ok=True)
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != user or status.st_mode & _OTHERS_WRITE:
        path = tempfile.mkdtemp(prefix="provenance-", dir=folder)
    return Temporary(path)

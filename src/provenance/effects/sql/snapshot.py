"""SQLite files that may not be written to: on a read-only mount, or in the folder of somebody else."""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import quote

from provenance.effects.sql import statements
from provenance.errors import StoreUnavailableError

_LOG: Final = "-wal"
_INDEX: Final = "-shm"


def is_read_only(path: Path) -> bool:
    """Tell whether the database exists, and neither it nor a log beside it can be written."""
    return path.exists() and not (os.access(path.parent, os.W_OK) and os.access(path, os.W_OK))


def state_of(path: str) -> tuple[int, ...]:
    """Return what changes when another process writes to the database."""
    states: list[int] = []
    for suffix in ("", _LOG):
        try:
            found = os.stat(path + suffix)  # noqa: PTH116 - for each query
        except OSError:
            states.append(-1)
        else:
            states += (found.st_ino, found.st_size, found.st_mtime_ns)
    return tuple(states)


def open_snapshot(path: Path, name: str, patience: float) -> sqlite3.Connection:
    """Open a database that may not be written to.

    SQLite needs a log and an index of it beside a database in WAL mode. Where they are, somebody is writing or was
    killed, and they are read; where they are not, the file alone says everything.

    Raises:
        StoreUnavailableError: if a log is left that cannot be read here, or the tables are of another version.
    """
    has_log = _size(path, _LOG) > 0
    is_shared = has_log or _size(path, _INDEX) >= 0
    options = "mode=ro" if is_shared else "mode=ro&immutable=1"
    uri = f"file:{quote(str(path))}?{options}"
    connection = sqlite3.connect(
        uri, timeout=patience, isolation_level=None, check_same_thread=False, uri=True
    )
    with ExitStack() as unless_used:
        unless_used.callback(connection.close)
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.OperationalError as error:
            if not is_shared:
                raise
            reason = f"{path}{_LOG} holds changes that cannot be read without writing ({error})"
            advice = "open the database once where its folder is writable, or copy both files to such a place"
            raise StoreUnavailableError(name, reason, advice) from error
        if version != statements.VERSION:
            wanted = f"and cannot be changed to {statements.VERSION}"
            reason = f"{path} has tables of version {version}, {wanted}"
            advice = "open the database once where it is writable"
            raise StoreUnavailableError(name, reason, advice)
        unless_used.pop_all()
    return connection


def _size(path: Path, suffix: str) -> int:
    try:
        return os.stat(f"{path}{suffix}").st_size  # noqa: PTH116
    except OSError:
        return -1

"""File systems that refuse; run as `python -m effects.disk.faults TASK FOLDER`, in mount namespaces of their own."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from contract.stores import disk, sqlite
from provenance.errors import StoreUnavailableError

LARGE = 4 << 20


def refused(place, data, advice):
    """Store *data* and find that it cannot be stored."""
    with pytest.raises(StoreUnavailableError, match=advice):
        place.keep(data)


def full_disk(folder: Path) -> None:
    """A full disk refuses a blob and keeps no part of it."""
    place = disk(folder)
    kept = place.keep(b"kept")
    refused(place, os.urandom(LARGE), "free some space")
    assert b"kept" == place.read(kept)
    assert 1 == sum(path.is_file() for path in folder.rglob("*"))


def full_database(folder: Path) -> None:
    """A full disk refuses a transaction; the database goes on with what fits."""
    place = sqlite(folder)
    kept = place.keep(b"kept")
    refused(place, os.urandom(LARGE), "free some space")
    assert b"kept" == place.read(kept)
    assert place.read(place.keep(b"more")) == b"more"
    place.close()


def read_only_disk(folder: Path) -> None:
    """A read-only disk is read, and refuses to be written."""
    kept = disk(folder).keep(b"kept")
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    place = disk(folder)
    assert b"kept" == place.read(kept)
    refused(place, b"more", "read-only")


def read_only_database(folder: Path) -> None:
    """A read-only disk refuses the database."""
    place = sqlite(folder)
    place.keep(b"kept")
    place.close()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    refused(sqlite(folder), b"more", "writ")


def too_large_file(folder: Path) -> None:
    """A limit on file sizes refuses a blob and keeps no part of it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGE // 2, LARGE // 2))
    place = disk(folder)
    refused(place, bytes(LARGE), "limit on file sizes")
    assert b"kept" == place.read(place.keep(b"kept"))
    assert 1 == sum(path.is_file() for path in folder.rglob("*"))


if __name__ == "__main__":
    TASKS = (full_disk, full_database, read_only_disk, read_only_database, too_large_file)
    task, place = {task.__name__: task for task in TASKS}[sys.argv[1]], Path(sys.argv[2])
    if task is not too_large_file and "INSIDE" not in os.environ:
        os.environ["INSIDE"] = "1"
        inside = [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            sys.executable,
            *sys.orig_argv[1:],
        ]
        os.execvp(inside[0], inside)
    if task is not too_large_file:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)], check=True)
    task(place)

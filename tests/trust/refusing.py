"""Places that refuse a result while it is stored; run as `python -m trust.refusing TASK FOLDER`.

The result took long to compute: the error must come soon, hold the result, and leave everything so that the next call works.
"""

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest

import provenance as p

SMALL, LARGE = 1_000, 3 << 20
DEADLINE = 45.0
"""Seconds: a little more than SQLite's patience."""


@p.provenance(name="made")
def made(x, size):
    """A result of about *size* bytes, which do not compress."""
    return [x, os.urandom(size) if x >= 0 else b""]


def configured(folder: Path, **options: str) -> None:
    """The environment is SQLite and disk in *folder*."""
    p.load_config(
        {
            "blobstores": {"files": {"type": "disk", "cachedir": str(folder / "blobs"), **options}},
            "artifact_repos": {
                "repo": {"type": "sqlite", "db": str(folder / "db"), "store": "files", **options}
            },
        }
    )


def refused(x: int, size: int, advice: str) -> None:
    """The call is refused in time, the error holds its result and says what to do; nothing is recorded of it."""
    begin = time.monotonic()
    with pytest.raises(p.StoreUnavailableError, match=advice) as raised:
        made(x, size)
    assert time.monotonic() - begin < DEADLINE
    assert (x, size) == (raised.value.value[0], len(raised.value.value[1]))
    assert not made.is_cached(x, size)


def works(x: int, size: int) -> None:
    """The call is stored, and found again."""
    first = made(x, size)[1]
    assert made.is_cached(x, size)
    assert first == made.artifact(x, size).value[1]


def no_space(folder: Path) -> None:
    """A full disk: for a file and, when even less is left, for the database; space is freed, and all goes on."""
    configured(folder)
    works(0, SMALL)
    refused(1, LARGE, "free some space")
    filler = folder / "filler"
    _fill(filler)
    refused(2, 40_000, "free some space")
    filler.unlink()
    works(2, 40_000)
    works(0, SMALL)


def no_inodes(folder: Path) -> None:
    """No file can be made any more; what goes into the database is stored all the same."""
    configured(folder)
    works(0, SMALL)
    fillers = [folder / f"filler-{number}" for number in range(40)]
    with pytest.raises(OSError, match="No space"):
        list(map(Path.touch, fillers))
    refused(1, 300_000, "free some space")
    works(2, SMALL)
    for each in fillers:
        each.unlink(missing_ok=True)
    works(1, 300_000)


def read_only(folder: Path) -> None:
    """A folder that turns read-only is read on, and refuses what is new."""
    configured(folder)
    works(0, SMALL)
    works(0, 300_000)
    blobs = str(folder / "blobs")
    subprocess.run(["mount", "--bind", blobs, blobs], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", blobs], check=True)
    refused(1, 300_000, "read-only")
    assert [SMALL, 300_000] == [len(made(0, size)[1]) for size in (SMALL, 300_000)]
    subprocess.run(["umount", blobs], check=True)
    works(1, 300_000)


def failing_device(folder: Path) -> None:
    """A device that fails to write, to sync or to rename: the result is in the error, and later calls work."""
    configured(folder, durability="power")
    works(0, 300_000)
    for x, name in enumerate(("write", "fsync", "replace"), 1):
        with _failing(name):
            refused(x, 300_000, "Input/output error")
        works(x, 300_000)
    assert [] == list((folder / "blobs" / ".tmp").iterdir())


def failing_database(folder: Path) -> None:
    """The device refuses the database's pages: as if it were full, at any length of its files."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    configured(folder)
    works(0, SMALL)
    length = (folder / "db-wal").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for x, more in enumerate((0, 1, 100, 4_096, 5_000, 20_000), 1):
        resource.setrlimit(resource.RLIMIT_FSIZE, (length + more, hard))
        refused(x, 60_000, "free some space|check the device|choose another place")
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        works(x, 60_000)
        length = (folder / "db-wal").stat().st_size


def _fill(path: Path) -> None:
    """Take all the space that is left."""
    with path.open("wb") as file:
        for size in (1 << 16, 1 << 10, 1):
            while _wrote(file, size):
                pass


def _wrote(file: object, size: int) -> bool:
    try:
        return os.write(file.fileno(), bytes(size)) == size
    except OSError:
        return False


@contextmanager
def _failing(name: str):
    """The system call fails as a broken device makes it fail."""

    def fail(*_: object) -> object:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    real: Callable[..., object] = getattr(os, name)
    setattr(os, name, fail)
    try:
        yield
    finally:
        setattr(os, name, real)


MOUNTED = {"no_space": "size=2m", "no_inodes": "nr_inodes=40,size=16m", "read_only": "size=16m"}
TASKS = {
    each.__name__: each
    for each in (no_space, no_inodes, read_only, failing_device, failing_database)
}

if __name__ == "__main__":
    name, place = sys.argv[1], Path(sys.argv[2])
    if name in MOUNTED and "INSIDE" not in os.environ:
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
    if name in MOUNTED:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", MOUNTED[name], "none", str(place)], check=True
        )
    TASKS[name](place)

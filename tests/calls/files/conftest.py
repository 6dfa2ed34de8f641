"""Each kind of repository in turn, and functions that return files."""

from pathlib import Path

import pytest

import provenance as p
from provenance.testing import in_memory

REPOSITORIES = {
    "memory": lambda folder: p.MemoryRepo(),
    "sqlite": lambda folder: p.SqliteRepo(db=str(folder / "all.db")),
    "sqlite and disk": lambda folder: p.SqliteRepo(
        db=str(folder / "records.db"), store=p.DiskStore(cachedir=str(folder / "blobs"))
    ),
    "disk alone": lambda folder: p.SqliteRepo(
        db=str(folder / "records.db"),
        store=p.DiskStore(cachedir=str(folder / "blobs")),
        inline_limit=0,
    ),
}


@pytest.fixture(params=REPOSITORIES)
def repo(request, tmp_path):
    """Each kind of repository, empty, the default one of the test."""
    with in_memory(), p.using_repo(REPOSITORIES[request.param](tmp_path / "store")) as repo:
        yield repo


@pytest.fixture
def disk(tmp_path):
    """A repository whose values are all files on disk."""
    with in_memory(), p.using_repo(REPOSITORIES["disk alone"](tmp_path / "store")) as repo:
        yield repo


@pytest.fixture
def work(tmp_path):
    """A folder for the files of the test."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def written(work):
    """A function that writes a file and returns its path."""

    def write(data: bytes = b"a,b\n1,2\n", name: str = "table.csv") -> Path:
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return write

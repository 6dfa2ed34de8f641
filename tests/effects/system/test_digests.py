"""Digests of files are remembered exactly as long as the file is sure to be the same."""

import os
import sqlite3
from pathlib import Path

import pytest

from processes import TIMEOUT, started
from provenance.effects.system import digests
from provenance.effects.system.digests import FileDigests

LONG_AGO = (1_000_000_000, 1_000_000_000)
LARGE = 1_000_000
PROGRAM = """
from provenance.effects.system import digests
found = digests.FileDigests("cache")
for _ in range(20):
    print(found.content("one").digest)
"""


@pytest.fixture
def reads(monkeypatch):
    """The sizes of the files that were read, in order."""
    seen = []
    whole = digests.read_through

    def noting(file):
        found = whole(file)
        seen.append(found.size)
        return found

    monkeypatch.setattr(digests, "read_through", noting)
    return seen


def settle(monkeypatch):
    """Let files that were just written count as old: a test cannot set the time of a file's change."""
    monkeypatch.setattr(digests, "_SETTLED", -3_600_000_000_000)


def test_an_old_file_is_read_once(reads, monkeypatch):
    """In one process, whatever its size."""
    settle(monkeypatch)
    Path("one").write_text("a")
    found = FileDigests("cache")
    assert found.content("one") == found.content("one")
    assert [1] == reads


def test_a_young_file_is_read_again(reads):
    """Another change might not show in its times."""
    Path("one").write_text("a")
    found = FileDigests("cache")
    assert found.content("one") == found.content("one")
    assert [1, 1] == reads


def test_a_large_file_is_read_once_by_all_processes(reads, monkeypatch):
    """Later processes find the digest in the database."""
    settle(monkeypatch)
    Path("one").write_bytes(b"x" * LARGE)
    first = FileDigests("cache").content("one")
    assert first == FileDigests("cache").content("one")
    assert [LARGE] == reads


@pytest.mark.parametrize("edit", ["content", "times put back", "replaced", "touched"])
def test_any_change_is_seen(edit, reads, monkeypatch):
    """Of content, of times alone, and with the times put back."""
    settle(monkeypatch)
    Path("one").write_bytes(b"x" * LARGE)
    before = FileDigests("cache").content("one")
    status = Path("one").stat()
    if edit == "replaced":
        Path("two").write_bytes(b"y" * LARGE)
        os.utime("two", ns=(status.st_atime_ns, status.st_mtime_ns))
        Path("two").replace("one")
    elif edit == "touched":
        os.utime("one", LONG_AGO)
    else:
        Path("one").write_bytes(b"y" * LARGE)
        if edit == "times put back":
            os.utime("one", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (edit == "touched") == (before == FileDigests("cache").content("one"))
    assert [LARGE, LARGE] == reads


def test_processes_use_one_database_at_once(monkeypatch):
    """None of them fails or reads another one's half-written row."""
    Path("one").write_bytes(b"x" * LARGE)
    program = PROGRAM.replace("found =", "digests._SETTLED = -10**13\nfound =")
    programs = [started(program) for _ in range(4)]
    done = [each.communicate(timeout=TIMEOUT) for each in programs]
    assert {""} == {errors for _, errors in done}
    found = {line for lines, _ in done for line in lines.split()}
    assert {FileDigests("other").content("one").digest} == found


def test_a_damaged_database_is_left_out(caplog, monkeypatch):
    """The file is read, and the log says why."""
    settle(monkeypatch)
    Path("cache").mkdir()
    Path("cache/digests.db").write_text("no database" * 1000)
    Path("one").write_bytes(b"x" * LARGE)
    assert LARGE == FileDigests("cache").content("one").size
    assert "cannot use the digests of files in cache/digests.db" in caplog.text


def test_rows_do_not_stay_for_ever(monkeypatch):
    """What was noted half a year ago is deleted when something else is noted."""
    settle(monkeypatch)
    for name in ("one", "two"):
        Path(name).write_bytes(name.encode() * LARGE)
    found = FileDigests("cache")
    found.content("one")
    with sqlite3.connect("cache/digests.db") as database:
        database.execute("UPDATE digests SET noted_at = 0")
    database.close()
    found.content("two")
    with sqlite3.connect("cache/digests.db") as database:
        assert [(1,)] == database.execute("SELECT count(*) FROM digests").fetchall()
    database.close()

"""A store in a folder that may not be written to is read: hits, search, verification."""

import os
import subprocess
import sys

import pytest

import provenance as p
from processes import SOURCES
from provenance.effects.sql import snapshot, sqlite

FUNCTIONS = """
import os, sys
import numpy as np
import provenance as p

os.chdir(sys.argv[1])
p.load_config({
    "blobstores": {"files": {"type": "disk", "cachedir": "blobs"}},
    "artifact_repos": {"team": {"type": "sqlite", "db": "records.db", "store": "files"}},
})

@p.provenance(name="large")
def large(n):
    return np.arange(n)

@p.provenance(name="small")
def small(n):
    return {"n": n}
"""
FILL = f"""{FUNCTIONS}
assert 9 == large(100_000)[9] and small(3) == {{"n": 3}}
if len(sys.argv) > 2:
    os._exit(0)  # as a kill would: the log stays beside the database
"""
LOOK = f"""{FUNCTIONS}
import pandas as pd
from sqlalchemy import text

ran = p.stats()
assert 9 == large(100_000)[9] and small(3) == {{"n": 3}}
assert (2, 0) == (p.stats().hits, p.stats().misses)
assert 2 == len(list(p.search())) and p.verify().is_sound
with p.get_default_repo().engine.connect() as connection:
    assert 2 == connection.execute(text("SELECT count(*) FROM artifacts")).scalar()
try:
    small(4)
except p.StoreUnavailableError as error:
    assert "call functions with read_only" in str(error), error
else:
    raise AssertionError("stored in a read-only folder")
p.set_read_only(True)
assert small(4) == {{"n": 4}}
print("read")
"""
REFUSED = f"""{FUNCTIONS}
try:
    small(3)
except p.StoreUnavailableError as error:
    assert "records.db-wal holds changes that cannot be read" in str(error), error
    print("refused")
"""
WATCH = f"""{FUNCTIONS}
print(len(list(p.search())), flush=True)
input()
print(len(list(p.search())), flush=True)
"""


@pytest.fixture
def folder(tmp_path):
    """A folder that can be protected, and is no longer in the end."""
    made = tmp_path / "store"
    made.mkdir()
    yield made
    for path in (made, *made.rglob("*")):
        path.chmod(0o755)


AS_NOBODY = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
"""Before a command: without the powers of root."""
ON_A_MOUNT = (
    *("unshare", "--user", "--map-root-user", "--mount", "--propagation", "private", "bash", "-ec"),
    'mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"; exec "$@"',
)
"""Before a folder and a command: root, to whom the folder is on a read-only mount."""


def play(code, folder, *arguments, before=()):
    """Run *code* in a process of its own, by way of the command *before*; what it prints."""
    done = subprocess.run(
        [*before, sys.executable, "-c", code, str(folder), *arguments],
        env={**os.environ, "PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


def protect(folder):
    """Nobody may write there any more; everybody may read."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)


def test_a_store_in_a_read_only_folder_is_read(folder):
    """Nothing is written beside it; a miss says what to do."""
    play(FILL, folder)
    before = sorted(folder.iterdir())
    protect(folder)
    assert "read" == play(LOOK, folder, before=AS_NOBODY)
    assert before == sorted(folder.iterdir())


def test_the_log_of_a_killed_writer_is_read(folder):
    """What was committed is there; a log that cannot be read without writing is an error that says so."""
    play(FILL, folder, "killed")
    assert (folder / "records.db-wal").stat().st_size > 0
    protect(folder)
    assert "read" == play(LOOK, folder, before=AS_NOBODY)
    folder.chmod(0o755)
    (folder / "records.db-shm").unlink()
    folder.chmod(0o555)
    assert "refused" == play(REFUSED, folder, before=AS_NOBODY)


def test_a_store_on_a_read_only_mount_is_read(folder):
    """As for a user who may not write, though root may write to anything that is not mounted so."""
    play(FILL, folder)
    before = sorted(folder.iterdir())
    assert "read" == play(LOOK, folder, before=(*ON_A_MOUNT, str(folder)))
    assert before == sorted(folder.iterdir())


def test_the_log_of_a_killed_writer_is_read_on_a_mount(folder):
    """What was committed is there, also while the same folder is written to by another path; without its index, it is said."""
    play(FILL, folder, "killed")
    assert (folder / "records.db-wal").stat().st_size > 0
    assert "read" == play(LOOK, folder, before=(*ON_A_MOUNT, str(folder)))
    (folder / "records.db-shm").unlink()
    assert "refused" == play(REFUSED, folder, before=(*ON_A_MOUNT, str(folder)))


def test_what_others_write_meanwhile_is_seen_on_a_mount(folder):
    """The process reads again what was written after its first look."""
    play(FILL, folder)
    command = [*ON_A_MOUNT, str(folder), sys.executable, "-c", WATCH, str(folder)]
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as watching:
        assert "2\n" == watching.stdout.readline()
        play(f"{FUNCTIONS}\nsmall(5)", folder)
        assert "3\n" == watching.communicate("look\n")[0]
    assert 0 == watching.returncode


def test_what_others_write_meanwhile_is_seen(tmp_path, monkeypatch):
    """Who may not write reads what those write who may, also if nobody had the file open before."""
    number = p.provenance(name="number")(lambda n: [n])
    writer = p.SqliteRepo("writer", db=tmp_path / "a.db")
    with p.using_repo(writer):
        number(1)
    reader = p.SqliteRepo("reader", db=tmp_path / "a.db")
    monkeypatch.setattr(sqlite, "is_read_only", lambda _: True)
    assert 1 == len(list(reader))
    monkeypatch.setattr(sqlite, "is_read_only", snapshot.is_read_only)
    with p.using_repo(writer):
        number(2)
    monkeypatch.setattr(sqlite, "is_read_only", lambda _: True)
    assert 2 == len(list(reader))


def test_tables_of_another_version_are_said_to_be(tmp_path, monkeypatch):
    """They cannot be brought up to date where nothing may be written."""
    (tmp_path / "a.db").touch()
    monkeypatch.setattr(sqlite, "is_read_only", lambda _: True)
    with pytest.raises(p.StoreUnavailableError, match="tables of version 0, and cannot be changed"):
        list(p.SqliteRepo(db=tmp_path / "a.db"))

"""Processes that want one artifact: one computes, the others wait; and what becomes of it when that one dies."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

import provenance as p
from provenance.effects.sql.postgres import PostgresDatabase
from provenance.effects.sql.postgres_connection import ConnectionSettings
from servers.postgres import server
from waiting import until

LONG = 600.0
"""Seconds that computing takes unless it is told to end."""
TIMEOUT = 300.0


@contextmanager
def flying(folder: Path, count: int, *, make="environment", lease=15.0, seconds=1.0, size=10):
    """So many processes, each in an environment of its own, that begin to ask together."""
    tests = Path(__file__).parents[1]
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "trust.flying",
        make,
        folder,
        lease,
        seconds,
        size,
    ]
    database = server(18).database_for(folder) if make == "postgres" else ""
    variables = {
        **os.environ,
        "DATABASE": database,
        "PYTHONPATH": os.pathsep.join([str(tests), *sys.path]),
    }
    begun = [
        subprocess.Popen(
            list(map(str, command)), env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(count)
    ]
    try:
        until(
            lambda: (
                count == len(list(folder.glob("ready-*")))
                or any(each.poll() is not None for each in begun)
            )
        )
        (folder / "go").touch()
        yield begun
    finally:
        for each in begun:
            each.kill()
            each.communicate()


def told(process: subprocess.Popen) -> dict[str, object]:
    """What a process printed at its end."""
    out, err = process.communicate(timeout=TIMEOUT)
    assert (0, b"") == (process.returncode, err)
    return json.loads(out)


def log(folder: Path) -> list[int]:
    """Who computed."""
    path = folder / "log"
    return list(map(int, path.read_text().split())) if path.exists() else []


def asked(folder: Path, query: str) -> object:
    """The one answer of the database."""
    if not (folder / "db").exists():
        database = PostgresDatabase(ConnectionSettings(url=server(18).database_for(folder)))
        found = database.query(query)[0][0]
        database.close()
        return found
    connection = sqlite3.connect(folder / "db")
    try:
        return connection.execute(query).fetchone()[0]
    finally:
        connection.close()


def leases(folder: Path) -> int:
    """How many are held."""
    return asked(folder, "SELECT count(*) FROM leases")


def expires(folder: Path) -> object:
    """When the one lease does."""
    return asked(folder, "SELECT expires_at FROM leases")


@pytest.mark.parametrize(
    ("make", "count", "size"),
    [
        ("environment", 6, 10),
        pytest.param("environment", 16, 10, marks=pytest.mark.long),
        ("postgres", 6, 10),
        pytest.param("postgres", 16, 10, marks=pytest.mark.long),
        pytest.param("host", 4, 10, marks=pytest.mark.long),
        ("host", 4, 100_000),
    ],
)
def test_one_of_many_processes_computes(make, count, size, tmp_path):
    """Sixteen processes over one database, and hosts that share one behind their own: computed once, all have the value."""
    with flying(tmp_path, count, make=make, size=size) as processes:
        results = [told(each) for each in processes]
    [owner] = log(tmp_path)
    assert [{"by": owner, "size": size}] * count == [
        {key: each[key] for key in ("by", "size")} for each in results
    ]
    assert (
        0 < sum(each["waited"] for each in results) < count
    )  # some may have come when all was done
    assert 0 == leases(tmp_path)


def test_one_of_many_processes_heals(tmp_path):
    """What was computed is evicted: of eight processes that use the value one computes it once more, and all have that."""
    with flying(tmp_path, 1, size=100_000) as processes:
        told(processes[0])
    store = p.DiskStore(cachedir=str(tmp_path / "blobs"))
    p.evict(
        p.SqliteRepo(db=str(tmp_path / "db"), store=store), older_than=timedelta(0), dry_run=False
    )
    for each in ("go", *tmp_path.glob("ready-*")):
        (tmp_path / each).unlink()
    with flying(tmp_path, 8, size=100_000) as processes:
        results = [told(each) for each in processes]
    _, healer = log(tmp_path)
    assert {healer} == {each["by"] for each in results}
    assert 0 < sum(each["waited"] for each in results) < 8
    assert 0 == leases(tmp_path)


@pytest.mark.parametrize("make", ["environment", "postgres"])
def test_a_dead_owner_is_followed_by_one_other(make, tmp_path):
    """The one who computes is killed: exactly one of the others computes, soon after its lease has expired."""
    with flying(tmp_path, 8, make=make, lease=4.0, seconds=LONG) as processes:
        until(lambda: log(tmp_path))
        [owner] = log(tmp_path)
        os.kill(owner, signal.SIGKILL)
        until(lambda: [owner] != log(tmp_path))
        (tmp_path / "end").touch()
        results = [told(each) for each in processes if each.pid != owner]
    assert [owner, results[0]["by"]] == log(tmp_path)
    assert {results[0]["by"]} == {each["by"] for each in results}
    assert 0 == leases(tmp_path)


def test_a_paused_owner_gets_the_winners_artifact(tmp_path):
    """The one who computes stands still until its lease has passed to another; when it goes on, it gets that one's result."""
    with flying(tmp_path, 2, lease=3.0, seconds=LONG) as processes:
        until(lambda: log(tmp_path))
        [owner] = log(tmp_path)
        os.kill(owner, signal.SIGSTOP)
        (tmp_path / "end").touch()
        [other] = [each for each in processes if each.pid != owner]
        result = told(other)
        os.kill(owner, signal.SIGCONT)
        [paused] = [each for each in processes if each.pid == owner]
        assert result["by"] == told(paused)["by"] == other.pid
    assert [owner, other.pid] == log(tmp_path)
    assert 0 == leases(tmp_path)


def test_a_living_owner_keeps_its_lease(tmp_path):
    """While it computes its lease is renewed, and nobody takes over."""
    with flying(tmp_path, 3, lease=9.0, seconds=LONG) as processes:
        until(lambda: log(tmp_path))
        first = expires(tmp_path)
        until(lambda: expires(tmp_path) > first)
        (tmp_path / "end").touch()
        results = [told(each) for each in processes]
    assert 1 == len(log(tmp_path))
    assert set(log(tmp_path)) == {each["by"] for each in results}


def test_after_a_failure_the_next_one_computes(tmp_path):
    """The exception is the caller's own; the others go on at once, and one of them computes."""
    lease = 60.0  # seconds that the others would wait if it were not given back
    with flying(tmp_path, 4, lease=lease, seconds=0.0) as processes:
        begun = time.monotonic()
        results = sorted(str(told(each)["by"]) for each in processes)
        assert time.monotonic() - begun < lease
    _, second = log(tmp_path)
    assert [str(second)] * 3 + ["the first time"] == results
    assert 0 == leases(tmp_path)

"""Subscribers and serializers that hang, hashers that raise, clocks that jump, calls at the end of a process."""

import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import provenance as p
from processes import SOURCES, output, printed, started
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.effects.sql.stores import SqlLeases
from provenance.testing import in_memory
from waiting import until


@p.provenance()
def number(n):
    """A value."""
    return [n]


@contextmanager
def beside(work, ends):
    """Do *work* in a thread meanwhile; afterwards let it end, whatever happened, and wait until it has."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join(60)


def test_a_subscriber_that_hangs_holds_up_only_the_call_that_it_was_told_of(repo):
    """Other threads compute, hit and are counted meanwhile."""
    hangs, ends = threading.Event(), threading.Event()

    def hang(event):
        if event.artifact_id == number.artifact_id(1):
            hangs.set()
            assert ends.wait(60)

    p.reset_stats()
    with p.subscribe(hang), beside(lambda: number(1), ends):
        assert hangs.wait(60)
        assert [2] == number(2) == number(2)
        assert 1 == p.stats().hits
    assert number.is_cached(1)


def test_a_serializer_that_hangs_holds_up_only_its_own_call(repo):
    """Other values are stored and read meanwhile."""
    hangs, ends = threading.Event(), threading.Event()

    def dump(value, sink):
        hangs.set()
        assert ends.wait(60)
        sink.write(b"[1]")

    p.register_serializer("slow", dump, lambda source: [1])
    slow = p.provenance(name="slow", serializer="slow")(lambda: [1])
    with beside(slow, ends):
        assert hangs.wait(60)
        assert [3] == number(3) == number(3)
    assert slow.is_cached()


@pytest.mark.parametrize("error", [ValueError("no"), RecursionError(), ZeroDivisionError()])
def test_a_hasher_that_raises_keeps_the_function_from_running(repo, error):
    """Nothing is run or recorded, and the next call is well."""

    class Odd:
        pass

    def refuse(value):
        raise error

    p.register_hasher(Odd, refuse)
    ran = []
    take = p.provenance(name="take")(lambda value: ran.append(value))  # noqa: PLW0108
    with pytest.raises((type(error), p.UnhashableValueError)):
        take(Odd())
    assert [] == ran == list(repo)
    assert [4] == number(4)


class Jumping:
    """A clock that jumps a year forward and back at each look; its measure of time stands still."""

    looks = 0

    def now(self):
        """Another year each time."""
        self.looks += 1
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=365 * (self.looks % 2))

    def monotonic(self):
        """No time passes."""
        return 0.0

    def sleep(self, seconds):
        """At once."""
        return seconds


def test_a_clock_that_jumps_loses_no_result():
    """Results are found, listed and sound, whatever the time is said to be; durations are not negative."""
    with in_memory(Jumping()) as repo:
        made = [number(n) for n in range(4)]
        p.reset_stats()
        assert made == [number(n) for n in range(4)]
        assert (4, 0) == (p.stats().hits, p.stats().misses)
        assert 4 == len(list(repo))
        assert p.verify(repo).is_sound
        assert all(artifact.compute_duration >= 0 for artifact in repo)


def test_a_call_at_the_end_of_a_process_does_not_hang_it(tmp_path):
    """From a destructor or an exit handler: it may fail, but the process ends, and what was stored is whole."""
    code = """
import atexit
import provenance as p

p.load_config({"artifact_repos": {"local": {"type": "sqlite", "db": "a.db"}}})

@p.provenance(name="work")
def work(n):
    return [n]

class Last:
    def __del__(self):
        work(3)

work(1)
atexit.register(work, 2)
last = Last()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": SOURCES, "PATH": ""},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    repo = p.SqliteRepo(db=tmp_path / "a.db")
    assert p.verify(repo).is_sound
    assert {1, 2} <= {artifact.inputs.kargs["n"] for artifact in repo}


SHARING = """
import sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
import provenance as p
from provenance.effects.sql import stores
from provenance.effects.system import process

clock = Path("clock")

def skew():
    return float(clock.read_text() or 0)

made = stores.SqlLeases.__init__
stores.SqlLeases.__init__ = lambda self, database, _=None: made(self, database, skew)
real = time.time
time.time = lambda: real() + skew()

@p.provenance(name="slow")
def slow(n):
    with Path("ran").open("a") as ran:
        ran.write("x")
    Path("running").touch()
    time.sleep(2.0)
    return [n]

repos = {"local": {"type": "sqlite", "db": "a.db", "delete": True}}
p.load_config({"single_flight": {"lease_seconds": 1.0}, "artifact_repos": repos})
print(slow(7), len(list(p.get_default_repo())), p.verify().is_sound)
"""
HOUR = 3_600


@pytest.mark.parametrize(
    "hours", [5, -5, *(pytest.param(hours, marks=pytest.mark.long) for hours in (0.01, -0.01))]
)
def test_a_clock_that_jumps_while_two_processes_share_work(hours, tmp_path, monkeypatch):
    """Neither waits for hours, both get the value, and one record is there; at worst both compute."""
    monkeypatch.chdir(tmp_path)
    Path("clock").write_text("0")
    first = started(SHARING)
    until(Path("running").exists)
    second = started(SHARING)
    time.sleep(0.5)
    Path("clock.new").write_text(str(hours * HOUR))
    Path("clock.new").replace("clock")
    assert ["[7] 1 True\n"] * 2 == [output(process) for process in (first, second)]
    assert len(Path("ran").read_text()) in {1, 2}


@pytest.mark.parametrize("hours", [5, -5])
def test_a_lease_that_a_dead_host_left_before_the_clock_jumped(hours, tmp_path, monkeypatch):
    """It is taken over when it has expired by either clock, and not only after the hours."""
    monkeypatch.chdir(tmp_path)
    Path("clock").write_text("0")
    slow_id = p.provenance(name="slow")(lambda n: n).artifact_id(7)
    SqlLeases(SqliteDatabase(tmp_path / "a.db")).acquire(slow_id, 60.0)
    with sqlite3.connect("a.db") as connection:
        assert connection.execute("UPDATE leases SET owner = 'elsewhere:1:a'").rowcount
    connection.close()
    Path("clock").write_text(str(hours * HOUR))
    assert "[7] 1 True\n" == printed(SHARING)

"""The lease of a process that was killed, and who waits for one that lives."""

import logging
import os
import signal
import time

import pytest

import provenance as p
from contract.samples import new_id
from processes import started
from provenance.effects.lease_renewal import has_died, new_owner
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.effects.sql.stores import SqlLeases
from provenance.model.ids import ArtifactId
from provenance.ports.leases import Lease, LeaseHeld

LEASES = {
    "artifact_repos": {"local": {"type": "sqlite", "db": "records.db"}},
    "single_flight": {"lease_seconds": 60},
}
VICTIM = f"""
import time
import provenance as p

p.load_config({LEASES!r})

@p.provenance(name="work")
def work(n):
    print("computing", flush=True)
    time.sleep(600)

work(1)
"""


@pytest.mark.parametrize("reaped", [True, False])
def test_the_lease_of_a_killed_process_is_taken_over_at_once(tmp_path, reaped):
    """On the same host; also while its parent has not asked for its end. Its seconds do not have to pass."""
    p.reset_stats()
    with started(VICTIM) as victim:
        try:
            assert "computing\n" == victim.stdout.readline()
        finally:
            victim.send_signal(signal.SIGKILL)
        if reaped:
            victim.communicate()
        else:
            while "Z" not in (tmp_path / f"/proc/{victim.pid}/stat").read_text().split()[2]:
                time.sleep(0.01)
        p.load_config(LEASES)
        began = time.monotonic()
        assert 2 == p.provenance(name="work")(lambda n: n + 1)(1)
        assert time.monotonic() - began < 30
        assert 0 == p.stats().seconds_waited


def test_others_are_not_known_to_be_dead():
    """A process that lives, one of another host or boot, and whatever else an owner may say."""
    mine = new_owner()
    assert not has_died(mine)
    node, pid, token = mine.rsplit(":", 2)
    assert has_died(f"{node}:{2**22 + 1}:{token}")
    for other in (
        f"other{node}:{2**22 + 1}:{token}",
        f"{node.partition('@')[0]}:{2**22 + 1}:x",
        f"{node}:1:x",
        "",
        "a:b:c",
        f"{node}:x:y",
    ):
        assert not has_died(other), other
    assert str(os.getpid()) == pid


def test_who_waits_says_so_once(tmp_path, caplog):
    """At once, with the host that computes; then what was waited for is there."""
    p.reset_stats()
    caplog.set_level(logging.INFO, "provenance")
    repo = p.SqliteRepo(db=tmp_path / "a.db")
    with p.using_repo(repo):
        work = p.provenance(name="never seen before, so not quick")(lambda n: n + 1)
        leases = SqlLeases(SqliteDatabase(tmp_path / "a.db"))
        assert isinstance(leases.acquire(work.artifact_id(1), 0.3), Lease)
        assert 2 == work(1)
    (line,) = [each.getMessage() for each in caplog.records if "waiting for" in each.getMessage()]
    assert work.artifact_id(1) in line
    assert "its lease has 0 s left" in line
    assert p.stats().waited


def test_a_held_lease_names_its_owner(tmp_path):
    """So that people can find the process."""
    leases = SqlLeases(SqliteDatabase(tmp_path / "a.db"))
    key = ArtifactId(new_id())
    taken = leases.acquire(key, 5.0)
    found = leases.acquire(key, 5.0)
    assert isinstance(found, LeaseHeld)
    assert taken.owner == found.owner

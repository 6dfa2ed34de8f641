"""Several people on one PostgreSQL database: what one computed is a hit for the others."""

import time

import pytest

from processes import output, printed, started
from servers.postgres import server

WORK = """
import sys, time
import provenance as p

p.load_config({
    "blobstores": {"files": {"type": "disk", "cachedir": "${BLOBS}"}},
    "artifact_repos": {"team": {"type": "postgres", "db": "${DB}", "store": "files", "schema": "team's", "create_schema": True}},
})

@p.provenance(tags=["made"])
def work(x):
    return {"x": x, "data": bytes(200_000 if x % 2 else 10)}

@p.provenance()
def total(*results):
    return sum(each["x"] for each in results)

while time.time() < float(sys.argv[1]):
    time.sleep(0.001)
results = [work(x) for x in range(6)]
assert total(*results) == 15
assert [each["x"] for each in results] == list(range(6))
stats = p.stats()
made = list(p.search(tags=["made"], inputs={"x": 3}))
print(stats.hits, stats.misses, len(made), len(p.get_default_repo().dependent_ids(made[0].id)), made[0].run_info.process["pid"])
"""


@pytest.fixture
def variables(tmp_path):
    """What the processes are told: one database, and one folder for large values."""
    return {"DB": server(18).database_for(tmp_path), "BLOBS": str(tmp_path / "blobs")}


def test_what_one_computed_is_a_hit_for_the_other(variables):
    """The second process computes nothing, and sees who did."""
    first, second = (printed(WORK, "0", **variables).split() for _ in range(2))
    assert (["7", "0"], ["0", "7"]) == (second[:2], first[:2])
    assert ["1", "1", first[4]] == second[2:] == first[2:]


def test_processes_that_start_together_all_succeed(variables):
    """Schema and tables are made once, whoever computes first wins, and nobody loses work."""
    start = str(time.time() + 3.0)
    processes = [started(WORK, start, **variables) for _ in range(4)]
    results = [output(each).split() for each in processes]
    assert 1 == len({tuple(each[2:]) for each in results})
    assert ["7", "0"] == printed(WORK, "0", **variables).split()[:2]

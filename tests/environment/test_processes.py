"""Several processes on one store: they see each other's results, and start, race and fork without harm."""

import time

import pytest

from processes import TIMEOUT, output, printed, started

WORK = """
import sys, time
import provenance as p

@p.provenance()
def work(x):
    return {"x": x, "data": bytes(200_000 if x % 2 else 10)}

start = float(sys.argv[1])
while time.time() < start:
    time.sleep(0.001)
for x in range(6):
    assert x == work(x)["x"]
stats = p.stats()
print(stats.hits, stats.misses, work.artifact_id(1), p.artifact_of(work(1)).value["x"])
"""


@pytest.fixture
def project(tmp_path):
    """The working directory is a project."""
    (tmp_path / ".git").mkdir()
    return tmp_path


def test_a_process_finds_what_another_computed(project):
    """The second process computes nothing."""
    first, second = (printed(WORK, "0").split() for _ in range(2))
    assert (["0", "6"], ["6", "0"]) == (first[:2], second[:2])
    assert first[2:] == second[2:]


def test_processes_that_start_together_all_succeed(project):
    """First use at the same moment: folder, database and tables are made once, and nobody fails or loses work."""
    start = str(time.time() + 2.0)
    processes = [started(WORK, start) for _ in range(4)]
    results = [output(each).split() for each in processes]
    assert 1 == len({each[2] for each in results})
    assert ["6", "0"] == printed(WORK, "0").split()[:2]


FORK = """
import os
import provenance as p

make = p.provenance(name="make")(lambda x: [x] * 1000)
make(1)
children = []
for i in range(3):
    pid = os.fork()
    if pid == 0:
        ok = make(1) == [1] * 1000 and make(i + 10) == [i + 10] * 1000 and p.artifact_of(make(i + 10)).run_info.process["pid"] == os.getpid()
        os._exit(0 if ok else 1)
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in children]
print(codes, make.is_cached(1), [make.is_cached(i + 10) for i in range(3)], make(99)[0])
"""


def test_forked_children_share_the_store(project):
    """A fork neither inherits connections nor disturbs its parent; each child records itself as the process."""
    assert "[0, 0, 0] True [True, True, True] 99" == printed(FORK).strip()


KILLED = """
import os, sys
import provenance as p

@p.provenance()
def stubborn(kill):
    return bytes(300_000)

from provenance.effects.sql import records
original = records.SqlRecords.put_record
def put_record(self, ask):
    if sys.argv[1] == "kill":
        os._exit(9)
    return original(self, ask)
records.SqlRecords.put_record = put_record
print(len(stubborn(1)), stubborn.is_cached(1))
"""


def test_a_killed_process_leaves_no_record_without_its_value(project):
    """Killed between value and record: nothing is cached, and the next process computes and stores it."""
    killed = started(KILLED, "kill")
    killed.communicate(timeout=TIMEOUT)
    assert 9 == killed.returncode
    assert ["300000", "True"] == printed(KILLED, "live").split()


MAIN = """
import provenance as p
@p.provenance()
def load(x):
    return [{0!r}, x]
with p.subscribe(lambda event: print(type(event).__name__)):
    print(load(1)[0])
"""


def test_another_program_with_a_function_of_that_name_computes(project):
    """Two programs' `__main__.load` are two functions to the store: the second gets its own result."""
    assert ["Miss", "one"] == printed(MAIN.format("one")).split()
    assert ["Miss", "other"] == printed(MAIN.format("other")).split()
    assert ["Hit", "one"] == printed(MAIN.format("one")).split()


RESULTS = """
import provenance as p
@p.provenance()
def part(x):
    return [x, x]
@p.provenance()
def whole(parts):
    return {"parts": parts, "n": len(parts)}
result = whole([part(1), part(2)])
inside = result["parts"]
print(p.artifact_of(result).id, *sorted(p.artifact_of(result).input_artifact_ids), *[p.is_proxy(each) for each in inside], *inside)
print(*sorted(p.artifact_of(each).id for each in p.artifact_of(result).inputs["kargs"]["parts"]))
"""


def test_lineage_is_the_same_in_the_next_process(project):
    """Input artifacts, artifacts inside results and inside recorded inputs are found again."""
    first, second = printed(RESULTS), printed(RESULTS)
    assert first == second
    ids = first.splitlines()[0].split()[1:3]
    assert ids == first.splitlines()[1].split()
    assert ["True", "True"] == first.split()[3:5]

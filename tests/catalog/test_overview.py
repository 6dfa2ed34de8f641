"""What a repository holds as a whole."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import provenance as p
from provenance.testing import in_memory


@pytest.fixture(params=["memory_repo", "stored"])
def repo(request):
    """The default repository, in memory and on disk."""
    return request.getfixturevalue(request.param)


@p.provenance(name="churn.load")
def load(n):
    """An array of its own for each *n*, the same one for negative ones."""
    return np.full(20_000, max(n, 0))


@p.provenance(name="churn.count")
def count(table):
    """A small result."""
    return len(table)


def test_an_empty_repository_holds_nothing(repo):
    """All four return nothing, not an error."""
    assert () == p.runs() == p.sets() == p.functions() == p.disk_usage()


def test_functions_are_listed_with_what_they_stored(repo):
    """Numbers, bytes, seconds and the first and last time, by name; shared values count once."""
    made = [load(n) for n in (0, -1, 1)]
    counted = [p.artifact_of(count(value)) for value in made]
    of_load = [p.artifact_of(value) for value in made]
    first, second = p.functions()
    assert ["churn.count", "churn.load"] == [first.key, second.key]
    assert [2, 3] == [first.artifacts, second.artifacts]
    assert counted[0].size_bytes == first.bytes
    assert of_load[0].size_bytes + of_load[2].size_bytes == second.bytes
    assert sum(one.compute_duration for one in of_load) == pytest.approx(second.seconds)
    assert of_load[0].computed_at == second.oldest
    assert of_load[2].computed_at == second.newest


def test_usage_can_be_grouped(repo):
    """By function, run, month, serializer or type; the largest group comes first."""
    made = count(load(1))
    artifact = p.artifact_of(made)
    assert ["churn.load", "churn.count"] == [one.key for one in p.disk_usage()]
    assert [artifact.run_id] == [one.key for one in p.disk_usage(by="run")]
    assert [f"{datetime.now(UTC):%Y-%m}"] == [one.key for one in p.disk_usage(by="month")]
    assert artifact.serializer in {one.key for one in p.disk_usage(by="serializer")}
    assert ["numpy:ndarray", "builtins:int"] == [one.key for one in p.disk_usage(by="type")]
    for by in ("function", "run", "month", "serializer", "type"):
        assert 2 == sum(one.artifacts for one in p.disk_usage(by=by))
    with pytest.raises(p.ConfigError, match="unknown grouping 'functions'; did you mean"):
        p.disk_usage(by="functions")


def test_an_evicted_value_takes_no_room(repo):
    """It is counted as an artifact, but not its bytes."""
    count(load(1))
    before = {one.key: one.bytes for one in p.disk_usage()}
    p.evict(older_than=timedelta(0), dry_run=False)
    after = {one.key: one.bytes for one in p.disk_usage()}
    assert before.keys() == after.keys()
    assert 0 == after["churn.load"] < before["churn.load"]


def test_runs_are_those_that_computed_something(repo):
    """This process is the only one."""
    run = p.artifact_of(load(1)).run_info
    assert [run.id] == [one.id for one in p.runs()]
    assert run == p.runs()[0]


def test_sets_are_listed_newest_first(repo):
    """Each once, with its last labels."""
    one, two = load(1), load(2)
    first = p.create_set([one], "first")
    second = p.create_set([one, two], {"name": "second", "kind": 1})
    assert [second, first] == list(p.sets())
    assert ["second", "first"] == [each.name for each in p.sets()]
    p.label_set(first, "again")
    assert ["again", "second"] == [each.name for each in p.sets()]
    assert {"churn.load"} == {each.name for each in p.sets()[0].artifacts}


def test_repositories_can_be_named(repo):
    """Each function takes another repository than the default one."""
    load(1)
    other = p.MemoryRepo("other")
    with p.using_repo(other):
        load(2)
        load(3)
    assert [1] == [one.artifacts for one in p.functions()]
    assert [2] == [one.artifacts for one in p.functions(other)]
    assert [2] == [one.artifacts for one in p.disk_usage(repo=other)]


def test_a_chain_counts_each_artifact_once(tmp_path):
    """Its tiers share artifacts."""
    far = p.SqliteRepo("far", db=tmp_path / "far.db")
    near = p.MemoryRepo("near")
    chain = p.ChainedRepo(stores=[near, far])
    with p.using_repo(chain):
        load(1)
        run = p.artifact_of(load(2)).run_info
        assert [2] == [one.artifacts for one in p.functions()]
        assert [run] == list(p.runs())
    assert p.functions(far)[0].bytes == p.functions(chain)[0].bytes


def test_a_plain_store_can_be_summarized():
    """A store without methods for maintenance is read record by record."""
    with in_memory():
        load(1)
        assert [1] == [one.artifacts for one in p.functions()]

"""An environment that travels as data is opened where it arrives."""

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import pytest
from attrs import evolve

import provenance as p
from provenance.engines.shipping import describe, open_description
from provenance.testing import in_folder, samples

REPOS = {name: {"type": "sqlite", "db": f"{name}.db"} for name in ("used", "new")}


@p.provenance(repo="new")
def increment(number):
    """Add one, in a repository that nobody has used yet."""
    return number + 1


@p.provenance()
def outer(number):
    """Double what another function computes."""
    return 2 * increment(number)


def test_a_worker_creates_the_databases_of_its_machine(tmp_path):
    """A call inside a call may be the first that uses a repository; on another machine that would be another one."""
    sent = describe(p.from_config({"artifact_repos": REPOS, "default_repo": "used"}, tmp_path))
    there = open_description(evolve(sent, process=-1, machine="another"))
    with pytest.raises(p.StoreUnavailableError, match="does not exist"):
        there.repository("new").repository_id  # noqa: B018 - a property that asks the store
    here = open_description(evolve(sent, process=-1))
    assert here.repository("new").repository_id == there.repository("new").repository_id


def test_a_call_inside_a_call_may_create_a_database(tmp_path):
    """It does so in another process, too."""
    p.load_config({"artifact_repos": REPOS, "default_repo": "used"})
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=fork) as pool:
        assert list(outer.map([1], engine=p.engines.futures(pool))) == [4]
    assert increment.is_cached(1)


@p.provenance()
def pooled(numbers):
    """Use a pool of its own."""
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=fork) as pool:
        return list(pool.map(p.in_context(samples.increment), numbers))


def test_a_worker_may_use_a_pool(tmp_path):
    """Its processes store where the worker does, and the results are known as inputs."""
    fork = multiprocessing.get_context("fork")
    with in_folder(tmp_path):
        with ProcessPoolExecutor(1, mp_context=fork) as pool:
            (result,) = pooled.map([[1, 2]], engine=p.engines.futures(pool))
        assert result == [2, 3]
        assert samples.increment.is_cached(1)


def test_a_configured_memory_cannot_travel():
    """Not where it would be opened again: that would be another one."""
    p.load_config({"artifact_repos": {"memory": {"type": "memory"}}})
    with pytest.raises(p.EngineError, match="cannot be reached from another process"):
        pickle.dumps(p.in_context(samples.increment))

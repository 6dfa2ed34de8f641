"""Stores under threads, forks and fresh processes."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest

from contract.everywhere import Everywhere
from contract.processes import SOURCE, in_process, put_in, start_servers
from contract.stores import BACKENDS, SHARED, each
from provenance.ports.records import ListDependents
from provenance.testing.contracts import ThreadContract


@pytest.mark.parametrize(
    "task",
    [
        "first_use",
        "same_record",
        "inherited",
        pytest.param("inherited_everywhere", marks=pytest.mark.long),
        "killed",
        "unclosed",
    ],
)
def test_in_processes(task, tmp_path):
    """What `contract.processes` says of forked processes holds, and nothing is warned of."""
    in_process("contract.processes", task, tmp_path)


@pytest.mark.parametrize("name", each(SHARED))
def test_spawned_processes_share_a_store(name, tmp_path):
    """What processes of their own recorded is found by all."""
    start_servers()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        ids = list(pool.map(put_in, [name] * 6, [tmp_path] * 6))
    place = BACKENDS[name](tmp_path)
    assert tuple(sorted(ids)) == place.ask(ListDependents(SOURCE))
    place.close()


class TestThreads(Everywhere, ThreadContract):
    """Every place is shared by threads."""

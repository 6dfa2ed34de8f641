"""Stores under threads, forks and fresh processes."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from threading import Barrier

import pytest

from contract.processes import SOURCE, in_process, put, put_in
from contract.samples import new_id, record, run
from contract.stores import BACKENDS, LIMIT
from provenance.asks import DropRecord, FindProgeny, FindRecord, PutRecord

THREADS = 8


@pytest.mark.parametrize("task", ["first_use", "same_record", "inherited", "killed", "unclosed"])
def test_in_processes(task, tmp_path):
    """What `contract.processes` says of forked processes holds, and nothing is warned of."""
    in_process("contract.processes", task, tmp_path)


@pytest.mark.parametrize("name", ["sqlite", "sqlite and disk"])
def test_spawned_processes_share_a_store(name, tmp_path):
    """What processes of their own recorded is found by all."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        ids = list(pool.map(put_in, [name] * 6, [tmp_path] * 6))
    place = BACKENDS[name](tmp_path)
    assert tuple(sorted(ids)) == place.ask(FindProgeny(SOURCE))
    place.close()


def test_threads_share_a_store(place):
    """Eight threads put, find and read at once, as if each were alone."""
    barrier = Barrier(THREADS)

    def work(turn):
        barrier.wait()
        for _ in range(5):
            put(place)
        blob = place.keep(bytes([turn]) * (LIMIT + 1))
        return place.read(blob)

    with ThreadPoolExecutor(THREADS) as pool:
        read = list(pool.map(work, range(THREADS)))
    assert [bytes([turn]) * (LIMIT + 1) for turn in range(THREADS)] == read
    assert 5 * THREADS == len(place.ask(FindProgeny(SOURCE)))


def test_one_of_many_threads_wins(place):
    """Of threads that put one id at once, all get the same record."""
    barrier = Barrier(THREADS)
    artifact = new_id()

    def work(turn):
        barrier.wait()
        return place.ask(PutRecord(record(id=artifact, version=turn), run(), "{}"))

    with ThreadPoolExecutor(THREADS) as pool:
        answers = set(pool.map(lambda turn: work(turn).version, range(THREADS)))
    assert 1 == len(answers)
    assert answers == {place.ask(FindRecord(artifact)).version}


def test_one_of_many_threads_deletes(place):
    """Of threads that delete one record at once, one is told what it deleted."""
    one = record()
    place.ask(PutRecord(one, run(), "{}"))
    barrier = Barrier(THREADS)

    def work(_):
        barrier.wait()
        return place.ask(DropRecord(one.id))

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(work, range(THREADS)))
    assert 1 == sum(answer is not None for answer in answers)
    assert place.ask(FindRecord(one.id)) is None

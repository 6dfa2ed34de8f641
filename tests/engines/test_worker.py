"""What a worker does with a shipment: batches of records, and whose run it is."""

import pickle
from concurrent.futures import Executor, Future
from itertools import count

import pytest
from attrs import evolve

import provenance as p
from provenance import environment
from provenance.effect import with_layer
from provenance.effects.layers import restrict
from provenance.engines import freight
from provenance.engines.shipping import Shipment
from provenance.environment import replacing_environment
from provenance.ports.history import FindDerivations
from provenance.ports.machine import CurrentRun
from provenance.ports.permissions import Permissions
from provenance.ports.records import FindRun, PutRecord, PutRecords
from provenance.testing import in_folder, in_memory


class Inline(Executor):
    """Runs shipments in this process, as a worker of one process would."""

    def submit(self, work, /, *args):
        """Run at once."""
        future = Future()
        future.set_result(work(*args))
        return future


@pytest.fixture
def puts(tmp_path):
    """The commits into the repository `side`, of an environment with another default."""
    seen = []

    def note(effect, inner):
        if isinstance(effect, PutRecord | PutRecords):
            seen.append(effect)
        return inner(effect)

    with in_memory() as side, in_folder(tmp_path):
        counted = side.with_layer(lambda base: with_layer(base, note))
        current = environment.current()
        openers = {**current.openers, "side": lambda: counted}
        with replacing_environment(evolve(current, openers=openers)):
            yield seen


@p.provenance(repo="side")
def inner(number):
    """Add one, in a repository of its own."""
    return number + 1


@p.provenance()
def default(number):
    """Add two, in the default repository."""
    return number + 2


@p.provenance(repo="side")
def outer(number):
    """Call others."""
    return inner(number) + default(number)


@p.provenance()
def other(number):
    """Call one whose repository is not the default one."""
    return inner(number) - 1


@p.provenance()
def drawn(number):
    """Return another number at each call."""
    return next(numbers) + number


numbers = count()


@p.provenance()
def steps(number):
    """Pass what one has made in another repository on."""
    return int(default(inner(number)))


def test_a_repository_of_a_function_gets_batches(puts):
    """Records of quick calls are committed together there, too."""
    engine = p.engines.futures(Inline(), workers=1, commit="worker")
    assert list(inner.map(range(16), engine=engine, batch=8)) == list(range(1, 17))
    assert [len(put.records) for put in puts] == [8, 8]
    assert p.artifact_of(inner(3)).id in p.get_repo_by_name("side")
    assert p.artifact_of(inner(3)).id not in p.get_default_repo()


def test_its_runs_name_the_run_of_the_caller(puts, monkeypatch):
    """So do those of inner calls, in whichever repository."""
    here = p.get_default_repo().interpreter(CurrentRun())
    parents = evolve(here, id="0" * 40), evolve(here, id="1" * 40)
    sent = {"parents": pickle.dumps(parents)}
    monkeypatch.setattr(freight, "Shipment", lambda **facts: Shipment(**{**facts, **sent}))
    engine = p.engines.futures(Inline(), workers=1, commit="worker")
    assert list(outer.map([1], engine=engine)) == [5]
    assert list(other.map([2], engine=engine)) == [2]
    for result in (outer(1), inner(1), default(1), other(2), inner(2)):
        assert p.artifact_of(result).run_info.parent_id == "0" * 40
    for name in ("side", None):
        ask = environment.current().repository(name).interpreter
        assert [ask(FindRun(run.id)) for run in parents] == list(parents)


def test_what_the_driver_has_lost_is_sent_again(puts):
    """A worker that lives on keeps nothing for the next map, whose driver may not have stored what was sent."""
    engine = p.engines.futures(Inline(), workers=1, commit="driver")
    for _ in range(2):
        assert list(outer.map([1], engine=engine)) == [5]
        for name, function in (("side", outer), ("side", inner), (None, default)):
            environment.current().repository(name).delete(function.artifact_id(1))
    stopped = iter(outer.map(range(8), engine=engine, batch=1))
    next(stopped)
    del stopped
    assert list(outer.map(range(8), engine=engine)) == [2 * n + 3 for n in range(8)]
    assert all(outer.is_cached(n) and inner.is_cached(n) for n in range(8))


@p.provenance()
def first(number):
    """Return a list."""
    return [number]


@p.provenance()
def second(number):
    """Return the same list."""
    return [number]


@p.provenance(repo="side")
def total(numbers):
    """Add up."""
    return sum(numbers)


@p.provenance()
def twice(number):
    """Get one total by two ways."""
    return total(first(number)) + total(second(number))


@pytest.mark.parametrize("commit", ["worker", "driver"])
def test_the_other_way_to_a_result_is_recorded(puts, commit):
    """Whoever commits, and also if the result itself was sent before."""
    engine = p.engines.futures(Inline(), workers=1, commit=commit)
    assert list(total.map([first(1)], engine=engine)) == [1]
    assert list(twice.map([1, 2], engine=engine, batch=1)) == [2, 4]
    ask = environment.current().repository("side").interpreter
    for number in (1, 2):
        (derivation,) = ask(FindDerivations(total.artifact_id([number])))
        assert second.artifact_id(number) in derivation.input_artifact_ids


def test_an_inner_hit_need_not_be_written(tmp_path):
    """What is recorded where writing is forbidden is a hit for the driver, though its worker computed it."""
    engine = p.engines.futures(Inline(), workers=1, commit="driver")
    with in_memory() as side, in_folder(tmp_path):
        openers = {**environment.current().openers, "side": lambda: side}
        with replacing_environment(evolve(environment.current(), openers=openers)):
            assert (total(first(1)), inner(5)) == (1, 6)
        locked = side.with_layer(lambda base: restrict(base, "side", Permissions(write=False)))
        openers["side"] = lambda: locked
        with replacing_environment(evolve(environment.current(), openers=openers)):
            assert list(twice.map([1], engine=engine)) == [2]
            assert list(other.map([5], engine=engine)) == [5]
            assert p.artifact_of(other(5)).inputs.kargs == {"number": 5}
            with pytest.raises(p.errors.StorePermissionError, match="side"):
                list(other.map([6], engine=engine))
            with pytest.raises(p.errors.StorePermissionError, match="side"):
                other(7)


def test_what_is_made_of_a_refused_result_is_not_recorded(tmp_path):
    """Results are committed as they were made: where an inner one may not be written, nothing names it as an input."""
    engine = p.engines.futures(Inline(), workers=1, commit="driver")
    with in_memory() as side, in_folder(tmp_path) as repo:
        locked = side.with_layer(lambda base: restrict(base, "side", Permissions(write=False)))
        openers = {**environment.current().openers, "side": lambda: locked}
        with replacing_environment(evolve(environment.current(), openers=openers)):
            with pytest.raises(p.errors.StorePermissionError, match="side"):
                list(steps.map([1], engine=engine))
            assert list(repo) == []


class Overtaken(Inline):
    """Runs shipments while this process runs the same call and is done first."""

    def submit(self, work, /, *args):
        """Run both."""
        future = super().submit(work, *args)
        drawn(1)
        return future


@pytest.mark.parametrize("commit", ["driver", "worker"])
def test_a_result_is_that_of_the_record_that_was_first(puts, commit):
    """A value that a worker has computed is not taken for that of a record which was there before its own."""
    (result,) = drawn.map([1], engine=p.engines.futures(Overtaken(), workers=1, commit=commit))
    assert result == drawn(1) == p.artifact_of(result).value

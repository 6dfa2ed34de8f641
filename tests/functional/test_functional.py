"""`provenance.functional`: environments and repositories are given, failures are values, nothing ambient is read."""

import asyncio
import threading
from functools import partial

import pytest
from attrs import evolve
from returns.io import IOFailure, IOResult, IOSuccess
from returns.maybe import Nothing, Some
from returns.result import Failure, Success
from returns.unsafe import unsafe_perform_io

import provenance as p
from later import in_a_day
from provenance import environment as environment_
from provenance import functional
from provenance.calls import hits
from provenance.events import Hit, Miss
from provenance.testing import memory_environment


@p.provenance()
def double(x: int) -> list[int]:
    """Two of them."""
    return [x, x]


@p.provenance()
def total(values: list[int]) -> int:
    """Their sum."""
    return sum(values)


@p.provenance(lazy=True)
def nested(x: int) -> int:
    """Call others."""
    return p.unwrap(total(double(x)))


@p.provenance()
async def double_later(x: int) -> list[int]:
    """Two of them, after a while."""
    await asyncio.sleep(0.01)
    return [x, x]


@p.provenance()
async def nested_later(x: int) -> list[int]:
    """Await another."""
    return p.unwrap(await double_later(x))


@pytest.fixture
def environment(monkeypatch):
    """One with an empty repository, while nothing is installed, and nothing may be."""

    def refuse():
        raise AssertionError("the current environment was asked for")

    before = environment_._environment
    monkeypatch.setattr(environment_, "_environment", None)
    monkeypatch.setattr(environment_, "_default_factory", [refuse])
    yield memory_environment()
    assert environment_._environment is None
    monkeypatch.setattr(environment_, "_environment", before)


@pytest.fixture
def store(environment):
    """Its repository."""
    return environment.repository()


def done(outcome: IOResult):
    """What succeeded."""
    return unsafe_perform_io(outcome.unwrap())


def error_of(outcome: IOResult) -> Exception:
    """What failed."""
    return unsafe_perform_io(outcome.failure())


def planned(function, *args, **kwargs):
    """The plan."""
    return functional.plan(function, *args, **kwargs).unwrap()


def test_hashing():
    """The hash, or why there is none, whatever the value's own methods do."""

    class Broken:
        def __reduce_ex__(self, _):
            raise OSError("broken")

    assert Success(p.hash([1])) == functional.hash_value([1])
    for value in (threading.Lock(), Broken()):
        match functional.hash_value(value):
            case Failure(error):
                assert isinstance(error, p.UnhashableValueError)
            case _:
                raise AssertionError


@pytest.mark.parametrize("config", [None, 5, [1], {"default_repo": ["a"]}])
def test_a_bad_configuration_is_a_failure(config):
    """Of whatever type it is."""
    assert isinstance(error_of(functional.environment(config)), p.ConfigError)


def test_planning(environment):
    """A plan is equal to that of an equal call; what does not fit or has no content is a failure."""
    assert functional.plan(double, 1) == functional.plan(double, x=1)
    assert planned(double, 1).artifact_id == double.artifact_id(1)
    assert isinstance(functional.plan(double).failure(), TypeError)
    assert isinstance(functional.plan(double, threading.Lock()).failure(), p.UnhashableValueError)


def test_what_is_not_decorated_is_a_failure(environment):
    """It is told how to decorate it, whether it is planned, called, or called later in a pipeline."""
    failures = [
        functional.plan(len, [1]).failure(),
        error_of(functional.call(environment, len, [1])),
        error_of(functional.within(environment, len)([1])),
    ]
    for each in failures:
        assert isinstance(each, TypeError)
        assert "len" in str(each)
        assert "@provenance" in str(each)


def test_what_is_no_artifact_is_refused(environment, store):
    """With where an artifact is had from: a value, an id or the result of a call is none."""
    result = done(functional.call(environment, double, 1))
    for wrong in (5, double.artifact_id(1), result):
        for ask in (functional.lineage, functional.load_value, functional.load_inputs):
            with pytest.raises(
                TypeError, match=r"expected an artifact, got .*; pass .*load.*artifact_of"
            ):
                ask(store, wrong)


def test_a_call_in_an_environment(environment, store, events):
    """Computed and stored there, then found there."""
    assert (
        IOSuccess([1, 1])
        == functional.call(environment, double, 1)
        == functional.call(environment, double, x=1)
    )
    assert [Miss, Hit] == [type(each) for each in events]
    assert double.artifact_id(1) in store


def test_calls_inside_are_of_the_same_environment(environment, store):
    """Also those that an asynchronous function awaits, and none after the call."""
    assert 4 == done(functional.call(environment, nested, 2))
    assert [True, True] == [
        each in store for each in (double.artifact_id(2), total.artifact_id([2, 2]))
    ]
    assert [3, 3] == done(asyncio.run(functional.call(environment, nested_later, 3).awaitable()))
    assert double_later.artifact_id(3) in store
    with pytest.raises(AssertionError, match="current environment"):
        double(5)


def test_the_environment_decides(environment, store):
    """Its settings hold: `read_only`, `use_cache`, `check_mutations`."""
    from attrs import evolve

    assert [1, 1] == done(functional.call(evolve(environment, read_only=True), double, 1))
    assert double.artifact_id(1) not in store
    made = done(functional.call(environment, double, 1))
    made.append(3)
    checking = evolve(environment, check_mutations=True)
    assert isinstance(error_of(functional.call(checking, total, made)), p.MutatedArtifactValueError)


def test_environments_side_by_side(repo):
    """Explicit calls go by what they are given, whatever is current around them, and leave that as it is."""
    one, other = memory_environment(), memory_environment()
    with p.using_repo(p.MemoryRepo("around")) as around:
        functional.call(one, nested, 1)
        assert p.get_default_repo() is around
    artifact_id = double.artifact_id(1)
    assert [True, False, False, False] == [
        artifact_id in each for each in (one.repository(), other.repository(), around, repo)
    ]


def test_failures_of_a_call(environment):
    """An exception of the function, and any error of the library."""
    inverse = p.provenance(name="inverse")(lambda x: 1 / x)
    assert isinstance(error_of(functional.call(environment, inverse, 0)), ZeroDivisionError)
    assert isinstance(
        error_of(functional.call(environment, inverse, threading.Lock())), p.UnhashableValueError
    )
    assert isinstance(error_of(functional.call(environment, inverse)), TypeError)
    captured = threading.Lock()
    capturing = p.provenance(name="capturing")(lambda: captured)
    assert isinstance(error_of(functional.call(environment, capturing)), p.UnhashableValueError)
    nowhere = done(functional.environment({"artifact_repos": {}}))
    assert isinstance(error_of(functional.call(nowhere, double, 1)), p.ConfigError)


def test_an_asynchronous_call(environment, events):
    """It begins when it is awaited, and shares its work."""

    async def together():
        calls = [functional.call(environment, double_later, 1) for _ in range(3)]
        assert [] == events
        return await asyncio.gather(*calls)

    assert [IOSuccess([1, 1])] * 3 == asyncio.run(together())
    assert [Miss, Hit, Hit] == [type(each) for each in events]


def test_step_by_step(environment, store, events):
    """Plan, look up, compute, commit: each step alone; nothing is stored before the last."""
    plan = planned(double, 1)
    assert IOSuccess(Nothing) == functional.lookup(store, plan)
    computed = done(functional.compute(environment, plan))
    assert [1, 1] == computed.value
    assert IOSuccess(Nothing) == functional.lookup(store, plan)
    artifact = done(functional.commit(store, computed))
    assert IOSuccess(Some(artifact)) == functional.lookup(store, plan)
    assert IOSuccess([1, 1]) == functional.load_value(store, artifact)
    assert [Miss] == [type(each) for each in events]
    assert IOSuccess([1, 1]) == functional.perform(environment, plan)
    assert {"x": 1} == done(functional.load_inputs(store, artifact))["kargs"]


def test_the_steps_of_an_asynchronous_function(environment, store):
    """Computing is awaited, the other steps are the same."""
    plan = planned(double_later, 1)
    computed = done(asyncio.run(functional.compute(environment, plan).awaitable()))
    assert [1, 1] == computed.value
    artifact = done(functional.commit(store, computed))
    assert plan.artifact_id == artifact.id
    assert IOSuccess([1, 1]) == asyncio.run(functional.perform(environment, plan).awaitable())


def test_committing_elsewhere(environment, store):
    """What was computed may go into any repository, and leads there."""
    other = p.MemoryRepo("other")
    computed = done(functional.compute(environment, planned(double, 1)))
    artifact = done(functional.commit(other, computed))
    assert [1, 1] == artifact.value
    assert [True, False] == [artifact.id in each for each in (other, store)]


def test_a_commit_that_fails_holds_the_value(environment):
    """The work is not lost."""
    odd = p.provenance(name="odd")(lambda: (each for each in ()))
    assert isinstance(
        error_of(functional.compute(environment, planned(odd))), p.UnserializableValueError
    )
    closed = p.MemoryRepo("closed", write=False)
    failure = error_of(
        functional.commit(closed, done(functional.compute(environment, planned(double, 1))))
    )
    assert isinstance(failure, p.StorePermissionError)
    assert [1, 1] == failure.value


def test_arguments_that_change_after_planning_are_found(environment, store):
    """A plan is of the values that it hashed: with others it computes nothing that would be stored under its name."""
    values = [1, 2]
    plan = planned(total, values)
    values.append(3)
    assert isinstance(error_of(functional.perform(environment, plan)), p.ImpureFunctionError)
    assert plan.artifact_id not in store


def test_finding_and_loading(environment, store):
    """Absent is nothing where it is looked for, and a failure where it is promised."""
    made = done(functional.call(environment, double, 1))
    artifact_id = double.artifact_id(1)
    found = done(functional.find(store, artifact_id[:8])).unwrap()
    assert artifact_id == found.id == done(functional.load(store, artifact_id)).id
    assert IOSuccess(Some(found)) == functional.artifact(store, made)
    assert IOSuccess(Nothing) == functional.artifact(store, [1, 1])
    assert IOSuccess(Nothing) == functional.artifact(p.MemoryRepo(), made)
    assert IOSuccess(Nothing) == functional.find(store, "ffffffff")
    assert isinstance(error_of(functional.load(store, "ffffffff")), p.ArtifactNotFoundError)


def test_a_result_that_is_in_no_store_has_no_artifact(environment, store):
    """What was computed read-only."""
    made = done(functional.call(environment, double.with_options(read_only=True), 1))
    assert IOSuccess(Nothing) == functional.artifact(store, made)


def test_reading(environment, store):
    """The bare value, now; what cannot be read is a failure then."""
    functional.call(environment, double, 1)
    found = done(functional.call(environment, double, 1))
    value = done(functional.read(found))
    assert ([1, 1], list) == (value, type(value))
    assert IOSuccess(7) == functional.read(7)
    proxy = done(functional.load(store, double.artifact_id(1))).proxy()
    done(functional.forget(in_a_day(store), double.artifact_id(1)))
    assert isinstance(error_of(functional.read(proxy)), p.BlobNotFoundError)


def test_forgetting(environment, store):
    """True where there was something."""
    functional.call(environment, double, 1)
    assert IOSuccess(True) == functional.forget(store, double.artifact_id(1))
    assert IOSuccess(False) == functional.forget(store, double.artifact_id(1))
    closed = p.MemoryRepo("closed", delete=False)
    assert isinstance(
        error_of(functional.forget(closed, double.artifact_id(1))), p.StorePermissionError
    )


def test_lineage(environment, store):
    """The graph of a pipeline."""
    made = functional.call(environment, double, 1).bind(
        partial(functional.call, environment, total)
    )
    artifact = done(functional.artifact(store, done(made))).unwrap()
    assert (double.artifact_id(1), artifact.id) == done(functional.lineage(store, artifact)).order


def test_environments_and_repositories(tmp_path):
    """Made from a configuration; a mistake is a failure."""
    config = {"artifact_repos": {"m": {"type": "memory"}}}
    assert "m" == done(functional.environment(config, tmp_path).bind(functional.repository)).name
    assert isinstance(error_of(functional.environment({"artifact_repo": {}})), p.ConfigError)
    missing = partial(functional.repository, name="other")
    assert isinstance(functional.environment(config).bind(missing), IOFailure)


def test_a_lost_value_is_computed_in_its_environment(environment, store, events, monkeypatch):
    """Whatever is current when it is read: the calls inside go where the first ones went."""
    monkeypatch.setattr(hits, "_values", {})  # another test may have read the same number
    functional.call(environment, nested, 2)
    found = done(functional.call(environment, nested, 2))
    record = done(functional.load(store, nested.artifact_id(2)))
    from provenance.ports.blobs import DeleteBlob

    store.interpreter(DeleteBlob(record.value_blob))
    store.delete(double.artifact_id(2))
    assert 4 == p.unwrap(found)
    assert double.artifact_id(2) in store


def test_methods(environment):
    """Bound ones are called, planned and looked up too."""

    class Rate:
        def __init__(self, rate):
            self.rate = rate

        @p.provenance()
        def of(self, x):
            return [x * self.rate]

    assert IOSuccess([6]) == functional.call(environment, Rate(2).of, 3)
    assert functional.plan(Rate(2).of, 3) == functional.plan(Rate.of, Rate(2), 3)


def test_promotion_is_between_two_repositories():
    """An artifact goes to the other repository with its sources; one that is not there is a failure."""
    here, there = (memory_environment().repository() for _ in range(2))
    with p.using_repo(here):
        made = p.artifact_of(total(double(3)))
    promoted = unsafe_perform_io(functional.promote(here, made.id[:8], there).unwrap())
    assert (made.id, 6) == (promoted.id, promoted.value)
    assert 2 == len(list(p.search(repo=there)))
    failure = functional.promote(here, "0" * 40, there)
    assert isinstance(unsafe_perform_io(failure.failure()), p.ArtifactNotFoundError)


@p.provenance(returns_composite=True)
def halves(x: int) -> dict[str, list[int]]:
    """Two results."""
    return {"left": [x], "right": [x, x]}


@pytest.mark.parametrize("read_only", [False, True])
def test_a_composite_is_committed_where_one_says(read_only):
    """Computed in one environment and stored in another repository, its parts are artifacts of that one."""
    environment = evolve(memory_environment(), read_only=read_only)
    there = memory_environment().repository()
    planned = functional.plan(halves, 3).unwrap()
    computed = unsafe_perform_io(functional.compute(environment, planned).unwrap())
    artifact = unsafe_perform_io(functional.commit(there, computed).unwrap())
    assert 3 == len(list(p.search(repo=there)))
    assert artifact.value_artifact_ids == {
        p.artifact_of(part).id for part in artifact.value.values()
    }
    with p.using_repo(there):
        p.reset_stats()
        assert ([3], [3, 3]) == tuple(halves(3).values())
        assert 0 == p.stats().misses

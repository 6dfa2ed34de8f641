"""What other people's schedulers do with decorated functions and results, and how those keep their context."""

import inspect
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from types import FunctionType

import cloudpickle
import dask
import joblib
import numpy as np
import pytest
from dask.base import tokenize

import provenance as p
from processes import printed
from provenance.engines.pools import engine_of
from provenance.testing import in_folder, in_memory, samples


def test_checks_of_types_read_nothing(monkeypatch):
    """Whether an unread result is of a class, or has a method, is known from its record."""
    with in_memory() as repo:

        @p.provenance()
        def scaler(factor):
            return samples.Scaler(factor)

        scaler(3)
        result = scaler(3)
        reads = []
        monkeypatch.setattr(type(repo), "read_value", lambda *_: reads.append(1))
        assert isinstance(result, samples.Scaler)
        assert not isinstance(result, str)
        assert result.__class__ is samples.Scaler
        assert not inspect.iscoroutine(result)
        tokenize(result)
        assert reads == []
        monkeypatch.undo()
        assert result.factor == 3


def _dispatch_by_joblib(result):
    joblib.Parallel(2, backend="threading")(joblib.delayed(id)(result) for _ in range(2))


def _submit(result):
    with ThreadPoolExecutor(1) as executor:
        executor.submit(id, result).result()


@pytest.mark.parametrize(
    "look",
    [
        lambda result: hasattr(result, "__dask_graph__"),
        lambda result: hasattr(result, "to_parquet"),
        lambda result: isinstance(result, str | list | dict),
        tokenize,
        dask.delayed(samples.double),
        pickle.dumps,  # as Spark broadcasts
        cloudpickle.dumps,  # as `ray.put` does
        _dispatch_by_joblib,
        _submit,
    ],
)
def test_schedulers_read_nothing(look, monkeypatch):
    """What they ask of an unread array before it is used is answered by its record and its class."""
    with in_memory() as repo:

        @p.provenance()
        def numbers(count):
            return np.arange(count)

        numbers(3)
        result = numbers(3)
        monkeypatch.setattr(type(repo), "read_value", None)
        look(result)
        monkeypatch.undo()
        assert result.tolist() == [0, 1, 2]
        with pytest.raises(AttributeError) as plain:
            np.arange(3).nothing  # noqa: B018
        with pytest.raises(AttributeError) as unread:
            numbers(3).nothing  # noqa: B018
        assert str(unread.value) == str(plain.value)


def test_full_argument_specifications_are_found():
    """Spark and others ask `inspect` in ways that take an object without a signature for a builtin."""
    assert inspect.getfullargspec(samples.deadly).args == ["number", "times", "folder"]
    assert list(inspect.signature(samples.Scaler(2).scale).parameters) == ["number"]


def test_plain_functions_are_functions():
    """`ray.remote` takes nothing else; the function keeps its name and signature, and travels."""
    with in_memory():
        plain = p.as_function(samples.increment)
        assert isinstance(plain, FunctionType)
        assert plain.__name__ == "increment"
        assert list(inspect.signature(plain).parameters) == ["number"]
        assert pickle.loads(cloudpickle.dumps(plain))(3) == 4
        assert p.artifact_of(plain(3)).id == samples.increment.artifact_id(3)
    with pytest.raises(TypeError, match="expected a decorated function"):
        p.as_function(len)


def test_asynchronous_functions_stay_asynchronous():
    """The plain function of a coroutine is one."""
    assert inspect.iscoroutinefunction(p.as_function(samples.coroutine))


def test_threads_run_in_the_context_of_the_caller():
    """`using_repo` and captures hold in the threads of an executor."""
    with (
        p.using_repo(p.MemoryRepo()) as repo,
        p.capture_set("threads") as capture,
        ThreadPoolExecutor(4) as executor,
    ):
        results = list(executor.map(p.in_context(samples.increment), range(200)))
        assert results == list(range(1, 201))
        assert all(p.artifact_of(one).id in repo for one in results)
    assert len(capture.artifact_ids) == 200


def test_processes_use_the_repository_of_the_caller(tmp_path):
    """A process that is older than the configuration opens the same repository."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        executor.submit(len, "").result()
        with in_folder(tmp_path):
            samples.increment.is_cached(1)
            assert executor.submit(p.in_context(samples.increment), 1).result() == 2
            assert samples.increment.is_cached(1)


def test_a_repository_in_memory_cannot_travel():
    """The error says so where the function is sent."""
    with in_memory(), pytest.raises(p.EngineError, match="cannot be reached from another process"):
        pickle.dumps(p.in_context(samples.increment))


@pytest.mark.parametrize("recreated", [False, True])
def test_another_repository_is_an_error(recreated, tmp_path):
    """A process that finds another database under the same settings refuses to run."""
    with in_folder(tmp_path):
        samples.increment(1)
        sent = pickle.dumps(p.in_context(samples.increment))
    (tmp_path / "provenance.db").unlink()
    if recreated:
        with in_folder(tmp_path):
            samples.increment(2)
    program = """
import pickle, sys, provenance as p
try:
    pickle.loads(bytes.fromhex(sys.argv[1]))
except p.EngineError as error:
    print(error)
"""
    said = printed(program, sent.hex())
    assert said.startswith("worker ")
    assert ("it uses another repository" if recreated else "does not exist") in said
    assert "use a repository that both reach" in said


def test_tokens_of_results_read_nothing():
    """Dask derives keys from artifacts; equal ones have equal tokens."""
    with in_memory():
        one, other = samples.large(100_000), samples.large(100_001)
        assert tokenize(one) == tokenize(samples.large(100_000)) != tokenize(other)
        numbers = samples.total(1, 2)
        before = tokenize(numbers)
        numbers.append(3)
        assert tokenize(numbers) != before


def test_tokens_of_functions_tell_them_apart():
    """Functions of one code with different captured values have different tokens."""

    def make(offset):
        @p.provenance()
        def shift(number):
            return number + offset

        return shift

    assert tokenize(make(1)) == tokenize(make(1)) != tokenize(make(2))
    assert tokenize(samples.increment) != tokenize(samples.double)


@pytest.mark.parametrize("name", ["dask", "futures", "joblib", "ray", "spark"])
def test_an_engine_with_options_is_no_name(name):
    """The error says how to make one."""
    with pytest.raises(p.ConfigError, match=rf"pass provenance\.engines\.{name}\(…\)"):
        engine_of(name, "map")
    assert callable(getattr(p.engines, name))

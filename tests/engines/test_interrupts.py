"""What ends a program ends a map, and leaves nothing that waits forever."""

import asyncio

import pytest

import provenance as p
from provenance.testing import in_folder, in_memory, samples


@p.provenance()
def interrupted(number):
    """End as Ctrl-C or `sys.exit` does."""
    if number:
        raise KeyboardInterrupt if number == 1 else SystemExit(number)
    return [number]


@pytest.mark.parametrize("engine", ["serial", "threads"])
@pytest.mark.parametrize("number", [1, 2])
def test_an_interrupt_in_a_call_ends_the_map(engine, number):
    """It reaches the loop, also out of a thread, and the next map works."""
    with in_memory():
        kind = KeyboardInterrupt if number == 1 else SystemExit
        with pytest.raises(kind):
            list(interrupted.map([0, number, 0], engine=engine))
        assert list(interrupted.map([0], engine=engine)) == [[0]]


@pytest.mark.parametrize("backend", ["multiprocessing", "threading"])
def test_backends_of_joblib_run_calls(backend, tmp_path):
    """Also one that returns all results at once; an interrupt reaches the loop."""
    engine = p.engines.joblib(backend=backend, n_jobs=2)
    with in_folder(tmp_path):
        assert list(interrupted.map([0], engine=engine)) == [[0]]
        assert list(samples.increment.map([1, 2], engine=engine)) == [2, 3]
        assert samples.increment.is_cached(2)
        with pytest.raises(KeyboardInterrupt):
            list(interrupted.map([1], engine=engine))


@p.provenance()
async def listed(number):
    """A call that is awaited."""
    await asyncio.sleep(0)
    return [number]


@p.provenance()
def plain(number):
    """One that is not."""
    return [number]


async def few():
    """Numbers, and then an error."""
    yield 1
    yield 2
    raise ZeroDivisionError


@pytest.mark.parametrize("function", [listed, plain], ids=["async", "sync"])
def test_an_error_of_an_asynchronous_iterator_comes_last(function):
    """After the results of what was read before, as in `map`."""
    found = []

    async def use():
        async for result in function.amap(few()):
            found.append(result)  # noqa: PERF401 - what comes before the error counts

    with in_memory(), pytest.raises(ZeroDivisionError):
        asyncio.run(use())
    assert found == [[1], [2]]

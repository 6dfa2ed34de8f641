"""`fn.attempt`: the call, and whatever goes wrong in it as a value."""

import asyncio
import subprocess
import sys
import threading

import pytest
from returns.future import FutureResult
from returns.io import IOFailure, IOResult, IOSuccess
from returns.pipeline import flow
from returns.pointfree import bind
from returns.unsafe import unsafe_perform_io

import provenance as p
from provenance.events import Hit, Miss


@p.provenance()
def inverse(x: float) -> float:
    """One by x."""
    return 1 / x


@p.provenance()
async def inverse_later(x: float) -> float:
    """One by x, after a while."""
    await asyncio.sleep(0)
    return 1 / x


def error_of(outcome: IOResult) -> Exception:
    """What failed."""
    return unsafe_perform_io(outcome.failure())


def test_a_success_is_what_the_call_returns(repo, events):
    """The proxy, computed or found."""
    first, second = inverse.attempt(4.0), inverse.attempt(x=4.0)
    assert IOSuccess(0.25) == first == second
    assert [Miss, Hit] == [type(each) for each in events]
    assert inverse.artifact_id(4.0) == p.artifact_of(unsafe_perform_io(first.unwrap())).id


def test_an_exception_of_the_function_is_a_failure(repo):
    """The very exception; nothing is recorded."""
    assert isinstance(error_of(inverse.attempt(0.0)), ZeroDivisionError)
    assert not inverse.is_cached(0.0)


def test_errors_of_the_library_are_failures(repo):
    """What cannot be hashed, or stored, or what changes its arguments."""
    impure = p.provenance(name="impure")(lambda values: values.append(1))
    odd = p.provenance(name="odd")(lambda: [threading.Lock()])
    assert isinstance(error_of(inverse.attempt(threading.Lock())), p.UnhashableValueError)
    assert isinstance(error_of(impure.attempt([])), p.ImpureFunctionError)
    assert isinstance(error_of(odd.attempt()), p.UnserializableValueError)


def test_arguments_that_do_not_fit_are_a_failure(repo):
    """There is one rule: no `Exception` of the call is raised."""
    assert isinstance(error_of(inverse.attempt()), TypeError)


def test_leaving_is_no_failure(repo):
    """Who interrupts or exits is not held up."""

    @p.provenance()
    def leave(kind):
        raise kind

    for kind in (KeyboardInterrupt, SystemExit):
        with pytest.raises(kind):
            leave.attempt(kind)


def test_attempts_compose(repo):
    """The result of one goes on into the next; the first failure is the result."""
    assert IOSuccess(4.0) == flow(4.0, inverse.attempt, bind(inverse.attempt))
    failed = inverse.attempt(0.0).bind(inverse.attempt)
    assert isinstance(error_of(failed), ZeroDivisionError)


def test_methods_attempt_too(repo):
    """A bound one keeps its object."""

    class Rate:
        def __init__(self, rate):
            self.rate = rate

        @p.provenance()
        def of(self, x):
            return [x / self.rate]

    assert IOSuccess([2.0]) == Rate(2).of.attempt(4)
    assert isinstance(Rate(0).of.attempt(4), IOFailure)


def test_an_asynchronous_attempt_is_awaited(repo):
    """It is a `FutureResult`: awaited it is success or failure, and it composes before it is awaited."""

    async def attempts():
        attempt = inverse_later.attempt(4.0)
        assert isinstance(attempt, FutureResult)
        assert IOSuccess(0.25) == await attempt
        assert IOSuccess(4.0) == await inverse_later.attempt(4.0).bind(inverse_later.attempt)
        assert isinstance(error_of(await inverse_later.attempt(0.0)), ZeroDivisionError)
        assert isinstance(error_of(await inverse_later.attempt()), TypeError)
        return await asyncio.gather(*[inverse_later.attempt(each) for each in (2.0, 0.0, 2.0)])

    two, none, again = asyncio.run(attempts())
    assert IOSuccess(0.5) == two == again
    assert isinstance(none, IOFailure)


def test_cancelling_an_attempt_is_no_failure(repo):
    """It is cancelled."""

    @p.provenance()
    async def wait(x):
        await asyncio.sleep(10)

    async def cancelled():
        task = asyncio.ensure_future(wait.attempt(1))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())


def test_importing_and_calling_does_not_load_returns():
    """Only who asks for a container pays for it."""
    script = (
        "import sys, provenance as p, provenance.testing as t\n"
        "with t.in_memory():\n"
        "    p.provenance(name='f')(lambda: 1)()\n"
        "sys.exit('returns' in sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", script], check=False).returncode

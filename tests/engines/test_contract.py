"""Every engine of the core does what calls one after the other do."""

from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context

import pytest
from returns.result import Success

import provenance as p
from provenance import engines
from provenance.testing import samples
from provenance.testing.contracts.engines import EngineContract


class TestSerial(EngineContract):
    """One call after the other."""

    is_remote = False

    def start(self):
        return nullcontext(engines.serial())


class TestThreads(EngineContract):
    """Threads of this process."""

    is_remote = False

    def start(self):
        return nullcontext(engines.threads(4))


class TestProcesses(EngineContract):
    """Processes of loky, which are older than the configurations of the tests."""

    def start(self):
        return nullcontext(engines.processes(2))


class TestProcessesForTheDriver(EngineContract):
    """Processes that commit nothing."""

    def start(self):
        return nullcontext(engines.processes(2, commit="driver"))


class TestExecutor(EngineContract):
    """An executor of the standard library, which ends with the first worker that dies."""

    replaces_workers = False

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def executor(cls):
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as cls.shared:
            yield

    def start(self):
        return nullcontext(engines.futures(self.shared))

    def test_a_dead_worker_ends_the_executor(self, tmp_path):
        """What it had not run is a failure that says so."""
        folder = tmp_path / "deaths"
        folder.mkdir()
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
            engine = engines.futures(executor)
            calls = [samples.deadly.later(number, 1, str(folder)) for number in range(3)]
            zero, one, two = p.gather(calls, engine=engine, errors="return")
        assert zero == Success(0)
        assert {one.failure().kind, two.failure().kind} == {"worker died"}
        assert "a worker died while it ran call 1 (BrokenProcessPool" in one.failure().message


class TestJoblib(EngineContract):
    """A backend of joblib."""

    def start(self):
        return nullcontext(engines.joblib(backend="loky", n_jobs=2))


@pytest.mark.parametrize("name", ["serial", "threads", "processes"])
def test_engines_have_names(name):
    """The names of the engines are those of their functions."""
    assert getattr(engines, name)().name == name

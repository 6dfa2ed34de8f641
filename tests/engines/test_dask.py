"""Dask does what calls one after the other do, also on a worker that was started elsewhere."""

import operator
import os
import subprocess
import sys
from contextlib import nullcontext

import dask
import distributed
import pytest

import provenance as p
from processes import SOURCES
from provenance import engines
from provenance.engines.dask import environment_plugin
from provenance.testing import in_folder, samples
from provenance.testing.contracts.engines import EngineContract


@pytest.fixture(scope="module")
def cluster():
    """Two processes, started before any configuration."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
    ):
        yield cluster


class TestDask(EngineContract):
    """A cluster of processes on this machine."""

    most_deaths = 4

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def client(cls, cluster):
        with distributed.Client(cluster) as cls.shared:
            yield

    def start(self):
        return nullcontext(engines.dask(self.shared))


@pytest.fixture(scope="module")
def distant(tmp_path_factory):
    """A client of a worker that was started by its command line in a folder of its own, and that folder."""
    folder = tmp_path_factory.mktemp("worker")
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0") as scheduler:
        command = ["-m", "distributed.cli.dask_worker", scheduler.scheduler_address]
        options = ["--nthreads", "1", "--no-dashboard", "--local-directory", str(folder)]
        environment = {**os.environ, "PYTHONPATH": SOURCES}
        environment.pop("PROVENANCE_CONFIG", None)
        worker = subprocess.Popen(
            [sys.executable, *command, *options],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with distributed.Client(scheduler) as client:
            client.wait_for_workers(1, timeout=60)
            yield client, folder
        worker.terminate()
        worker.wait()


def test_a_worker_started_elsewhere_stores_where_the_caller_does(distant, tmp_path):
    """It neither uses the default of its folder, nor creates anything there."""
    client, folder = distant
    with in_folder(tmp_path):
        assert list(samples.increment.map(range(5), engine=engines.dask(client))) == [1, 2, 3, 4, 5]
        assert all(samples.increment.is_cached(number) for number in range(5))
    assert not list(folder.rglob("provenance.db"))


def test_plain_tasks_use_the_repository_of_the_caller(distant, tmp_path):
    """Those who write Dask themselves wrap the function, or get an error."""
    client, folder = distant
    with in_folder(tmp_path):
        samples.increment.is_cached(1)
        future = client.submit(p.in_context(samples.increment), 1)
        assert future.result() == 2
        assert samples.increment.is_cached(1)
    assert not list(folder.rglob("provenance.db"))


def test_results_are_arguments_of_tasks_by_reference(distant, tmp_path):
    """Equal calls have one key, as the tokens of results and functions are stable."""
    client, _ = distant
    with in_folder(tmp_path):
        call = p.in_context(samples.double)
        one = samples.increment(1)
        first, second = client.submit(call, one), client.submit(call, samples.increment(1))
        assert first.key == second.key
        assert p.artifact_of(first.result()).input_artifact_ids == {p.artifact_of(one).id}


def test_a_worker_that_stores_elsewhere_computes_nothing(distant, tmp_path):
    """Its error says what to do, also for functions that travel by value, and in threads that `using_repo` does not reach."""
    client, _ = distant
    trace = tmp_path / "computed"

    @p.provenance()
    def touch(number):
        trace.touch()
        return number

    with in_folder(tmp_path / "a"), p.using_repo(p.SqliteRepo(db=tmp_path / "b.db")):
        tasks = [
            client.submit(touch, 1, pure=False),
            client.map(touch, [1], pure=False)[0],
            client.compute(dask.delayed(touch)(1)),
            client.submit(samples.increment, 1, pure=False),
            client.submit(operator.call, touch, 1, pure=False),
            client.submit(lambda: samples.increment(1), pure=False),
        ]
        for task in tasks:
            with pytest.raises(
                p.EngineError, match=r"would store results of .* where process"
            ) as caught:
                task.result(timeout=60)
            assert "environment_plugin()" in str(caught.value)
            assert "p.in_context(fn)" in str(caught.value)
        assert not trace.exists()
        assert client.submit(p.in_context(touch), 1, pure=False).result(timeout=60) == 1
        assert trace.exists()
        assert touch.is_cached(1)


def test_functions_come_back_from_workers_as_they_are(distant, tmp_path):
    """A function in a result says nothing of the worker's repository."""
    client, _ = distant
    with in_folder(tmp_path):
        (function,) = client.submit(lambda one: [one], samples.increment, pure=False).result()
        assert function is samples.increment
        assert function(1) == 2


def test_the_plugin_gives_workers_the_environment(distant, tmp_path):
    """With it, plain tasks store where the caller does."""
    client, folder = distant
    with in_folder(tmp_path):
        samples.increment.is_cached(1)
        client.register_plugin(environment_plugin())
        assert client.submit(samples.total, 1, 3, pure=False).result() == [4]
        assert samples.total.is_cached(1, 3)
        client.unregister_worker_plugin("provenance")
    assert not list(folder.rglob("provenance.db"))

"""Dask does what calls one after the other do, also on a worker that was started elsewhere."""

import dask
import distributed
import pytest

from provenance import engines
from provenance.testing.contracts.engines import EngineContract, started


@pytest.fixture(scope="module")
def cluster():
    """Two processes, started before any configuration."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
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
        return started(engines.dask(self.shared))

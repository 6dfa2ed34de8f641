"""Ray does what calls one after the other do."""

import os
from contextlib import nullcontext

import pytest

import provenance as p
from provenance.engines.ray import ray, remote
from provenance.testing import in_folder, samples
from provenance.testing.contracts.engines import EngineContract

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A cluster of two processors on this machine, older than every configuration."""
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "200")
    import ray as library

    library.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    library.shutdown()


class TestRay(EngineContract):
    """Tasks of Ray."""

    def start(self):
        return nullcontext(ray())


def test_remote_functions_use_the_repository_of_the_caller(tmp_path):
    """Those who write Ray themselves get a task that stores where the caller stores."""
    import ray as library

    with in_folder(tmp_path):
        samples.increment.is_cached(1)
        task = remote(samples.increment, num_cpus=1)
        assert library.get(task.remote(1)) == 2
        assert samples.increment.is_cached(1)


def test_a_repository_in_memory_is_refused():
    """A task that could not store anything is an error where it is made."""
    with p.using_repo(p.MemoryRepo()), pytest.raises(p.EngineError, match="another process"):
        remote(samples.increment).remote(1)

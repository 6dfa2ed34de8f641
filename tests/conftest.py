"""What holds for every test: hypothesis profiles, and a working directory where nothing of the user's is found."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import provenance as p
from provenance.environment import replacing_environment
from provenance.testing import in_memory
from registries import own_registries

os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
"""What gcsfs reads when it is imported, whichever test is the first to do so: else it looks for gRPC, for a minute."""
settings.register_profile("default", max_examples=100, deadline=None)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile(
    "long",
    max_examples=int(os.environ.get("EXAMPLES", "1000")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default")
)


STORED = {
    "blobstores": {"disk": {"type": "disk", "cachedir": "blobs", "delete": True}},
    "artifact_repos": {
        "local": {
            "type": "sqlite",
            "db": "records.db",
            "store": "disk",
            "delete": True,
            "inline_limit": 1000,
        }
    },
}


@pytest.fixture
def memory_repo():
    """An empty repository in memory, the default one of the test."""
    with in_memory() as repo:
        yield repo


@pytest.fixture
def repo(memory_repo):
    """The repository in memory; test modules that run in others too have a fixture of this name."""
    return memory_repo


@pytest.fixture
def stored(tmp_path: Path):
    """A repository in an SQLite file, values over 1,000 bytes as files beside it: the default one of the test."""
    with replacing_environment(p.from_config(STORED, tmp_path)) as environment:
        yield environment.repository()


@pytest.fixture
def reopened(stored, tmp_path: Path):
    """A function that opens the stored repository anew, as another process would: nothing is remembered."""

    def reopen():
        environment = p.from_config(STORED, tmp_path)
        p.set_default_repo(environment.repository())
        return environment.repository()

    return reopen


@pytest.fixture
def events():
    """What became of the calls of the test, in order."""
    told = []
    with p.subscribe(told.append):
        yield told


@pytest.fixture
def two_tiers():
    """A function from the size up to which values are in the database to a configuration: `both` is `near` before `far`."""

    def configured(inline_limit: int):
        tier = {"type": "sqlite", "delete": True, "inline_limit": inline_limit}
        return {
            "blobstores": {
                name: {"type": "disk", "cachedir": name, "delete": True} for name in ("a", "b")
            },
            "artifact_repos": {
                "near": {**tier, "db": "near.db", "store": "a"},
                "far": {**tier, "db": "far.db", "store": "b"},
                "both": {"type": "chained", "stores": ["near", "far"]},
            },
            "default_repo": "both",
        }

    return configured


@pytest.fixture(autouse=True)
def _own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each test starts in an empty folder, without the user's configuration; caches are beside it, not at home."""
    monkeypatch.delenv("PROVENANCE_CONFIG", raising=False)
    for kind in ("cache", "data"):
        monkeypatch.setenv(
            f"XDG_{kind.upper()}_HOME", str(tmp_path.parent / f"{tmp_path.name}-{kind}")
        )
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _own_registries():
    """Serializers and hashers that a test registers are gone after it."""
    with own_registries():
        yield

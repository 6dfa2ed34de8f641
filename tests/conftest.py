"""What holds for every test: hypothesis profiles, and a working directory where nothing of the user's is found."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from registries import own_registries

os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
"""What gcsfs reads when it is imported, whichever test is the first to do so: else it looks for gRPC, for a minute."""
settings.register_profile("default", max_examples=100, deadline=None)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile(
    "long", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default")
)


@pytest.fixture(autouse=True)
def _own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each test starts in an empty folder, without the user's configuration; caches are beside it, not at home."""
    monkeypatch.delenv("PROVENANCE_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.parent / f"{tmp_path.name}-cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _own_registries():
    """Serializers and hashers that a test registers are gone after it."""
    with own_registries():
        yield

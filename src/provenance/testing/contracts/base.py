"""The base class of contract suites, which makes the store under test."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from provenance.testing.harness import StoreUnderTest

LAW = settings(
    deadline=None,
    suppress_health_check=[
        HealthCheck.differing_executors,
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
)
"""Settings of a property that runs for several subclasses over one store, which may be slow."""
FEW = settings(LAW, max_examples=25)
"""Settings of an expensive property."""


class Contract:
    """Tests of a store that a subclass makes.

    Suites can be combined: `class TestMine(BlobContract, StatefulContract)`. To test several stores,
    override the fixture `place`, with `params`, instead of `make`.
    """

    def make(self, folder: Path, /) -> StoreUnderTest:
        """Return an empty store, which may keep files in *folder*, an empty folder."""
        raise NotImplementedError(
            f"{type(self).__name__} needs a method make(self, folder) -> StoreUnderTest"
        )

    @pytest.fixture
    def place(self, tmp_path: Path) -> Generator[StoreUnderTest]:
        """Make an empty store."""
        place = self.make(tmp_path)
        yield place
        place.close()

    @pytest.fixture
    def fresh(self, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], StoreUnderTest]:
        """Return a function that makes empty stores; the caller closes them."""
        return lambda: self.make(tmp_path_factory.mktemp("place"))

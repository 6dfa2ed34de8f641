"""What all contract suites have in common: how they come by a store."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from provenance.testing.places import Place

LAW = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""A law is run for several subclasses, over one store, which may be slow."""
FEW = settings(LAW, max_examples=25)
"""Enough where each example costs something."""


class Contract:
    """Tests of a store, which a subclass makes. Suites may be combined: `class TestMine(BlobContract, ModelContract)`.

    A subclass for several stores overrides the fixture `place`, with `params`, instead of `make`.
    """

    def make(self, folder: Path, /) -> Place:
        """An empty store; *folder* is there for what it keeps, and is empty too."""
        raise NotImplementedError(f"{type(self).__name__} needs a method make(self, folder) -> Place")

    @pytest.fixture
    def place(self, tmp_path: Path) -> Generator[Place]:
        """An empty store."""
        made = self.make(tmp_path)
        yield made
        made.close()

    @pytest.fixture
    def fresh(self, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Place]:
        """Makes another empty store each time; who calls it closes it."""
        return lambda: self.make(tmp_path_factory.mktemp("place"))

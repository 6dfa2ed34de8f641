"""pytest-xdist: workers that want the same result wait for the one that computes it."""

from __future__ import annotations

import pytest
from steps import load, train


@pytest.fixture(scope="session")
def model() -> float:
    """Train once for all workers, and once for all runs of the tests."""
    return train(load("2026-11-28"), 0.1)


@pytest.mark.parametrize("number", range(8))
def test_model(model: float, number: int) -> None:
    """Use it in each of them."""
    assert model > number

"""Each test has an empty repository in memory, and a process that has met nothing yet."""

import pytest

import provenance as p
from provenance.testing import in_memory


@pytest.fixture(autouse=True)
def repo():
    """The repository of the test."""
    p.reset_stats()
    with in_memory() as repo:
        yield repo
    p.reset_stats()

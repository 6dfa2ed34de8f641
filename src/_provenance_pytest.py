"""Fixtures for pytest, found through the entry point `provenance`.

A module beside the package, so that a test run which uses none of them does not import the library.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from provenance import Repository


@pytest.fixture
def provenance_memory() -> Generator[Repository]:
    """An empty repository in memory, which decorated functions use during the test; see `provenance.testing.in_memory`."""
    from provenance.testing import in_memory

    with in_memory() as repo:
        yield repo


@pytest.fixture
def provenance_folder(tmp_path_factory: pytest.TempPathFactory) -> Generator[Repository]:
    """An empty repository of SQLite and files, which decorated functions use during the test; see `in_folder`."""
    from provenance.testing import in_folder

    with in_folder(tmp_path_factory.mktemp("provenance")) as repo:
        yield repo

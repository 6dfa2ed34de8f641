"""What holds for the examples in docstrings: an empty folder, and an empty repository in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from provenance.telemetry import reset_stats
from provenance.testing import in_memory


@pytest.fixture(autouse=True)
def _own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.delenv("PROVENANCE_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    reset_stats()
    with in_memory():
        yield

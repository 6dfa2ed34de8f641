"""What the architecture tests share."""

import pytest

from architecture.source import tree


@pytest.fixture(scope="package", autouse=True)
def _parsed():
    """Forget the syntax trees at the end; hundreds of megabytes would make each later fork slow."""
    yield
    tree.cache_clear()

import pytest

from contract.stores import PLACES, each


@pytest.fixture(params=each(PLACES))
def place(request, tmp_path):
    """Each store in turn, empty."""
    made = PLACES[request.param](tmp_path)
    yield made
    made.close()

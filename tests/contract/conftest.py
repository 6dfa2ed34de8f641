import pytest

from contract.stores import PLACES


@pytest.fixture(params=PLACES)
def place(request, tmp_path):
    """Each store in turn, empty."""
    made = PLACES[request.param](tmp_path)
    yield made
    made.close()

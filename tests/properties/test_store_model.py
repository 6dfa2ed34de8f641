"""Any sequence of operations leaves every store as it would leave a dictionary."""

import pytest

from contract.stores import PLACES
from provenance.testing.contracts import ModelContract


class TestModel(ModelContract):
    """Every place is a dictionary."""

    @pytest.fixture(params=PLACES)
    def fresh(self, request, tmp_path_factory):
        """Makes another empty place each time."""
        return lambda: PLACES[request.param](tmp_path_factory.mktemp("place"))

"""Any sequence of operations leaves every store as it would leave a dictionary."""

import pytest

from contract.stores import ELSEWHERE, PLACES, each
from provenance.testing.contracts import StatefulContract

HERE = [name for name in PLACES if name not in ELSEWHERE]


class TestModel(StatefulContract):
    """Every place is a dictionary."""

    @pytest.fixture(params=each(HERE))
    def fresh(self, request, tmp_path_factory):
        """Makes another empty place each time."""
        return lambda: PLACES[request.param](tmp_path_factory.mktemp("place"))


class TestModelElsewhere(StatefulContract):
    """So is every place that is elsewhere, where each question is a request."""

    examples = 4
    steps = 12

    @pytest.fixture(params=each(ELSEWHERE))
    def fresh(self, request, tmp_path_factory):
        """Makes another empty place each time."""
        return lambda: ELSEWHERE[request.param](tmp_path_factory.mktemp("place"))

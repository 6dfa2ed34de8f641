"""How the suites of `provenance.testing.contracts` come by our own stores."""

import pytest

from contract.stores import FOR_LAWS, each


class Everywhere:
    """A contract over each of `PLACES`; its laws over those that can stand a hundred examples."""

    @pytest.fixture
    def place(self, place):
        """The `place` of the folder, not one that the suite makes."""
        return place

    @pytest.fixture(params=each(FOR_LAWS))
    def fresh(self, request, tmp_path_factory):
        """Makes another empty store each time."""
        return lambda: FOR_LAWS[request.param](tmp_path_factory.mktemp("place"))

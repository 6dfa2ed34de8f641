"""What every store of records promises of sets and of searching, asked of each of ours."""

from contract.everywhere import Everywhere
from provenance.testing.contracts import SearchContract, SetContract


class TestSets(Everywhere, SetContract):
    """Every place keeps sets."""


class TestSearching(Everywhere, SearchContract):
    """Every place is searched."""

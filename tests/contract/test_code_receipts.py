"""What every store of code receipts does, asked of each of ours."""

from contract.everywhere import Everywhere
from provenance.testing.contracts import HistoryContract


class TestHistory(Everywhere, HistoryContract):
    """Every place keeps receipts, sources and accepted changes."""

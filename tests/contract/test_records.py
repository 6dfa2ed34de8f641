"""What every store of records does, asked of each of ours."""

from contract.everywhere import Everywhere
from provenance.testing.contracts import RecordContract


class TestRecords(Everywhere, RecordContract):
    """Every place keeps records."""

"""Contract suites for stores: subclass one, say how to make an empty store, and run pytest.

from provenance.testing import StoreUnderTest
from provenance.testing.contracts import BlobContract

class TestShelf(BlobContract):
    def make(self, folder):
        return StoreUnderTest.of_blobs(BlobArea(folder))
"""

from provenance.util.optional import require_library

_SUITES = ("blobs", "history", "leases", "maintenance", "records", "sets", "stateful")

require_library("hypothesis", "a contract suite")
require_library("pytest", "a contract suite").register_assert_rewrite(
    *(f"{__name__}.{suite}" for suite in _SUITES)
)

# Imported after the registration, so that failing assertions show what they compared.
from provenance.testing.contracts.base import Contract
from provenance.testing.contracts.blobs import (
    BlobContract,
    DamageContract,
)
from provenance.testing.contracts.engines import EngineContract
from provenance.testing.contracts.history import HistoryContract
from provenance.testing.contracts.leases import LeaseContract
from provenance.testing.contracts.maintenance import MaintenanceContract
from provenance.testing.contracts.records import (
    RecordContract,
    SearchContract,
)
from provenance.testing.contracts.sets import SetContract
from provenance.testing.contracts.stateful import (
    StatefulContract,
    StoreModel,
    ThreadContract,
    store_machine,
)


# Without `DamageContract` (needs a way to damage blobs), `MaintenanceContract` and `HistoryContract`
# (need methods for maintenance and for code receipts) and `LeaseContract` (needs a clock).
class StoreContract(
    BlobContract, RecordContract, SetContract, SearchContract, ThreadContract, StatefulContract
):
    """All contracts of records and blobs that need nothing but the stores."""


__all__ = [
    "BlobContract",
    "Contract",
    "DamageContract",
    "EngineContract",
    "HistoryContract",
    "LeaseContract",
    "MaintenanceContract",
    "RecordContract",
    "SearchContract",
    "SetContract",
    "StatefulContract",
    "StoreContract",
    "StoreModel",
    "ThreadContract",
    "store_machine",
]

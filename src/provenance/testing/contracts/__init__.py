"""Contract suites for stores: subclass one, say how to make an empty store, and run pytest.

from provenance.testing import StoreUnderTest
from provenance.testing.contracts import BlobContract

class TestShelf(BlobContract):
    def make(self, folder):
        return StoreUnderTest.of_blobs(BlobArea(folder))
"""

from provenance.util.optional import require_library as _require

_SUITES = ("blobs", "engines", "history", "leases", "maintenance", "records", "sets", "stateful")

_require("hypothesis", "a contract suite")
_require("pytest", "a contract suite").register_assert_rewrite(
    *(f"{__name__}.{suite}" for suite in _SUITES)
)

# Imported after the registration, so that failing assertions show what they compared.
from provenance.testing.contracts.base import Contract as Contract
from provenance.testing.contracts.blobs import (
    BlobContract as BlobContract,
    DamageContract as DamageContract,
)
from provenance.testing.contracts.engines import EngineContract as EngineContract
from provenance.testing.contracts.history import HistoryContract as HistoryContract
from provenance.testing.contracts.leases import LeaseContract as LeaseContract
from provenance.testing.contracts.maintenance import MaintenanceContract as MaintenanceContract
from provenance.testing.contracts.records import (
    RecordContract as RecordContract,
    SearchContract as SearchContract,
)
from provenance.testing.contracts.sets import SetContract as SetContract
from provenance.testing.contracts.stateful import (
    StatefulContract as StatefulContract,
    StoreModel as StoreModel,
    ThreadContract as ThreadContract,
    store_machine as store_machine,
)


# Without `DamageContract` (needs a way to damage blobs), `MaintenanceContract` and `HistoryContract`
# (need methods for maintenance and for code receipts) and `LeaseContract` (needs a clock).
class StoreContract(
    BlobContract, RecordContract, SetContract, SearchContract, ThreadContract, StatefulContract
):
    """All contracts of records and blobs that need nothing but the stores."""

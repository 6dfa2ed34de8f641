"""Contract suites for stores: subclass one, say how to make an empty store, and run pytest.

from provenance.testing import Place
from provenance.testing.contracts import BlobContract

class TestShelf(BlobContract):
    def make(self, folder):
        return Place.of_blobs(Shelf(folder))
"""

from provenance.codecs.libraries import needed

_SUITES = ("blobs", "care", "damage", "leases", "models", "records", "searches", "sets", "threads")

needed("hypothesis", "a contract suite", "testing")
needed("pytest", "a contract suite", "testing").register_assert_rewrite(
    *(f"{__name__}.{suite}" for suite in _SUITES)
)

# Imported after the registration, so that failing assertions show what they compared.
from provenance.testing.contracts.base import Contract  # noqa: E402 - see above
from provenance.testing.contracts.blobs import BlobContract  # noqa: E402 - see above
from provenance.testing.contracts.care import CareContract  # noqa: E402 - see above
from provenance.testing.contracts.damage import DamageContract  # noqa: E402 - see above
from provenance.testing.contracts.leases import LeaseContract  # noqa: E402 - see above
from provenance.testing.contracts.models import (  # noqa: E402 - see above
    ModelContract,
    StoreModel,
    store_machine,
)
from provenance.testing.contracts.records import RecordContract  # noqa: E402 - see above
from provenance.testing.contracts.searches import SearchContract  # noqa: E402 - see above
from provenance.testing.contracts.sets import SetContract  # noqa: E402 - see above
from provenance.testing.contracts.threads import ThreadContract  # noqa: E402 - see above


# Without `DamageContract` (needs a way to damage blobs), `CareContract` (needs methods for
# maintenance) and `LeaseContract` (needs a clock).
class StoreContract(
    BlobContract, RecordContract, SetContract, SearchContract, ThreadContract, ModelContract
):
    """All contracts of records and blobs that need nothing but the stores."""


__all__ = [
    "BlobContract",
    "CareContract",
    "Contract",
    "DamageContract",
    "LeaseContract",
    "ModelContract",
    "RecordContract",
    "SearchContract",
    "SetContract",
    "StoreContract",
    "StoreModel",
    "ThreadContract",
    "store_machine",
]

"""What every store must do, as classes of tests: subclass one, say how an empty store is made, and let pytest run it.

from provenance.testing import Place
from provenance.testing.contracts import BlobContract

class TestShelf(BlobContract):
    def make(self, folder):
        return Place.of_blobs(Shelf(folder))
"""

from provenance.codecs.libraries import needed

_SUITES = ("blobs", "care", "damage", "leases", "models", "records", "searches", "sets", "threads")

needed("hypothesis", "a contract suite", "testing")
needed("pytest", "a contract suite", "testing").register_assert_rewrite(*(f"{__name__}.{each}" for each in _SUITES))

# Imported only now, so that their assertions tell what they compared.
from provenance.testing.contracts.base import Contract  # noqa: E402 - see above
from provenance.testing.contracts.blobs import BlobContract  # noqa: E402 - see above
from provenance.testing.contracts.care import CareContract  # noqa: E402 - see above
from provenance.testing.contracts.damage import DamageContract  # noqa: E402 - see above
from provenance.testing.contracts.leases import LeaseContract  # noqa: E402 - see above
from provenance.testing.contracts.models import ModelContract, StoreModel, store_machine  # noqa: E402 - see above
from provenance.testing.contracts.records import RecordContract  # noqa: E402 - see above
from provenance.testing.contracts.searches import SearchContract  # noqa: E402 - see above
from provenance.testing.contracts.sets import SetContract  # noqa: E402 - see above
from provenance.testing.contracts.threads import ThreadContract  # noqa: E402 - see above


class StoreContract(
    BlobContract, RecordContract, SetContract, SearchContract, ThreadContract, ModelContract
):  # not `DamageContract`, `CareContract` and `LeaseContract`, which need a way behind the store's back, more methods, a clock
    """Everything that records and blobs must do together."""


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

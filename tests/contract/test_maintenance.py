"""What our own stores answer to who takes care of them."""

import time
from datetime import UTC, datetime

import pytest

from contract.everywhere import Everywhere
from contract.stores import ELSEWHERE, PLACES, each
from provenance.errors import CorruptBlobError
from provenance.model.records import StoredBlob
from provenance.ports.blobs import BlobArea, DeleteIfOlder, GetBlobLocations, HasBlob, VerifyBlob
from provenance.ports.records import GetDatabaseIds
from provenance.testing.contracts import MaintenanceContract
from provenance.testing.contracts.blobs import some
from provenance.testing.harness import LIMIT

SIZES = [1, LIMIT, LIMIT + 1, 1 << 16, 3 << 20]


class TestCare(Everywhere, MaintenanceContract):
    """Every place can be taken care of."""


@pytest.mark.parametrize("size", SIZES)
def test_a_blob_is_checked_anew_each_time(place, size):
    """One changed bit is noticed although the blob was read and checked just before."""
    blob = place.keep(some(size))
    place.read(blob)
    place.ask(VerifyBlob(blob))
    place.damage(blob, lambda data: data[:-1] + bytes([data[-1] ^ 4]))
    with pytest.raises(CorruptBlobError, match=blob.id):
        place.ask(VerifyBlob(blob))


@pytest.mark.parametrize("name", sorted(PLACES.keys() - ELSEWHERE.keys()))
def test_writing_again_makes_a_blob_young(tmp_path, name):
    """Bytes that were there already are as young as if they had been written just now; elsewhere, if an hour has passed."""
    place = PLACES[name](tmp_path)
    data = some(LIMIT + 1)
    written = place.write(data)
    time.sleep(0.05)
    moment = datetime.now(UTC)
    time.sleep(0.05)
    place.write(data)
    if isinstance(written, StoredBlob):
        assert not place.ask(DeleteIfOlder(BlobArea.STORED, written.blob.id, moment))
        assert place.ask(HasBlob(written.blob))
    place.close()


@pytest.mark.parametrize("name", each(PLACES))
def test_places_tell_stores_apart(tmp_path, name):
    """A store is where it says, each time; another one is elsewhere."""
    one, other = PLACES[name](tmp_path / "one"), PLACES[name](tmp_path / "other")
    assert one.ask(GetBlobLocations()) == one.ask(GetBlobLocations())
    assert frozenset() == one.ask(GetBlobLocations()) & other.ask(GetBlobLocations())
    assert one.ask(GetDatabaseIds()) == one.ask(GetDatabaseIds()) != frozenset()
    assert frozenset() == one.ask(GetDatabaseIds()) & other.ask(GetDatabaseIds())
    one.close()
    other.close()

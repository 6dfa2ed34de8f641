"""The contract of stores with methods for maintenance (see `provenance.ports.records`)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from provenance.effects.io import blob_of
from provenance.errors import BlobNotFoundError, CorruptBlobError
from provenance.model.ids import ArtifactId, SetId
from provenance.model.records import (
    ArtifactRecord,
    InlineBlob,
    SetRecord,
    StoredBlob,
    freeze_options,
)
from provenance.ports import blobs, records
from provenance.ports.inspection import ReadStoredRecords
from provenance.testing.contracts.base import Contract
from provenance.testing.contracts.blobs import INVALID, some
from provenance.testing.harness import (
    LIMIT,
    MOMENT,
    StoreUnderTest,
    inline_blobs,
    new_id,
    record,
    run,
)

SIZES = [1, LIMIT, LIMIT + 1, 1 << 16, 3 << 20]


def now() -> datetime:
    """Return the current time by the clock that stores use."""
    return datetime.now(UTC)


def later() -> datetime:
    """Return a time after everything that is stored now."""
    return now() + timedelta(seconds=5)


def keys(
    place: StoreUnderTest,
    shelf: blobs.BlobArea = blobs.BlobArea.STORED,
    after: str = "",
    limit: int = 1000,
) -> list[str]:
    """Return the keys of the blobs in an area."""
    return [entry.key for entry in place.ask(blobs.ListBlobEntries(shelf, after, limit))]


def put(place: StoreUnderTest, data: bytes = b"value") -> ArtifactRecord:
    """Put a record with the value *data* and without inputs."""
    written = place.write(data)
    return place.put(record(value_blob=written.blob, inputs_blob=None), *inline_blobs(written))


def pinning(*members: ArtifactId, **labels: object) -> SetRecord:
    """Return a set with these members and labels."""
    return SetRecord(SetId(new_id()), frozenset(members), freeze_options(labels), MOMENT)


class MaintenanceContract(Contract):
    """Maintenance can list what a store holds, check it and delete it."""

    @pytest.mark.parametrize("size", SIZES)
    def test_a_sound_blob_passes(self, place: StoreUnderTest, size: int) -> None:
        """Verifying an intact blob returns None, and verifying a missing one raises."""
        blob = place.keep(some(size))
        assert place.ask(blobs.VerifyBlob(blob)) is None
        for absent in (blob_of(b"nothing of the kind"), INVALID):
            with pytest.raises((BlobNotFoundError, CorruptBlobError)):
                place.ask(blobs.VerifyBlob(absent))

    def test_only_bytes_of_before_are_dropped(self, place: StoreUnderTest) -> None:
        """Bytes written after the given time stay: another process may be about to record them."""
        written = place.write(some(LIMIT + 1))
        place.put(record(value_blob=written.blob), *inline_blobs(written))
        place.ask(blobs.DeleteBlob(written.blob, now() - timedelta(minutes=1)))
        assert some(LIMIT + 1) == place.read(written.blob)
        place.ask(blobs.DeleteBlob(written.blob, now() + timedelta(days=1)))
        # A blob in the record's row is deleted with the record.
        assert place.ask(blobs.HasBlob(written.blob)) == isinstance(written, InlineBlob)

    def test_what_lies_by_itself_is_listed(self, place: StoreUnderTest) -> None:
        """Blobs outside records are listed in the order of their ids, with size and time."""
        begin = now() - timedelta(seconds=5)
        written = [place.write(some(size)) for size in (5, LIMIT + 1, 1 << 17)]
        stored = sorted(result.blob.id for result in written if isinstance(result, StoredBlob))
        assert stored == keys(place)
        sizes = {str(result.blob.id): result.blob.size for result in written}
        for entry in place.ask(blobs.ListBlobEntries(blobs.BlobArea.STORED)):
            # Each tier may have a copy.
            assert 0 == entry.size % sizes[entry.key]
            assert begin < entry.since < later()
        assert (
            [] == keys(place, blobs.BlobArea.TEMPORARY) == keys(place, blobs.BlobArea.QUARANTINED)
        )

    def test_pages_of_a_listing_join(self, place: StoreUnderTest) -> None:
        """Pages together list everything once."""
        for turn in range(12):
            place.write(some(LIMIT + 1 + turn))
        found: list[str] = []
        after = ""
        while page := keys(place, after=after, limit=5):
            found += page
            after = page[-1]
        assert keys(place) == found

    def test_ids_are_found_page_by_page(self, place: StoreUnderTest) -> None:
        """Ids of artifacts and of sets are listed in order after a given one."""
        ids = sorted(put(place).id for _ in range(7))
        sets = [place.ask(records.PutSet(pinning(n=turn))) for turn in range(4)]
        assert tuple(ids[3:5]) == place.ask(records.ListIds("", 2, ids[2]))
        assert () == place.ask(records.ListIds("", 10, ids[-1]))
        assert (ids[4],) == place.ask(records.ListIds(ids[4][:8], 10, ids[3]))
        assert () == place.ask(records.ListIds(ids[4][:8], 10, ids[4]))
        set_ids = sorted(pinned.id for pinned in sets)
        assert tuple(set_ids[1:]) == place.ask(records.ListSetIds("", 10, set_ids[0]))

    @pytest.mark.parametrize("size", [5, LIMIT + 1, 1 << 17])
    def test_what_is_old_is_discarded_and_what_is_young_stays(
        self, place: StoreUnderTest, size: int
    ) -> None:
        """A blob is deleted only if it was written before the given time."""
        written = place.write(some(size))
        if isinstance(written, InlineBlob):
            return
        key = written.blob.id
        assert not place.ask(
            blobs.DeleteIfOlder(blobs.BlobArea.STORED, key, now() - timedelta(seconds=5))
        )
        assert place.ask(blobs.HasBlob(written.blob))
        assert place.ask(blobs.DeleteIfOlder(blobs.BlobArea.STORED, key, later()))
        assert not place.ask(blobs.HasBlob(written.blob))
        assert [] == keys(place)
        assert not place.ask(blobs.DeleteIfOlder(blobs.BlobArea.STORED, key, later()))
        assert written == place.write(some(size))
        assert some(size) == place.read(written.blob)

    @pytest.mark.parametrize("key", [INVALID.id, "", ".", "..", "../x", "ab", "a/b"])
    @pytest.mark.parametrize("shelf", blobs.BlobArea)
    def test_an_invalid_key_deletes_nothing(
        self, place: StoreUnderTest, shelf: blobs.BlobArea, key: str
    ) -> None:
        """An invalid key deletes nothing, even if it looks like a path."""
        place.keep(some(LIMIT + 1))
        assert not place.ask(blobs.DeleteIfOlder(shelf, key, later()))

    @pytest.mark.parametrize("size", [5, LIMIT + 1])
    def test_quarantined_blobs_are_listed_with_their_time(
        self, place: StoreUnderTest, size: int
    ) -> None:
        """Quarantined blobs have an area and a time of their own, and can be deleted."""
        blob = place.keep(some(size))
        begin = now() - timedelta(seconds=5)
        place.ask(blobs.Quarantine(blob))
        (entry,) = place.ask(blobs.ListBlobEntries(blobs.BlobArea.QUARANTINED))
        assert blob.id == entry.key
        assert begin < entry.since < later()
        assert not place.ask(blobs.DeleteIfOlder(blobs.BlobArea.QUARANTINED, blob.id, begin))
        assert place.ask(blobs.DeleteIfOlder(blobs.BlobArea.QUARANTINED, blob.id, later()))
        assert [] == keys(place, blobs.BlobArea.QUARANTINED)

    def test_the_blobs_that_records_reference_are_found(self, place: StoreUnderTest) -> None:
        """Values and inputs of records are referenced; those of deleted records are not."""
        value, inputs = blob_of(b"v"), blob_of(b"i")
        one = record(value_blob=value, inputs_blob=inputs)
        place.put(one)
        asked = (value, inputs, blob_of(b"other"))
        assert frozenset(one.blobs) == place.ask(records.FindReferencedBlobs(asked))
        place.ask(records.DeleteRecord(one.id))
        assert (
            frozenset()
            == place.ask(records.FindReferencedBlobs(asked))
            == place.ask(records.FindReferencedBlobs(()))
        )

    def test_a_record_is_inspected_where_it_is(self, place: StoreUnderTest) -> None:
        """The stored record is returned, regardless of caches."""
        one = put(place)
        assert one == place.ask(records.ReadStoredRecord(one.id))
        assert place.ask(records.ReadStoredRecord(new_id())) is None

    def test_records_are_inspected_many_at_once(self, place: StoreUnderTest) -> None:
        """What the store answers of many records is what it answers of each; it may leave some out."""
        sound, evicted, orphan = put(place), put(place, some(7)), put(place, some(9))
        place.ask(records.MarkEvicted(evicted.id, evicted.value_blob, MOMENT))
        orphan = place.put(evolve(orphan, input_artifact_ids=frozenset({new_id()})), replace=True)
        ids = (sound.id, new_id(), evicted.id, orphan.id)
        for found in place.ask(ReadStoredRecords(ids)):
            record = found.record
            assert record == place.ask(records.ReadStoredRecord(record.id))
            assert found.evicted is (record.id == evicted.id)
            assert found.is_complete is (record.id != orphan.id)
            assert all(place.ask(blobs.HasBlob(blob)) for blob in found.held)
            assert found.held <= {*record.blobs}
        assert () == place.ask(ReadStoredRecords(()))

    def test_the_sets_of_an_artifact_are_found(self, place: StoreUnderTest) -> None:
        """Each set that contains it is listed once, regardless of labels, until it is deleted."""
        member = new_id()
        one, other = (pinning(member, new_id(), n=n) for n in (1, 2))
        for pinned in (one, other, evolve(one, labels=freeze_options({"again": True}))):
            place.ask(records.PutSet(pinned))
        assert tuple(sorted((one.id, other.id))) == place.ask(records.FindSetsContaining(member))
        place.ask(records.DeleteSet(one.id))
        assert (other.id,) == place.ask(records.FindSetsContaining(member))
        assert () == place.ask(records.FindSetsContaining(new_id()))

    @pytest.mark.parametrize("size", [5, LIMIT + 1])
    def test_eviction_keeps_the_record(self, place: StoreUnderTest, size: int) -> None:
        """The record stays, marked as evicted, and its blob can be deleted."""
        one = put(place, some(size))
        assert place.ask(records.FindEviction(one.id)) is None
        assert (one.value_blob,) == place.ask(records.MarkEvicted(one.id, one.value_blob, MOMENT))
        place.ask(blobs.DeleteIfOlder(blobs.BlobArea.STORED, one.value_blob.id, later()))
        assert not place.ask(blobs.HasBlob(one.value_blob))
        assert (one, MOMENT) == (
            place.ask(records.FindRecord(one.id)),
            place.ask(records.FindEviction(one.id)),
        )

    def test_a_record_can_be_put_without_its_value(self, place: StoreUnderTest) -> None:
        """It is marked as evicted in the same transaction, until a whole one replaces it."""
        one = record(value_blob=blob_of(some(LIMIT)), inputs_blob=None)
        for evicted in (True, False):
            put = records.PutRecord(one, run(), "{}", replace=True, evicted=evicted)
            assert one == place.ask(put) == place.ask(records.FindRecord(one.id))
            assert evicted == (place.ask(records.FindEviction(one.id)) is not None)

    @pytest.mark.parametrize("size", [5, LIMIT + 1])
    def test_a_record_that_takes_the_place_of_an_evicted_one_is_whole(
        self, place: StoreUnderTest, size: int
    ) -> None:
        """A recomputed record is not marked as evicted, whether or not it was deleted before."""
        one = put(place, some(size))
        for again in (True, False):
            place.ask(records.MarkEvicted(one.id, one.value_blob, MOMENT))
            if not again:
                place.ask(records.DeleteRecord(one.id))
            written = place.write(some(size))
            place.put(one, *inline_blobs(written), replace=again)
            assert place.ask(records.FindEviction(one.id)) is None
            assert some(size) == place.read(one.value_blob)

    @pytest.mark.parametrize("size", [5, LIMIT + 1])
    def test_bytes_that_another_needs_are_not_free(self, place: StoreUnderTest, size: int) -> None:
        """The blob of equal values is free only when all of them are evicted."""
        one, other = put(place, some(size)), put(place, some(size))
        user = record(value_blob=blob_of(b"x"), inputs_blob=one.value_blob)
        assert () == place.ask(records.MarkEvicted(one.id, one.value_blob, MOMENT))
        assert some(size) == place.read(other.value_blob)
        place.put(user)
        assert () == place.ask(records.MarkEvicted(other.id, one.value_blob, MOMENT))
        place.ask(records.DeleteRecord(user.id))
        assert (one.value_blob,) == place.ask(records.MarkEvicted(other.id, one.value_blob, MOMENT))

    @pytest.mark.parametrize("size", [5, LIMIT + 1])
    def test_what_a_set_pins_is_not_evicted(self, place: StoreUnderTest, size: int) -> None:
        """An artifact in a set, or inside the value of one in a set, is not evicted."""
        one = put(place, some(size))
        holder = record(value_artifact_ids=frozenset({one.id}))
        outer = record(value_artifact_ids=frozenset({holder.id}))
        user = record(
            input_artifact_ids=frozenset({one.id}), value_artifact_ids=frozenset[ArtifactId]()
        )
        for other in (holder, outer, user):
            place.put(other)
        for member in (one, holder, outer):
            pinned = place.ask(records.PutSet(pinning(member.id, new_id())))
            assert place.ask(records.MarkEvicted(one.id, one.value_blob, MOMENT)) is None
            assert place.ask(records.FindEviction(one.id)) is None
            assert some(size) == place.read(one.value_blob)
            place.ask(records.DeleteSet(pinned.id))
        place.ask(records.PutSet(pinning(user.id)))
        assert (one.value_blob,) == place.ask(records.MarkEvicted(one.id, one.value_blob, MOMENT))

    def test_only_the_stored_value_is_evicted(self, place: StoreUnderTest) -> None:
        """Nothing is evicted if the record is missing or has another value."""
        one = put(place)
        assert place.ask(records.MarkEvicted(one.id, blob_of(b"another"), MOMENT)) is None
        assert place.ask(records.MarkEvicted(new_id(), one.value_blob, MOMENT)) is None
        assert place.ask(records.FindEviction(one.id)) is None
        assert b"value" == place.read(one.value_blob)

    def test_a_sound_store_has_no_complaints(self, place: StoreUnderTest) -> None:
        """An intact store reports no problems."""
        put(place)
        assert () == place.ask(records.CheckDatabase())

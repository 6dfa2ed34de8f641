"""What a store answers to who takes care of it, if it has the methods of `provenance.tending`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from provenance.asks import (
    DropBlob,
    DropRecord,
    DropSet,
    FindIds,
    FindRecord,
    FindSetIds,
    HasBlob,
    PutRecord,
    PutSet,
    Quarantine,
)
from provenance.chores import (
    CheckBlob,
    CheckRecords,
    Discard,
    Evict,
    FindEviction,
    FindNamed,
    FindPins,
    InspectRecord,
    ListHoldings,
    Shelf,
)
from provenance.effects.sinks import blob_of
from provenance.errors import BlobNotFoundError, CorruptBlobError
from provenance.ids import ArtifactId, SetId
from provenance.records import ArtifactRecord, Held, SetRecord, Stored, options
from provenance.testing.contracts.base import Contract
from provenance.testing.contracts.blobs import ELSEWHERE, some
from provenance.testing.places import LIMIT, Place
from provenance.testing.samples import MOMENT, new_id, record, run

SIZES = [1, LIMIT, LIMIT + 1, 1 << 16, 3 << 20]


def now() -> datetime:
    """The time by the clock that stores use."""
    return datetime.now(UTC)


def later() -> datetime:
    """A moment before which all that is there now was written."""
    return now() + timedelta(seconds=5)


def keys(place: Place, shelf: Shelf = Shelf.STORED, after: str = "", limit: int = 1000) -> list[str]:
    """The keys of what lies on a shelf."""
    return [each.key for each in place.ask(ListHoldings(shelf, after, limit))]


def put(place: Place, data: bytes = b"value") -> ArtifactRecord:
    """A record whose value is *data*, and whose inputs are none."""
    written = place.write(data)
    one = record(value_blob=written.blob, inputs_blob=None)
    place.ask(PutRecord(one, run(), "{}", (written,) if isinstance(written, Held) else ()))
    return one


class CareContract(Contract):
    """Who takes care of a store learns what lies in it, and can let it go."""

    @pytest.mark.parametrize("size", SIZES)
    def test_a_sound_blob_passes(self, place: Place, size: int) -> None:
        """A blob that is as it was written is checked without a word; one that is not there is told as missing."""
        blob = place.keep(some(size))
        assert place.ask(CheckBlob(blob)) is None
        for absent in (blob_of(b"nothing of the kind"), ELSEWHERE):
            with pytest.raises((BlobNotFoundError, CorruptBlobError)):
                place.ask(CheckBlob(absent))

    def test_only_bytes_of_before_are_dropped(self, place: Place) -> None:
        """Bytes that were written since a moment are not dropped: somebody may have found them, and be about to record them."""
        written = place.write(some(LIMIT + 1))
        place.ask(
            PutRecord(record(value_blob=written.blob), run(), "{}", (written,) if isinstance(written, Held) else ())
        )
        place.ask(DropBlob(written.blob, now() - timedelta(minutes=1)))
        assert some(LIMIT + 1) == place.read(written.blob)
        place.ask(DropBlob(written.blob, now() + timedelta(days=1)))
        assert place.ask(HasBlob(written.blob)) == isinstance(written, Held)  # in its row, it goes with that

    def test_what_lies_by_itself_is_listed(self, place: Place) -> None:
        """Blobs that are stored on their own are listed, in order of their ids, with size and age; those in rows are not."""
        begin = now() - timedelta(seconds=5)
        written = [place.write(some(size)) for size in (5, LIMIT + 1, 1 << 17)]
        stored = sorted(each.blob.id for each in written if isinstance(each, Stored))
        assert stored == keys(place)
        sizes = {str(each.blob.id): each.blob.size for each in written}
        for each in place.ask(ListHoldings(Shelf.STORED)):
            assert 0 == each.size % sizes[each.key]  # a copy in each tier
            assert begin < each.since < later()
        assert [] == keys(place, Shelf.TEMPORARY) == keys(place, Shelf.QUARANTINED)

    def test_pages_of_a_listing_join(self, place: Place) -> None:
        """Page by page, everything is listed once."""
        for turn in range(12):
            place.write(some(LIMIT + 1 + turn))
        found: list[str] = []
        after = ""
        while page := keys(place, after=after, limit=5):
            found += page
            after = page[-1]
        assert keys(place) == found

    def test_ids_are_found_page_by_page(self, place: Place) -> None:
        """After each id come the others, in order; the same holds for sets."""
        ids = sorted(put(place).id for _ in range(7))
        sets = [SetRecord(SetId(new_id()), frozenset(), options({"n": turn}), MOMENT) for turn in range(4)]
        for each in sets:
            place.ask(PutSet(each))
        assert tuple(ids[3:5]) == place.ask(FindIds("", 2, ids[2]))
        assert () == place.ask(FindIds("", 10, ids[-1]))
        assert (ids[4],) == place.ask(FindIds(ids[4][:8], 10, ids[3]))
        assert () == place.ask(FindIds(ids[4][:8], 10, ids[4]))
        set_ids = sorted(each.id for each in sets)
        assert tuple(set_ids[1:]) == place.ask(FindSetIds("", 10, set_ids[0]))

    @pytest.mark.parametrize("size", [5, LIMIT + 1, 1 << 17])
    def test_what_is_old_is_discarded_and_what_is_young_stays(self, place: Place, size: int) -> None:
        """A blob goes if it was written before the given moment, with all its bytes; and only then."""
        written = place.write(some(size))
        if isinstance(written, Held):
            return
        key = written.blob.id
        assert not place.ask(Discard(Shelf.STORED, key, now() - timedelta(seconds=5)))
        assert place.ask(HasBlob(written.blob))
        assert place.ask(Discard(Shelf.STORED, key, later()))
        assert not place.ask(HasBlob(written.blob))
        assert [] == keys(place)
        assert not place.ask(Discard(Shelf.STORED, key, later()))
        assert written == place.write(some(size))
        assert some(size) == place.read(written.blob)

    @pytest.mark.parametrize("key", [ELSEWHERE.id, "", ".", "..", "../x", "ab", "a/b"])
    @pytest.mark.parametrize("shelf", Shelf)
    def test_a_key_from_elsewhere_leads_nowhere(self, place: Place, shelf: Shelf, key: str) -> None:
        """What is no key is nothing that could be deleted, whatever path it looks like."""
        place.keep(some(LIMIT + 1))
        assert not place.ask(Discard(shelf, key, later()))

    @pytest.mark.parametrize("size", [5, LIMIT + 1])
    def test_what_was_put_aside_is_listed_with_the_time_when_it_was(self, place: Place, size: int) -> None:
        """Quarantined bytes are on a shelf of their own, since they were put there, and can be discarded."""
        blob = place.keep(some(size))
        begin = now() - timedelta(seconds=5)
        place.ask(Quarantine(blob))
        aside = place.ask(ListHoldings(Shelf.QUARANTINED))
        assert [blob.id] == [each.key for each in aside]
        assert begin < aside[0].since < later()
        assert not place.ask(Discard(Shelf.QUARANTINED, blob.id, begin))
        assert place.ask(Discard(Shelf.QUARANTINED, blob.id, later()))
        assert [] == keys(place, Shelf.QUARANTINED)

    def test_the_blobs_that_records_name_are_told(self, place: Place) -> None:
        """Values and inputs of records are named; others, and those of deleted records, are not."""
        value, inputs = blob_of(b"v"), blob_of(b"i")
        one = record(value_blob=value, inputs_blob=inputs)
        place.ask(PutRecord(one, run(), "{}"))
        asked = (value, inputs, blob_of(b"other"))
        assert frozenset(one.blobs) == place.ask(FindNamed(asked))
        place.ask(DropRecord(one.id))
        assert frozenset() == place.ask(FindNamed(asked)) == place.ask(FindNamed(()))

    def test_a_record_is_inspected_where_it_is(self, place: Place) -> None:
        """What is recorded is seen, whatever a layer above remembers; nothing is copied."""
        one = put(place)
        assert one == place.ask(InspectRecord(one.id))
        assert place.ask(InspectRecord(new_id())) is None

    def test_the_sets_of_an_artifact_are_told(self, place: Place) -> None:
        """All sets that it is a member of, each once, whatever their labels, until they are deleted."""
        member = new_id()
        one, other = (
            SetRecord(SetId(new_id()), frozenset({member, new_id()}), options({"n": n}), MOMENT) for n in (1, 2)
        )
        for each in (one, other, evolve(one, labels=options({"again": True}))):
            place.ask(PutSet(each))
        assert tuple(sorted((one.id, other.id))) == place.ask(FindPins(member))
        place.ask(DropSet(one.id))
        assert (other.id,) == place.ask(FindPins(member))
        assert () == place.ask(FindPins(new_id()))

    @pytest.mark.parametrize("size", [5, LIMIT + 1])
    def test_a_value_is_let_go_and_its_record_stays(self, place: Place, size: int) -> None:
        """The record stays and says that its value was evicted; the blob is free, and goes with the row or is discarded."""
        one = put(place, some(size))
        assert place.ask(FindEviction(one.id)) is None
        assert (one.value_blob,) == place.ask(Evict(one.id, one.value_blob, MOMENT))
        place.ask(Discard(Shelf.STORED, one.value_blob.id, later()))
        assert not place.ask(HasBlob(one.value_blob))
        assert (one, MOMENT) == (place.ask(FindRecord(one.id)), place.ask(FindEviction(one.id)))

    @pytest.mark.parametrize("size", [5, LIMIT + 1])
    def test_a_record_that_takes_the_place_of_an_evicted_one_is_whole(self, place: Place, size: int) -> None:
        """Computed anew, or deleted and computed, it counts as evicted no more."""
        one = put(place, some(size))
        for again in (True, False):
            place.ask(Evict(one.id, one.value_blob, MOMENT))
            if not again:
                place.ask(DropRecord(one.id))
            written = place.write(some(size))
            place.ask(PutRecord(one, run(), "{}", (written,) if isinstance(written, Held) else (), again))
            assert place.ask(FindEviction(one.id)) is None
            assert some(size) == place.read(one.value_blob)

    @pytest.mark.parametrize("size", [5, LIMIT + 1])
    def test_bytes_that_another_needs_are_not_free(self, place: Place, size: int) -> None:
        """Equal values are let go together: while one of them is kept, so are its bytes."""
        one, other = put(place, some(size)), put(place, some(size))
        user = record(value_blob=blob_of(b"x"), inputs_blob=one.value_blob)
        assert () == place.ask(Evict(one.id, one.value_blob, MOMENT))
        assert some(size) == place.read(other.value_blob)
        place.ask(PutRecord(user, run(), "{}"))
        assert () == place.ask(Evict(other.id, one.value_blob, MOMENT))
        place.ask(DropRecord(user.id))
        assert (one.value_blob,) == place.ask(Evict(other.id, one.value_blob, MOMENT))

    @pytest.mark.parametrize("size", [5, LIMIT + 1])
    def test_what_a_set_pins_is_not_let_go(self, place: Place, size: int) -> None:
        """Nothing is done while the artifact, or one that holds it at any depth, is a member of a set; then it goes."""
        one = put(place, some(size))
        holder = record(value_artifact_ids=frozenset({one.id}))
        outer = record(value_artifact_ids=frozenset({holder.id}))
        user = record(input_artifact_ids=frozenset({one.id}), value_artifact_ids=frozenset[ArtifactId]())
        for each in (holder, outer, user):
            place.ask(PutRecord(each, run(), "{}"))
        for member in (one, holder, outer):
            pinning = SetRecord(SetId(new_id()), frozenset({member.id, new_id()}), options({}), MOMENT)
            place.ask(PutSet(pinning))
            assert place.ask(Evict(one.id, one.value_blob, MOMENT)) is None
            assert place.ask(FindEviction(one.id)) is None
            assert some(size) == place.read(one.value_blob)
            place.ask(DropSet(pinning.id))
        place.ask(PutSet(SetRecord(SetId(new_id()), frozenset({user.id}), options({}), MOMENT)))
        assert (one.value_blob,) == place.ask(Evict(one.id, one.value_blob, MOMENT))

    def test_only_the_value_that_is_there_is_let_go(self, place: Place) -> None:
        """Nothing is done where there is no record, or where it has another value by now."""
        one = put(place)
        assert place.ask(Evict(one.id, blob_of(b"another"), MOMENT)) is None
        assert place.ask(Evict(new_id(), one.value_blob, MOMENT)) is None
        assert place.ask(FindEviction(one.id)) is None
        assert b"value" == place.read(one.value_blob)

    def test_a_sound_store_has_no_complaints(self, place: Place) -> None:
        """What checks itself finds nothing wrong."""
        put(place)
        assert () == place.ask(CheckRecords())

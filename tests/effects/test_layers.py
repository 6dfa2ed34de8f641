"""What each layer adds; that it changes nothing else is in the contract."""

import asyncio
import threading

import hypothesis.strategies as st
import pytest
from attrs import evolve
from hypothesis import given

from contract.samples import MOMENT, new_id, record, run
from contract.stores import memory
from provenance.effect import Interpreter, in_threads, overlay, run_async
from provenance.effects.io import blob_of
from provenance.effects.layers import Counter, cache_blobs, cache_records, counted, restrict, traced
from provenance.effects.memory_blobs import MemoryBlobs
from provenance.effects.retry import retrying
from provenance.effects.tiers import split_by_size
from provenance.errors import BlobNotFoundError, StorePermissionError
from provenance.model.history import Deletion, Equivalence, ShadowCheck
from provenance.model.queries import Query
from provenance.model.records import NO_OPTIONS, Derivation, SetRecord, StoredBlob
from provenance.ports.blobs import (
    BlobArea,
    BlobEffects,
    DeleteBlob,
    DeleteIfOlder,
    GetBlobLocations,
    HasBlob,
    ListBlobEntries,
    Quarantine,
    ReadBlob,
    VerifyBlob,
    WriteBlob,
    WriteBlobs,
    blob_effects,
)
from provenance.ports.history import (
    FindDeletion,
    FindDerivations,
    FindEquivalence,
    FindReceipt,
    FindShadowChecks,
    FindSources,
    GetRepositoryId,
    PutDeletion,
    PutDerivation,
    PutEquivalence,
    PutShadowCheck,
)
from provenance.ports.inspection import ReadStoredRecords
from provenance.ports.permissions import Permissions
from provenance.ports.records import (
    CheckDatabase,
    DeleteRecord,
    DeleteSet,
    FindEviction,
    FindInputs,
    FindMany,
    FindRecord,
    FindRecordsByValue,
    FindReferencedBlobs,
    FindRun,
    FindSet,
    FindSetByLabels,
    FindSetsContaining,
    GetDatabaseIds,
    ListDependents,
    ListIds,
    ListSetIds,
    MarkEvicted,
    PutRecord,
    PutRecords,
    PutSet,
    ReadStoredRecord,
    RecordEffects,
    SearchRecords,
    SummarizeRecords,
)

BLOB = blob_of(b"x")
SET = SetRecord(new_id(), frozenset({new_id()}), NO_OPTIONS, MOMENT)
BY_PERMISSION = {
    "read": [
        FindRecord(new_id()),
        ListIds("a"),
        FindRecordsByValue(new_id()),
        ListDependents(new_id()),
        FindInputs(new_id()),
        FindRun(new_id()),
        FindMany((new_id(),)),
        FindReceipt("r1:ab"),
        FindSources(frozenset({"ab"})),
        FindEquivalence("f", 0, "r1:a", "r1:b"),
        FindDerivations(new_id()),
        FindDeletion(new_id()),
        FindShadowChecks(new_id()),
        GetRepositoryId(),
        SearchRecords(Query()),
        FindSet(new_id()),
        ListSetIds("a"),
        FindSetByLabels(NO_OPTIONS),
        HasBlob(BLOB),
        ReadBlob(BLOB, lambda source: source.read()),
        FindSetsContaining(new_id()),
        ReadStoredRecord(new_id()),
        ReadStoredRecords((new_id(),)),
        FindReferencedBlobs((BLOB,)),
        SummarizeRecords("run"),
        FindEviction(new_id()),
        GetDatabaseIds(),
        CheckDatabase(),
        VerifyBlob(BLOB),
        ListBlobEntries(BlobArea.STORED),
        GetBlobLocations(),
    ],
    "write": [
        WriteBlob(lambda sink: None),
        WriteBlobs((lambda sink: None,)),
        PutRecord(record(), run(), "{}"),
        PutRecords((PutRecord(record(), run(), "{}"),)),
        PutEquivalence(Equivalence("f", 0, "r1:a", "r1:b", "Ada", MOMENT)),
        PutDerivation(
            Derivation(new_id(), new_id(), frozenset({new_id()}), run().id, MOMENT), run()
        ),
        PutShadowCheck(ShadowCheck(new_id(), MOMENT, True, "r1:a")),
        Quarantine(BLOB),
        PutSet(SET),
    ],
    "delete": [
        DeleteRecord(new_id()),
        PutDeletion(Deletion(new_id(), "f", 0, MOMENT)),
        DeleteSet(new_id()),
        MarkEvicted(new_id(), BLOB, MOMENT),
        DeleteIfOlder(BlobArea.STORED, BLOB.id, MOMENT),
        DeleteBlob(BLOB),
    ],
}


@pytest.fixture
def place(tmp_path):
    """A store that has the blob."""
    made = memory(tmp_path)
    made.keep(b"x")
    return made


@pytest.mark.parametrize("denied", BY_PERMISSION)
def test_a_forbidden_operation_is_refused(place, denied):
    """What a permission covers is refused without it, by the names of store and permission; the rest is answered."""
    ask = restrict(place.ask, "mine", Permissions(**{denied: False}))
    for permission, effects in BY_PERMISSION.items():
        for effect in effects:
            if permission == denied:
                with pytest.raises(
                    StorePermissionError, match=f"store 'mine' is configured with {denied}: false"
                ):
                    ask(effect)
            else:
                ask(effect)


def test_every_effect_needs_a_permission():
    """No effect of a store is left unguarded."""
    nothing = restrict(memory(None).ask, "mine", Permissions(read=False, write=False, delete=False))
    assert {*RecordEffects.__args__, *BlobEffects.__args__} == {
        type(each) for several in BY_PERMISSION.values() for each in several
    }
    for several in BY_PERMISSION.values():
        for effect in several:
            with pytest.raises(StorePermissionError):
                nothing(effect)


def asked(base, log):
    """*base*, noting in *log* what it is asked."""
    return traced(base, lambda each: log.append(type(each.effect)))


def test_a_remembered_record_is_not_asked_for_again(place):
    """A record that was found or put is answered from memory; that there was none is asked for again each time."""
    log = []
    ask = cache_records(asked(place.ask, log), 10)
    one, other = record(), record()
    assert [None, None] == [ask(FindRecord(one.id)), ask(FindRecord(one.id))]
    ask(PutRecord(one, run(), "{}"))
    place.ask(PutRecord(other, run(), "{}"))
    log.clear()
    assert [one, other, other, one] == [
        ask(FindRecord(each.id)) for each in (one, other, other, one)
    ]
    assert [FindRecord] == log


def test_memory_is_bounded(place):
    """No more records than the capacity are remembered; the others are found all the same."""
    log = []
    ask = cache_records(asked(place.ask, log), 3)
    ones = [record() for _ in range(6)]
    for one in ones:
        ask(PutRecord(one, run(), "{}"))
    log.clear()
    assert ones[::-1] == [ask(FindRecord(one.id)) for one in ones[::-1]]
    assert [FindRecord] * 3 == log


@pytest.mark.parametrize("change", ["replace", "drop"])
def test_a_change_is_seen_at_once(place, change):
    """A record that was replaced or deleted is not answered from memory."""
    ask = cache_records(place.ask, 10)
    one = record()
    ask(PutRecord(one, run(), "{}"))
    new = evolve(one, value_id=new_id()) if change == "replace" else None
    ask(DeleteRecord(one.id) if new is None else PutRecord(new, run(), "{}", replace=True))
    assert new == ask(FindRecord(one.id))


def test_a_record_found_before_a_change_is_not_remembered_after_it(place):
    """A look-up that overlaps with a deletion does not bring the deleted record back."""
    one = record()
    place.ask(PutRecord(one, run(), "{}"))

    def slow(ask):
        found = place.ask(ask)
        top(DeleteRecord(one.id))
        return found

    top = cache_records(overlay(place.ask, FindRecord.on(slow)), 10)
    assert one == top(FindRecord(one.id))
    top = cache_records(place.ask, 10)
    assert top(FindRecord(one.id)) is None


def test_tracing_tells_of_answers_and_failures(place):
    """Each effect is told of once, after it, with its time and its error."""
    log = []
    ask = traced(place.ask, log.append)
    ask(HasBlob(BLOB))
    with pytest.raises(ZeroDivisionError) as caught:
        ask(ReadBlob(BLOB, lambda source: 1 / 0))
    assert [(HasBlob, None), (ReadBlob, caught.value)] == [
        (type(each.effect), each.error) for each in log
    ]
    assert all(0 <= each.seconds < 60 for each in log)


def test_counting_adds_up(place):
    """Effects are counted by kind, and bytes by direction."""
    counter = Counter()
    ask = counted(place.ask, counter)
    for _ in range(2):
        ask(WriteBlob(lambda sink: sink.write(b"x" * 5) and None))
    ask(ReadBlob(BLOB, lambda source: source.read()))
    ask(ListIds("a"))
    assert {WriteBlob: 2, ReadBlob: 1, ListIds: 1} == counter.asked
    assert (1, 10) == (counter.bytes_read, counter.bytes_written)


@pytest.mark.parametrize(("failures", "expected"), [(0, 1), (2, 3), (3, 3)])
def test_retrying_stops_with_success_or_patience(failures, expected):
    """An effect is asked again until it is answered, or as often as is allowed; the last failure is raised."""
    tries, pauses = [], []

    def answer(ask):
        tries.append(ask)
        if len(tries) <= failures:
            raise ConnectionError(len(tries))
        return True

    ask = retrying(
        HasBlob.on(answer), 3, lambda error: isinstance(error, ConnectionError), pauses.append
    )
    if failures < 3:
        assert ask(HasBlob(BLOB))
    else:
        with pytest.raises(ConnectionError, match="3"):
            ask(HasBlob(BLOB))
    assert (expected, list(range(expected - 1))) == (len(tries), pauses)


def test_other_errors_are_not_retried():
    """An error that asking again does not mend is raised at once."""
    tries = []

    def answer(ask):
        tries.append(ask)
        raise KeyError

    with pytest.raises(KeyError):
        retrying(HasBlob.on(answer), 3, lambda error: isinstance(error, ConnectionError))(
            HasBlob(BLOB)
        )
    assert 1 == len(tries)


def test_threads_answer_beside_the_event_loop(place):
    """Answers come from a worker thread, the same as without, and so do errors."""
    seen = []

    def program():
        seen.append((yield from HasBlob(BLOB)))
        seen.append((yield from ReadBlob(BLOB, lambda source: threading.current_thread())))
        return (yield from ReadBlob(BLOB, lambda source: 1 / 0))

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_async(program(), in_threads(place.ask, asyncio.to_thread)))
    assert True is seen[0]
    assert threading.main_thread() is not seen[1]


def two(limit):
    """Two stores in memory, and both by size."""
    tiers = MemoryBlobs("small"), MemoryBlobs("large")
    return tiers, split_by_size(*map(blob_effects, tiers), limit)


@pytest.mark.parametrize(("size", "expected"), [(0, 0), (10, 0), (11, 1), (1000, 1)])
def test_size_decides_where_a_blob_lives(size, expected):
    """A blob of up to the limit is in the small store only, a larger one in the large one only."""
    tiers, ask = two(10)
    blob = ask(WriteBlob(lambda sink: sink.write(bytes(size)) and None)).blob
    assert [expected == turn for turn in (0, 1)] == [tier.has_blob(blob) for tier in tiers]


def test_another_limit_finds_what_the_old_one_stored():
    """When the limit changes, blobs on either side of it are still found, dropped and put aside."""
    for size, limits in [(5, (10, 3)), (5, (3, 10))]:
        tiers, ask = two(limits[0])
        blob = ask(WriteBlob(lambda sink, size=size: sink.write(bytes(size)) and None)).blob
        later = split_by_size(*map(blob_effects, tiers), limits[1])
        assert later(HasBlob(blob))
        assert bytes(size) == later(ReadBlob(blob, lambda source: source.read()))
        later(DeleteBlob(blob))
        assert not ask(HasBlob(blob))


def test_an_encoder_that_swallows_exceptions_is_no_obstacle():
    """Too many bytes go to the large store, whatever the encoder makes of being interrupted; it sees no `Exception`."""
    tiers, ask = two(10)
    swallowed = []

    def write(sink):
        try:
            sink.write(bytes(100))
        except Exception as error:
            swallowed.append(error)
            raise

    assert isinstance(ask(WriteBlob(write)), StoredBlob)
    assert [] == swallowed
    assert tiers[1].has_blob(blob_of(bytes(100)))


def test_the_small_store_is_given_up_soon():
    """Of a long value no more than the limit is held before it goes to the large store."""
    calls = []

    def write(sink):
        for turn in range(1000):
            calls.append(turn)
            sink.write(bytes(10))

    _, ask = two(50)
    ask(WriteBlob(write))
    assert 6 + 1000 == len(calls)


def test_an_interpreter_without_records_keeps_its_row():
    """A layer answers no effect that its base does not."""
    base = HasBlob.on(lambda _: True)
    for layer in (
        lambda: restrict(base, "x", Permissions(write=False)),
        lambda: cache_records(base, 1),
        lambda: counted(base, Counter()),
    ):
        made = layer()
        assert isinstance(made, Interpreter)
        assert {HasBlob} == set(made.table)


def test_small_blobs_are_reread_from_memory():
    """A small blob is asked for once, a large one each time, and one that was put aside is not found again."""
    counter = Counter()
    base = counted(blob_effects(MemoryBlobs()), counter)
    ask = cache_blobs(base, longest=10, capacity=2)
    small, large = (
        ask(WriteBlob(lambda sink, data=data: sink.write(data))).blob
        for data in (b"small", b"l" * 11)
    )
    for blob in (small, small, large, large):
        ask(ReadBlob(blob, lambda source: source.read()))
    assert 3 == counter.asked[ReadBlob]
    ask(Quarantine(small))
    with pytest.raises(BlobNotFoundError):
        ask(ReadBlob(small, lambda source: source.read()))


@given(sizes=st.lists(st.integers(0, 20), max_size=12))
def test_rereading_changes_no_answer(sizes):
    """Whatever is read in whatever order, with however little room, the bytes are those that were written."""
    ask = cache_blobs(blob_effects(MemoryBlobs()), longest=10, capacity=2)
    for size in sizes:
        blob = ask(WriteBlob(lambda sink, size=size: sink.write(b"x" * size))).blob
        assert b"x" * size == ask(ReadBlob(blob, lambda source: source.read()))

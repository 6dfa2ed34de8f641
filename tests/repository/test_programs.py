"""The programs, played against scripts: what they ask, in which order, and what they make of the answers."""

from datetime import UTC, datetime

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

import provenance as p
from provenance.calls import commit
from provenance.calls.draft import Computation, PendingArtifact
from provenance.codecs import Decoding
from provenance.model.history import Deletion
from provenance.model.ids import ArtifactId, BlobId, RunId
from provenance.model.records import Blob, InlineBlob, Run, StoredBlob
from provenance.ports.blobs import MARGIN, DeleteBlob, HasBlob, Quarantine, ReadBlob, WriteBlob
from provenance.ports.history import PutDeletion
from provenance.ports.machine import CurrentRun, Now
from provenance.ports.records import (
    DeleteRecord,
    FindEviction,
    FindRecord,
    FindRun,
    ListIds,
    PutRecord,
)
from provenance.repository import programs
from provenance.repository.inputs import inputs_json
from provenance.repository.programs import BlobLost, LookupHit, LookupMiss
from provenance.testing import scripted

LATER = datetime(2024, 1, 2, tzinfo=UTC)
RUN = Run(RunId("ab" * 20), LATER, {}, {}, {}, None, {})
VALUE = Blob(BlobId("01" * 20), 10)
INPUTS = Blob(BlobId("02" * 20), 20)


@p.provenance(name="sample")
def sample(x):
    """A sample."""
    return [x]


def draft_of(value=(1,), argument=(1, {2}), **changes):
    """A draft of `sample(argument)`."""
    plan = sample.plan(argument)
    computation = Computation(value, p.hash(value), LATER, 1.5, 0.1, 0.2)
    return evolve(PendingArtifact(plan.artifact_id, sample._recipe, plan, computation), **changes)


DRAFT = draft_of()
RECORD = DRAFT.record(VALUE, INPUTS, "pickle", RUN.id, LATER)
ID = RECORD.id


def test_lookup_asks_for_the_record_only():
    """Looking up is one question: no value is read or asked for."""
    assert LookupHit(RECORD) == scripted(programs.lookup(ID), (FindRecord(ID), RECORD))
    assert LookupMiss(ID) == scripted(programs.lookup(ID), (FindRecord(ID), None))


def test_probe_asks_for_the_value_too():
    """A record whose value is no longer there is neither found nor absent; it is told if that was let go on purpose."""
    asked = (FindRecord(ID), RECORD)
    assert LookupHit(RECORD) == scripted(programs.probe(ID), asked, (HasBlob(VALUE), True))
    for at, evicted in ((None, False), (LATER, True)):
        gone = asked, (HasBlob(VALUE), False), (FindEviction(ID), at)
        assert BlobLost(RECORD, evicted) == scripted(programs.probe(ID), *gone)


def test_probe_ends_where_there_is_no_record():
    """Without a record there is no blob to ask for."""
    assert LookupMiss(ID) == scripted(programs.probe(ID), (FindRecord(ID), None))


def committing(value, inputs, draft=DRAFT, record=None):
    """A script of a commit in its right order; *record* is what the store already has."""
    made = draft.record(value.blob, inputs.blob, next(iter(draft.values)).serializer, RUN.id, LATER)
    held = tuple(each for each in (value, inputs) if isinstance(each, InlineBlob))
    return [
        (WriteBlob(next(iter(draft.values))), value),
        (WriteBlob(next(iter(draft.inputs))), inputs),
        (CurrentRun(), RUN),
        (Now(), LATER),
        (
            PutRecord(
                made,
                RUN,
                inputs_json(draft.plan.inputs, draft.plan.input_hashes),
                held,
                draft.replace,
            ),
            record or made,
        ),
    ]


def test_commit_stores_value_then_inputs_then_record():
    """First the bytes, last the record: a crash on the way leaves no record without its bytes."""
    assert RECORD == scripted(
        commit.store(DRAFT), *committing(StoredBlob(VALUE), StoredBlob(INPUTS))
    )


def test_small_blobs_travel_with_the_record():
    """Bytes that are held back are stored in the record's own transaction."""
    held = InlineBlob(VALUE, b"0123456789"), InlineBlob(INPUTS, b"x" * 20)
    script = committing(*held)
    assert held == script[-1][0].inline_blobs
    assert RECORD == scripted(commit.store(DRAFT), *script)


def test_inputs_that_json_can_say_need_no_blob():
    """The text for people says all there is to know of plain inputs: nothing else is written of them."""
    draft = draft_of(argument=1)
    record = draft.record(VALUE, None, "pickle", RUN.id, LATER)
    value, _, *rest = committing(StoredBlob(VALUE), StoredBlob(INPUTS), draft)
    rest[-1] = (
        PutRecord(
            record, RUN, inputs_json(draft.plan.inputs, draft.plan.input_hashes), (), draft.replace
        ),
        record,
    )
    assert record == scripted(commit.store(draft), value, *rest)


def test_commit_answers_what_is_stored():
    """Where another process was quicker, its record is the answer."""
    winner = evolve(RECORD, compute_duration=99.0)
    assert winner == scripted(
        commit.store(DRAFT), *committing(StoredBlob(VALUE), StoredBlob(INPUTS), record=winner)
    )


def test_recomputing_replaces():
    """A draft that replaces says so to the store."""
    draft = draft_of(replace=True)
    script = committing(StoredBlob(VALUE), StoredBlob(INPUTS), draft)
    assert script[-1][0].replace
    scripted(commit.store(draft), *script)


REFUSAL = p.UnserializableValueError("it", "serializer 'x' refused it", 7)


@pytest.mark.parametrize("refusals", range(3))
def test_the_first_encoding_that_can_be_written_is(refusals):
    """A serializer that refuses is passed over, and the record names the one that wrote."""
    draft = draft_of(value=(1, [2]))
    draft = evolve(draft, computation=evolve(draft.computation, value={"a": 1}))
    tries = list(draft.values)
    assert 3 == len(tries)
    script = [(WriteBlob(each), REFUSAL) for each in tries[:refusals]]
    assert (StoredBlob(VALUE), tries[refusals].serializer) == scripted(
        commit.write_first(tries), *script, (WriteBlob(tries[refusals]), StoredBlob(VALUE))
    )


def test_a_value_that_nothing_can_write_is_in_the_error():
    """When every serializer refuses, the error gives all reasons and holds the value; nothing is recorded."""
    with pytest.raises(p.UnserializableValueError, match=r"refused it.*refused it") as raised:
        scripted(commit.store(DRAFT), *[(WriteBlob(each), REFUSAL) for each in DRAFT.values])
    assert 7 == raised.value.value


def test_inputs_that_nothing_can_write_are_summarised():
    """The inputs' last encoding always works: recording never fails a call for its arguments."""
    script = committing(StoredBlob(VALUE), StoredBlob(INPUTS))
    refused = [(WriteBlob(each), REFUSAL) for each in list(DRAFT.inputs)[:2]]
    rest = [(WriteBlob(list(DRAFT.inputs)[2]), StoredBlob(INPUTS)), *script[2:]]
    assert RECORD == scripted(commit.store(DRAFT), script[0], *refused, *rest)


def test_a_store_that_fails_ends_the_commit():
    """What a store raises is not taken for a refusal of the serializer."""
    full = p.StoreUnavailableError("disk", "no space left", "free some")
    with pytest.raises(p.StoreUnavailableError):
        scripted(commit.store(DRAFT), (WriteBlob(next(iter(DRAFT.values))), full))


def test_find_by_whole_id_is_one_question():
    """A whole id is looked up as it is."""
    assert RECORD == scripted(programs.find(ID, "here"), (FindRecord(ID), RECORD))


@given(st.integers(6, 39))
def test_find_by_prefix(length):
    """The first digits of an id find it, if they are at least six and fit only one."""
    prefix = ID[:length]
    script = [(ListIds(prefix), (ID,)), (FindRecord(ID), RECORD)]
    assert RECORD == scripted(programs.find(prefix, "here"), *script)


def test_an_ambiguous_prefix_lists_its_matches():
    """The error names the ids that fit, and nothing else is asked."""
    others = (ID, ArtifactId(ID[:-1] + "x"))
    with pytest.raises(p.AmbiguousIdError) as raised:
        scripted(programs.find(ID[:8], "here"), (ListIds(ID[:8]), others))
    assert others == raised.value.matches


@pytest.mark.parametrize(
    "text", ["", "abc12", "ABCDEF12", "../../etc/passwd", "%%%%%%%", "a" * 41, "abcdef\n"]
)
def test_what_is_no_id_is_not_asked_for(text):
    """Text that cannot be an id reaches no store."""
    assert scripted(programs.find_optional(text)) is None
    with pytest.raises(p.ArtifactNotFoundError, match="here"):
        scripted(programs.find(text, "here"))


def test_an_unknown_prefix_is_not_found():
    """No match is None, or ArtifactNotFoundError, which is a KeyError and names the repository."""
    assert scripted(programs.find_optional(ID[:7]), (ListIds(ID[:7]), ())) is None
    with pytest.raises(KeyError) as raised:
        scripted(programs.find(ID, "here"), (FindRecord(ID), None))
    assert (ID, "here") == (raised.value.artifact_id, raised.value.repo)


READ = ReadBlob(VALUE, Decoding(RECORD.serializer, RECORD.load_kwargs, RECORD.dump_kwargs))


def test_a_value_is_read_with_the_serializer_of_its_record():
    """One question, which names blob, serializer and its options."""
    assert "value" == scripted(programs.read_value(RECORD, "here"), (READ, "value"))


@pytest.mark.parametrize(
    "error", [EOFError("short"), ImportError("module gone"), RecursionError(), AttributeError("x")]
)
def test_any_decoding_error_is_a_corrupt_blob(error):
    """Whatever a decoder raises is a CorruptBlobError that names blob and repository, and keeps the cause."""
    with pytest.raises(p.CorruptBlobError) as raised:
        scripted(programs.read_value(RECORD, "here"), (READ, error))
    assert error is raised.value.__cause__
    assert (VALUE.id, "here") == (raised.value.blob_id, raised.value.store)
    assert type(error).__name__ in str(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        p.BlobNotFoundError("b", "s"),
        p.StoreUnavailableError("s", "r", "a"),
        p.StorePermissionError("o", "s", "p"),
        MemoryError(),
    ],
)
def test_errors_of_stores_are_no_corruption(error):
    """A missing blob, a store out of reach and a full memory are told as what they are."""
    with pytest.raises(type(error)) as raised:
        scripted(programs.read_value(RECORD, "here"), (READ, error))
    assert error is raised.value


def test_find_run():
    """The run of an artifact is looked up by its id; a missing one is an error that names it."""
    assert RUN == scripted(programs.find_run(RECORD, "here"), (FindRun(RUN.id), RUN))
    with pytest.raises(p.RunNotFoundError, match=RUN.id):
        scripted(programs.find_run(RECORD, "here"), (FindRun(RUN.id), None))


def test_only_damaged_bytes_are_set_aside():
    """Damaged bytes are kept for inspection; sound ones that could not be decoded stay where they are."""
    for trouble in (
        p.CorruptBlobError(VALUE.id, "here", "digest"),
        p.BlobNotFoundError(VALUE.id, "here"),
    ):
        assert (
            scripted(programs.quarantine_if_damaged(VALUE, trouble), (Quarantine(VALUE), None))
            is None
        )
    sound = p.CorruptBlobError(VALUE.id, "here", "no such class", is_sound=True)
    assert scripted(programs.quarantine_if_damaged(VALUE, sound)) is None


@pytest.mark.parametrize("orphans", [(), (VALUE,), (VALUE, INPUTS)])
def test_forgetting_drops_the_record_then_its_orphans(orphans):
    """The record goes first, then those blobs that the store says no other record names, and that nobody wrote lately."""
    drops = [(DeleteBlob(each, LATER - MARGIN), None) for each in orphans]
    assert True is scripted(
        programs.forget(ID, "wrong units"),
        (Now(), LATER),
        (FindRecord(ID), RECORD),
        (DeleteRecord(ID), orphans),
        (PutDeletion(Deletion(ID, RECORD.name, RECORD.version, LATER, "wrong units")), None),
        *drops,
    )


def test_forgetting_nothing_is_false():
    """Where there was no record, no blob is dropped, and no deletion recorded."""
    script = (Now(), LATER), (FindRecord(ID), None), (DeleteRecord(ID), None)
    assert False is scripted(programs.forget(ID), *script)

"""What every record store does."""

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings

from contract.samples import MOMENT, new_id, record, records, run, runs
from contract.stores import LIMIT
from provenance.asks import (
    DropBlob,
    DropRecord,
    FindByValue,
    FindIds,
    FindProgeny,
    FindRecord,
    FindRun,
    HasBlob,
    PutRecord,
)
from provenance.effects.sinks import blob_of
from provenance.records import Held, options

ONE_PLACE = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def put(place, one, **how):
    """Put a record with the one run."""
    return place.ask(PutRecord(one, run(), "{}", **how))


def held(data):
    """The bytes *data* as a record may bring them."""
    return Held(blob_of(data), data)


def test_nothing_is_found_at_first(place):
    """An empty store answers every look-up with nothing."""
    assert place.ask(FindRecord(new_id())) is None
    assert place.ask(FindRun(new_id())) is None
    assert place.ask(DropRecord(new_id())) is None
    assert () == place.ask(FindIds("", 10))
    assert () == place.ask(FindByValue(new_id()))
    assert () == place.ask(FindProgeny(new_id()))


def test_what_was_put_is_found(place):
    """A record is found as it was put."""
    one = record()
    assert one == put(place, one)
    assert one == place.ask(FindRecord(one.id))
    assert one == place.ask(FindRecord(one.id))


@ONE_PLACE
@given(one=records)
def test_any_record_comes_back(place, one):
    """A record comes back as it was, whatever is in it."""
    put(place, one, replace=True)
    assert one == place.ask(FindRecord(one.id))


@ONE_PLACE
@given(process=runs)
def test_any_run_comes_back(place, process):
    """A run comes back as it was first put, whatever is in it."""
    process = evolve(process, id=new_id())
    place.ask(PutRecord(record(run_id=process.id), process, "{}"))
    place.ask(PutRecord(record(run_id=process.id), evolve(process, extra={"later": True}), "{}"))
    assert process == place.ask(FindRun(process.id))


def test_the_loser_of_a_race_gets_the_winners_record(place):
    """A second record of one id changes nothing and is answered with the first."""
    winner = record()
    put(place, winner)
    loser = evolve(winner, value_id=new_id(), input_artifact_ids=frozenset({"a" * 40}), added_at=MOMENT)
    assert winner == put(place, loser)
    assert winner == place.ask(FindRecord(winner.id))
    assert () == place.ask(FindByValue(loser.value_id))
    assert () == place.ask(FindProgeny("a" * 40))


def test_replacing_leaves_nothing_of_the_old_record(place):
    """A replaced record is the new one in every look-up."""
    old = record(input_artifact_ids=frozenset({"a" * 40, "b" * 40}))
    new = evolve(old, value_id=new_id(), input_artifact_ids=frozenset({"b" * 40, "c" * 40}))
    put(place, old)
    assert new == put(place, new, replace=True)
    assert new == place.ask(FindRecord(old.id))
    assert () == place.ask(FindByValue(old.value_id))
    assert (new,) == place.ask(FindByValue(new.value_id))
    assert [(), (new.id,), (new.id,)] == [place.ask(FindProgeny(digit * 40)) for digit in "abc"]
    assert (new.id,) == place.ask(FindIds(new.id, 10))


def test_replacing_what_is_not_there_puts_it(place):
    """Replacing is putting where there is nothing to replace."""
    one = record()
    assert one == put(place, one, replace=True)
    assert one == place.ask(FindRecord(one.id))


def test_prefixes_find_ids(place):
    """Ids are found by their first digits, in order, as many as are wanted."""
    ids = ["ab" + digit * 38 for digit in "f03"] + ["aa" + "0" * 38, "ac" + "0" * 38]
    for each in ids:
        put(place, record(id=each))
    assert tuple(sorted(ids[:3])) == place.ask(FindIds("ab", 10))
    assert tuple(sorted(ids[:3])[:2]) == place.ask(FindIds("ab", 2))
    assert (ids[0],) == place.ask(FindIds(ids[0], 10))
    assert tuple(sorted(ids)) == place.ask(FindIds("", 10))
    assert () == place.ask(FindIds("ab%", 10))


def test_values_find_records_oldest_first(place):
    """All records of a value are found, in the order in which they were added."""
    value = new_id()
    ones = [record(value_id=value, added_at=MOMENT + timedelta(microseconds=each)) for each in (5, 1_000_000, 3)]
    for one in (*ones, record()):
        put(place, one)
    assert (ones[2], ones[0], ones[1]) == place.ask(FindByValue(value))


def test_progeny_is_what_was_computed_from_it(place):
    """The direct descendants of an artifact are found, in order, until they are deleted."""
    source = record()
    children = [record(input_artifact_ids=frozenset({source.id, new_id()})) for _ in range(3)]
    for one in (source, *children, record(input_artifact_ids=frozenset({children[0].id}))):
        put(place, one)
    assert tuple(sorted(child.id for child in children)) == place.ask(FindProgeny(source.id))
    place.ask(DropRecord(children[0].id))
    assert tuple(sorted(child.id for child in children[1:])) == place.ask(FindProgeny(source.id))


def test_dropping_names_the_blobs_that_nobody_shares(place):
    """Deleting answers the blobs that no other record names, as a value or as inputs."""
    shared, lone, other = (blob_of(bytes([each])) for each in range(3))
    first = record(value_blob=shared, inputs_blob=lone)
    second = record(value_blob=other, inputs_blob=shared)
    put(place, first)
    put(place, second)
    assert (lone,) == place.ask(DropRecord(first.id))
    assert place.ask(FindRecord(first.id)) is None
    assert () == place.ask(FindByValue(first.value_id))
    assert () == place.ask(FindIds(first.id, 10))
    assert {other, shared} == set(place.ask(DropRecord(second.id)))
    assert place.ask(DropRecord(second.id)) is None


def test_dropping_names_a_blob_once(place):
    """A blob that is a record's value and inputs alike is answered once."""
    blob = blob_of(b"both")
    one = record(value_blob=blob, inputs_blob=blob)
    put(place, one)
    assert (blob,) == place.ask(DropRecord(one.id))


def test_a_dropped_record_can_be_put_anew(place):
    """Deleting leaves no trace that keeps the record out."""
    one = record()
    put(place, one)
    place.ask(DropRecord(one.id))
    later = evolve(one, value_id=new_id())
    assert later == put(place, later)
    assert later == place.ask(FindRecord(one.id))


def test_bytes_of_the_record_come_and_go_with_it(place):
    """Small blobs that the store holds itself are there with the record, and gone with the last one that names them."""
    written = [place.write(data) for data in (b"value", b"inputs")]
    brought = tuple(each for each in written if isinstance(each, Held))
    first, second = (record(value_blob=written[0].blob, inputs_blob=written[1].blob) for _ in range(2))
    put(place, first, held=brought)
    put(place, second, held=brought)
    assert () == place.ask(DropRecord(first.id))
    assert b"value" == place.read(written[0].blob)
    orphans = place.ask(DropRecord(second.id))
    assert [each.blob for each in written] == list(orphans)
    assert [not brought, not brought] == [place.ask(HasBlob(blob)) for blob in orphans]


def test_the_loser_repairs_the_winners_bytes(place):
    """Bytes that the stored record names and that got lost are stored again by whoever brings them."""
    written = place.write(b"value")
    brought = (written,) if isinstance(written, Held) else ()
    one = record(value_blob=written.blob, inputs_blob=written.blob)
    put(place, one, held=brought)
    place.ask(DropBlob(written.blob))
    assert written == place.write(b"value")
    assert one == put(place, one, held=brought)
    assert b"value" == place.read(written.blob)


@pytest.mark.parametrize(
    "flawed",
    [
        {"custom_fields": options({"x": float("nan")})},
        {"dump_kwargs": options({"x": object()})},
        {"added_at": MOMENT.replace(tzinfo=None)},
    ],
)
def test_what_cannot_be_written_leaves_nothing(place, flawed):
    """A record that has no written form is an error, and nothing of it is stored."""
    data = held(b"brought along")
    one = record(value_blob=data.blob, **flawed)
    with pytest.raises((ValueError, TypeError)):
        put(place, one, held=(data,))
    assert place.ask(FindRecord(one.id)) is None
    assert place.ask(FindRun(run().id)) is None
    assert not place.ask(HasBlob(data.blob))


def test_each_of_many_records_is_found(place):
    """Hundreds of records are all found by their ids, values and inputs."""
    source = new_id()
    ones = [record(input_artifact_ids=frozenset({source})) for _ in range(300)]
    for one in ones:
        put(place, one)
    assert ones == [place.ask(FindRecord(one.id)) for one in ones]
    assert [(one,) for one in ones] == [place.ask(FindByValue(one.value_id)) for one in ones]
    assert 300 == len(place.ask(FindProgeny(source)))


def test_large_and_small_together(place):
    """A record whose value is large and whose inputs are small has both."""
    large, small = place.write(b"x" * (LIMIT + 1)), place.write(b"y")
    brought = tuple(each for each in (large, small) if isinstance(each, Held))
    one = record(value_blob=large.blob, inputs_blob=small.blob)
    put(place, one, held=brought)
    assert [b"x" * (LIMIT + 1), b"y"] == [place.read(one.value_blob), place.read(one.inputs_blob)]

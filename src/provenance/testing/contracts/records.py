"""What every record store must do, searches included."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from provenance.effects.io import blob_of
from provenance.model.ids import ArtifactId, DerivationId, RunId, ValueId
from provenance.model.queries import GROUPINGS, Query, matches, summarize_records
from provenance.model.records import ArtifactRecord, InlineBlob, Options, Run, freeze_options
from provenance.ports.blobs import DeleteBlob, HasBlob
from provenance.ports.records import (
    DeleteRecord,
    FindMany,
    FindRecord,
    FindRecordsByValue,
    FindRun,
    ListDependents,
    ListIds,
    PutRecord,
    PutRecords,
    SearchRecords,
    SummarizeRecords,
)
from provenance.testing.contracts.base import FEW, LAW, Contract
from provenance.testing.harness import (
    LIMIT,
    MOMENT,
    StoreUnderTest,
    inline_blobs,
    new_id,
    record,
    run,
)
from provenance.testing.strategies import records, runs

A, B, C = (ArtifactId(digit * 40) for digit in "abc")


_OTHER: Final[Mapping[str, Any]] = {
    "value_id": ValueId("d" * 40),
    "name": "other",
    "version": 2**40,
    "fn_module": "other.module",
    "fn_name": "other_name",
    "fn_qualname": "Other.name",
    "composite": True,
    "serializer": "other",
    "load_kwargs": freeze_options({"level": 1}),
    "dump_kwargs": freeze_options({"level": 2.5}),
    "input_artifact_ids": frozenset({A}),
    "custom_fields": freeze_options({"größe": None}),
    "tags": ("other", "größe"),
    "computed_at": MOMENT + timedelta(days=1),
    "added_at": MOMENT + timedelta(days=2),
    "compute_duration": 1e9,
    "hash_duration": 2e9,
    "value_id_duration": 3e9,
    "run_id": RunId("e" * 40),
    "value_type": "other:Type",
    "interface": ("__len__", "__iter__"),
    "code": "r1:other",
    "value_artifact_ids": frozenset({B}),
    "input_hashes": '{"kargs":{}}',
    "input_derivations": frozenset({(A, DerivationId("f" * 40))}),
}
"""A value of each field but the id that a record of the samples has not."""


def new_value() -> ValueId:
    """Return a new random id of a value."""
    return ValueId(new_id())


class RecordContract(Contract):
    """Records are found by every lookup, and are stored completely or not at all."""

    def test_nothing_is_found_at_first(self, place: StoreUnderTest) -> None:
        """Every lookup in an empty store finds nothing."""
        assert place.ask(FindRecord(new_id())) is None
        assert place.ask(FindRun(RunId(new_id()))) is None
        assert place.ask(DeleteRecord(new_id())) is None
        assert () == place.ask(ListIds("", 10))
        assert () == place.ask(FindRecordsByValue(new_value()))
        assert () == place.ask(ListDependents(new_id()))

    def test_what_was_put_is_found(self, place: StoreUnderTest) -> None:
        """A record is found as it was put."""
        one = record()
        assert one == place.put(one)
        assert one == place.find(one)
        assert one == place.find(one)

    @FEW
    @given(one=records)
    def test_any_record_comes_back(self, place: StoreUnderTest, one: ArtifactRecord) -> None:
        """Any record is returned unchanged."""
        place.put(one, replace=True)
        assert one == place.find(one)

    @FEW
    @given(process=runs)
    def test_any_run_comes_back(self, place: StoreUnderTest, process: Run) -> None:
        """Any run is returned as it was first put."""
        process = evolve(process, id=RunId(new_id()))
        place.ask(PutRecord(record(run_id=process.id), process, "{}"))
        place.ask(
            PutRecord(record(run_id=process.id), evolve(process, extra={"later": True}), "{}")
        )
        assert process == place.ask(FindRun(process.id))

    def test_the_loser_of_a_race_gets_the_winners_record(self, place: StoreUnderTest) -> None:
        """Putting a second record of an id changes nothing and returns the first."""
        winner = place.put(record())
        loser = evolve(
            winner, value_id=new_value(), input_artifact_ids=frozenset({A}), added_at=MOMENT
        )
        assert winner == place.put(loser)
        assert winner == place.find(winner)
        assert () == place.ask(FindRecordsByValue(loser.value_id))
        assert () == place.ask(ListDependents(A))

    def test_replacing_leaves_nothing_of_the_old_record(self, place: StoreUnderTest) -> None:
        """After a replacement, every lookup finds only the new record."""
        old = place.put(record(input_artifact_ids=frozenset({A, B})))
        new = evolve(old, value_id=new_value(), input_artifact_ids=frozenset({B, C}))
        assert new == place.put(new, replace=True)
        assert new == place.find(old)
        assert () == place.ask(FindRecordsByValue(old.value_id))
        assert (new,) == place.ask(FindRecordsByValue(new.value_id))
        assert [(), (new.id,), (new.id,)] == [
            place.ask(ListDependents(source)) for source in (A, B, C)
        ]
        assert (new.id,) == place.ask(ListIds(new.id, 10))

    def test_replacing_what_is_not_there_puts_it(self, place: StoreUnderTest) -> None:
        """Replacing a missing record puts it."""
        one = record()
        assert one == place.put(one, replace=True)
        assert one == place.find(one)

    def test_many_are_found_at_once(self, place: StoreUnderTest) -> None:
        """Of many ids, those that are recorded are found, each as it was put."""
        stored = [place.put(record()) for _ in range(3)]
        wanted = (new_id(), *[one.id for one in stored], new_id())
        assert place.ask(FindMany(wanted)) == {one.id: one for one in stored}
        assert place.ask(FindMany(wanted)) == {one.id: one for one in stored}
        assert place.ask(FindMany(())) == {}
        assert place.ask(FindMany((new_id(),))) == {}

    def test_records_that_differ_in_one_field_are_found_together(
        self, place: StoreUnderTest
    ) -> None:
        """A record is found as it was put beside others of its function, whichever field sets it apart."""
        one, other = record(), record(**_OTHER)
        fields = [name for name in _OTHER if getattr(one, name) != getattr(other, name)]
        assert fields == list(_OTHER)
        alike = [place.put(evolve(one, id=new_id())) for _ in range(3)]
        odd = [
            place.put(evolve(one, id=new_id(), **{name: getattr(other, name)})) for name in fields
        ]
        for wanted in (alike[:1], alike, [*odd, *alike], odd, alike[:1], odd):
            ids = tuple([one.id for one in wanted])
            assert place.ask(FindMany(ids)) == {one.id: one for one in wanted}

    def test_more_are_found_at_once_than_a_query_takes(self, place: StoreUnderTest) -> None:
        """The number of ids has no limit."""
        one = place.put(record())
        assert place.ask(FindMany((*[new_id() for _ in range(1_100)], one.id))) == {one.id: one}

    def test_many_are_put_at_once(self, place: StoreUnderTest) -> None:
        """Each record is put as by itself: the first of an id stays, also within the group."""
        winner = place.put(record())
        loser = evolve(winner, value_id=new_value())
        one, two = record(input_artifact_ids=frozenset({A})), record()
        asks = [PutRecord(record, run(), "{}") for record in (one, loser, two)]
        again = PutRecord(evolve(two, value_id=new_value()), run(), "{}")
        assert place.ask(PutRecords((*asks, again))) == (one, winner, two, two)
        assert place.ask(FindMany((one.id, winner.id, two.id))) == {
            record.id: record for record in (one, winner, two)
        }
        assert (one.id,) == place.ask(ListDependents(A))
        assert place.ask(PutRecords(())) == ()

    def test_one_of_many_replaces(self, place: StoreUnderTest) -> None:
        """A record that is put with others replaces the old one if it is to."""
        old = place.put(record())
        assert place.find(old) == old
        new = evolve(old, value_id=new_value())
        assert place.ask(PutRecords((PutRecord(new, run(), "{}", replace=True),))) == (new,)
        assert place.find(old) == new

    def test_prefixes_find_ids(self, place: StoreUnderTest) -> None:
        """Ids are found by their first digits, in order, up to a limit."""
        ids = ["ab" + digit * 38 for digit in "f03"] + ["aa" + "0" * 38, "ac" + "0" * 38]
        for artifact_id in ids:
            place.put(record(id=artifact_id))
        assert tuple(sorted(ids[:3])) == place.ask(ListIds("ab", 10))
        assert tuple(sorted(ids[:3])[:2]) == place.ask(ListIds("ab", 2))
        assert (ids[0],) == place.ask(ListIds(ids[0], 10))
        assert tuple(sorted(ids)) == place.ask(ListIds("", 10))
        assert () == place.ask(ListIds("ab%", 10))

    def test_values_find_records_oldest_first(self, place: StoreUnderTest) -> None:
        """All records of a value are found in the order in which they were added."""
        value = new_value()
        times = [MOMENT + timedelta(microseconds=micro) for micro in (5, 1_000_000, 3)]
        same = [record(value_id=value, added_at=time) for time in times]
        for one in (*same, record()):
            place.put(one)
        assert (same[2], same[0], same[1]) == place.ask(FindRecordsByValue(value))

    def test_progeny_is_what_was_computed_from_it(self, place: StoreUnderTest) -> None:
        """The direct dependents of an artifact are found in order, until they are deleted."""
        source = record()
        children = [record(input_artifact_ids=frozenset({source.id, new_id()})) for _ in range(3)]
        for one in (source, *children, record(input_artifact_ids=frozenset({children[0].id}))):
            place.put(one)
        assert tuple(sorted(child.id for child in children)) == place.ask(ListDependents(source.id))
        place.ask(DeleteRecord(children[0].id))
        assert tuple(sorted(child.id for child in children[1:])) == place.ask(
            ListDependents(source.id)
        )

    def test_dropping_names_the_blobs_that_nobody_shares(self, place: StoreUnderTest) -> None:
        """Deleting a record returns the blobs that no other record references."""
        shared, lone, other = (blob_of(bytes([number])) for number in range(3))
        first = place.put(record(value_blob=shared, inputs_blob=lone))
        second = place.put(record(value_blob=other, inputs_blob=shared))
        assert (lone,) == place.ask(DeleteRecord(first.id))
        assert place.find(first) is None
        assert () == place.ask(FindRecordsByValue(first.value_id))
        assert () == place.ask(ListIds(first.id, 10))
        orphans = place.ask(DeleteRecord(second.id)) or ()
        assert {other, shared} == set(orphans)
        assert place.ask(DeleteRecord(second.id)) is None

    def test_dropping_names_a_blob_once(self, place: StoreUnderTest) -> None:
        """A blob that is both value and inputs of a record is returned once."""
        blob = blob_of(b"both")
        one = place.put(record(value_blob=blob, inputs_blob=blob))
        assert (blob,) == place.ask(DeleteRecord(one.id))

    def test_a_deleted_record_can_be_put_again(self, place: StoreUnderTest) -> None:
        """A deleted record can be put again."""
        one = place.put(record())
        place.ask(DeleteRecord(one.id))
        later = evolve(one, value_id=new_value())
        assert later == place.put(later)
        assert later == place.find(one)

    def test_bytes_of_the_record_come_and_go_with_it(self, place: StoreUnderTest) -> None:
        """Inline blobs are stored with a record and deleted with the last one that uses them."""
        value, inputs = place.write(b"value"), place.write(b"inputs")
        held = inline_blobs(value, inputs)
        first, second = (record(value_blob=value.blob, inputs_blob=inputs.blob) for _ in range(2))
        for one in (first, second):
            place.put(one, *held)
        assert () == place.ask(DeleteRecord(first.id))
        assert b"value" == place.read(value.blob)
        orphans = place.ask(DeleteRecord(second.id)) or ()
        assert [value.blob, inputs.blob] == list(orphans)
        assert [not held, not held] == [place.ask(HasBlob(blob)) for blob in orphans]

    def test_the_loser_repairs_the_winners_bytes(self, place: StoreUnderTest) -> None:
        """Lost bytes that the stored record references are stored again with a losing record."""
        written = place.write(b"value")
        one = record(value_blob=written.blob, inputs_blob=written.blob)
        place.put(one, *inline_blobs(written))
        place.ask(DeleteBlob(written.blob))
        assert written == place.write(b"value")
        assert one == place.put(one, *inline_blobs(written))
        assert b"value" == place.read(written.blob)

    @pytest.mark.parametrize(
        "flawed",
        [
            {"custom_fields": freeze_options({"x": float("nan")})},
            {"dump_kwargs": freeze_options({"x": object()})},
            {"added_at": MOMENT.replace(tzinfo=None)},
        ],
    )
    def test_what_cannot_be_written_leaves_nothing(
        self, place: StoreUnderTest, flawed: dict[str, Any]
    ) -> None:
        """Putting a record that cannot be serialized raises, and nothing of it is stored."""
        data = InlineBlob(blob_of(b"brought along"), b"brought along")
        one = record(value_blob=data.blob, **flawed)
        with pytest.raises((ValueError, TypeError)):
            place.put(one, data)
        assert place.find(one) is None
        assert place.ask(FindRun(run().id)) is None
        assert not place.ask(HasBlob(data.blob))

    def test_each_of_many_records_is_found(self, place: StoreUnderTest) -> None:
        """All of hundreds of records are found by their ids, values and inputs."""
        source = new_id()
        ones = [place.put(record(input_artifact_ids=frozenset({source}))) for _ in range(300)]
        assert ones == [place.find(one) for one in ones]
        assert [(one,) for one in ones] == [
            place.ask(FindRecordsByValue(one.value_id)) for one in ones
        ]
        assert 300 == len(place.ask(ListDependents(source)))

    def test_large_and_small_together(self, place: StoreUnderTest) -> None:
        """A record with a large value and small inputs has both."""
        large, small = place.write(b"x" * (LIMIT + 1)), place.write(b"y")
        one = record(value_blob=large.blob, inputs_blob=small.blob)
        place.put(one, *inline_blobs(large, small))
        assert [b"x" * (LIMIT + 1), b"y"] == [place.read(large.blob), place.read(small.blob)]

    def test_parts_are_stored_with_the_whole(self, place: StoreUnderTest) -> None:
        """Parts are stored with the record and replace older ones; a losing record stores none."""
        part, whole, late = record(), record(), record()
        place.put(record(id=part.id))
        place.ask(PutRecord(whole, run(), "{}", besides=(PutRecord(part, run(), "{}"),)))
        assert [whole, part] == [place.find(one) for one in (whole, part)]
        place.ask(
            PutRecord(record(id=whole.id), run(), "{}", besides=(PutRecord(late, run(), "{}"),))
        )
        assert [whole, None] == [place.find(one) for one in (whole, late)]

    def test_what_a_value_holds_is_an_edge(self, place: StoreUnderTest) -> None:
        """An artifact whose value holds another one is its dependent, until it is deleted."""
        held = place.put(record())
        both = record(
            value_artifact_ids=frozenset({held.id}),
            input_artifact_ids=frozenset({held.id, new_id()}),
        )
        alone = record(value_artifact_ids=frozenset({held.id}))
        holders = [place.put(holder) for holder in (both, alone)]
        assert holders == [place.find(holder) for holder in holders]
        assert tuple(sorted(holder.id for holder in holders)) == place.ask(ListDependents(held.id))
        for holder in holders:
            place.ask(DeleteRecord(holder.id))
        assert () == place.ask(ListDependents(held.id))


FIRST, SECOND = (ArtifactId(digit * 40) for digit in "ab")


def any_of(*values: Mapping[str, object]) -> SearchStrategy[Options]:
    """Return a strategy for one of *values*."""
    return st.sampled_from([freeze_options(value) for value in values])


RUNS: Final = [run().id, "6" * 40]
QUERIES: Final[SearchStrategy[Query]] = st.builds(
    Query,
    name=st.none()
    | st.sampled_from(
        ["*", "module.*", "m?d*", "[m]*", "[!m]*", "module.fn", "x", "fn", "größe", "le.fn"]
    ),
    version=st.none() | st.integers(0, 2),
    tags=st.frozensets(st.sampled_from("ab"), max_size=2),
    custom_fields=any_of({}, {"k": 1}, {"k": 1.0}, {"k": [1, {"b": None}]}),
    inputs=any_of(
        {},
        {"x": 1},
        {"x": True},
        {"x": "1"},
        {"x": {"artifact": FIRST}},
        {"y": [1]},
        {"x >=": 1},
        {"x.artifact !=": SECOND},
        {"z.a": 1},
        {"z": {"a": 1}},
        {"z.a >": 0, "z.b": None},
    ),
    uses=st.frozensets(st.sampled_from([FIRST, SECOND]), max_size=2),
    since=st.none() | st.just(MOMENT),
    until=st.none() | st.just(MOMENT + timedelta(days=1)),
    run_id=st.none() | st.sampled_from(RUNS),
    code=st.none() | st.sampled_from(["", "r1:a", "r1:c"]),
)
KEPT: Final[SearchStrategy[ArtifactRecord]] = st.builds(
    record,
    name=st.sampled_from(["module.fn", "module.other", "x", "größe"]),
    version=st.integers(0, 2),
    tags=st.lists(st.sampled_from("ab"), max_size=2).map(tuple),
    custom_fields=any_of({}, {"k": 1}, {"k": 1.0}, {"k": [1, {"b": None}], "l": 0}),
    input_artifact_ids=st.frozensets(st.sampled_from([FIRST, SECOND])),
    computed_at=st.sampled_from(
        [MOMENT, MOMENT + timedelta(days=2), datetime(1999, 1, 1, tzinfo=UTC)]
    ),
    run_id=st.sampled_from(RUNS),
    code=st.sampled_from(["", "r1:a", "r1:b"]),
    id=st.builds(new_id),
)
INPUTS: Final = st.sampled_from(
    [
        {"x": 1},
        {"x": True},
        {"x": "1"},
        {"x": {"artifact": FIRST}},
        {"y": [1]},
        {"z": {"a": 1}},
        {"z": {"a": 1, "b": None}},
    ]
).map(json.dumps)


VALUES: Final = [b"", b"a", b"longer"]


def pages(place: StoreUnderTest, query: Query, limit: int) -> list[ArtifactRecord]:
    """Return the matching records of all pages."""
    found: list[ArtifactRecord] = []
    places: list[int | None] = [None]
    while True:
        page = place.ask(SearchRecords(query, places[-1], limit))
        assert len(page.records) <= limit
        found += page.records
        if page.next is None:
            return found
        # Otherwise the search would not end.
        assert page.next not in places
        places.append(page.next)


class SearchContract(Contract):
    """A search finds exactly the matching records."""

    @LAW
    @given(
        kept=st.lists(st.tuples(KEPT, INPUTS), max_size=8), query=QUERIES, limit=st.integers(1, 3)
    )
    def test_searching_finds_what_fits(
        self,
        fresh: Callable[[], StoreUnderTest],
        kept: list[tuple[ArtifactRecord, str]],
        query: Query,
        limit: int,
    ) -> None:
        """The pages contain exactly the matching records, the latest first."""
        place = fresh()
        for one, inputs in kept:
            place.ask(PutRecord(one, run(), inputs))
        expected = [one for one, inputs in reversed(kept) if matches(query, one, inputs)]
        assert expected == pages(place, query, limit)
        place.close()

    @LAW
    @given(kept=st.lists(st.tuples(KEPT, st.sampled_from(VALUES)), max_size=6))
    def test_summaries_add_up(
        self, fresh: Callable[[], StoreUnderTest], kept: list[tuple[ArtifactRecord, bytes]]
    ) -> None:
        """Each grouping counts every artifact once, and each value of a group once."""
        place = fresh()
        stored = [
            evolve(one, compute_duration=len(value) / 4, value_blob=blob_of(value))
            for one, value in kept
        ]
        for one in stored:
            place.ask(PutRecord(one, run(), "{}"))
        for by in GROUPINGS:
            expected = summarize_records(stored, by, lambda _: False)
            assert expected == place.ask(SummarizeRecords(by))
        place.close()

    @pytest.mark.parametrize("limit", [1, 3, 7, 8])
    def test_pages_follow_one_another(self, place: StoreUnderTest, limit: int) -> None:
        """Pages of any size contain each record once, the latest first."""
        kept = [place.put(record()) for _ in range(7)]
        assert kept[::-1] == pages(place, Query(), limit)

    @FEW
    @given(one=records)
    def test_every_record_is_found_by_searching_for_all(
        self, place: StoreUnderTest, one: ArtifactRecord
    ) -> None:
        """A search for everything finds any record unchanged."""
        place.put(one, replace=True)
        found = {match.id: match for match in pages(place, Query(), 100)}
        assert one == found[one.id]

    def test_a_replaced_record_keeps_its_place(self, place: StoreUnderTest) -> None:
        """Paging while records are replaced and added finds each older record once."""
        kept = [place.put(record()) for _ in range(6)]
        seen: list[ArtifactId] = []
        after: int | None = None
        for turn in (0, 5, 2):
            page = place.ask(SearchRecords(Query(), after, 2))
            seen += [match.id for match in page.records]
            after = page.next
            place.put(record(id=kept[turn].id), replace=True)
            place.put(record())
        assert [one.id for one in reversed(kept)] == seen
        place.ask(DeleteRecord(kept[0].id))
        place.put(kept[0])
        assert kept[0].id == place.ask(SearchRecords(Query(), None, 1)).records[0].id

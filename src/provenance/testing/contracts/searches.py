"""The contract of record stores about searches."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from provenance.asks import DropRecord, FindRecords, PutRecord
from provenance.ids import ArtifactId
from provenance.queries import Query, fits
from provenance.records import ArtifactRecord, Options, options
from provenance.testing.contracts.base import FEW, LAW, Contract
from provenance.testing.places import Place
from provenance.testing.samples import MOMENT, new_id, record, run
from provenance.testing.strategies import records

A, B = (ArtifactId(digit * 40) for digit in "ab")


def any_of(*values: Mapping[str, object]) -> SearchStrategy[Options]:
    """Return a strategy for one of *values*."""
    return st.sampled_from([options(value) for value in values])


RUNS: Final = [run().id, "6" * 40]
QUERIES: Final[SearchStrategy[Query]] = st.builds(
    Query,
    name=st.none()
    | st.sampled_from(["*", "module.*", "m?d*", "[m]*", "[!m]*", "module.fn", "x", "module.fn*"]),
    version=st.none() | st.integers(0, 2),
    tags=st.frozensets(st.sampled_from("ab"), max_size=2),
    custom_fields=any_of({}, {"k": 1}, {"k": 1.0}, {"k": [1, {"b": None}]}),
    inputs=any_of({}, {"x": 1}, {"x": True}, {"x": "1"}, {"x": {"artifact": A}}, {"y": [1]}),
    uses=st.frozensets(st.sampled_from([A, B]), max_size=2),
    since=st.none() | st.just(MOMENT),
    until=st.none() | st.just(MOMENT + timedelta(days=1)),
    run_id=st.none() | st.sampled_from(RUNS),
)
KEPT: Final[SearchStrategy[ArtifactRecord]] = st.builds(
    record,
    name=st.sampled_from(["module.fn", "module.other", "x", "größe"]),
    version=st.integers(0, 2),
    tags=st.lists(st.sampled_from("ab"), max_size=2).map(tuple),
    custom_fields=any_of({}, {"k": 1}, {"k": 1.0}, {"k": [1, {"b": None}], "l": 0}),
    input_artifact_ids=st.frozensets(st.sampled_from([A, B])),
    computed_at=st.sampled_from(
        [MOMENT, MOMENT + timedelta(days=2), datetime(1999, 1, 1, tzinfo=UTC)]
    ),
    run_id=st.sampled_from(RUNS),
    id=st.builds(new_id),
)
INPUTS: Final = st.sampled_from(
    [{"x": 1}, {"x": True}, {"x": "1"}, {"x": {"artifact": A}}, {"y": [1]}]
).map(json.dumps)


def pages(place: Place, query: Query, limit: int) -> list[ArtifactRecord]:
    """Return the matching records of all pages."""
    found: list[ArtifactRecord] = []
    places: list[int | None] = [None]
    while True:
        page = place.ask(FindRecords(query, places[-1], limit))
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
        fresh: Callable[[], Place],
        kept: list[tuple[ArtifactRecord, str]],
        query: Query,
        limit: int,
    ) -> None:
        """The pages contain exactly the matching records, the latest first."""
        place = fresh()
        for one, inputs in kept:
            place.ask(PutRecord(one, run(), inputs))
        expected = [one for one, inputs in reversed(kept) if fits(query, one, inputs)]
        assert expected == pages(place, query, limit)
        place.close()

    @pytest.mark.parametrize("limit", [1, 3, 7, 8])
    def test_pages_follow_one_another(self, place: Place, limit: int) -> None:
        """Pages of any size contain each record once, the latest first."""
        kept = [place.put(record()) for _ in range(7)]
        assert kept[::-1] == pages(place, Query(), limit)

    @FEW
    @given(one=records)
    def test_every_record_is_found_by_searching_for_all(
        self, place: Place, one: ArtifactRecord
    ) -> None:
        """A search for everything finds any record unchanged."""
        place.put(one, replace=True)
        found = {match.id: match for match in pages(place, Query(), 100)}
        assert one == found[one.id]

    def test_a_replaced_record_keeps_its_place(self, place: Place) -> None:
        """Paging while records are replaced and added finds each older record once."""
        kept = [place.put(record()) for _ in range(6)]
        seen: list[ArtifactId] = []
        after: int | None = None
        for turn in (0, 5, 2):
            page = place.ask(FindRecords(Query(), after, 2))
            seen += [match.id for match in page.records]
            after = page.next
            place.put(record(id=kept[turn].id), replace=True)
            place.put(record())
        assert [one.id for one in reversed(kept)] == seen
        place.ask(DropRecord(kept[0].id))
        place.put(kept[0])
        assert kept[0].id == place.ask(FindRecords(Query(), None, 1)).records[0].id

"""Documents are JSON, and conditions are read as a person writes them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.documents.items import as_json, nest_runs, write_document
from provenance.documents.words import ConditionError, parse_age, parse_input, parse_time

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(DOCUMENTS)
def test_json_stays_what_it_is(document):
    """What is JSON already is not changed, and is read back as it was."""
    assert document == as_json(document)
    assert {"version": 1, "it": document} == json.loads(write_document({"it": document}))


@given(st.sets(st.integers()), st.tuples(st.integers(), st.text()))
def test_other_collections_become_lists(numbers, pair):
    """Sets are ordered, so that a document is the same each time."""
    assert sorted(map(str, numbers)) == as_json(numbers)
    assert [*pair] == as_json(pair)


def test_a_duration_is_an_age():
    """`2d` is two days ago; a date is its beginning in local time."""
    before = datetime.now(UTC)
    assert before <= parse_time("2d") + timedelta(days=2) <= datetime.now(UTC)
    assert datetime(2026, 11, 28).astimezone() == parse_time("2026-11-28")
    assert parse_age("fortnight") is None


@pytest.mark.parametrize("text", ["", "depth", "=3", ">=3"])
def test_what_is_no_condition_is_refused(text):
    """The message shows what to write."""
    with pytest.raises(ConditionError, match="write depth=3"):
        parse_input(text)


def test_what_is_no_time_is_refused():
    """The message shows what to write."""
    with pytest.raises(ConditionError, match="2026-11-28"):
        parse_time("yesterday")


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.none() | st.integers(0, 8)), unique_by=lambda run: run[0]
    )
)
def test_each_run_is_listed_once(pairs):
    """Below the run that started it; also if records of others name each other, or one that is not there."""
    items = [{"id": run, "parent_id": parent} for run, parent in pairs]
    nested = nest_runs(items)
    assert sorted(item["id"] for item, _ in nested) == sorted(item["id"] for item in items)
    above = []
    for item, depth in nested:
        above[depth:] = [item["id"]]
        assert depth == 0 or above[depth - 1] == item["parent_id"]

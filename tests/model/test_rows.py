"""Rows and JSON say all that records say."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st

from contract.samples import json_values, moments, record, records, run, runs
from provenance.model.records import ArtifactRecord, freeze_options
from provenance.model.rows import (
    COLUMNS,
    OWN_COLUMNS,
    SHARED_COLUMNS,
    SharedColumns,
    from_row,
    json_text,
    jsonable,
    run_from_json,
    run_to_json,
    time_text,
    to_row,
)


@given(one=records)
def test_a_record_survives_its_row(one):
    """A record made from a row of a record is that record."""
    assert one == from_row(to_row(one))


@given(one=records, other=records)
def test_a_record_of_the_same_function_is_made_of_its_own_columns(one, other):
    """A row that shares its columns with that of another record makes the same record, and the same facts."""
    row, shares = to_row(one), SharedColumns(to_row(other))
    cells = dict(zip(COLUMNS, row, strict=True)) | dict(
        zip(SHARED_COLUMNS, shares.values, strict=True)
    )
    own, whole = [cells[name] for name in OWN_COLUMNS], tuple(map(cells.get, COLUMNS))
    assert whole[:-1] == shares.facts(tuple(own))
    assert from_row(whole) == shares.record((*own, "what follows the columns"))


@given(rows=st.lists(records.map(to_row), max_size=3))
def test_rows_share_what_the_first_and_the_last_agree_in(rows):
    """What the next rows may share is learned from rows that agree, not from those of several functions."""
    ends = [[row[COLUMNS.index(name)] for name in SHARED_COLUMNS] for row in rows[:1] + rows[-1:]]
    found = SharedColumns.of(rows)
    assert (found is not None) == (bool(ends) and ends[0] == ends[1])
    assert found is None or list(found.values) == ends[1]


@given(one=records)
def test_a_row_is_made_of_what_databases_take(one):
    """A row goes into a database and comes out as it was, whatever is in the record."""
    row = to_row(one)
    assert len(COLUMNS) == len(row)
    connection = sqlite3.connect(":memory:")
    assert row == connection.execute(f"SELECT {', '.join('?' * len(row))}", row).fetchone()
    connection.close()


@given(process=runs)
def test_a_run_survives_its_json(process):
    """A run made from the JSON of a run is that run, and the JSON is UTF-8."""
    text = run_to_json(process)
    assert process == run_from_json(text.encode().decode())


def test_every_field_of_a_record_has_its_column():
    """No field of a record is forgotten in a row; the derivation of one call is a row of another table."""
    renamed = {
        "value_blob": {"content_digest", "size_bytes"},
        "inputs_blob": {"inputs_digest", "inputs_size"},
        "derivation": set(),
    }
    expected = set().union(
        *(renamed.get(each.name, {each.name}) for each in fields(ArtifactRecord))
    )
    assert expected == set(COLUMNS)
    assert len(expected) == len(COLUMNS)


def test_columns_hold_what_they_are_called():
    """The column of a name holds the field of that name."""
    one = record()
    row = dict(zip(COLUMNS, to_row(one), strict=True))
    for name in (
        "id",
        "value_id",
        "run_id",
        "name",
        "serializer",
        "content_digest",
        "size_bytes",
        "code",
    ):
        assert getattr(one, name) == row[name]
    assert ('["a","b"]', '{"größe":[1,{"b":null}]}') == (row["tags"], row["custom_fields"])


@given(value=json_values)
def test_json_says_what_python_says(value):
    """JSON text is read back as the value, and a value that JSON can say is left as it is."""
    assert value == json.loads(json_text(value).encode())
    assert value == jsonable(value)


odd = st.floats() | st.binary() | st.complex_numbers() | st.datetimes()


@given(
    value=st.recursive(
        odd, lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(odd, inner)
    )
)
def test_anything_can_be_put_as_json(value):
    """What has no JSON form is put as near to it as may be, and never refused."""
    assert isinstance(json_text(jsonable(value)), str)


@pytest.mark.parametrize("flawed", [float("nan"), float("inf"), {1, 2}, object()])
def test_what_json_cannot_say_is_refused(flawed):
    """Text that no other program could read is never written."""
    with pytest.raises((ValueError, TypeError)):
        json_text([flawed])
    with pytest.raises((ValueError, TypeError)):
        to_row(record(load_kwargs=freeze_options({"x": flawed})))


@given(first=moments, second=moments)
def test_times_sort_as_their_text(first, second):
    """Text of times sorts as the times do, in whatever zone they were given."""
    assert (first < second) == (time_text(first) < time_text(second))
    assert first == datetime.fromisoformat(time_text(first))


def test_times_are_utc():
    """A time is written in UTC; one without a zone is refused."""
    east = datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert "2023-12-31 23:00:00.000000+00:00" == time_text(east)
    assert UTC is from_row(to_row(record(added_at=east))).added_at.tzinfo
    with pytest.raises(ValueError, match="no time zone"):
        time_text(datetime(2024, 1, 1))  # noqa: DTZ001 - that is the point


def test_a_run_of_a_newer_library_is_read():
    """Facts that this library does not know are left out, not refused."""
    text = json.loads(run_to_json(run()))
    assert run() == run_from_json(json.dumps({**text, "weather": "fine"}))


def test_the_id_of_a_run_is_text():
    """A forged run of a bundle may say anything; a store that it is copied to takes text alone."""
    text = json.loads(run_to_json(run()))
    assert "['a']" == run_from_json(json.dumps({**text, "id": ["a"]})).id

"""The table of terms: searches by it find what looking at every record finds, whatever happened before."""

import json
import logging
import os
import shutil
import sys
from datetime import timedelta
from subprocess import Popen

import pytest
from attrs import field, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.samples import MOMENT, json_objects, json_values, record, run
from processes import SOURCES
from provenance.effects.io import blob_of
from provenance.effects.sql import snapshot, sqlite, stores, terms, totals
from provenance.effects.sql.records import SqlRecords
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.effects.sql.stores import SqlBlobs
from provenance.errors import StoreUnavailableError
from provenance.model.ids import ArtifactId
from provenance.model.queries import GROUPINGS, Query, matches, summarize_records
from provenance.model.records import InlineBlob, freeze_options
from provenance.model.rows import json_text
from provenance.ports.records import PutRecord, all_records
from provenance.testing.contracts.records import QUERIES

IDS = [ArtifactId(f"{number:040x}") for number in range(4)]
VALUES = [blob_of(data) for data in (b"a", b"b")]
DATA = {blob_of(data).id: data for data in (b"a", b"b")}


def any_of(*values):
    """One of several mappings, as options."""
    return st.sampled_from([freeze_options(value) for value in values])


KEPT = st.builds(
    record,
    id=st.sampled_from(IDS),
    name=st.sampled_from(["module.fn", "other.fn", "module.other", "x", "größe"]),
    version=st.integers(0, 2),
    tags=st.lists(st.sampled_from("ab"), max_size=2).map(tuple),
    custom_fields=any_of({}, {"k": 1}, {"k": 1.0}, {"k": [1, {"b": None}], "l": 0}),
    value_blob=st.sampled_from(VALUES),
    value_id=st.sampled_from(IDS),
    code=st.sampled_from(["", "r1:a", "r1:b"]),
    run_id=st.sampled_from([run().id, "6" * 40]),
    computed_at=st.sampled_from([MOMENT, MOMENT + timedelta(days=2)]),
)
INPUTS = any_of(
    {"x": 1, "__varargs": []},
    {"x": True},
    {"x": {"artifact": "a" * 40}},
    {"y": [1]},
    {"z": {"a": 1, "b": None}},
    {"z.a": 1},
).map(lambda entries: json.dumps(dict(entries)))
_ONE = st.sampled_from(IDS)
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "replace"]), KEPT, INPUTS)
    | st.tuples(st.sampled_from(["delete", "fill", "fill", "vacuum", "evict", "summarize"]), _ONE),
    max_size=12,
)
EVERY = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@frozen
class Store:
    """A SQLite file, and what should be in it, in order."""

    database: SqliteDatabase
    kept: dict[ArtifactId, tuple]
    evicted: set[ArtifactId] = field(factory=set)

    def play(self, step, *given):
        """Do one step of a history to both."""
        records = SqlRecords(self.database)
        match step, given:
            case "put" | "replace", (one, inputs):
                part = InlineBlob(one.value_blob, DATA[one.value_blob.id])
                ask = PutRecord(one, run(), inputs, (part,), replace=step == "replace")
                records.put_record(ask)
                if step == "replace" or one.id not in self.kept:
                    self.kept[one.id] = one, inputs
                    self.evicted.discard(one.id)
            case "delete", (key,):
                records.delete_record(key)
                self.kept.pop(key, None)
                self.evicted.discard(key)
            case "evict", (key,):
                if key in self.kept:
                    records.mark_evicted(key, self.kept[key][0].value_blob, MOMENT)
                    self.evicted.add(key)
            case "fill", _:
                terms.fill_terms(self.database, 1)
            case "summarize", _:
                records.summarize_records("function")
            case _:
                self.database.query("VACUUM")


@pytest.fixture
def fresh(tmp_path_factory):
    """A function that makes empty stores."""
    made = []

    def make():
        made.append(SqliteDatabase(tmp_path_factory.mktemp("terms") / "x.db"))
        return Store(made[-1], {})

    yield make
    for database in made:
        database.close()


def facts_of(one, inputs):
    """Searches for single facts of an artifact."""
    yield Query(name=one.name.rpartition(".")[2], version=one.version)
    yield Query(run_id=one.run_id)
    yield Query(code=one.code)
    yield from (Query(tags=frozenset({tag})) for tag in one.tags)
    yield from (Query(custom_fields=freeze_options({k: v})) for k, v in one.custom_fields.items())
    yield from (Query(inputs=freeze_options({k: v})) for k, v in inputs.items())


@EVERY
@given(
    steps=STEPS, queries=st.lists(QUERIES, min_size=1, max_size=4), least=st.sampled_from([1, 3])
)
def test_a_search_by_terms_finds_what_looking_at_all_records_finds(fresh, steps, queries, least):
    """Whatever was stored, replaced, deleted and evicted before, and however far the table was filled meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terms, "_PIECE", 2)
        patch.setattr(terms, "_FIRST", 1)
        patch.setattr(terms, "_ENOUGH", 2)
        patch.setattr(terms, "_BLOCK", 1)
        patch.setattr(totals, "_MANY", least)
        patch.setattr(terms.fill_terms, "__defaults__", (least,))
        store = fresh()
        for step in steps:
            store.play(*step)
        records = SqlRecords(store.database)
        for one, inputs in list(store.kept.values()):
            queries = [*queries, *facts_of(one, json.loads(inputs))]
        for query in queries:
            expected = [
                one for one, inputs in reversed(store.kept.values()) if matches(query, one, inputs)
            ]
            assert expected == found_by(records, query)
        for value in {one.value_id for one, _ in store.kept.values()}:
            expected = [one.id for one, _ in store.kept.values() if one.value_id == value]
            assert sorted(expected) == sorted(o.id for o in records.find_records_by_value(value))
        stored = [one for one, _ in store.kept.values()]
        for by in GROUPINGS:
            expected = summarize_records(stored, by, store.evicted.__contains__)
            assert expected == records.summarize_records(by)
            assert expected == records.summarize_records(by)
        named = {one.value_blob for one, _ in store.kept.values()}
        assert named == records.find_referenced_blobs(tuple(VALUES))


@EVERY
@given(
    kept=st.lists(st.tuples(json_objects, json_objects, st.lists(st.text(max_size=3))), max_size=4),
    path=st.text(max_size=5),
    value=json_values,
    pick=st.integers(0, 30),
)
def test_every_field_argument_and_tag_is_found(fresh, kept, path, value, pick):
    """By its exact value, and by parts of it, whatever JSON it is."""
    store = fresh()
    records = SqlRecords(store.database)
    stored = []
    for inputs, fields, tags in kept:
        one = record(custom_fields=freeze_options(fields), tags=tuple(tags))
        stored.append((records.put_record(PutRecord(one, run(), text := json_text(inputs))), text))
    terms.fill_terms(store.database, 1)
    wanted = [Query(inputs=freeze_options({path: value}))]
    for inputs, fields, tags in kept:
        wanted += [
            Query(inputs=freeze_options({k: v})) for k, v in [*inputs.items(), *inner(inputs)]
        ]
        wanted += [Query(custom_fields=freeze_options({k: v})) for k, v in fields.items()]
        wanted += [Query(tags=frozenset({tag})) for tag in tags]
    query = wanted[pick % len(wanted)]
    expected = [one for one, text in reversed(stored) if matches(query, one, text)]
    assert expected == found_by(records, query)


def found_by(records, query):
    """The records of all pages that the store finds."""
    return list(
        all_records(lambda ask: records.search_records(ask.query, ask.after, ask.limit), query)
    )


def inner(document):
    """The entries of dictionaries inside, by their dotted paths."""
    for key, value in document.items():
        if isinstance(value, dict):
            for path, entry in [*value.items(), *inner(value)]:
                yield f"{key}.{path}", entry


def fill(store, count, **facts):
    """Store *count* artifacts, each with a tag of its own."""
    records = SqlRecords(store.database)
    for number in range(count):
        one = record(tags=(f"tag {number}",), name=f"module.f{number}", **facts)
        store.kept[one.id] = records.put_record(PutRecord(one, run(), f'{{"n":{number}}}')), ""


def places_of(database, name):
    """The number of rows with a term of a name."""
    query = "SELECT count(*) FROM terms WHERE term = ?"
    return database.query(query, terms.make_term("name", name, 0))[0][0]


def test_searching_reads_no_more_artifacts_than_it_finds(fresh, monkeypatch):
    """By tag, argument, field, short name and time: the statements that read records answer with these alone."""
    store = fresh()
    fill(store, 40, computed_at=MOMENT)
    terms.fill_terms(store.database, 1)
    read = []
    query = SqliteDatabase.query

    def spy(database, statement, *values):
        rows = query(database, statement, *values)
        if "input_hashes" in statement:
            read.append(len(rows))
        return rows

    monkeypatch.setattr(SqliteDatabase, "query", spy)
    for wanted in (
        Query(tags=frozenset({"tag 7"})),
        Query(inputs=freeze_options({"n": 7})),
        Query(name="f7"),
        Query(name="module.f7"),
        Query(name="*.f7"),
        Query(tags=frozenset({"tag 7"}), name="module.*"),
    ):
        read.clear()
        assert 1 == len(SqlRecords(store.database).search_records(wanted, None, 100).records)
        assert 1 == sum(read), wanted
    read.clear()
    later = Query(since=MOMENT + timedelta(days=1))
    assert () == SqlRecords(store.database).search_records(later, None, 100).records
    assert 0 == sum(read)


def test_few_new_artifacts_are_looked_through_and_many_are_given_terms(fresh, monkeypatch):
    """A search writes nothing as long as little is new."""
    monkeypatch.setattr(terms.fill_terms, "__defaults__", (5,))
    store = fresh()
    fill(store, 4)
    found = Query(tags=frozenset({"tag 3"}))
    assert 1 == len(SqlRecords(store.database).search_records(found, None, 9).records)
    assert 0 == places_of(store.database, "module.f3")
    fill(store, 1)
    assert 1 == len(SqlRecords(store.database).search_records(found, None, 9).records)
    assert 1 == places_of(store.database, "module.f3")


def test_the_first_filling_of_many_is_logged(fresh, monkeypatch, caplog):
    """It is said before, and after each piece."""
    monkeypatch.setattr(terms, "_LONG", 4)
    monkeypatch.setattr(terms, "_PIECE", 2)
    store = fresh()
    fill(store, 4)
    with caplog.at_level(logging.INFO, "provenance"):
        terms.fill_terms(store.database, 1)
    assert [
        "indexing 4 artifacts of repository 'sqlite' for searches; later searches are quick",
        "indexed artifacts up to 2 of 4",
        "indexed artifacts up to 4 of 4",
    ] == caplog.messages


def test_a_failed_filling_does_not_fail_the_search(fresh, monkeypatch, caplog):
    """It is logged, and the search looks through the artifacts instead."""
    store = fresh()
    fill(store, 3)

    def fail(*_):
        raise StoreUnavailableError("sqlite", "the disk is full", "free some space")

    monkeypatch.setattr(store.database, "transaction", fail)
    monkeypatch.setattr(terms.fill_terms, "__defaults__", (1,))
    found = SqlRecords(store.database).search_records(Query(name="f2"), None, 9)
    assert 1 == len(found.records)
    assert "searching without the index of repository 'sqlite'" in caplog.text


@pytest.mark.parametrize("before", [0, 2])
def test_sums_are_made_where_they_cannot_be_kept(fresh, monkeypatch, caplog, before):
    """On a full disk, whether some are kept already or not: it is logged."""
    store = fresh()
    monkeypatch.setattr(totals, "_MANY", 1)
    monkeypatch.setattr(terms.fill_terms, "__defaults__", (1,))
    fill(store, 1, compute_duration=0.0)
    records = SqlRecords(store.database)
    if before:
        records.summarize_records("serializer")
    fill(store, 2, compute_duration=0.0)
    terms.fill_terms(store.database, 1)

    def fail(*_):
        raise StoreUnavailableError("sqlite", "the disk is full", "free some space")

    monkeypatch.setattr(store.database, "transaction", fail)
    stored = [one for one, _ in store.kept.values()]
    expected = summarize_records(stored, "serializer", store.evicted.__contains__)
    assert expected == records.summarize_records("serializer")
    assert "without keeping the sums of repository 'sqlite'" in caplog.text


def test_an_artifact_at_the_place_of_a_deleted_one_gets_terms(fresh):
    """Also if the table was filled between the deletions: it is found, and a blob that it needs is not given up."""
    store = fresh()
    records = SqlRecords(store.database)

    def put(key, tag, data):
        part = InlineBlob(blob_of(data), data)
        one = record(id=IDS[key], tags=(tag,), value_blob=part.blob)
        return records.put_record(PutRecord(one, run(), "{}", (part,)))

    for key in (0, 1, 2):
        put(key, "old", b"a")
    terms.fill_terms(store.database, 1)
    records.delete_record(IDS[1])
    terms.fill_terms(store.database, 1)
    records.delete_record(IDS[2])
    new = put(3, "new", b"b")
    assert (new,) == records.search_records(Query(tags=frozenset({"new"})), None, 9).records
    put(1, "newer", b"b")
    assert blob_of(b"b") not in records.delete_record(IDS[1])


def test_a_wrong_term_finds_nothing_that_does_not_match(fresh):
    """The table proposes; the record decides."""
    store = fresh()
    fill(store, 3)
    terms.fill_terms(store.database, 1)
    forged = terms.make_term("tag", "forged"), terms.blob_term(blob_of(b"forged").id)
    for term in forged:
        store.database.change("INSERT INTO terms VALUES (?, 1)", (term,))
    records = SqlRecords(store.database)
    assert () == records.search_records(Query(tags=frozenset({"forged"})), None, 9).records
    assert frozenset() == records.find_referenced_blobs((blob_of(b"forged"),))
    assert not SqlBlobs(store.database).has_blob(blob_of(b"forged"))


def test_what_changes_while_terms_are_computed_gets_its_own(fresh, monkeypatch):
    """The newest artifact is deleted, and another one takes its place, between reading and writing."""
    store = fresh()
    fill(store, 2)
    put = terms._entries
    seen = []

    def interrupted(rows):
        if not seen:
            seen.append(list(store.kept)[-1])
            SqlRecords(store.database).delete_record(seen[0])
            fill(store, 1, code="r1:new")
        return put(rows)

    monkeypatch.setattr(terms, "_entries", interrupted)
    terms.fill_terms(store.database, 1)
    assert seen
    records = SqlRecords(store.database)
    assert 1 == len(records.search_records(Query(code="r1:new"), None, 9).records)
    terms.fill_terms(store.database, 1)
    assert 1 == len(records.search_records(Query(code="r1:new"), None, 9).records)


def test_terms_of_what_is_gone_are_not_taken_for_those_of_what_came_after(fresh, monkeypatch):
    """While terms are computed, all are deleted, the table forgets them, and others take their places."""
    store = fresh()
    fill(store, 2)
    put = terms._entries
    seen = []

    def interrupted(rows):
        found = put(rows)
        if not seen:
            seen.extend(store.kept)
            terms.fill_terms(store.database, 1)
            for key in seen:
                SqlRecords(store.database).delete_record(key)
            terms.fill_terms(store.database, 1)
            fill(store, 2, code="r1:new", value_blob=VALUES[0])
        return found

    monkeypatch.setattr(terms, "_entries", interrupted)
    terms.fill_terms(store.database, 1)
    assert seen
    records = SqlRecords(store.database)
    assert 2 == len(records.search_records(Query(code="r1:new"), None, 9).records)
    assert {VALUES[0]} == records.find_referenced_blobs((VALUES[0],))


def test_others_before_the_same_last_artifact_get_terms_of_their_own(fresh, monkeypatch):
    """While terms are computed, all are deleted and forgotten, the last one comes back to its place, and others come before it."""
    store = fresh()
    fill(store, 3)
    records, put, seen = SqlRecords(store.database), terms._entries, []
    last, _ = list(store.kept.values())[-1]

    def interrupted(rows):
        found = put(rows)
        if not seen:
            seen.extend(store.kept)
            terms.fill_terms(store.database, 1)
            for key in seen[:-1]:
                records.delete_record(key)
            terms.fill_terms(store.database, 1)
            records.delete_record(last.id)
            fill(store, 2, code="r1:new", value_blob=VALUES[0])
            records.put_record(PutRecord(last, run(), '{"n":2}'))
        return found

    monkeypatch.setattr(terms, "_entries", interrupted)
    terms.fill_terms(store.database, 1)
    assert [(3,)] == store.database.query("SELECT place FROM artifacts WHERE id = ?", last.id)
    assert 2 == len(records.search_records(Query(code="r1:new"), None, 9).records)
    assert {VALUES[0]} == records.find_referenced_blobs((VALUES[0],))


def test_the_place_of_a_deleted_artifact_may_be_taken(fresh):
    """The new artifact there is found, also after the table has forgotten the old one."""
    store = fresh()
    fill(store, 1)
    terms.fill_terms(store.database, 1)
    records = SqlRecords(store.database)
    records.delete_record(next(iter(store.kept)))
    terms.fill_terms(store.database, 1)
    fill(store, 1, code="r1:new")
    assert [(1,)] == store.database.query("SELECT place FROM artifacts")
    for _ in range(2):
        assert 1 == len(records.search_records(Query(code="r1:new"), None, 9).records)
        terms.fill_terms(store.database, 1)


def test_searches_write_nothing_after_the_newest_artifacts_were_deleted(fresh, monkeypatch):
    """The first search forgets their places."""
    monkeypatch.setattr(terms.fill_terms, "__defaults__", (3,))
    store = fresh()
    fill(store, 4)
    terms.fill_terms(store.database, 1)
    records = SqlRecords(store.database)
    for key in reversed(store.kept):
        records.delete_record(key)
    records.search_records(Query(name="f1"), None, 9)

    def fail(*_):
        raise AssertionError("a search has written")

    monkeypatch.setattr(store.database, "transaction", fail)
    assert () == records.search_records(Query(name="f1"), None, 9).records


@pytest.mark.parametrize("step", ["delete", "evict"])
def test_sums_do_not_outlive_what_changes_while_they_are_made(fresh, monkeypatch, step):
    """An artifact that is deleted, or loses its value, between reading and writing is not counted."""
    store = fresh()
    fill(store, 3, value_blob=VALUES[0], compute_duration=0.0)
    key, records = next(iter(store.kept)), SqlRecords(store.database)
    query = store.database.query

    def spy(statement, *values):
        rows = query(statement, *values)
        if statement.startswith("SELECT item") and key not in changed:
            changed.append(key)
            store.play(step, key)
        return rows

    changed = []
    monkeypatch.setattr(store.database, "query", spy)
    records.summarize_records("function")
    assert changed
    stored = [one for one, _ in store.kept.values()]
    expected = summarize_records(stored, "function", store.evicted.__contains__)
    for _ in range(2):
        assert expected == records.summarize_records("function")


def test_damaged_records_are_reported_by_every_search(fresh, caplog):
    """One whose tags are no JSON may have the tag in question."""
    store = fresh()
    fill(store, 2)
    store.database.change("UPDATE artifacts SET tags = ? WHERE place = 1", ("[",))
    terms.fill_terms(store.database, 1)
    found = SqlRecords(store.database).search_records(Query(tags=frozenset({"tag 1"})), None, 9)
    assert 1 == len(found.records)
    assert "skipped 1 damaged" in caplog.text


FILL_OFTEN = """
import sys
from pathlib import Path
from provenance.effects.sql import terms
from provenance.effects.sql.sqlite import SqliteDatabase

database = SqliteDatabase(Path(sys.argv[1]))
for _ in range(20):
    terms.fill_terms(database, 1)
"""


def test_processes_may_fill_it_at_once(fresh):
    """While others store: each artifact gets its terms once, and none is left out."""
    store = fresh()
    fill(store, 100)
    command = [sys.executable, "-c", FILL_OFTEN, str(store.database.path)]
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    with Popen(command, env=environment) as one, Popen(command, env=environment) as other:
        while one.poll() is None:
            fill(store, 5)
    assert (0, 0) == (one.returncode, other.returncode)
    terms.fill_terms(store.database, 1)
    count = len(store.kept)
    assert count == sum(places_of(store.database, f"module.f{i}") for i in range(100))


@pytest.mark.parametrize("least", [1, 100])
def test_a_file_that_cannot_be_written_is_searched(fresh, tmp_path, monkeypatch, least):
    """By its terms as far as it has them, and by looking through the rest."""
    store = fresh()
    fill(store, 3)
    terms.fill_terms(store.database, least)
    fill(store, 3)
    store.database.close()
    path = shutil.copy(store.database.path, tmp_path / "copy.db")
    before = path.read_bytes()
    monkeypatch.setattr(sqlite, "is_read_only", lambda _: True)
    monkeypatch.setattr(terms.fill_terms, "__defaults__", (1,))
    database = SqliteDatabase(path)
    found = SqlRecords(database).search_records(Query(tags=frozenset({"tag 1"})), None, 9)
    assert 2 == len(found.records)
    database.close()
    assert before == path.read_bytes()
    assert snapshot.is_read_only is not sqlite.is_read_only


def test_terms_stay_the_same_forever():
    """They are stored: what computes them may not change."""
    assert [
        *(8381889403242125548, -7714561600960202297, -6411400901387790301),
    ] == [
        terms.make_term("tag", "a"),
        terms.make_term("input", "x.y", 1.5),
        terms.make_term("field", "k", {"b": [None], "a": 2**70}),
    ]
    assert terms.make_term("a", {"x": 1, "y": 2}) == terms.make_term("a", {"y": 2, "x": 1})
    assert terms.make_term("a", 1) != terms.make_term("a", 1.0)


def test_a_value_is_read_by_the_artifact_that_was_looked_up(fresh, monkeypatch):
    """Without its terms; if it has lost the bytes, another artifact with the same value lends them."""
    store = fresh()
    held = InlineBlob(blob_of(b"x" * 9_000), b"x" * 9_000)
    records, blobs = SqlRecords(store.database), SqlBlobs(store.database)
    one, _ = (
        records.put_record(PutRecord(record(value_blob=held.blob), run(), "{}", (held,)))
        for _ in range(2)
    )
    with monkeypatch.context() as patch:
        patch.setattr(stores, "blob_term", pytest.fail)
        records.find_record(one.id)
        assert held.data == blobs.read_blob(held.blob, lambda file: file.read())
    store.database.change("UPDATE artifacts SET value_data = NULL WHERE id = ?", (one.id,))
    assert held.data == blobs.read_blob(held.blob, lambda file: file.read())

"""What every store of records promises of sets and of searching."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.samples import MOMENT, json_objects, new_id, record, records, run
from contract.stores import memory, sqlite
from provenance.asks import (
    DropRecord,
    DropSet,
    FindLabelled,
    FindProgeny,
    FindRecord,
    FindRecords,
    FindSet,
    FindSetIds,
    PutRecord,
    PutSet,
)
from provenance.queries import Query, carries, fits
from provenance.records import SetRecord, options


def labelled(*members, age=0, set_id=None, **labels):
    """A set that was made so many seconds before the others."""
    return SetRecord(
        set_id or new_id(), frozenset(members or [new_id()]), options(labels), MOMENT - timedelta(seconds=age)
    )


def test_a_set_is_found_by_its_id(place):
    """What was put comes back; what was not, does not."""
    one = labelled(new_id(), new_id(), name="größe", build=7, nested={"a": [1, None, True]})
    assert one == place.ask(PutSet(one)) == place.ask(FindSet(one.id))
    assert place.ask(FindSet(new_id())) is None
    assert (one.id,) == place.ask(FindSetIds(one.id[:6]))
    empty = SetRecord(new_id(), frozenset(), options(None), MOMENT)
    assert empty == place.ask(PutSet(empty)) == place.ask(FindSet(empty.id))


def test_the_newest_set_with_the_labels_is_found(place):
    """All of the wanted labels must be there, with values equal in type too; of several sets the newest is it."""
    old, new, other = labelled(age=9, name="a", x=1), labelled(age=1, name="a", x=2), labelled(name="b", x=1.0)
    for each in (new, other, old):
        place.ask(PutSet(each))
    wanted = [{"name": "a"}, {"name": "a", "x": 1}, {"x": 1}, {"x": 1.0}, {"x": True}, {"y": None}, {}, {"x": "1"}]
    found = [place.ask(FindLabelled(options(each))) for each in wanted]
    assert [new, old, old, other, None, None, other, None] == found


def test_a_set_that_is_put_again_is_the_newest(place):
    """Putting a set under the labels it has makes it the newest; under others it has both."""
    one, other = labelled(age=9, name="a"), labelled(age=5, name="a")
    for each in (one, other):
        place.ask(PutSet(each))
    again = SetRecord(one.id, one.artifact_ids, one.labels, MOMENT)
    place.ask(PutSet(again))
    assert again == place.ask(FindLabelled(one.labels))
    renamed = SetRecord(one.id, one.artifact_ids, options({"name": "b"}), MOMENT + timedelta(seconds=1))
    place.ask(PutSet(renamed))
    assert (again, renamed) == (place.ask(FindLabelled(one.labels)), place.ask(FindLabelled(renamed.labels)))
    assert renamed == place.ask(FindSet(one.id))


def test_sets_put_in_one_moment_are_newest_last(place):
    """Of sets that are equally old, the one that was put last is the newest."""
    one, other = labelled(name="a"), labelled(name="a")
    for each in (one, other, one):
        place.ask(PutSet(each))
    assert one == place.ask(FindLabelled(one.labels))


def test_a_dropped_set_is_gone_and_its_members_stay(place):
    """Dropping takes a set under all its labels, and nothing else."""
    member = record()
    place.ask(PutRecord(member, run(), "{}"))
    one, other = labelled(member.id, name="a"), labelled(member.id, name="b")
    for each in (one, other, SetRecord(one.id, one.artifact_ids, options({"name": "c"}), MOMENT)):
        place.ask(PutSet(each))
    assert [True, False] == [place.ask(DropSet(one.id)), place.ask(DropSet(one.id))]
    assert place.ask(FindSet(one.id)) is None
    assert place.ask(FindLabelled(options({"name": "c"}))) is None
    assert (other, member) == (place.ask(FindSet(other.id)), place.ask(FindRecord(member.id)))


@given(st.lists(json_objects.map(options), min_size=1, max_size=4), st.data())
@pytest.mark.parametrize("make", [memory, sqlite])
def test_labels_are_found_as_the_law_says(make, tmp_path_factory, several, data):
    """The database finds what `carries` says."""
    place = make(tmp_path_factory.mktemp("sets"))
    kept = [place.ask(PutSet(SetRecord(new_id(), frozenset(), each, MOMENT))) for each in several]
    whole = dict(data.draw(st.sampled_from(several)))
    wanted = options(
        {name: whole[name] for name in data.draw(st.sets(st.sampled_from(sorted(whole) or ["none"]))) if name in whole}
    )
    fitting = [each for each in kept if carries(place.ask(FindSet(each.id)).labels, wanted)]
    assert fitting[-1].id == place.ask(FindLabelled(wanted)).id
    place.close()


# ---------------------------------------------------------------- parts that are stored together


def test_parts_are_stored_with_the_whole(place):
    """What is put besides is stored with the record, in place of what was there; a loser stores none of it."""
    part, whole = record(), record()
    stale = record(id=part.id)
    place.ask(PutRecord(stale, run(), "{}"))
    place.ask(PutRecord(whole, run(), "{}", besides=(PutRecord(part, run(), "{}"),)))
    assert [whole, part] == [place.ask(FindRecord(each.id)) for each in (whole, part)]
    late = record()
    place.ask(PutRecord(record(id=whole.id), run(), "{}", besides=(PutRecord(late, run(), "{}"),)))
    assert [whole, None] == [place.ask(FindRecord(each.id)) for each in (whole, late)]


def test_what_a_value_holds_is_an_edge(place):
    """An artifact that another one's value holds has it among its progeny, until that is dropped."""
    held = record()
    holder = record(value_artifact_ids=frozenset({held.id}), input_artifact_ids=frozenset({held.id, new_id()}))
    for each in (held, holder):
        place.ask(PutRecord(each, run(), "{}"))
    assert holder == place.ask(FindRecord(holder.id))
    assert (holder.id,) == place.ask(FindProgeny(held.id))
    place.ask(DropRecord(holder.id))
    assert () == place.ask(FindProgeny(held.id))


# ---------------------------------------------------------------- searching

QUERIES = st.builds(
    Query,
    name=st.none() | st.sampled_from(["*", "module.*", "m?d*", "[m]*", "[!m]*", "module.fn", "x", "module.fn*"]),
    version=st.none() | st.integers(0, 2),
    tags=st.frozensets(st.sampled_from("ab"), max_size=2),
    custom_fields=st.sampled_from([{}, {"k": 1}, {"k": 1.0}, {"k": [1, {"b": None}]}]).map(options),
    inputs=st.sampled_from([{}, {"x": 1}, {"x": True}, {"x": "1"}, {"x": {"artifact": "a" * 40}}, {"y": [1]}]).map(
        options
    ),
    uses=st.frozensets(st.sampled_from(["a" * 40, "b" * 40]), max_size=2),
    since=st.none() | st.just(MOMENT),
    until=st.none() | st.just(MOMENT + timedelta(days=1)),
    run_id=st.none() | st.sampled_from([run().id, "6" * 40]),
)
KEPT = st.builds(
    record,
    name=st.sampled_from(["module.fn", "module.other", "x", "größe"]),
    version=st.integers(0, 2),
    tags=st.lists(st.sampled_from("ab"), max_size=2).map(tuple),
    custom_fields=st.sampled_from([{}, {"k": 1}, {"k": 1.0}, {"k": [1, {"b": None}], "l": 0}]).map(options),
    input_artifact_ids=st.frozensets(st.sampled_from(["a" * 40, "b" * 40])),
    computed_at=st.sampled_from([MOMENT, MOMENT + timedelta(days=2), datetime(1999, 1, 1, tzinfo=UTC)]),
    run_id=st.sampled_from([run().id, "6" * 40]),
    id=st.builds(new_id),
)
INPUTS = st.sampled_from(
    ['{"x": 1}', '{"x": true}', '{"x": "1"}', '{"x": {"artifact": "%s"}}' % ("a" * 40), '{"y": [1]}']
)


@given(st.lists(st.tuples(KEPT, INPUTS), max_size=8), QUERIES, st.integers(1, 3))
@pytest.mark.parametrize("make", [memory, sqlite])
def test_searching_finds_what_fits(make, tmp_path_factory, kept, query, limit):
    """Page after page, exactly the records that fit, those stored last first."""
    place = make(tmp_path_factory.mktemp("search"))
    for each, inputs in kept:
        place.ask(PutRecord(each, run(), inputs))
    found, after = [], None
    while True:
        page = place.ask(FindRecords(query, after, limit))
        assert len(page.records) <= limit
        found += page.records
        after = page.next
        if after is None:
            break
    assert [each for each, inputs in reversed(kept) if fits(query, each, inputs)] == found
    place.close()


def test_a_replaced_record_keeps_its_place(place):
    """Who goes from page to page while records are replaced and added sees each that was there, and once."""
    kept = [record() for _ in range(6)]
    for each in kept:
        place.ask(PutRecord(each, run(), "{}"))
    seen, after = [], None
    for turn in (0, 5, 2):
        page = place.ask(FindRecords(Query(), after, 2))
        seen += [each.id for each in page.records]
        after = page.next
        place.ask(PutRecord(record(id=kept[turn].id), run(), "{}", replace=True))
        place.ask(PutRecord(record(), run(), "{}"))
    assert [each.id for each in reversed(kept)] == seen
    place.ask(DropRecord(kept[0].id))
    place.ask(PutRecord(kept[0], run(), "{}"))
    assert kept[0].id == place.ask(FindRecords(Query(), None, 1)).records[0].id


@given(records)
def test_every_record_is_found_by_searching_for_all(one):
    """Whatever a record says, a search for everything yields it as it is."""
    place = memory(None)
    stored = place.ask(PutRecord(one, run(), "{}"))
    assert (stored.id,) == tuple(each.id for each in place.ask(FindRecords(Query())).records)


@pytest.mark.parametrize(
    ("one", "other"), [("a\0b", "a\0c"), ("a\0b", "a"), (2**63, 2**63 + 1), (2**70, 2**70 + 1), ("é", "\\u00e9")]
)
def test_labels_are_compared_to_the_last_digit(place, one, other):
    """What a database would take for equal is not; an older set with the very label is found behind it."""
    exact, near = labelled(age=5, key=one), labelled(key=other)
    for each in (exact, near):
        place.ask(PutSet(each))
    assert exact == place.ask(FindLabelled(options({"key": one})))
    assert place.ask(FindLabelled(options({"key": [one]}))) is None

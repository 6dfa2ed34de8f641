"""What every store of records does with sets of artifacts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.asks import DropSet, FindLabelled, FindSet, FindSetIds, PutSet
from provenance.ids import ArtifactId, SetId
from provenance.queries import carries
from provenance.records import NO_OPTIONS, Options, SetRecord, options
from provenance.testing.contracts.base import LAW, Contract
from provenance.testing.places import Place
from provenance.testing.samples import MOMENT, new_id, record
from provenance.testing.strategies import json_objects


def labelled(*members: ArtifactId, age: int = 0, **labels: object) -> SetRecord:
    """A set that was made so many seconds before the others."""
    made = MOMENT - timedelta(seconds=age)
    return SetRecord(SetId(new_id()), frozenset(members or [new_id()]), options(labels), made)


class SetContract(Contract):
    """Sets are found by id and by labels, the newest first."""

    def test_a_set_is_found_by_its_id(self, place: Place) -> None:
        """What was put comes back; what was not, does not."""
        one = labelled(new_id(), new_id(), name="größe", build=7, nested={"a": [1, None, True]})
        assert one == place.ask(PutSet(one)) == place.ask(FindSet(one.id))
        assert place.ask(FindSet(SetId(new_id()))) is None
        assert (one.id,) == place.ask(FindSetIds(one.id[:6]))
        empty = SetRecord(SetId(new_id()), frozenset(), NO_OPTIONS, MOMENT)
        assert empty == place.ask(PutSet(empty)) == place.ask(FindSet(empty.id))

    def test_the_newest_set_with_the_labels_is_found(self, place: Place) -> None:
        """All of the wanted labels must be there, with values equal in type too; of several sets the newest is it."""
        old, new, other = labelled(age=9, name="a", x=1), labelled(age=1, name="a", x=2), labelled(name="b", x=1.0)
        for each in (new, other, old):
            place.ask(PutSet(each))
        wanted: list[dict[str, object]] = [
            {"name": "a"}, {"name": "a", "x": 1}, {"x": 1}, {"x": 1.0}, {"x": True}, {"y": None}, {}, {"x": "1"}
        ]  # fmt: skip
        found = [place.ask(FindLabelled(options(each))) for each in wanted]
        assert [new, old, old, other, None, None, other, None] == found

    def test_a_set_that_is_put_again_is_the_newest(self, place: Place) -> None:
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

    def test_sets_put_in_one_moment_are_newest_last(self, place: Place) -> None:
        """Of sets that are equally old, the one that was put last is the newest."""
        one, other = labelled(name="a"), labelled(name="a")
        for each in (one, other, one):
            place.ask(PutSet(each))
        assert one == place.ask(FindLabelled(one.labels))

    def test_a_dropped_set_is_gone_and_its_members_stay(self, place: Place) -> None:
        """Dropping takes a set under all its labels, and nothing else."""
        member = place.put(record())
        one, other = labelled(member.id, name="a"), labelled(member.id, name="b")
        for each in (one, other, SetRecord(one.id, one.artifact_ids, options({"name": "c"}), MOMENT)):
            place.ask(PutSet(each))
        assert [True, False] == [place.ask(DropSet(one.id)), place.ask(DropSet(one.id))]
        assert place.ask(FindSet(one.id)) is None
        assert place.ask(FindLabelled(options({"name": "c"}))) is None
        assert (other, member) == (place.ask(FindSet(other.id)), place.find(member))

    @pytest.mark.parametrize(
        ("one", "other"),
        [("a\0b", "a\0c"), ("a\0b", "a"), (2**63, 2**63 + 1), (2**70, 2**70 + 1), ("é", "\\u00e9")],
    )
    def test_labels_are_compared_to_the_last_digit(self, place: Place, one: object, other: object) -> None:
        """What a database would take for equal is not; an older set with the very label is found behind it."""
        exact, near = labelled(age=5, key=one), labelled(key=other)
        for each in (exact, near):
            place.ask(PutSet(each))
        assert exact == place.ask(FindLabelled(options({"key": one})))
        assert place.ask(FindLabelled(options({"key": [one]}))) is None

    @LAW
    @given(several=st.lists(json_objects.map(options), min_size=1, max_size=4), data=st.data())
    def test_labels_are_found_as_the_law_says(
        self, fresh: Callable[[], Place], several: list[Options], data: st.DataObject
    ) -> None:
        """The store finds what `carries` says."""
        place = fresh()
        kept = [place.ask(PutSet(SetRecord(SetId(new_id()), frozenset(), each, MOMENT))) for each in several]
        whole = dict(data.draw(st.sampled_from(several)))
        chosen = data.draw(st.sets(st.sampled_from(sorted(whole) or ["none"])))
        wanted = options({name: whole[name] for name in chosen if name in whole})
        fitting = [each for each in kept if carries(_labels(place, each), wanted)]
        found = place.ask(FindLabelled(wanted))
        assert fitting[-1].id == (found and found.id)
        place.close()


def _labels(place: Place, one: SetRecord) -> Options:
    """The labels as they came back."""
    stored = place.ask(FindSet(one.id))
    assert stored is not None
    return stored.labels

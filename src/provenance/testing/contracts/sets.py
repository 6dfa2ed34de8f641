"""The contract of stores of artifact sets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.model.ids import ArtifactId, SetId
from provenance.model.queries import carries
from provenance.model.records import NO_OPTIONS, Options, SetRecord, options
from provenance.ports.records import DropSet, FindLabelled, FindSet, FindSetIds, PutSet
from provenance.testing.contracts.base import LAW, Contract
from provenance.testing.harness import MOMENT, Place, new_id, record
from provenance.testing.strategies import json_objects


def labelled(*members: ArtifactId, age: int = 0, **labels: object) -> SetRecord:
    """Return a set that was made *age* seconds before others."""
    made = MOMENT - timedelta(seconds=age)
    return SetRecord(SetId(new_id()), frozenset(members or [new_id()]), options(labels), made)


class SetContract(Contract):
    """Sets are found by id and by labels, the newest first."""

    def test_a_set_is_found_by_its_id(self, place: Place) -> None:
        """A set is found by its id once it is put."""
        one = labelled(new_id(), new_id(), name="größe", build=7, nested={"a": [1, None, True]})
        assert one == place.ask(PutSet(one)) == place.ask(FindSet(one.id))
        assert place.ask(FindSet(SetId(new_id()))) is None
        assert (one.id,) == place.ask(FindSetIds(one.id[:6]))
        empty = SetRecord(SetId(new_id()), frozenset(), NO_OPTIONS, MOMENT)
        assert empty == place.ask(PutSet(empty)) == place.ask(FindSet(empty.id))

    def test_the_newest_set_with_the_labels_is_found(self, place: Place) -> None:
        """A search finds the newest set with all labels, with values of equal types."""
        old, new, other = (
            labelled(age=9, name="a", x=1),
            labelled(age=1, name="a", x=2),
            labelled(name="b", x=1.0),
        )
        for one in (new, other, old):
            place.ask(PutSet(one))
        wanted: list[dict[str, object]] = [
            {"name": "a"}, {"name": "a", "x": 1}, {"x": 1}, {"x": 1.0},
            {"x": True}, {"y": None}, {}, {"x": "1"},
        ]  # fmt: skip
        found = [place.ask(FindLabelled(options(labels))) for labels in wanted]
        assert [new, old, old, other, None, None, other, None] == found

    def test_a_set_that_is_put_again_is_the_newest(self, place: Place) -> None:
        """Putting a set again makes it the newest of its labels; with other labels it has both."""
        one = place.ask(PutSet(labelled(age=9, name="a")))
        place.ask(PutSet(labelled(age=5, name="a")))
        again = SetRecord(one.id, one.artifact_ids, one.labels, MOMENT)
        place.ask(PutSet(again))
        assert again == place.ask(FindLabelled(one.labels))
        later = MOMENT + timedelta(seconds=1)
        renamed = SetRecord(one.id, one.artifact_ids, options({"name": "b"}), later)
        place.ask(PutSet(renamed))
        assert again == place.ask(FindLabelled(one.labels))
        assert renamed == place.ask(FindLabelled(renamed.labels))
        assert renamed == place.ask(FindSet(one.id))

    def test_sets_put_in_one_moment_are_newest_last(self, place: Place) -> None:
        """Of equally old sets, the one put last is the newest."""
        one, other = labelled(name="a"), labelled(name="a")
        for member in (one, other, one):
            place.ask(PutSet(member))
        assert one == place.ask(FindLabelled(one.labels))

    def test_a_dropped_set_is_gone_and_its_members_stay(self, place: Place) -> None:
        """Deleting a set deletes it under all its labels, and nothing else."""
        member = place.put(record())
        one, other = labelled(member.id, name="a"), labelled(member.id, name="b")
        renamed = SetRecord(one.id, one.artifact_ids, options({"name": "c"}), MOMENT)
        for put in (one, other, renamed):
            place.ask(PutSet(put))
        assert [True, False] == [place.ask(DropSet(one.id)), place.ask(DropSet(one.id))]
        assert place.ask(FindSet(one.id)) is None
        assert place.ask(FindLabelled(options({"name": "c"}))) is None
        assert (other, member) == (place.ask(FindSet(other.id)), place.find(member))

    @pytest.mark.parametrize(
        ("one", "other"),
        [("a\0b", "a\0c"), ("a\0b", "a"), (2**63, 2**63 + 1), (2**70, 2**70 + 1), ("é", "\\u00e9")],
    )
    def test_labels_are_compared_to_the_last_digit(
        self, place: Place, one: object, other: object
    ) -> None:
        """Labels that a database might consider equal differ."""
        exact, near = labelled(age=5, key=one), labelled(key=other)
        for put in (exact, near):
            place.ask(PutSet(put))
        assert exact == place.ask(FindLabelled(options({"key": one})))
        assert place.ask(FindLabelled(options({"key": [one]}))) is None

    @LAW
    @given(several=st.lists(json_objects.map(options), min_size=1, max_size=4), data=st.data())
    def test_labels_are_found_as_the_law_says(
        self, fresh: Callable[[], Place], several: list[Options], data: st.DataObject
    ) -> None:
        """The store finds the sets that `carries` accepts."""
        place = fresh()
        sets = [SetRecord(SetId(new_id()), frozenset(), labels, MOMENT) for labels in several]
        kept = [place.ask(PutSet(put)) for put in sets]
        whole = dict(data.draw(st.sampled_from(several)))
        chosen = data.draw(st.sets(st.sampled_from(sorted(whole) or ["none"])))
        wanted = options({name: whole[name] for name in chosen if name in whole})
        matching: list[SetId] = []
        for one in kept:
            # With the labels as the store returns them.
            stored = place.ask(FindSet(one.id))
            assert stored is not None
            if carries(stored.labels, wanted):
                matching.append(one.id)
        found = place.ask(FindLabelled(wanted))
        assert matching[-1] == (found and found.id)
        place.close()

"""The contract of stores of artifact sets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.model.ids import ArtifactId, SetId
from provenance.model.queries import has_labels
from provenance.model.records import NO_OPTIONS, Options, SetRecord, freeze_options
from provenance.ports.records import DeleteSet, FindSet, FindSetByLabels, ListSetIds, PutSet
from provenance.testing.contracts.base import LAW, Contract
from provenance.testing.harness import MOMENT, StoreUnderTest, new_id, record
from provenance.testing.strategies import json_objects


def labeled_set(*members: ArtifactId, age: int = 0, **labels: object) -> SetRecord:
    """Return a set that was made *age* seconds before others."""
    made = MOMENT - timedelta(seconds=age)
    return SetRecord(
        SetId(new_id()), frozenset(members or [new_id()]), freeze_options(labels), made
    )


class SetContract(Contract):
    """Sets are found by id and by labels, the newest first."""

    def test_a_set_is_found_by_its_id(self, place: StoreUnderTest) -> None:
        """A set is found by its id once it is put."""
        one = labeled_set(new_id(), new_id(), name="größe", build=7, nested={"a": [1, None, True]})
        assert one == place.ask(PutSet(one)) == place.ask(FindSet(one.id))
        assert place.ask(FindSet(SetId(new_id()))) is None
        assert (one.id,) == place.ask(ListSetIds(one.id[:6]))
        empty = SetRecord(SetId(new_id()), frozenset(), NO_OPTIONS, MOMENT)
        assert empty == place.ask(PutSet(empty)) == place.ask(FindSet(empty.id))

    def test_the_newest_set_with_the_labels_is_found(self, place: StoreUnderTest) -> None:
        """A search finds the newest set with all labels, with values of equal types."""
        old, new, other = (
            labeled_set(age=9, name="a", x=1),
            labeled_set(age=1, name="a", x=2),
            labeled_set(name="b", x=1.0),
        )
        for one in (new, other, old):
            place.ask(PutSet(one))
        wanted: list[dict[str, object]] = [
            {"name": "a"}, {"name": "a", "x": 1}, {"x": 1}, {"x": 1.0},
            {"x": True}, {"y": None}, {}, {"x": "1"},
        ]  # fmt: skip
        found = [place.ask(FindSetByLabels(freeze_options(labels))) for labels in wanted]
        assert [new, old, old, other, None, None, other, None] == found

    def test_a_set_that_is_put_again_is_the_newest(self, place: StoreUnderTest) -> None:
        """Putting a set again makes it the newest of its labels; with other labels it has both."""
        one = place.ask(PutSet(labeled_set(age=9, name="a")))
        place.ask(PutSet(labeled_set(age=5, name="a")))
        again = SetRecord(one.id, one.artifact_ids, one.labels, MOMENT)
        place.ask(PutSet(again))
        assert again == place.ask(FindSetByLabels(one.labels))
        later = MOMENT + timedelta(seconds=1)
        renamed = SetRecord(one.id, one.artifact_ids, freeze_options({"name": "b"}), later)
        place.ask(PutSet(renamed))
        assert again == place.ask(FindSetByLabels(one.labels))
        assert renamed == place.ask(FindSetByLabels(renamed.labels))
        assert renamed == place.ask(FindSet(one.id))

    def test_sets_put_in_one_moment_are_newest_last(self, place: StoreUnderTest) -> None:
        """Of equally old sets, the one put last is the newest."""
        one, other = labeled_set(name="a"), labeled_set(name="a")
        for member in (one, other, one):
            place.ask(PutSet(member))
        assert one == place.ask(FindSetByLabels(one.labels))

    def test_a_dropped_set_is_gone_and_its_members_stay(self, place: StoreUnderTest) -> None:
        """Deleting a set deletes it under all its labels, and nothing else."""
        member = place.put(record())
        one, other = labeled_set(member.id, name="a"), labeled_set(member.id, name="b")
        renamed = SetRecord(one.id, one.artifact_ids, freeze_options({"name": "c"}), MOMENT)
        for put in (one, other, renamed):
            place.ask(PutSet(put))
        assert [True, False] == [place.ask(DeleteSet(one.id)), place.ask(DeleteSet(one.id))]
        assert place.ask(FindSet(one.id)) is None
        assert place.ask(FindSetByLabels(freeze_options({"name": "c"}))) is None
        assert (other, member) == (place.ask(FindSet(other.id)), place.find(member))

    @pytest.mark.parametrize(
        ("one", "other"),
        [("a\0b", "a\0c"), ("a\0b", "a"), (2**63, 2**63 + 1), (2**70, 2**70 + 1), ("é", "\\u00e9")],
    )
    def test_labels_are_compared_to_the_last_digit(
        self, place: StoreUnderTest, one: object, other: object
    ) -> None:
        """Labels that a database might consider equal differ."""
        exact, near = labeled_set(age=5, key=one), labeled_set(key=other)
        for put in (exact, near):
            place.ask(PutSet(put))
        assert exact == place.ask(FindSetByLabels(freeze_options({"key": one})))
        assert place.ask(FindSetByLabels(freeze_options({"key": [one]}))) is None

    @LAW
    @given(
        several=st.lists(json_objects.map(freeze_options), min_size=1, max_size=4), data=st.data()
    )
    def test_labels_are_found_as_the_law_says(
        self, fresh: Callable[[], StoreUnderTest], several: list[Options], data: st.DataObject
    ) -> None:
        """The store finds the sets that `has_labels` accepts."""
        place = fresh()
        sets = [SetRecord(SetId(new_id()), frozenset(), labels, MOMENT) for labels in several]
        kept = [place.ask(PutSet(put)) for put in sets]
        whole = dict(data.draw(st.sampled_from(several)))
        chosen = data.draw(st.sets(st.sampled_from(sorted(whole) or ["none"])))
        wanted = freeze_options({name: whole[name] for name in chosen if name in whole})
        matching: list[SetId] = []
        for one in kept:
            # With the labels as the store returns them.
            stored = place.ask(FindSet(one.id))
            assert stored is not None
            if has_labels(stored.labels, wanted):
                matching.append(one.id)
        found = place.ask(FindSetByLabels(wanted))
        assert matching[-1] == (found and found.id)
        place.close()

"""What every store of code receipts must do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from provenance.errors import AmbiguousIdError
from provenance.model.history import CodeReceipt, Deletion, Equivalence, ShadowCheck, receipt_digest
from provenance.model.ids import ArtifactId, DerivationId, RunId
from provenance.model.records import Derivation
from provenance.ports import history, records
from provenance.testing.contracts.base import Contract
from provenance.testing.harness import MOMENT, StoreUnderTest, new_id, record, run


def _receipt(text: str) -> CodeReceipt:
    sources = {text[:12]: f"def f():\n    return {text!r}  # größe\n", "0" * 12: "def g(): ...\n"}
    return CodeReceipt(receipt_digest(text), text, sources)


class HistoryContract(Contract):
    """Receipts, sources and accepted changes are found as they were put; each repository has an id."""

    def test_a_receipt_comes_with_its_record(self, place: StoreUnderTest) -> None:
        """A receipt and its sources are stored once, whichever record brings them."""
        first, second = _receipt('{".":"' + new_id() + '"}'), _receipt('{".":"größe"}')
        for receipt in (first, second, first, None):
            one = record(code="" if receipt is None else receipt.digest)
            place.ask(records.PutRecord(one, run(), "{}", receipt=receipt))
        for receipt in (first, second):
            assert receipt.text == place.ask(history.FindReceipt(receipt.digest))
            wanted = frozenset(receipt.sources) | {"f" * 12}
            assert receipt.sources == place.ask(history.FindSources(wanted))

    def test_a_receipt_comes_with_a_replacement_and_with_parts(self, place: StoreUnderTest) -> None:
        """However a record is put, its receipt is stored."""
        first, second = (_receipt(f'{{".":"{new_id()}"}}') for _ in range(2))
        one = place.put(record())
        part = records.PutRecord(record(code=second.digest), run(), "{}", receipt=second)
        place.ask(
            records.PutRecord(
                evolve(one, code=first.digest), *(run(), "{}", (), True, (part,)), receipt=first
            )
        )
        assert first.text == place.ask(history.FindReceipt(first.digest))
        assert second.text == place.ask(history.FindReceipt(second.digest))

    def test_unknown_receipts_are_not_found(self, place: StoreUnderTest) -> None:
        """What was not put is not found."""
        assert place.ask(history.FindReceipt(receipt_digest("{}"))) is None
        assert {} == place.ask(history.FindSources(frozenset({"f" * 12})))
        assert place.ask(history.FindEquivalence("f", 0, "a", "b")) is None

    def test_an_accepted_change_is_found_by_all_of_it(self, place: StoreUnderTest) -> None:
        """An accepted change counts for its function, version and direction; the last note stays."""
        change = Equivalence("module.f", 1, "r1:a", "r1:b", "Ada", MOMENT, "only größer")
        place.ask(history.PutEquivalence(evolve(change, note="first")))
        place.ask(history.PutEquivalence(change))
        assert change == place.ask(history.FindEquivalence("module.f", 1, "r1:a", "r1:b"))
        for other in (
            history.FindEquivalence("module.f", 1, "r1:b", "r1:a"),
            history.FindEquivalence("module.f", 2, "r1:a", "r1:b"),
            history.FindEquivalence("module.g", 1, "r1:a", "r1:b"),
        ):
            assert place.ask(other) is None

    def test_a_derivation_is_found_from_both_ends(self, place: StoreUnderTest) -> None:
        """A derivation is stored once, with its run, and makes the artifact a dependent of its inputs."""
        one = place.put(record(input_artifact_ids=frozenset({new_id()})))
        source, far, process = new_id(), new_id(), run(id=RunId(new_id()))
        edges = frozenset({(source, DerivationId(new_id()))})
        known = Derivation(
            one.id, DerivationId("ab" * 20), frozenset({source, far}), process.id, MOMENT, edges
        )
        later = evolve(known, id=DerivationId("cd" * 20), derived_at=MOMENT + timedelta(seconds=1))
        for derivation in (later, known, evolve(known, derived_at=later.derived_at)):
            assert place.ask(history.PutDerivation(derivation, process))
        assert (known, later) == place.ask(history.FindDerivations(one.id))
        assert (
            (one.id,)
            == place.ask(records.ListDependents(source))
            == place.ask(records.ListDependents(far))
        )
        assert process == place.ask(records.FindRun(process.id))
        place.put(evolve(one, added_at=MOMENT), replace=True)
        assert (known, later) == place.ask(history.FindDerivations(one.id))
        assert (one.id,) == place.ask(records.ListDependents(source))
        place.ask(records.DeleteRecord(one.id))
        assert () == place.ask(history.FindDerivations(one.id))
        assert () == place.ask(records.ListDependents(source))

    def test_the_parents_of_a_run_are_stored_with_its_records(self, place: StoreUnderTest) -> None:
        """Also if a derivation brought the run without them."""
        parents = run(id=RunId(new_id())), run(id=RunId(new_id()))
        process = run(id=RunId(new_id()), parent_id=parents[0].id)
        one = place.put(record())
        known = Derivation(one.id, DerivationId("ab" * 20), frozenset(), process.id, MOMENT)
        assert place.ask(history.PutDerivation(known, process))
        two = record(id=new_id(), run_id=process.id)
        place.ask(records.PutRecord(two, process, "{}", parents=parents))
        assert [process, *parents] == [
            place.ask(records.FindRun(stored.id)) for stored in (process, *parents)
        ]

    def test_what_is_not_recorded_has_no_derivations(self, place: StoreUnderTest) -> None:
        """A derivation of nothing is not stored."""
        artifact_id, source = new_id(), new_id()
        known = Derivation(
            artifact_id, DerivationId("ab" * 20), frozenset({source}), run().id, MOMENT
        )
        assert not place.ask(history.PutDerivation(known, run()))
        assert () == place.ask(history.FindDerivations(artifact_id))
        assert () == place.ask(records.ListDependents(source))

    def test_the_last_deletion_is_known(self, place: StoreUnderTest) -> None:
        """Whether the artifact is there again or not."""
        artifact_id = new_id()
        assert place.ask(history.FindDeletion(artifact_id)) is None
        first = Deletion(artifact_id, "module.größe", 2, MOMENT)
        last = evolve(first, deleted_at=MOMENT + timedelta(days=1), reason="was wrong")
        for deletion in (first, last):
            place.ask(history.PutDeletion(deletion))
        place.put(record(id=artifact_id))
        assert last == place.ask(history.FindDeletion(artifact_id))
        assert place.ask(history.FindDeletion(new_id())) is None

    def test_a_deletion_is_known_by_a_prefix(self, place: StoreUnderTest) -> None:
        """It is that of one artifact, or an error."""
        one, other = (ArtifactId("0123456789a" + new_id()[:28] + end) for end in "0f")
        for artifact_id in (one, other):
            place.ask(history.PutDeletion(Deletion(artifact_id, "module.f", 0, MOMENT)))
            found = place.ask(history.FindDeletion(ArtifactId(artifact_id[:20])))
            assert found is not None
            assert found.artifact_id == artifact_id
        assert place.ask(history.FindDeletion(ArtifactId("0123456789f"))) is None
        with pytest.raises(AmbiguousIdError):
            place.ask(history.FindDeletion(ArtifactId("0123456789")))

    def test_comparisons_are_listed_until_the_artifact_is_deleted(
        self, place: StoreUnderTest
    ) -> None:
        """Each counts once, the oldest first."""
        one, other = place.put(record()), place.put(record())
        first = ShadowCheck(one.id, MOMENT, True, "r1:a")
        last = ShadowCheck(one.id, MOMENT + timedelta(seconds=1), False, "")
        for check in (last, first, first, evolve(first, artifact_id=other.id)):
            place.ask(history.PutShadowCheck(check))
        assert (first, last) == place.ask(history.FindShadowChecks(one.id))
        place.ask(records.DeleteRecord(one.id))
        assert () == place.ask(history.FindShadowChecks(one.id))
        assert 1 == len(place.ask(history.FindShadowChecks(other.id)))

    def test_each_repository_has_an_id(self, place: StoreUnderTest) -> None:
        """The id is that of the repository, and stays."""
        found = place.ask(history.GetRepositoryId())
        assert 40 == len(found)
        place.put(record())
        assert found == place.ask(history.GetRepositoryId())

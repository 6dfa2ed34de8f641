"""Any sequence of operations leaves every store as it would leave a dictionary."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from provenance.asks import (
    DropBlob,
    DropRecord,
    FindByValue,
    FindIds,
    FindInputs,
    FindProgeny,
    FindRun,
    HasBlob,
    PutRecord,
    Quarantine,
)
from provenance.effects.sinks import blob_of
from provenance.errors import BlobNotFoundError
from provenance.ids import ArtifactId, ValueId
from provenance.records import ArtifactRecord, Blob, Held
from provenance.testing.contracts.base import LAW, Contract
from provenance.testing.places import LIMIT, Place
from provenance.testing.samples import record, run

ALL_IDS: Final = [ArtifactId(digit * 2 + "0" * 38) for digit in "0123"]
ALL_CONTENTS: Final = [b"", b"a", b"b", b"c" * LIMIT, b"d" * (LIMIT + 1)]
ids: Final = st.sampled_from(ALL_IDS)
contents: Final = st.sampled_from(ALL_CONTENTS)


def value_of(data: bytes) -> ValueId:
    """The id of the value that is stored as *data*."""
    return ValueId(blob_of(data).id)


class StoreModel(RuleBasedStateMachine):
    """A store beside dictionaries: of records by id, of bytes by blob, of the small blobs that a record carries.

    `make` opens an empty store; a subclass says how, as those of `store_machine` do.
    """

    @staticmethod
    def make() -> Place:
        """An empty store."""
        raise NotImplementedError("the model needs a method make() -> Place; `store_machine(make)` is a model with one")

    def __init__(self) -> None:
        super().__init__()
        self.place = self.make()
        self.records: dict[ArtifactId, ArtifactRecord] = {}
        self.bytes: dict[Blob, bytes] = {}
        self.carried: dict[ArtifactId, set[Blob]] = {}

    def teardown(self) -> None:
        """Let go of the store."""
        self.place.close()

    def write(self, data: bytes) -> tuple[Held, ...]:
        """Write; what the store takes at once is there at once, what it hands back comes with a record."""
        written = self.place.write(data)
        assert blob_of(data) == written.blob
        if isinstance(written, Held):
            return (written,)
        self.bytes[written.blob] = data
        return ()

    @rule(
        artifact=ids,
        value=contents,
        inputs=contents | st.none(),
        parents=st.frozensets(ids, max_size=2),
        replace=st.booleans(),
    )
    def put(
        self, artifact: ArtifactId, value: bytes, inputs: bytes | None, parents: frozenset[ArtifactId], replace: bool
    ) -> None:
        """Put a record, with bytes of its own or others'."""
        held = self.write(value) + (() if inputs is None else self.write(inputs))
        one = record(
            id=artifact,
            value_id=value_of(value),
            value_blob=blob_of(value),
            inputs_blob=None if inputs is None else blob_of(inputs),
            input_artifact_ids=parents,
        )
        wins = replace or artifact not in self.records
        if wins:
            self.records[artifact] = one
            self.carried[artifact] = set()
        assert self.records[artifact] == self.place.ask(PutRecord(one, run(), repr(value), held, replace))
        assert not wins or repr(value) == self.place.ask(FindInputs(artifact))
        self.carry([each.blob for each in held], [artifact] if wins else list(self.records))

    def carry(self, blobs: list[Blob], records: list[ArtifactId]) -> None:
        """Note that *records* carry those of *blobs* that they name."""
        for artifact in records:
            self.carried[artifact].update(blob for blob in blobs if blob in self.records[artifact].blobs)

    @rule(artifact=ids)
    def drop(self, artifact: ArtifactId) -> None:
        """Drop a record, and the bytes that nobody names any more."""
        dropped = self.records.pop(artifact, None)
        orphans = self.place.ask(DropRecord(artifact))
        if dropped is None:
            assert orphans is None
            return
        del self.carried[artifact]
        named = {blob for each in self.records.values() for blob in each.blobs}
        assert set(dropped.blobs) - named == set(orphans or ())
        for blob in orphans or ():
            self.place.ask(DropBlob(blob))
            self.bytes.pop(blob, None)

    @rule(data=contents, aside=st.booleans())
    def lose(self, data: bytes, aside: bool) -> None:
        """Lose bytes, or put them aside, whoever names them."""
        blob = blob_of(data)
        self.place.ask(Quarantine(blob) if aside else DropBlob(blob))
        self.bytes.pop(blob, None)
        for blobs in self.carried.values():
            blobs.discard(blob)

    @rule(data=contents)
    def write_alone(self, data: bytes) -> None:
        """Write bytes that no record will name."""
        self.write(data)

    @invariant()
    def records_are_those_of_the_dictionary(self) -> None:
        """Records are found by their ids, and by those of their inputs."""
        known = sorted(self.records)
        assert tuple(known) == self.place.ask(FindIds("", 10))
        for artifact in ALL_IDS:
            assert self.records.get(artifact) == self.place.find(record(id=artifact))
            children = [each for each in known if artifact in self.records[each].input_artifact_ids]
            assert tuple(children) == self.place.ask(FindProgeny(artifact))
        assert not known or run() == self.place.ask(FindRun(run().id))

    @invariant()
    def values_lead_to_their_records(self) -> None:
        """Records are found by their values."""
        for value in map(value_of, ALL_CONTENTS):
            expected = {each.id for each in self.records.values() if each.value_id == value}
            assert expected == {each.id for each in self.place.ask(FindByValue(value))}

    @invariant()
    def bytes_are_those_of_the_dictionary(self) -> None:
        """Bytes are read, and missed, as they should be."""
        for data in ALL_CONTENTS:
            blob = blob_of(data)
            there = blob in self.bytes or any(blob in blobs for blobs in self.carried.values())
            assert there == self.place.ask(HasBlob(blob))
            if there:
                assert data == self.place.read(blob)
            else:
                with pytest.raises(BlobNotFoundError):
                    self.place.read(blob)


def store_machine(make: Callable[[], Place]) -> type[StoreModel]:
    """The machine of `StoreModel` for the empty stores that *make* opens.

    `TestMine = store_machine(make).TestCase` in a test module has pytest run it, with settings of your choice.
    """
    return type("StoreMachine", (StoreModel,), {"make": staticmethod(make)})


class ModelContract(Contract):
    """A store is a dictionary, whatever is done to it.

    That is tried with so many *examples* of up to so many *steps*; a store that is far away may want fewer.
    """

    examples: ClassVar[int] = 15
    steps: ClassVar[int] = 20

    def test_a_store_is_a_dictionary(self, fresh: Callable[[], Place]) -> None:
        """Whatever is written, recorded, replaced, lost and deleted in any order, look-ups answer as dictionaries do."""
        chosen = settings(LAW, max_examples=self.examples, stateful_step_count=self.steps)
        run_state_machine_as_test(store_machine(fresh), settings=chosen)

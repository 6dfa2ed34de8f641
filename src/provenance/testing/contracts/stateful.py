"""What every store must do in random sequences of operations, and under threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import ClassVar, Final, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from provenance.effects.io import blob_of
from provenance.errors import BlobNotFoundError
from provenance.model.ids import ArtifactId, ValueId
from provenance.model.records import ArtifactRecord, Blob, InlineBlob
from provenance.ports import records
from provenance.ports.blobs import DeleteBlob, HasBlob, Quarantine
from provenance.testing.contracts.base import LAW, Contract
from provenance.testing.harness import LIMIT, StoreUnderTest, inline_blobs, new_id, record, run

ALL_IDS: Final = [ArtifactId(digit * 2 + "0" * 38) for digit in "0123"]
ALL_CONTENTS: Final = [b"", b"a", b"b", b"c" * LIMIT, b"d" * (LIMIT + 1)]
ids: Final = st.sampled_from(ALL_IDS)
contents: Final = st.sampled_from(ALL_CONTENTS)


def value_of(data: bytes) -> ValueId:
    """Return the id of the value stored as *data*."""
    return ValueId(blob_of(data).id)


class StoreModel(RuleBasedStateMachine):
    """A store compared with dictionaries: records by id, bytes by blob, inline blobs by record.

    A subclass defines `make`, as those of `store_machine` do.
    """

    @staticmethod
    def make() -> StoreUnderTest:
        """Return an empty store."""
        raise NotImplementedError("define make() -> StoreUnderTest, or use `store_machine(make)`")

    def __init__(self) -> None:
        super().__init__()
        self.place = self.make()
        self.records: dict[ArtifactId, ArtifactRecord] = {}
        self.bytes: dict[Blob, bytes] = {}
        self.carried: dict[ArtifactId, set[Blob]] = {}

    def teardown(self) -> None:
        """Close the store."""
        self.place.close()

    def write(self, data: bytes) -> tuple[InlineBlob, ...]:
        """Write, and return the blob if it must be put with a record."""
        written = self.place.write(data)
        assert blob_of(data) == written.blob
        if isinstance(written, InlineBlob):
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
        self,
        artifact: ArtifactId,
        value: bytes,
        inputs: bytes | None,
        parents: frozenset[ArtifactId],
        replace: bool,
    ) -> None:
        """Put a record, with new or known bytes."""
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
        stored = self.place.ask(records.PutRecord(one, run(), repr(value), held, replace))
        assert self.records[artifact] == stored
        assert not wins or repr(value) == self.place.ask(records.FindInputs(artifact))
        blobs = {inline.blob for inline in held}
        # A losing record repairs the bytes of all records that reference them.
        for carrier in [artifact] if wins else list(self.records):
            self.carried[carrier] |= blobs.intersection(self.records[carrier].blobs)

    @rule(artifact=ids)
    def drop(self, artifact: ArtifactId) -> None:
        """Delete a record and the bytes that no other record references."""
        deleted = self.records.pop(artifact, None)
        orphans = self.place.ask(records.DeleteRecord(artifact))
        if deleted is None:
            assert orphans is None
            return
        del self.carried[artifact]
        referenced = {blob for one in self.records.values() for blob in one.blobs}
        assert set(deleted.blobs) - referenced == set(orphans or ())
        for blob in orphans or ():
            self.place.ask(DeleteBlob(blob))
            self.bytes.pop(blob, None)

    @rule(data=contents, quarantine=st.booleans())
    def lose(self, data: bytes, quarantine: bool) -> None:
        """Delete or quarantine bytes, whether or not records reference them."""
        blob = blob_of(data)
        self.place.ask(Quarantine(blob) if quarantine else DeleteBlob(blob))
        self.bytes.pop(blob, None)
        for blobs in self.carried.values():
            blobs.discard(blob)

    @rule(data=contents)
    def write_alone(self, data: bytes) -> None:
        """Write bytes without a record."""
        self.write(data)

    @invariant()
    def records_are_those_of_the_dictionary(self) -> None:
        """Look up records by their ids and by those of their inputs."""
        known = sorted(self.records)
        assert tuple(known) == self.place.ask(records.ListIds("", 10))
        for artifact in ALL_IDS:
            assert self.records.get(artifact) == self.place.find(record(id=artifact))
            children = [key for key in known if artifact in self.records[key].input_artifact_ids]
            assert tuple(children) == self.place.ask(records.ListDependents(artifact))
        assert not known or run() == self.place.ask(records.FindRun(run().id))

    @invariant()
    def values_lead_to_their_records(self) -> None:
        """Look up records by their values."""
        for value in map(value_of, ALL_CONTENTS):
            expected = {one.id for one in self.records.values() if one.value_id == value}
            assert expected == {one.id for one in self.place.ask(records.FindRecordsByValue(value))}

    @invariant()
    def bytes_are_those_of_the_dictionary(self) -> None:
        """Read bytes, which are reported as missing unless they are stored."""
        for data in ALL_CONTENTS:
            blob = blob_of(data)
            is_stored = blob in self.bytes or any(blob in blobs for blobs in self.carried.values())
            assert is_stored == self.place.ask(HasBlob(blob))
            if is_stored:
                assert data == self.place.read(blob)
            else:
                with pytest.raises(BlobNotFoundError):
                    self.place.read(blob)


def store_machine(make: Callable[[], StoreUnderTest]) -> type[StoreModel]:
    """Return the state machine `StoreModel` for the empty stores that *make* returns.

    Write `TestMine = store_machine(make).TestCase` in a test module to choose its settings.
    """
    return type("StoreMachine", (StoreModel,), {"make": staticmethod(make)})


class StatefulContract(Contract):
    """Any sequence of operations affects a store as it affects a dictionary.

    Attributes:
        examples: Number of sequences; lower it for slow stores.
        steps: Maximum number of operations in a sequence.
    """

    examples: ClassVar[int] = 15
    steps: ClassVar[int] = 20

    def test_a_store_is_a_dictionary(self, fresh: Callable[[], StoreUnderTest]) -> None:
        """After writes, losses and deletions in any order, lookups agree with dictionaries."""
        chosen = settings(LAW, max_examples=self.examples, stateful_step_count=self.steps)
        run_state_machine_as_test(store_machine(fresh), settings=chosen)


T = TypeVar("T")

THREADS = 8
SOURCE = ArtifactId("a" * 40)


def run_in_threads(work: Callable[[int], T]) -> list[T]:
    """Return the results of *work* in several threads that start together."""
    barrier = Barrier(THREADS)

    def wait(turn: int) -> T:
        barrier.wait()
        return work(turn)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(wait, range(THREADS)))


def put_whole(place: StoreUnderTest) -> None:
    """Put a record with its own value, and read both."""
    artifact = new_id()
    written = place.write(artifact.encode())
    blob = written.blob
    one = record(
        id=artifact, input_artifact_ids=frozenset({SOURCE}), value_blob=blob, inputs_blob=blob
    )
    assert one == place.put(one, *inline_blobs(written))
    assert one == place.find(one)
    assert artifact.encode() == place.read(blob)


class ThreadContract(Contract):
    """A store may be shared by threads."""

    def test_threads_share_a_store(self, place: StoreUnderTest) -> None:
        """Threads put, find and read at the same time without affecting each other."""

        def work(turn: int) -> bytes:
            for _ in range(5):
                put_whole(place)
            return place.read(place.keep(bytes([turn]) * (LIMIT + 1)))

        assert [bytes([turn]) * (LIMIT + 1) for turn in range(THREADS)] == run_in_threads(work)
        assert 5 * THREADS == len(place.ask(records.ListDependents(SOURCE)))

    def test_one_of_many_threads_wins(self, place: StoreUnderTest) -> None:
        """Threads that put records of one id at the same time all get the same record."""
        one = record()
        answers = set(
            run_in_threads(lambda turn: place.put(record(id=one.id, version=turn)).version)
        )
        assert 1 == len(answers)
        stored = place.find(one)
        assert stored is not None
        assert answers == {stored.version}

    def test_one_of_many_threads_deletes(self, place: StoreUnderTest) -> None:
        """If threads delete one record at the same time, one of them gets its blobs."""
        one = place.put(record())
        answers = run_in_threads(lambda _: place.ask(records.DeleteRecord(one.id)))
        assert 1 == sum(answer is not None for answer in answers)
        assert place.find(one) is None

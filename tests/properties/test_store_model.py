"""Any sequence of operations leaves every store as it would leave a dictionary."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from contract.samples import record, run
from contract.stores import ELSEWHERE, LIMIT, PLACES
from provenance.asks import (
    DropBlob,
    DropRecord,
    FindByValue,
    FindIds,
    FindInputs,
    FindProgeny,
    FindRecord,
    FindRun,
    HasBlob,
    PutRecord,
    Quarantine,
)
from provenance.effects.sinks import blob_of
from provenance.errors import BlobNotFoundError
from provenance.records import Held

ALL_IDS = [digit * 2 + "0" * 38 for digit in "0123"]
ALL_CONTENTS = [b"", b"a", b"b", b"c" * LIMIT, b"d" * (LIMIT + 1)]
ids = st.sampled_from(ALL_IDS)
contents = st.sampled_from(ALL_CONTENTS)


class StoreModel(RuleBasedStateMachine):
    """A store beside dictionaries: of records by id, of bytes by blob, of the small blobs that a record carries."""

    make = staticmethod(PLACES["memory"])

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.place = self.make(Path(self.folder.name))
        self.records = {}
        self.bytes = {}
        self.carried = {}

    def teardown(self):
        self.place.close()
        self.folder.cleanup()

    def write(self, data):
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
    def put(self, artifact, value, inputs, parents, replace):
        held = self.write(value) + (() if inputs is None else self.write(inputs))
        one = record(
            id=artifact,
            value_id=blob_of(value).id,
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
        for blob in (each.blob for each in held):
            for name in [artifact] if wins else self.records:
                if blob in self.records[name].blobs:
                    self.carried[name].add(blob)

    @rule(artifact=ids)
    def drop(self, artifact):
        dropped = self.records.pop(artifact, None)
        orphans = self.place.ask(DropRecord(artifact))
        if dropped is None:
            assert orphans is None
            return
        del self.carried[artifact]
        named = {blob for each in self.records.values() for blob in each.blobs}
        assert set(dropped.blobs) - named == set(orphans)
        for blob in orphans:
            self.place.ask(DropBlob(blob))
            self.bytes.pop(blob, None)

    @rule(data=contents, remove=st.sampled_from([DropBlob, Quarantine]))
    def lose(self, data, remove):
        self.place.ask(remove(blob_of(data)))
        self.bytes.pop(blob_of(data), None)
        for blobs in self.carried.values():
            blobs.discard(blob_of(data))

    @rule(data=contents)
    def write_alone(self, data):
        self.write(data)

    @invariant()
    def records_are_those_of_the_dictionary(self):
        known = sorted(self.records)
        assert tuple(known) == self.place.ask(FindIds("", 10))
        for artifact in ALL_IDS:
            assert self.records.get(artifact) == self.place.ask(FindRecord(artifact))
            children = [each for each in known if artifact in self.records[each].input_artifact_ids]
            assert tuple(children) == self.place.ask(FindProgeny(artifact))
        assert not known or run() == self.place.ask(FindRun(run().id))

    @invariant()
    def values_lead_to_their_records(self):
        for data in ALL_CONTENTS:
            expected = {each.id for each in self.records.values() if each.value_id == blob_of(data).id}
            assert expected == {each.id for each in self.place.ask(FindByValue(blob_of(data).id))}

    @invariant()
    def bytes_are_those_of_the_dictionary(self):
        for data in ALL_CONTENTS:
            blob = blob_of(data)
            there = blob in self.bytes or any(blob in blobs for blobs in self.carried.values())
            assert there == self.place.ask(HasBlob(blob))
            if there:
                assert data == self.place.read(blob)
            else:
                with pytest.raises(BlobNotFoundError):
                    self.place.read(blob)


@pytest.mark.parametrize("name", PLACES)
def test_a_store_is_a_dictionary(name):
    """Whatever is written, recorded, replaced, lost and deleted in whatever order, look-ups answer as dictionaries do."""
    machine = type(f"{name} model", (StoreModel,), {"make": staticmethod(PLACES[name])})
    examples, steps = (3, 10) if name in ELSEWHERE else (15, 20)  # each question is a request there
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=steps))

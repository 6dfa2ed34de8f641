"""What others plant in inputs, runs, sets and composites is data or an error: nothing of it is executed."""

import json
import pickle
import sqlite3
from pathlib import Path

import pytest

import provenance as p
from contract.samples import new_id, record, run
from provenance.model.records import InlineBlob
from provenance.ports.blobs import WriteBlob
from provenance.ports.records import PutRecord

DEEP = "[" * 100_000


class Evil:
    """Creates a file when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("executed").absolute(),)


@pytest.fixture(autouse=True)
def _canary():
    """Nothing was executed when the test ends."""
    yield
    assert not Path("executed").exists()


def repository(trusted=False):
    """The repository of this folder, as it is configured by someone."""
    return p.SqliteRepo(db="records.db", trusted=trusted)


def planted(data=b"[1]", serializer="json", inputs=None, inputs_json="{}", **facts):
    """Id of an artifact of these bytes."""
    stores = repository(True).interpreter
    blobs = [stores(WriteBlob(lambda sink: sink.write(data) and None))]
    if inputs is not None:
        blobs.append(stores(WriteBlob(lambda sink: sink.write(inputs) and None)))
    forged = record(
        id=facts.pop("id", None) or new_id(),
        serializer=serializer,
        value_blob=blobs[0].blob,
        inputs_blob=blobs[1].blob if inputs is not None else None,
        **facts,
    )
    brought = tuple(blob for blob in blobs if isinstance(blob, InlineBlob))
    stores(PutRecord(forged, run(), inputs_json, brought))
    return forged.id


def edit(statement, *values):
    """Change the database as somebody who may write to it."""
    with sqlite3.connect("records.db") as connection:
        assert connection.execute(statement, values).rowcount
    connection.close()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_inputs_that_execute(protocol):
    """They are refused where they are asked for; the lineage goes on to its own error, without them."""
    artifact_id = planted(inputs=pickle.dumps(Evil(), protocol))
    with pytest.raises(p.UntrustedStoreError):
        repository().get_inputs(artifact_id)
    assert [1] == repository().get_value(artifact_id)


@pytest.mark.parametrize("text", ["{broken", "[]", "3", "null", DEEP, '{"a":' * 100_000])
def test_inputs_that_are_none(text):
    """They are a damaged record, and break no lineage and no search."""
    artifact_id = planted()
    edit("UPDATE artifacts SET inputs_json = ?, signature = ''", text)
    with pytest.raises(p.CorruptRecordError):
        repository().get_inputs(artifact_id)
    with p.using_repo(repository()):
        assert {artifact_id} == set(p.lineage(artifact_id).artifacts)
        assert [] == list(p.search(inputs={"n": {"a": 1}}))


@pytest.mark.parametrize("info", ["{broken", "[]", "3", "null", DEEP, '{"id": "x"}'])
def test_a_run_that_is_none(info):
    """It is a damaged record, which `verify` finds and a lineage leaves out."""
    artifact_id = planted()
    edit("UPDATE runs SET info = ?", info)
    artifact = repository().get_by_id(artifact_id)
    with pytest.raises(p.CorruptRecordError):
        artifact.run_info  # noqa: B018
    with p.using_repo(repository()):
        assert {} == dict(p.lineage(artifact_id).runs())
    assert not p.verify(repository()).is_sound


@pytest.mark.parametrize("labels", ["{broken", "[]", "3", "null", DEEP])
def test_a_set_whose_labels_are_none(labels):
    """It is a damaged record, which is not found by labels, is reported by `verify`, and can be deleted."""
    with p.using_repo(repository(True)):
        known = p.create_set([planted()], "known")
        edit("UPDATE artifact_sets SET labels = ?", labels)
        with pytest.raises(p.CorruptRecordError, match="set"):
            p.load_set_by_id(known.id)
        with pytest.raises(p.SetNotFoundError):
            p.load_set_by_name("known")
        assert [known.id] == [problem.set_id for problem in p.verify().problems]
        repository(True).delete_set(known.id)
        assert p.verify().is_sound


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO artifact_set_members VALUES (?, ?)",
        "UPDATE artifact_set_members SET set_id = ?, artifact_id = ?",
    ],
)
def test_a_set_is_what_its_id_stands_for(statement):
    """A member that others added or replaced is noticed, as the id is a hash of the members."""
    with p.using_repo(repository(True)):
        known = p.create_set([planted()], "known")
        edit(statement, known.id, planted())
        for load in (lambda: p.load_set_by_id(known.id), lambda: p.load_set_by_name("known")):
            with pytest.raises(p.CorruptRecordError, match="members"):
                load()
        assert [known.id] == [problem.set_id for problem in p.verify().problems]
        repository(True).delete_set(known.id)


def test_a_composite_whose_parts_execute():
    """Neither the parts nor a manifest that is a pickle are read."""
    part = planted(pickle.dumps(Evil()), "pickle")
    whole = planted(
        pickle.dumps({"a": Evil()}), "pickle", composite=True, value_artifact_ids=frozenset({part})
    )
    for artifact_id in (part, whole):
        with pytest.raises(p.UntrustedStoreError):
            repository().get_value(artifact_id)
        with pytest.raises(p.UntrustedStoreError):
            len(repository().get_by_id(artifact_id).proxy())
    with p.using_repo(repository()):
        assert {part, whole} == set(p.lineage(whole).artifacts)


def test_a_composite_that_holds_itself():
    """A cycle of records ends every walk."""
    first, second = new_id(), new_id()
    planted(id=first, composite=True, value_artifact_ids=frozenset({first, second}))
    planted(id=second, input_artifact_ids=frozenset({first}))
    with p.using_repo(repository()):
        graph = p.lineage(first)
        assert {first, second} == set(graph.artifacts)
        assert graph.tree()
        assert {first, second} == {
            artifact.id for artifact in (*p.descendants(first), *p.dependencies(first))
        }
        assert p.verify(repository()).is_sound
        far = p.SqliteRepo("far", db="far.db", trusted=False)
        p.promote(repository(True).get_by_id(first), far)
        assert second in far


def manifest(*chunks):
    """The bytes of a stream of these chunks, whose values all have the same hash."""
    rows = [[chunk, "5" * 40, count] for chunk, count in chunks]
    return json.dumps({"value_id": "5" * 40, "chunks": rows}).encode()


@pytest.mark.parametrize("count", [-3, "3", 3.5, None, True, [1]])
def test_a_stream_whose_manifest_is_none(count):
    """It is damage, whatever stands for the number of items."""
    artifact_id = planted(manifest((new_id(), count)), "stream")
    with pytest.raises(p.CorruptBlobError):
        repository().get_value(artifact_id)


def test_chunks_that_are_none():
    """A stream of itself, of a pickle, of something else or of too few items ends with an error, and quickly."""
    itself = new_id()
    chunks = {
        "itself": planted(manifest((itself, 10**18)), "stream", id=itself, value_id="5" * 40),
        "pickle": planted(pickle.dumps([Evil()]), "pickle", value_id="5" * 40),
        "mapping": planted(b'{"a": 1}', value_id="5" * 40),
        "short": planted(b"[1]", value_id="5" * 40),
        "missing": new_id(),
    }
    for chunk in chunks.values():
        stream = repository().get_value(planted(manifest((chunk, 10**18), (chunk, 3)), "stream"))
        assert 10**18 + 3 == len(stream)
        with pytest.raises((p.CorruptBlobError, p.UntrustedStoreError, p.ArtifactNotFoundError)):
            stream[0]
        with pytest.raises((p.CorruptBlobError, p.UntrustedStoreError, p.ArtifactNotFoundError)):
            stream[-1]

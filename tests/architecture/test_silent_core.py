"""The core touches nothing: whatever it does, no file, socket, process or database is opened on the way."""

import io

import numpy as np
import pandas as pd
import pytest
from pyrsistent import pmap

import provenance as p
from architecture.silence import silence
from contract.samples import record, run
from golden.make_hashes import VALUES
from provenance import functional
from provenance.calls import commit
from provenance.catalog.graph import Lineage
from provenance.codecs import Decoding, Encoding, candidates
from provenance.config.parsing import parse
from provenance.effects.io import blob_of
from provenance.hashing import hash_value
from provenance.model.records import Artifact, Inputs, StoredBlob
from provenance.model.rows import from_row, run_from_json, run_to_json, to_row
from provenance.ports.blobs import HasBlob, WriteBlob
from provenance.ports.records import FindEviction, FindRecord, ListIds
from provenance.repository import programs
from provenance.results.handles import InMemoryOrigin
from provenance.testing import scripted

FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None]})


@p.provenance(ignore=["noise"], tags=["a"])
def work(table, *more, factor=2, noise=None, **extra):
    """Be planned in these tests, and never run."""
    raise AssertionError


@pytest.mark.parametrize("name", sorted(VALUES))
def test_hashing_is_silent(name):
    """The digest of a value of each kind comes from the value alone."""
    hash_value(VALUES[name])  # what is imported late is imported here
    with silence():
        hash_value(VALUES[name])


def test_decorating_and_planning_are_silent():
    """Options are checked, arguments bound and hashed, the id derived, without a look at the world."""

    def function(a, b=2):
        return a + b

    work.plan(FRAME, 1, x=2)
    with silence():
        decorated = p.provenance(version=3, ignore=["b"], custom_fields={"x": 1})(function)
        assert decorated.artifact_id(1) == decorated.artifact_id(1, b=9)
        plan = work.plan(FRAME, 1, np.arange(3), factor=3, noise=object(), x={"deep": [1]})
        assert plan == work.plan(FRAME.copy(), 1, np.arange(3), factor=3, x={"deep": [1]})


def test_planning_functionally_is_silent():
    """A plan, and the failure of one, are values made of values."""
    functional.plan(work, FRAME)
    with silence():
        assert work.plan(FRAME) == functional.plan(work, FRAME).unwrap().plan
        assert isinstance(functional.plan(work).failure(), TypeError)
        assert p.hash(FRAME) == functional.hash_value(FRAME).unwrap()


@pytest.mark.parametrize(
    "value", [1, [1, [2]], np.arange(5), {"frame": FRAME}, FRAME, len], ids=str
)
def test_encoding_and_decoding_are_silent(value):
    """Bytes go where the sink puts them, and come from the source."""

    def there_and_back():
        for serializer in list(candidates(value, None))[:2]:
            sink = io.BytesIO()
            Encoding(serializer.name, value, "it")(sink)
            Decoding(serializer.name)(io.BytesIO(sink.getvalue()))

    there_and_back()
    with silence():
        there_and_back()


def test_programs_are_silent():
    """They ask, and are told: the answers here are all made up."""
    one, blob = record(), blob_of(b"x")
    encoding = Encoding("pickle", 1, "it")
    run_from_json(run_to_json(run()))
    with silence():
        assert programs.LookupHit(one) == scripted(
            programs.lookup(one.id), (FindRecord(one.id), one)
        )
        asked = (
            (FindRecord(one.id), one),
            (HasBlob(one.value_blob), False),
            (FindEviction(one.id), None),
        )
        assert programs.BlobLost(one) == scripted(programs.probe(one.id), *asked)
        asked = (ListIds(one.id[:8]), (one.id,)), (FindRecord(one.id), one)
        assert one == scripted(programs.find(one.id[:8], "r"), *asked)
        asked = (WriteBlob(encoding), StoredBlob(blob))
        assert (StoredBlob(blob), "pickle") == scripted(commit.write_first([encoding]), asked)
        assert one == from_row(to_row(one))
        assert run() == run_from_json(run_to_json(run()))


def test_settings_and_lineage_are_silent():
    """A configuration is read, and a graph ordered and drawn, from what is given."""
    raw = {
        "artifact_repos": {"m": {"type": "memory"}},
        "blobstores": {"d": {"type": "disk", "cachedir": "${X}"}},
    }
    parse(raw, {"X": "y"})
    source = record()
    made = record(input_artifact_ids=frozenset({source.id}))
    with silence():
        assert "y" == parse(raw, {"X": "y"}).blobstores["d"].cachedir
        artifacts = pmap(
            {
                each.id: Artifact.of(each, InMemoryOrigin(None, Inputs({})))
                for each in (source, made)
            }
        )
        graph = Lineage(made.id, artifacts, pmap({made.id: pmap({"x": source.id})}), pmap())
        assert (source.id, made.id) == graph.order
        assert 2 == len(graph.tree().splitlines())

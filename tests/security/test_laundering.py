"""Trust is not gained by being copied: nothing of an untrusted store is signed, and nothing of it that executes is believed.

Whoever may write to a store with `trusted: false` plants a record in it. Reading through a chain, `put` and `promote` copy
records into stores of ours, where what was planted would be executed, or would carry our signature.
"""

import json
import pickle
from contextlib import suppress
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pytest
from attrs import evolve

import provenance as p
from contract.samples import new_id, record, run
from provenance.codecs import Decoding, get_serializer, may_execute
from provenance.codecs.trust import CopyPolicy, may_copy
from provenance.model.records import InlineBlob
from provenance.ports.blobs import ReadBlob, WriteBlob
from provenance.ports.records import PutRecord

KEY = "the key of this test"
CANARY = "executed"
SIZES = {"small": 1, "large": 100_000}
TARGETS = {"signed": {"signing_key": KEY}, "trusted": {}}


class Evil:
    """Executes something when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path(CANARY).absolute(),)


def planted_pickle(dump):
    """Write a list that executes something."""
    return lambda size, sink: dump([Evil(), bytes(size)], sink) and None


PICKLES = {
    name: planted_pickle(dump)
    for name, dump in {
        "cloudpickle": cloudpickle.dump,
        "joblib": joblib.dump,
        "pickle": pickle.dump,
    }.items()
}
DATA = {
    "json": lambda size, sink: sink.write(json.dumps("x" * size).encode()) and None,
    "numpy": lambda size, sink: get_serializer("numpy").dump(np.zeros(size), sink),
}


@pytest.fixture(autouse=True)
def _canary():
    """Nothing was executed when the test ends."""
    yield
    assert not Path(CANARY).exists()


def repository(name, **options):
    """A repository of this folder, each with records and files of its own."""
    store = p.DiskStore(
        f"files of {name}", cachedir=f"{name} files", trusted=options.get("trusted", True)
    )
    return p.SqliteRepo(name, db=f"{name}.db", store=store, **options)


def far():
    """The one that others write to."""
    return repository("far", trusted=False)


def planted(serializer, size=1, repo=None, inputs=False, **facts):
    """Id of an artifact that others put into the far repository, with a pickle as its inputs or without."""
    stores = (repo or repository("far")).interpreter
    write = {**PICKLES, **DATA}[serializer]
    written = [stores(WriteBlob(lambda sink: write(size, sink)))]
    if inputs:
        written.append(stores(WriteBlob(lambda sink: PICKLES["pickle"](1, sink))))
    forged = record(
        id=facts.pop("id", None) or new_id(),
        serializer=serializer,
        value_blob=written[0].blob,
        inputs_blob=written[-1].blob if inputs else None,
        input_artifact_ids=facts.pop("input_artifact_ids", frozenset()),
        value_artifact_ids=facts.pop("value_artifact_ids", frozenset()),
        **facts,
    )
    stores(
        PutRecord(
            forged, run(), "{}", tuple(each for each in written if isinstance(each, InlineBlob))
        )
    )
    return forged.id


def use(repo, artifact_id):
    """Do all with an artifact that could execute it; errors of ours are fine."""
    for reading in (repo.get_value, repo.get_inputs, lambda id_: len(repo[id_].proxy())):
        with suppress(p.ProvenanceError, TypeError):
            reading(artifact_id)


def chains(near):
    """Chains of which *near* is a part, and the far repository another."""
    return {
        "chain": p.ChainedRepo("chain", stores=[near, far()]),
        "chain of chains": p.ChainedRepo(
            "outer", stores=[near, p.ChainedRepo(stores=[p.MemoryRepo(), far()])]
        ),
        "chain in the chain": p.ChainedRepo(
            "outer", stores=[p.ChainedRepo(stores=[near, p.MemoryRepo()]), far()]
        ),
    }


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("serializer", PICKLES)
def test_what_executes_is_not_read_through(serializer, size, target):
    """A chain finds it far away, refuses to read it, and leaves nothing of it near."""
    near = repository("near", **TARGETS[target])
    artifact_id = planted(serializer, size)
    for chain in chains(near).values():
        with pytest.raises(p.UntrustedStoreError):
            chain.get_value(artifact_id)
        use(chain, artifact_id)
        assert artifact_id not in near
        use(near, artifact_id)
    assert [] == [
        each
        for each in Path("near files").rglob("*")
        if each.is_file() and each.stat().st_size > size
    ]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("serializer", DATA)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_data_is_read_through_and_not_signed(serializer, size, target):
    """A value that executes nothing is read, and kept near where nothing is signed."""
    near = repository("near", **TARGETS[target])
    artifact_id = planted(serializer, size)
    for chain in chains(near).values():
        assert size == len(chain.get_value(artifact_id))
    assert (artifact_id in near) is (target == "trusted")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_inputs_are_a_pickle_as_well(size, target):
    """A value that executes nothing comes with inputs that do."""
    near = repository("near", **TARGETS[target])
    artifact_id = planted("json", size, inputs=True)
    for chain in chains(near).values():
        assert size == len(chain.get_value(artifact_id))
        use(chain, artifact_id)
        use(near, artifact_id)
    assert artifact_id not in near
    with pytest.raises(p.UntrustedStoreError, match="near"):
        near.put(far().get_by_id(artifact_id))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("serializer", PICKLES)
@pytest.mark.parametrize("how", ["put", "promote", "put in a chain", "promote to a chain"])
def test_what_executes_is_not_copied(how, serializer, size, target):
    """The error names both stores, the serializer and the way out; nothing was copied."""
    near = repository("near", **TARGETS[target])
    into = (
        near
        if "chain" not in how
        else p.ChainedRepo("wide", stores=[near, repository("third", trusted=False)])
    )
    artifact = far().get_by_id(planted(serializer, size))
    with pytest.raises(
        p.UntrustedStoreError, match=f"{serializer}.*{into.name}.*far.*trusted: false"
    ) as error:
        into.put(artifact) if "put" in how else p.promote(artifact, into)
    assert (error.value.store, error.value.target) == ("far", into.name)
    assert artifact.id not in near
    assert not any(
        each.is_file() and each.stat().st_size > 1 for each in Path("near files").rglob("*")
    )


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("serializer", DATA)
def test_data_is_copied_where_nothing_is_signed(serializer, target):
    """A repository that signs vouches for nothing that it did not see computed."""
    near = repository("near", **TARGETS[target])
    artifact = far().get_by_id(planted(serializer))
    for copy in (near.put, lambda it: p.promote(it, near)):
        if target == "signed":
            with pytest.raises(p.UntrustedStoreError, match="would be signed"):
                copy(artifact)
        else:
            assert 1 == len(copy(artifact).value)


@pytest.mark.parametrize("relation", ["input_artifact_ids", "value_artifact_ids"])
def test_promoting_data_does_not_take_along_what_executes(relation):
    """Neither what it was made from, nor the parts of a composite."""
    near = repository("near")
    source = planted("cloudpickle")
    root = planted(
        "json", **{relation: frozenset({source})}, composite=relation == "value_artifact_ids"
    )
    with pytest.raises(p.UntrustedStoreError):
        p.promote(far().get_by_id(root), near)
    assert source not in near
    assert root not in near


@pytest.mark.parametrize("target", TARGETS)
def test_a_planted_record_does_not_take_the_place_of_what_was_computed(target):
    """While a call computes, others plant its id far away: the near repository records what was computed here."""
    near = repository("near", **TARGETS[target])
    chain = p.ChainedRepo("chain", stores=[near, far()])

    @p.provenance(name="raced")
    def raced():
        planted("cloudpickle", id=raced.artifact_id())
        return "computed here"

    with p.using_repo(chain):
        assert "computed here" == p.unwrap(raced())
    with p.using_repo(near):
        assert raced.is_cached()
        assert "computed here" == raced()


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_bytes_are_not_brought_near_unless_a_trusted_record_names_them(size):
    """Of several blob stores, a trusted one takes those of a signed record, and those that execute nothing."""
    near, others = (
        p.DiskStore("near", cachedir="near"),
        p.DiskStore("others", cachedir="others", trusted=False),
    )
    both = p.ChainedStore("both", stores=[near, others])
    plain = p.SqliteRepo("plain", db="plain.db", store=both, inline_limit=0)
    written = others.interpreter(WriteBlob(lambda sink: PICKLES["cloudpickle"](size, sink)))
    forged = record(
        id=new_id(), serializer="cloudpickle", value_blob=written.blob, inputs_blob=None
    )
    plain.interpreter(PutRecord(forged, run(), "{}"))
    with pytest.raises(p.UntrustedStoreError):
        plain.get_value(forged.id)
    assert both.get(written.blob)
    assert written.blob not in near
    assert CopyPolicy.ANYTHING == plain.copy_policy < both.copy_policy == near.copy_policy

    text = others.interpreter(WriteBlob(lambda sink: DATA["json"](size, sink))).blob
    both.interpreter(ReadBlob(text, Decoding("json", untrusted="others")))
    assert text in near


def test_bytes_of_a_signed_record_are_brought_near():
    """The signature vouches for their digest, wherever they are."""
    near, others = (
        p.DiskStore("near", cachedir="near"),
        p.DiskStore("others", cachedir="others", trusted=False),
    )
    both = p.ChainedStore("both", stores=[near, others])
    signed = p.SqliteRepo("signed", db="signed.db", store=both, inline_limit=0, signing_key=KEY)
    with p.using_repo(signed):
        artifact = p.provenance(name="nested")(lambda: [[1]] * 10_000).artifact()
    evolve(near, interpreter=p.DiskStore("near", cachedir="near", delete=True).interpreter).delete(
        artifact.value_blob
    )
    assert artifact.value_blob not in near
    assert [[1]] * 10_000 == signed.get_value(artifact.id)
    assert artifact.value_blob in near


@pytest.mark.parametrize("source", [{}, {"signing_key": "a key of another team"}])
def test_what_is_trusted_or_signed_is_copied_and_signed(source):
    """What nobody else can write, and what was verified under a key, is as good as computed here."""
    mine, team = repository("mine", **source), repository("team", signing_key=KEY)
    with p.using_repo(mine):
        artifact = p.provenance(name="nested")(lambda: [[1]]).artifact()
    p.promote(artifact, team)
    assert [[1]] == repository("team", signing_key=KEY).get_value(artifact.id)


def test_what_is_not_trusted_takes_anything():
    """A copy there is believed as little."""
    artifact_id = planted("cloudpickle")
    third = repository("third", trusted=False)
    assert artifact_id == third.put(far().get_by_id(artifact_id)).id
    with pytest.raises(p.UntrustedStoreError):
        third.get_value(artifact_id)


def test_sets_hold_ids_and_nothing_that_executes():
    """A set may be copied anywhere: it is not signed, and its members are copied by themselves."""
    near = repository("near", signing_key=KEY)
    artifact_id = planted("cloudpickle")
    artifacts = p.create_set([far().get_by_id(artifact_id)], "planted", far())
    assert artifacts == near.put_set(artifacts)
    assert artifact_id not in near


def test_a_serializer_that_reads_with_care_only_where_it_is_told_to_may_execute():
    """Pickle and torch have a safe way and another one: in a trusted store it is the other."""
    executing = {"pickle", "joblib", "cloudpickle", "pytorch_model", "no such serializer"}
    names = [
        *executing,
        "numpy",
        "json",
        "file",
        "folder",
        "arrow_ipc",
        "pd_df_parquet",
        "pl_series_parquet",
    ]
    assert executing == {name for name in names if may_execute(name)}


@pytest.mark.parametrize("into", CopyPolicy)
@pytest.mark.parametrize("executes", [True, False])
def test_the_rule(executes, into):
    """From a trusted source anything is copied; from another one what the target takes of it."""
    assert may_copy(trusted=True, executes=executes, into=into)
    allowed = {
        CopyPolicy.ANYTHING: True,
        CopyPolicy.DATA_ONLY: not executes,
        CopyPolicy.NOTHING: False,
    }
    assert allowed[into] == may_copy(trusted=False, executes=executes, into=into)

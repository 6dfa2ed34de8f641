"""What others may have written is not executed: from an untrusted store nothing is decoded that could be."""

import os
import pickle
from fractions import Fraction
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest

import provenance as p
from contract.samples import new_id, record, run
from provenance.model.records import InlineBlob
from provenance.ports.blobs import WriteBlob
from provenance.ports.records import PutRecord

CANARY = "executed"


class Evil:
    """Executes something when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path(CANARY).absolute(),)


PICKLES = {
    "joblib": joblib.dump,
    "pickle": pickle.dump,
    "cloudpickle": cloudpickle.dump,
}


@pytest.fixture
def _canary():
    """Nothing was executed when the test ends."""
    yield
    assert not Path(CANARY).exists()


def planted(repo, serializer, size=0):
    """Id of an artifact whose value executes something, as somebody who may write to the stores puts it there."""
    value = [Evil(), os.urandom(size)]
    written = repo.interpreter(WriteBlob(lambda sink: PICKLES[serializer](value, sink) and None))
    held = (written,) if isinstance(written, InlineBlob) else ()
    evil = record(
        id=new_id(), serializer=serializer, value_blob=written.blob, inputs_blob=written.blob
    )
    repo.interpreter(PutRecord(evil, run(), "{}", held))
    return evil.id


def repository(trusted=True, **options):
    """The repository of this folder, as it is configured by someone."""
    return p.SqliteRepo(
        db="records.db", store=p.DiskStore(cachedir="blobs"), trusted=trusted, **options
    )


@pytest.mark.parametrize("size", [0, 200_000], ids=["in the database", "a file"])
@pytest.mark.parametrize("serializer", PICKLES)
@pytest.mark.usefixtures("_canary")
def test_a_planted_pickle_is_not_executed(serializer, size):
    """Neither as a value nor as inputs; the error names the store, what wrote it, and the way out."""
    artifact = repository(trusted=False)[planted(repository(), serializer, size)]
    with pytest.raises(
        p.UntrustedStoreError,
        match=f"(?s){serializer}.*sqlite.*trusted: false.*signing_key.*trusted: true",
    ):
        _ = artifact.value
    with pytest.raises(PermissionError):
        _ = artifact.inputs
    with pytest.raises(p.UntrustedStoreError):
        len(artifact.proxy())


@pytest.mark.parametrize("size", [0, 200_000])
@pytest.mark.usefixtures("_canary")
def test_a_chain_trusts_no_more_than_its_least_trusted_part(size):
    """What an untrusted tier has is copied near, and is not executed there either; nor from an untrusted blob store."""
    config = {
        "blobstores": {
            "near": {"type": "disk", "cachedir": "near"},
            "far": {"type": "disk", "cachedir": "blobs", "trusted": False},
            "both": {"type": "chained", "stores": ["near", "far"]},
        },
        "artifact_repos": {
            "mine": {"type": "sqlite", "db": "mine.db", "store": "near"},
            "shared": {"type": "sqlite", "db": "records.db", "store": "far"},
            "chain": {"type": "chained", "stores": ["mine", "shared"]},
            "over chain": {
                "type": "sqlite",
                "db": "records.db",
                "store": "both",
                "inline_limit": 0,
            },
        },
        "default_repo": "mine",
    }
    artifact_id = planted(repository(), "joblib", size)
    environment = p.from_config(config)
    for _ in range(2):
        for name in ("shared", "chain", "over chain"):
            with pytest.raises((p.UntrustedStoreError, p.BlobNotFoundError)):
                environment.repository(name).get_value(artifact_id)


@pytest.mark.parametrize("size", [0, 200_000])
@pytest.mark.usefixtures("_canary")
def test_a_chain_of_handles_trusts_no_more_either(size):
    """Nor does a chain of chains, or one that is told not to trust its trusted tiers."""
    near, far = (
        p.DiskStore("near", cachedir="near"),
        p.DiskStore("far", cachedir="blobs", trusted=False),
    )
    mine = p.SqliteRepo("mine", db="mine.db", store=near)
    shared = p.SqliteRepo("shared", db="records.db", store=far)
    chain = p.ChainedRepo(stores=[mine, shared])
    files = p.ChainedStore(stores=[near, far])
    wary = p.ChainedStore("wary", stores=[near, p.DiskStore(cachedir="blobs")], trusted=False)
    repos = [
        chain,
        p.ChainedRepo("outer", stores=[p.MemoryRepo(), chain]),
        p.ChainedRepo("wary", stores=[mine, repository()], trusted=False),
        p.SqliteRepo("over chain", db="records.db", store=files, inline_limit=0),
        p.SqliteRepo("over wary", db="records.db", store=wary, inline_limit=0),
        p.SqliteRepo(
            "over chains",
            db="records.db",
            store=p.ChainedStore("more", stores=[files]),
            inline_limit=0,
        ),
    ]
    artifact_id = planted(repository(), "joblib", size)
    for repo in [*repos, *repos]:
        with pytest.raises((p.UntrustedStoreError, p.BlobNotFoundError)):
            repo.get_value(artifact_id)
    assert [False] * len(repos) == [repo.trusted for repo in repos]


def test_a_chain_of_what_is_signed_is_trusted():
    """Wherever its bytes are: the signature vouches for them."""
    store = p.DiskStore(cachedir="blobs", trusted=False)
    signed = p.SqliteRepo(
        db="records.db", store=store, inline_limit=0, signing_key="the key of this test"
    )
    with p.using_repo(p.ChainedRepo(stores=[p.MemoryRepo(), signed])) as chain:
        made = p.artifact_of(p.provenance(name="third")(lambda: Fraction(1, 3))())
        assert chain.trusted
        assert Fraction(1, 3) == signed.get_value(made.id) == chain.get_value(made.id)


def test_an_environment_trusts_unless_it_is_told_otherwise():
    """The canary works: whoever trusts the store executes what is planted there."""
    repository().get_value(planted(repository(), "pickle"))
    assert Path(CANARY).exists()


SAFE = {
    "scalars": (3, {}),
    "complex": (3 + 2j, {}),
    "text": ("größe \ud800", {}),
    "flat": ({"a": 1.5, "b": None, "c": b"x"}, {}),
    "sets": (frozenset({1, "a"}), {}),
    "array": (np.arange(50_000.0).reshape(2, -1), {}),
    "frame": (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), {}),
    "json": ([{"deep": [1, {"x": None}]}], {"serializer": "json"}),
}


@pytest.mark.parametrize("name", SAFE)
def test_what_executes_nothing_is_read_all_the_same(name):
    """Plain values, arrays, tables and JSON are stored in an untrusted repository and hit in it."""
    value, options = SAFE[name]
    work = p.provenance(name=name, **options)(lambda: value)
    for _ in range(2):
        with p.using_repo(repository(trusted=False)):
            artifact = work.artifact()
            assert p.hash(value) == p.hash(artifact.value) == artifact.value_id


def test_a_file_is_read_from_an_untrusted_store(tmp_path):
    """The bytes of an archived file are nothing that is executed."""
    (tmp_path / "data.csv").write_text("a,b")
    with p.using_repo(repository(trusted=False)):
        p.archive_file(tmp_path / "data.csv", "data")
        found = p.archive_file(tmp_path / "data.csv", "data")
        assert "a,b" == Path(str(found)).read_text()


class Weight:
    """A value of a class that has a serializer of its own."""

    def __init__(self, grams):
        self.grams = grams


@pytest.mark.parametrize("executes", [True, False])
def test_a_serializer_of_the_users_says_whether_it_executes(executes):
    """One that does is refused, as is one that does not say; another is read."""
    name = f"weight {executes}"
    p.register_serializer(
        name,
        lambda it, sink: sink.write(bytes([it.grams])) and None,
        lambda source: Weight(source.read()[0]),
        executes=executes,
    )
    weigh = p.provenance(serializer=name, name=name)(lambda: Weight(3))
    with p.using_repo(repository(trusted=False)):
        artifact = weigh.artifact()
        if executes:
            with pytest.raises(p.UntrustedStoreError, match=name):
                _ = artifact.value
        else:
            assert 3 == artifact.value.grams


def test_a_memory_store_may_be_untrusted_too():
    """Trust belongs to the configuration of any store or repository."""
    with p.using_repo(p.MemoryRepo(trusted=False)) as repo:
        artifact = p.provenance(name="nested")(lambda: [[1], {2: (Fraction(3),)}]).artifact()
        with pytest.raises(p.UntrustedStoreError):
            repo.get_value(artifact.id)
        plain = p.provenance(name="plain")(lambda: [[1], {2: (3,)}]).artifact()
        assert [[1], {2: (3,)}] == repo.get_value(plain.id)

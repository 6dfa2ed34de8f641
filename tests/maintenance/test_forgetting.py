"""Deleting artifacts while others record equal values: the bytes stay for who found them there."""

import os
from datetime import timedelta

import pytest
from attrs import evolve

import provenance as p
from contract.samples import MOMENT, record, run
from later import in_a_day
from provenance.effect import overlay
from provenance.effects.chain import make_chain
from provenance.effects.io import blob_of
from provenance.effects.memory import MemoryRecords, MemorySets
from provenance.effects.memory_blobs import MemoryBlobs
from provenance.effects.tiers import Tier
from provenance.ports.blobs import DeleteBlob, HasBlob, ReadBlob, WriteBlob, blob_effects
from provenance.ports.permissions import Permissions
from provenance.ports.records import DeleteRecord, PutRecord, record_effects

LARGE = 5_000


@p.provenance()
def big(_who):
    """The same bytes for each."""
    return b"x" * LARGE


@pytest.fixture(params=["memory", "stored", "chained"])
def repo(request, two_tiers, tmp_path):
    """Repositories of each kind, the default one of the test."""
    if request.param != "chained":
        yield request.getfixturevalue("memory_repo" if request.param == "memory" else "stored")
        return
    config = two_tiers(1_000)
    with p.using_repo(p.from_config(config, tmp_path).repository("both")) as chained:
        yield chained


def deleting(repo, after):
    """*repo*, where something happens right after a record was dropped."""

    def drop(ask):
        answer = repo.interpreter(ask)
        after()
        return answer

    return evolve(repo, interpreter=overlay(repo.interpreter, DeleteRecord.on(drop)))


@pytest.mark.parametrize("how", ["forget", "delete"])
def test_bytes_that_another_finds_and_records_stay(repo, how):
    """Another call that has the same bytes is recorded after the record was dropped: it has its bytes."""
    one = big.artifact(1)
    others = []
    with p.using_repo(deleting(repo, lambda: others.append(big.artifact(2)))) as beside:
        big.forget(1) if how == "forget" else beside.delete(one.id)
    assert one.id not in repo
    assert b"x" * LARGE == others[0].value
    assert p.verify(repo).is_sound


def test_bytes_that_another_has_found_and_not_yet_recorded_stay(repo):
    """Another call has found the bytes before the record is dropped, and is recorded afterwards: it has its bytes."""
    big.artifact(1)

    def put(ask):
        with p.using_repo(repo):
            assert big.forget(1)
        return repo.interpreter(ask)

    with p.using_repo(evolve(repo, interpreter=overlay(repo.interpreter, PutRecord.on(put)))):
        other = big.artifact(2)
    assert not big.is_cached(1)
    assert b"x" * LARGE == repo.load_value(other)
    assert p.verify(repo).is_sound


def test_what_was_found_is_young_again(stored, tmp_path):
    """Old bytes that another call has found are as young as if it had written them, and stay; else they go."""
    for finds in (False, True):
        one = big.artifact(1)
        data = stored.interpreter(ReadBlob(one.value_blob, lambda source: source.read()))
        for path in tmp_path.glob("blobs/??/*"):
            os.utime(path, (1, 1))
        if finds:
            stored.interpreter(WriteBlob(lambda sink, data=data: data and sink.write(data)))
        assert big.forget(1)
        assert finds == stored.interpreter(HasBlob(one.value_blob))


def test_what_nobody_wrote_lately_goes(repo):
    """Bytes that no artifact shares go with the record, once they are old."""
    one = big.artifact(1)
    assert big.forget(1)
    assert big.artifact(1).value_blob == one.value_blob
    with p.using_repo(in_a_day(repo)):
        assert big.forget(1)
    assert not repo.interpreter(HasBlob(one.value_blob))


def test_a_collector_takes_what_stays(stored):
    """What was forgotten at once is garbage, and is collected as such."""
    one = big.artifact(1)
    assert big.forget(1)
    assert [one.content_digest] == [
        each.key for each in p.collect_garbage(older_than=timedelta(0)).garbage
    ]


def test_a_tier_that_alone_has_the_record_is_as_careful():
    """Bytes that one tier of a chain can do without stay there while they are young."""
    near, far = (
        blob_effects(blobs) | record_effects(MemoryRecords(blobs), MemorySets())
        for blobs in (MemoryBlobs(), MemoryBlobs())
    )
    chain = make_chain(
        "both", [Tier(name, ask, Permissions()) for name, ask in (("near", near), ("far", far))]
    )
    written = near(WriteBlob(lambda sink: sink.write(b"x") and None))
    one = record(value_blob=written.blob, inputs_blob=None)
    near(PutRecord(one, run(), "{}"))
    assert () == chain(DeleteRecord(one.id))
    assert near(HasBlob(written.blob))


def test_a_store_that_cannot_tell_drops_at_once():
    """A store of blobs that does not know how old they are is asked to drop them, whenever they were written."""
    dropped = []

    class Plain:
        def __getattr__(self, name):
            if name != "delete_blob":
                raise AttributeError
            return dropped.append

    blob = blob_of(b"x")
    blob_effects(Plain())(DeleteBlob(blob, MOMENT))
    assert [blob] == dropped

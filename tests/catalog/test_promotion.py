"""Copying artifacts, with all that they came from, from one repository to another."""

import contextlib
from datetime import timedelta

import numpy as np
import pytest
from attrs import evolve

import provenance as p
from provenance.effect import overlay
from provenance.ports.blobs import DeleteBlob, WriteBlob
from provenance.testing import in_memory, memory_environment

LARGE = 5_000
FOLDERS = {
    "blobstores": {
        f"{name}_disk": {"type": "disk", "cachedir": name, "delete": True}
        for name in ("near", "far")
    },
    "artifact_repos": {
        name: {
            "type": "sqlite",
            "db": f"{name}.db",
            "store": f"{name}_disk",
            "delete": True,
            "inline_limit": 1000,
        }
        for name in ("near", "far")
    },
}


@p.provenance()
def source(n):
    """A table."""
    return np.arange(n)


@p.provenance(returns_composite=True)
def split(table):
    """Two parts."""
    return {"left": table[:2], "right": table[2:]}


@p.provenance()
def report(part, others):
    """A value that holds an artifact."""
    return {"sum": int(part.sum()), "others": others}


def pipeline():
    """Something with everything: large and small values, composites, artifacts in inputs and in values."""
    parts = split(source(LARGE))
    return report(parts["left"], [source(3), parts])


@pytest.fixture(params=["memory", "disk", "to memory", "from memory"])
def places(request, tmp_path):
    """Two repositories, of the same kind or not."""
    memory = [memory_environment().repository() for _ in range(2)]
    environment = p.from_config(FOLDERS, tmp_path)
    disk = [environment.repository(name) for name in ("near", "far")]
    kinds = {
        "memory": memory,
        "disk": disk,
        "to memory": [disk[0], memory[1]],
        "from memory": [memory[0], disk[1]],
    }
    return kinds[request.param]


def facts(artifact):
    """What is recorded of an artifact, but for where and when."""
    kept = (
        "id",
        "value_id",
        "name",
        "version",
        "serializer",
        "input_artifact_ids",
        "value_artifact_ids",
        "run_id",
    )
    return [getattr(artifact, name) for name in kept]


def test_an_artifact_is_copied_with_its_sources(places):
    """Values, inputs, runs and lineage are the same in the other repository, and calls are hits there."""
    near, far = places
    with p.using_repo(near):
        made = pipeline()
        known = {each.id: each for each in p.dependencies(made)}
    promoted = p.promote(made, far)
    assert facts(p.artifact_of(made)) == facts(promoted)
    with p.using_repo(far):
        assert list(known) == [each.id for each in p.dependencies(promoted)]
        for each in p.dependencies(promoted):
            assert facts(known[each.id]) == facts(each)
            assert p.hash(known[each.id].value) == p.hash(each.value) == each.value_id
            assert p.hash(dict(known[each.id].inputs)) == p.hash(dict(each.inputs))
            assert known[each.id].run_info == each.run_info
        p.reset_stats()
        again = pipeline()
        assert 1 == again["sum"]
        assert (0, 4) == (p.stats().misses, p.stats().hits)
        assert [0, 1, 2] == list(again["others"][0])


def test_what_is_there_is_skipped(places):
    """A second promotion copies nothing; progress is told all the same."""
    near, far = places
    with p.using_repo(near):
        made = pipeline()
    told = []
    p.promote(
        made, far, progress=lambda done, total, artifact: told.append((done, total, artifact.id))
    )
    assert [(n, len(told)) for n in range(1, len(told) + 1)] == [each[:2] for each in told]
    assert p.artifact_of(made).id == told[-1][2]
    added = p.promote(made, far).added_at
    assert added == p.promote(p.artifact_of(made).id[:8], far, near).added_at


def failing_after(repo, writes):
    """*repo*, which takes so many blobs and no more."""
    left = iter(range(writes))

    def write(ask):
        if next(left, None) is None:
            raise p.StoreUnavailableError("far", "no more", "wait")
        return repo.interpreter(ask)

    return evolve(repo, interpreter=overlay(repo.interpreter, WriteBlob.on(write)))


def test_an_interrupted_promotion_is_run_again(places):
    """What was copied before the trouble is whole, and nothing is without its sources; the next run does the rest."""
    near, far = places
    with p.using_repo(near):
        made = pipeline()
    total, there = len(p.dependencies(made)), []
    for limit in range(1, 20):
        with contextlib.suppress(p.StoreUnavailableError):
            p.promote(made, failing_after(far, limit))
        there = list(p.search(repo=far))
        assert all(source_id in far for each in there for source_id in each.source_ids)
        assert [each.value_id for each in there] == [p.hash(each.value) for each in there]
        if len(there) == total:
            break
    assert total == len(there)


def test_missing_bytes_are_an_error_and_lose_nothing(places):
    """What the source lacks cannot be copied, and the error names it; lost bytes of a copy are copied again."""
    near, far = places
    with p.using_repo(near):
        made = source(LARGE)
    promoted = p.promote(made, far)
    far.interpreter(DeleteBlob(promoted.value_blob))
    p.promote(made, far)
    assert np.array_equal(np.arange(LARGE), far.get_value(promoted.id))
    near.interpreter(DeleteBlob(promoted.value_blob))
    far.delete(promoted.id)
    with pytest.raises(p.BlobNotFoundError, match=promoted.value_blob.id):
        p.promote(p.artifact_of(made).id, far, near)
    assert promoted.id not in far


def test_deleted_sources_are_left_out(places):
    """A lineage with a gap is copied with the gap."""
    near, far = places
    with p.using_repo(near):
        made = report(source(3), [])
        gone = p.artifact_of(source(3)).id
        near.delete(gone)
        promoted = p.promote(p.artifact_of(made).id, far)
    assert {gone} == promoted.input_artifact_ids
    assert gone not in far


def test_one_artifact_is_put_alone(places):
    """`repo.put` copies an artifact without its sources."""
    near, far = places
    with p.using_repo(near):
        made = report(source(3), [])
    copied = far.put(p.artifact_of(made))
    assert {"sum": 3, "others": []} == copied.value
    assert 1 == len(list(p.search(repo=far)))


def test_what_is_no_artifact_is_refused(places):
    """A plain value, or an id that is not there."""
    near, far = places
    with pytest.raises(TypeError, match="expected an artifact"):
        p.promote(1, far, near)
    with pytest.raises(p.ArtifactNotFoundError):
        p.promote("0" * 40, far, near)


def test_what_is_damaged_in_the_target_is_replaced(places):
    """Also where other bytes, or another value, were stored there and are lost."""
    near, far = places
    values = [[{"a": 1, "b": 2}], [{"b": 2, "a": 1}], [3]]
    function = p.provenance(name="written otherwise", ignore=["values"])(lambda: values[0])
    with p.using_repo(near):
        artifact = p.artifact_of(function())
    for _ in range(2):
        values.pop(0)
        with p.using_repo(far):
            there = p.artifact_of(function.recompute())
        far.interpreter(DeleteBlob(there.value_blob))
        assert [{"a": 1, "b": 2}] == p.promote(artifact, far).value == far.get_value(artifact.id)


def test_an_unread_result_is_promoted_unread(stored):
    """What is asked of a result is which artifact it is: its value is neither read nor computed again."""
    make = p.provenance(name="make", serializer="joblib")(lambda: [Loud()])
    make()
    _loud_reads.clear()  # the first of its type is read back when it is stored
    lazy = make()
    with in_memory() as other:
        p.promote(lazy, other)
        assert p.artifact_of(lazy).id in other
        p.evict(stored, max_bytes=0, keep=lazy, dry_run=False)
        p.evict(stored, max_bytes=0, keep=[lazy], dry_run=False)
        list(p.search(uses=[lazy], repo=stored))
        p.lineage(lazy)
        p.lazy_proxy_dict([lazy])
        p.create_set([lazy], "unread", repo=stored)
    assert not _loud_reads
    assert 1 == len(lazy)
    assert ["read"] == _loud_reads


_loud_reads = []


class Loud:
    """Notes when it is unpickled."""

    size = 7

    def __setstate__(self, state):
        _loud_reads.append("read")

    def __getstate__(self):
        return {"size": 7}


def test_sets_and_collections_are_promoted():
    """A set arrives under its labels, a collection as a tuple in its order; each member with its sources."""
    near, far = p.MemoryRepo("near", delete=True), p.MemoryRepo("far", delete=True)
    with p.using_repo(near):
        both = [source(3), pipeline()]
        made = p.create_set(both, "production")
    copied = p.promote(both, far)
    assert [p.artifact_of(each).id for each in both] == [each.id for each in copied]
    third = p.MemoryRepo("third")
    assert made == p.promote(made, third) == third.get_set_by_labels("production")
    assert {each.id for each in p.dependencies(both[1])} <= {
        each.id for each in p.search(repo=third)
    }
    assert made == p.promote(made, p.MemoryRepo("fourth"), from_repo=far)
    near.delete(p.artifact_of(both[0]).id)
    with pytest.raises(p.ArtifactNotFoundError):
        p.promote(near.get_set_by_id(made.id), p.MemoryRepo("fifth"))


def test_sources_whose_values_were_evicted_are_copied_without_them(places):
    """A nightly eviction keeps no result from being published; what the result holds is needed."""
    near, far = places
    with p.using_repo(near):
        table = source(LARGE)
        total = report(split(table)["left"], 1)
        holder = report(split(source(LARGE + 1))["left"], table)
    p.evict(near, older_than=timedelta(0), keep=[total, holder], dry_run=False)
    copy = p.promote(p.artifact_of(total).id, far, near)
    assert {"sum": 1, "others": 1} == copy.value
    checked = p.verify(far)
    assert (True, 2) == (checked.is_sound, checked.evicted)
    assert p.dependencies(copy)[0].value_id == p.artifact_of(table).value_id
    with pytest.raises(p.BlobNotFoundError) as raised:
        far.get_value(p.artifact_of(table).id)
    assert raised.value.evicted
    for held in (holder, table):
        with pytest.raises(p.BlobNotFoundError):
            p.promote(p.artifact_of(held).id, far, near)
    evicted = p.verify(far).evicted
    with p.using_repo(near):
        assert LARGE == len(source(LARGE))  # which computes it again
    assert LARGE == len(p.promote(p.artifact_of(table).id, far, near).value)
    assert evicted - 1 == p.verify(far).evicted


def test_an_evicted_value_needs_no_permission_to_delete(places, tmp_path):
    """A shared repository that keeps everything takes such copies whole, and what it has stays readable."""
    near, _ = places
    shared = p.SqliteRepo("kept", db=tmp_path / "kept.db", delete=False)
    with p.using_repo(near):
        table = source(LARGE)
        total = report(split(table)["left"], 1)
    p.evict(near, older_than=timedelta(0), keep=[total], dry_run=False)
    for _ in range(2):
        assert {"sum": 1, "others": 1} == p.promote(p.artifact_of(total).id, shared, near).value
        checked = p.verify(shared)
        assert (True, 2) == (checked.is_sound, checked.evicted)
    same = p.SqliteRepo("same", db=tmp_path / "same.db")
    with p.using_repo(same):
        p.provenance(name="other")(lambda: np.arange(LARGE))()
    p.promote(p.artifact_of(total).id, same, near)
    assert LARGE == len(same.get_value(p.artifact_of(table).id))
    assert 1 == p.verify(same).evicted

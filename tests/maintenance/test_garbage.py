"""Deleting what is left over: what no record names and is old, and nothing else."""

import os
import sqlite3
import time
from datetime import timedelta

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import provenance as p
from provenance import functional
from provenance.effect import overlay
from provenance.effects.disk import directory
from provenance.environment import current, replacing_environment
from provenance.maintenance.garbage import repositories_sharing_blobs
from provenance.maintenance.reports import Garbage, GarbageReason
from provenance.ports.blobs import (
    BlobArea,
    DeleteBlob,
    DeleteIfOlder,
    HasBlob,
    ListBlobEntries,
    Quarantine,
    WriteBlob,
)
from provenance.ports.leases import AcquireLease, ReleaseLease, RenewLease
from provenance.ports.records import (
    DeleteRecord,
    FindRecord,
    FindReferencedBlobs,
    ListIds,
    PutRecord,
)
from provenance.testing import memory_environment

NOW = timedelta(0)
DAYS = 3 * 24 * 3600


@p.provenance()
def numbers(n):
    """So many numbers."""
    return np.arange(n)


def put(repo, data):
    """Bytes that no record names."""
    return repo.interpreter(WriteBlob(lambda sink: sink.write(data) and None)).blob


def aged(folder, name="blobs"):
    """Make every file below *folder* look as if it was three days old."""
    then = time.time() - DAYS
    for each in (folder / name).rglob("*"):
        if each.is_file():
            os.utime(each, (then, then))


def left_behind(folder):
    """A temporary file as a killed writer leaves it, and a quarantined one."""
    for name in (".tmp/123-abc", f".quarantine/{'ab' * 20}"):
        path = folder / "blobs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left")


def keys(repo, shelf=BlobArea.STORED):
    """What lies on a shelf of *repo*."""
    return {each.key for each in repo.interpreter(ListBlobEntries(shelf))}


def test_what_is_left_over_and_old_goes(stored, tmp_path):
    """An unreferenced blob, a stale temporary and quarantined bytes are told with reason and size, and deleted."""
    kept = p.artifact_of(numbers(1000))
    orphan = put(stored, b"x" * 5000)
    left_behind(tmp_path)
    aged(tmp_path)
    would = p.collect_garbage()
    assert keys(stored) == {kept.value_blob.id, orphan.id}
    done = p.collect_garbage(dry_run=False)
    assert (would.garbage, True, False) == (done.garbage, would.dry_run, done.dry_run)
    expected = {
        (GarbageReason.UNREFERENCED, orphan.id, 5000),
        (GarbageReason.TEMPORARY, "123-abc", 4),
    }
    expected.add((GarbageReason.QUARANTINED, "ab" * 20, 4))
    assert expected == {(each.reason, each.key, each.size) for each in done.garbage}
    assert (5008, 5000) == (done.bytes, done.by_reason[GarbageReason.UNREFERENCED])
    assert {kept.value_blob.id} == keys(stored)
    assert set() == keys(stored, BlobArea.TEMPORARY) | keys(stored, BlobArea.QUARANTINED)
    assert (1000, True) == (len(kept.value), p.verify().is_sound)
    assert () == p.collect_garbage(dry_run=False).garbage


def test_what_is_young_is_spared(stored, tmp_path):
    """A day is the margin unless another one is given; what is younger is counted."""
    orphan = put(stored, b"x" * 5000)
    left_behind(tmp_path)
    found = p.collect_garbage(dry_run=False)
    assert ((), 3) == (found.garbage, found.spared)
    aged(tmp_path)
    assert () == p.collect_garbage(dry_run=False, older_than=timedelta(days=4)).garbage
    put(stored, b"x" * 5000)  # written again, it is young
    assert 2 == len(p.collect_garbage(dry_run=False).garbage)
    assert {orphan.id} == keys(stored)


def test_quarantined_bytes_stay_until_they_were_there_for_long(stored, tmp_path):
    """Their age is that of their being put aside, however old the blob was; in the database, too."""
    large, small = p.artifact_of(numbers(1000)), p.artifact_of(numbers(3))
    aged(tmp_path)
    for each in (large, small):
        stored.interpreter(Quarantine(each.value_blob))
    assert () == p.collect_garbage(dry_run=False).garbage
    found = p.collect_garbage(dry_run=False, older_than=NOW)
    assert {(GarbageReason.QUARANTINED, each.value_blob.id) for each in (large, small)} == {
        (each.reason, each.key) for each in found.garbage
    }


def test_what_another_repository_names_stays(tmp_path):
    """Of repositories with blobs in one place, each is a root for all, however the place is named; others are not asked."""
    tier = {"type": "sqlite", "delete": True, "inline_limit": 0}
    (tmp_path / "link").symlink_to(tmp_path / "blobs")
    config = {
        "blobstores": {
            "one": {"type": "disk", "cachedir": "blobs", "delete": True},
            "same": {"type": "disk", "cachedir": "link", "delete": True},
            "other": {"type": "disk", "cachedir": "elsewhere", "delete": True},
        },
        "artifact_repos": {
            "a": {**tier, "db": "a.db", "store": "one"},
            "b": {**tier, "db": "b.db", "store": "same"},
            "c": {**tier, "db": "c.db", "store": "other"},
            "all": {"type": "chained", "stores": ["a", "c"]},
        },
        "default_repo": "a",
    }
    with replacing_environment(p.from_config(config, tmp_path)):
        mine, orphan = p.artifact_of(numbers(10)), put(p.get_default_repo(), b"orphan")
        with p.using_repo("b"):
            theirs = p.artifact_of(numbers(20))
        with p.using_repo("c"):
            numbers(30)
        found = p.collect_garbage("a", dry_run=False, older_than=NOW)
        assert (("a", "b"), [orphan.id]) == (found.roots, [each.key for each in found.garbage])
        assert (10, 20) == (len(mine.value), len(theirs.value))
        assert ("all", "b") == p.collect_garbage(
            "all", older_than=NOW
        ).roots  # which is "a" and "c", too
        assert ((), ("c",)) == (
            p.collect_garbage("c", older_than=NOW).garbage,
            p.collect_garbage("c").roots,
        )


def test_a_chain_without_a_configuration_is_no_root(tmp_path, memory_repo):
    """A repository knows its tiers: a chain names what they name, and its blobs are not another root's."""
    near = p.SqliteRepo("near", db=tmp_path / "near.db")
    far = p.SqliteRepo("far", db=tmp_path / "far.db")
    both = p.ChainedRepo("both", stores=[near, far])
    assert ((), (near, far)) == (near.tiers, both.tiers)
    openers = {repo.name: lambda repo=repo: repo for repo in (near, far, both)}
    environment = evolve(current(), openers=openers, default="near", config=None)
    assert [near] == list(repositories_sharing_blobs(environment, near))
    assert [both] == list(repositories_sharing_blobs(environment, both))


def test_a_root_that_cannot_be_asked_stops_it(tmp_path):
    """Where a repository that shares the place is out of reach, nothing is deleted."""
    one, other = (
        p.SqliteRepo(
            name,
            db=tmp_path / f"{name}.db",
            inline_limit=0,
            store=p.DiskStore(cachedir=tmp_path / "blobs"),
        )
        for name in ("one", "other")
    )
    put(one, b"orphan")

    def fail(_):
        raise p.StoreUnavailableError("other", "no answer", "try later")

    broken = evolve(other, interpreter=overlay(other.interpreter, FindReferencedBlobs.on(fail)))
    environment = evolve(
        memory_environment(),
        openers={"one": lambda: one, "other": lambda: broken},
        default="one",
        config=None,
    )
    result = functional.collect_garbage(environment, one, dry_run=False, older_than=NOW)
    assert isinstance(result.failure()._inner_value, p.StoreUnavailableError)
    assert 1 == len(keys(one))


def test_what_is_recorded_meanwhile_stays(stored, tmp_path):
    """Right before it deletes, it looks again: at the records, and at the age."""
    recorded, written, orphan = (put(stored, bytes([n]) * 3000) for n in range(3))
    aged(tmp_path)
    one = p.artifact_of(numbers(3))
    turns = []

    def named(ask):
        turns.append(ask)
        found = stored.interpreter(ask)
        if len(turns) == 1:
            record = stored.interpreter(FindRecord(one.id))
            run = one.run_info
            stored.interpreter(
                PutRecord(evolve(record, id="ab" * 20, value_blob=recorded), run, "{}")
            )
            put(stored, bytes([1]) * 3000)
        return found

    repo = evolve(stored, interpreter=overlay(stored.interpreter, FindReferencedBlobs.on(named)))
    assert [orphan.id] == [each.key for each in p.collect_garbage(repo, dry_run=False).garbage]
    assert stored.interpreter(HasBlob(recorded))
    assert stored.interpreter(HasBlob(written))


def test_what_was_taken_into_use_while_it_was_moved_is_put_back(tmp_path, monkeypatch):
    """A file that becomes young between the look at its age and its deletion is there afterwards, whole."""
    store = p.DiskStore(cachedir=tmp_path / "blobs")
    blob = store.put(b"x" * 3000)
    aged(tmp_path)
    looks = []

    def is_old(path, before):
        looks.append(path)
        return len(looks) == 1

    monkeypatch.setattr(directory, "_is_old", is_old)
    before = store.interpreter(ListBlobEntries(BlobArea.STORED))[0].since + timedelta(days=1)
    assert not store.interpreter(DeleteIfOlder(BlobArea.STORED, blob.id, before))
    assert b"x" * 3000 == store.get(blob)
    assert () == store.interpreter(ListBlobEntries(BlobArea.TEMPORARY))


def test_what_was_written_anew_meanwhile_is_not_replaced(tmp_path, monkeypatch):
    """A file that is put back does not take the place of one that another process has written by then."""
    store = p.DiskStore(cachedir=tmp_path / "blobs")
    blob = store.put(b"x" * 3000)
    looks = []

    def is_old(path, before):
        looks.append(path)
        if len(looks) == 2:
            store.put(b"x" * 3000)
        return len(looks) == 1

    monkeypatch.setattr(directory, "_is_old", is_old)
    before = store.interpreter(ListBlobEntries(BlobArea.STORED))[0].since
    assert not store.interpreter(DeleteIfOlder(BlobArea.STORED, blob.id, before))
    assert b"x" * 3000 == store.get(blob)


def test_it_needs_the_permission_to_delete(tmp_path):
    """A dry run reads; what deletes must be allowed to."""
    repo = p.SqliteRepo(
        db=tmp_path / "r.db", store=p.DiskStore(cachedir=tmp_path / "blobs", delete=False)
    )
    put(repo, b"x" * 100_000)
    assert 1 == len(p.collect_garbage(repo, older_than=NOW).garbage)
    with pytest.raises(p.StorePermissionError, match="delete: false"):
        p.collect_garbage(repo, older_than=NOW, dry_run=False)
    assert 1 == len(keys(repo))


def test_progress_and_mistakes(memory_repo):
    """How much was looked at is told after each page; a negative age is refused."""
    put(memory_repo, b"x")
    told = []
    p.collect_garbage(progress=lambda *how: told.append(how))
    assert [(1, None)] == told
    with pytest.raises(p.ConfigError, match="older_than"):
        p.collect_garbage(older_than=timedelta(seconds=-1))


def test_pages_are_passed_through(stored, tmp_path, monkeypatch):
    """However many there are, all are looked at once."""
    monkeypatch.setattr("provenance.maintenance.garbage._PAGE", 3)
    orphans = {put(stored, bytes([n]) * 3000).id for n in range(10)}
    for n in range(300, 310):
        numbers(n)
    found = p.collect_garbage(older_than=NOW, dry_run=False)
    assert orphans == {each.key for each in found.garbage}
    assert p.verify().is_sound


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["call", "forget", "lose", "orphan", "recompute", "drop"]),
        st.integers(0, 5),
    )
)


@given(STEPS, st.sampled_from([0, 10_000]))
@settings(max_examples=40)
def test_just_the_unreferenced_goes(tmp_path_factory, steps, inline_limit):
    """Whatever was called, deleted, lost and left over by crashes: afterwards what is stored is what records name.

    A dry run changes nothing and tells the same. Then the repository is sound, but for what was lost before.
    """
    folder = tmp_path_factory.mktemp("law")
    repo = p.SqliteRepo(
        db=folder / "r.db", store=p.DiskStore(cachedir=folder / "blobs"), inline_limit=inline_limit
    )
    lost = set()
    with p.using_repo(repo):
        for step, n in steps:
            play(repo, step, n * 700, lost)
    before = keys(repo)
    would = p.collect_garbage(repo, older_than=NOW)
    assert before == keys(repo)
    done = p.collect_garbage(repo, older_than=NOW, dry_run=False)
    assert would.garbage == done.garbage
    named = {blob.id for each in p.search(repo=repo) for blob in each.blobs}
    assert before - keys(repo) == {each.key for each in done.garbage} == before - named
    assert {each.artifact_id for each in p.verify(repo).problems} <= lost


def play(repo, step, n, lost):
    """One step of a history; ids of artifacts whose bytes are lost are noted."""
    artifact_id = numbers.artifact_id(n)
    there = repo.interpreter(ListIds(artifact_id, 1))
    if step == "lose":
        lost.update(there)
    for each in there:
        {"lose": lose, "drop": drop}.get(step, lambda *_: None)(repo, each)
    calls = {"call": lambda: p.unwrap(numbers(n)), "forget": lambda: numbers.forget(n)}
    calls |= {
        "recompute": lambda: numbers.recompute(n),
        "orphan": lambda: put(repo, bytes([n % 251]) * 20_000),
    }
    calls.get(step, lambda: None)()


def lose(repo, artifact_id):
    """The bytes of the value go, as by a bad disk."""
    repo.interpreter(DeleteBlob(repo.get_by_id(artifact_id).value_blob))


def drop(repo, artifact_id):
    """The record goes and its bytes stay, as a crash between the two leaves it."""
    repo.interpreter(DeleteRecord(artifact_id))


def test_leases_of_the_dead_go(stored, tmp_path):
    """A lease that expired long ago is told and goes; one that lasts, or expired just now, stays."""
    old, lasting = "ab" * 20, "cd" * 20
    lease = stored.interpreter(AcquireLease(lasting, 10.0))
    with sqlite3.connect(tmp_path / "records.db") as connection:
        connection.execute(
            "INSERT INTO leases VALUES (?, 'somebody', 1, ?)", (old, time.time() - 200_000)
        )
    connection.close()
    assert () == p.collect_garbage(older_than=timedelta(days=3)).garbage
    would, done, after = (p.collect_garbage(dry_run=each).garbage for each in (True, False, False))
    assert [(GarbageReason.LEASE, old, 0)] == [(each.reason, each.key, each.size) for each in would]
    assert [(GarbageReason.LEASE, old)] == [(each.reason, each.key) for each in done]
    assert () == after
    assert stored.interpreter(RenewLease(lease, 10.0))
    stored.interpreter(ReleaseLease(lease))


def test_a_report_shows_what_it_found(stored, tmp_path):
    """Garbage is a record like others: equal by what it says."""
    orphan = put(stored, b"x" * 3000)
    (found,) = p.collect_garbage(older_than=NOW).garbage
    assert Garbage(GarbageReason.UNREFERENCED, orphan.id, 3000, found.since) == found

"""Checking repositories: what is sound passes, and what is not is told exactly."""

import random
import sqlite3
import threading
from datetime import timedelta

import numpy as np
import pytest
from attrs import evolve

import provenance as p
from provenance import functional
from provenance.effect import overlay, run
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.maintenance.reports import (
    BlobDamaged,
    BlobMissing,
    BlobUnreadable,
    MemberMissing,
    RecordDamaged,
    RunMissing,
    SourceMissing,
    StoreDamaged,
    ValueDiffers,
    ValueUnreadable,
)
from provenance.maintenance.verification import sample_ids
from provenance.ports.blobs import VerifyBlob
from provenance.ports.records import CheckDatabase, FindRun, ReadStoredRecord


@p.provenance()
def numbers(n):
    """So many numbers."""
    return np.arange(n)


@p.provenance()
def total(values, extra):
    """A sum, which has an artifact among its inputs and another one in its value."""
    return {"sum": int(values.sum()), "extra": extra}


@p.provenance(returns_composite=True)
def halves(values):
    """Two parts."""
    return {"left": values[: len(values) // 2], "right": values[len(values) // 2 :]}


def pipeline():
    """Results with everything: small and large values, composites, artifacts in inputs and in values."""
    parts = halves(numbers(1000))
    return [
        numbers(1000),
        numbers(3),
        parts,
        total(parts["left"], [numbers(3)]),
        total(numbers(2), {1, 2}),
    ]


@pytest.fixture(params=["memory", "stored", "chained"])
def repo(request, tmp_path):
    """Repositories of each kind, the default one of the test."""
    if request.param == "memory":
        yield request.getfixturevalue("memory_repo")
    elif request.param == "stored":
        yield request.getfixturevalue("stored")
    else:
        tier = {"type": "sqlite", "delete": True, "inline_limit": 1000}
        config = {
            "blobstores": {
                name: {"type": "disk", "cachedir": f"{name} files", "delete": True} for name in "ab"
            },
            "artifact_repos": {
                "near": {**tier, "db": "near.db", "store": "a"},
                "far": {**tier, "db": "far.db", "store": "b"},
                "both": {"type": "chained", "stores": ["near", "far"]},
            },
            "default_repo": "both",
        }
        with p.using_repo(p.from_config(config, tmp_path).repository()) as chain:
            yield chain


def files(folder):
    """The files of the blobs below *folder*."""
    return [each for each in sorted(folder.rglob("*")) if each.is_file() and "blobs" in each.parts]


def test_what_is_sound_passes(repo):
    """All artifacts, blobs and sets are counted, and nothing is found wrong; an empty repository is sound, too."""
    assert (0, 0, ()) == (p.verify(repo).artifacts, p.verify(repo).bytes, p.verify(repo).problems)
    made = pipeline()
    p.create_set(made, "all", repo)
    found = p.verify()
    assert ((), (), True) == (found.problems, found.gaps, found.is_sound)
    known = list(p.search(repo=repo))
    assert (len(known), 1, 0) == (found.artifacts, found.sets, found.evicted)
    assert sum(blob.size for each in known for blob in each.blobs) == found.bytes


def test_verifying_copies_nothing(repo, tmp_path):
    """A chain is checked where things are: nothing is brought near on the way."""
    pipeline()
    before = {each: each.stat().st_mtime_ns for each in files(tmp_path)}
    p.verify()
    assert before == {each: each.stat().st_mtime_ns for each in files(tmp_path)}


def test_a_lost_and_a_changed_blob_are_told(stored, tmp_path):
    """Each artifact that names the bytes is told, with the blob; that it was read before does not matter."""
    large, small = p.artifact_of(numbers(1000)), p.artifact_of(numbers(3))
    assert 1000 == len(large.value)
    (file,) = files(tmp_path)
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    (problem,) = p.verify().problems
    assert (BlobDamaged, large.id, large.value_blob) == (
        type(problem),
        problem.artifact_id,
        problem.blob,
    )
    assert "digest" in problem.reason
    file.unlink()
    assert (BlobMissing(large.id, large.value_blob),) == p.verify().problems
    with sqlite3.connect(tmp_path / "records.db") as connection:
        connection.execute(
            "UPDATE artifacts SET value_data = zeroblob(size_bytes) WHERE id = ?", (small.id,)
        )
    connection.close()
    assert {large.id, small.id} == {each.artifact_id for each in p.verify().problems}


def test_random_bit_flips_are_told_exactly(stored, tmp_path):
    """Of many blobs those that were changed are told, and no others."""
    made = {
        p.artifact_of(numbers(n)).value_blob.id: p.artifact_of(numbers(n)).id
        for n in range(500, 540)
    }
    rng = random.Random(1)
    harmed = rng.sample(files(tmp_path), 10)
    for file in harmed:
        data = bytearray(file.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        file.write_bytes(data)
    expected = {made[file.parent.name + file.name] for file in harmed}
    assert expected == {each.artifact_id for each in p.verify().problems}
    assert {BlobDamaged} == {type(each) for each in p.verify().problems}


def test_a_source_that_was_deleted_is_a_gap(repo):
    """An edge that leads nowhere is told, and a member of a set that is gone; neither is damage."""
    made = pipeline()
    member = p.artifact_of(made[0])
    users = [
        SourceMissing(each.id, member.id)
        for each in p.search(repo=repo)
        if member.id in each.source_ids
    ]
    kept = p.create_set([member, made[2]], "some", repo)
    repo.delete(member.id)
    found = p.verify()
    assert users
    assert {*users, MemberMissing(kept.id, member.id)} == set(found.gaps)
    assert ((), True) == (found.problems, found.is_sound)


def test_a_run_that_is_gone_is_told(stored, tmp_path):
    """Each artifact names the process that computed it, which must be recorded."""
    artifact = p.artifact_of(numbers(3))
    with sqlite3.connect(tmp_path / "records.db") as connection:
        connection.execute("DELETE FROM runs")
    connection.close()
    assert (RunMissing(artifact.id, artifact.run_id),) == p.verify().problems


@pytest.mark.parametrize(
    ("table", "column", "text"),
    [
        ("artifacts", "custom_fields", '{"a"'),
        ("artifacts", "computed_at", "today"),
        ("runs", "info", "{}"),
    ],
)
def test_a_record_that_cannot_be_read_is_told(stored, reopened, tmp_path, table, column, text):
    """A damaged row is told as such, and the others are checked all the same."""
    one, other = p.artifact_of(numbers(3)), p.artifact_of(numbers(4))
    where = "" if table == "runs" else f" WHERE id = '{one.id}'"
    with sqlite3.connect(tmp_path / "records.db") as connection:
        connection.execute(f"UPDATE {table} SET {column} = ?{where}", (text,))
    connection.close()
    reopened()
    found = p.verify()
    assert {RecordDamaged} == {type(each) for each in found.problems}
    assert {one.id, *([other.id] if table == "runs" else [])} == {
        each.artifact_id for each in found.problems
    }
    assert 2 == found.artifacts


def test_a_record_that_cannot_be_read_is_a_clear_error_and_can_be_mended(
    stored, reopened, tmp_path
):
    """Loading it is an error, a search leaves it out; calling replaces it, and so does deleting it first."""
    one = p.artifact_of(numbers(3))
    for mend in (lambda: None, lambda: numbers.recompute(3), lambda: numbers.forget(3)):
        with sqlite3.connect(tmp_path / "records.db") as connection:
            connection.execute("UPDATE artifacts SET tags = '['")
        connection.close()
        repo = reopened()
        with pytest.raises(p.CorruptRecordError, match=f"artifact {one.id} in repository"):
            p.load_artifact(one.id)
        assert [] == list(p.search())
        mend()
        assert [0, 1, 2] == numbers(3).tolist()
        assert p.verify(repo).is_sound


def test_a_damaged_database_is_told_by_itself(stored, tmp_path):
    """What the database says of itself comes first, and then nothing else is believed."""
    for n in range(50):
        numbers(n)
    with sqlite3.connect(tmp_path / "records.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET rootpage = rootpage + 1 WHERE name = 'ix_artifact_inputs_input_id'"
        )
    connection.close()
    found = p.verify(p.from_config(p_config(tmp_path)).repository())
    assert not found.is_sound
    assert {StoreDamaged} == {type(each) for each in found.problems}
    assert 0 == found.artifacts


def p_config(folder):
    """The configuration of the stored repository, elsewhere."""
    return {
        "artifact_repos": {
            "local": {"type": "sqlite", "db": str(folder / "records.db"), "inline_limit": 1000}
        }
    }


def refusing(repo, *which):
    """*repo*, whose store cannot be reached when it is asked for one of these blobs, or for any if none is given."""

    def check(ask):
        if not which or ask.blob in which:
            raise p.StoreUnavailableError("disk", "input/output error", "check the device")

    return evolve(repo, interpreter=overlay(repo.interpreter, VerifyBlob.on(check)))


def test_bytes_that_cannot_be_read_are_told(memory_repo):
    """A file in a bad place of a disk is a problem like others, and does not end the verification."""
    made = [p.artifact_of(numbers(n)) for n in range(5)]
    found = p.verify(refusing(memory_repo, made[0].value_blob))
    assert (BlobUnreadable(made[0].id, made[0].value_blob, "input/output error"),) == found.problems
    assert 5 == found.artifacts


def test_a_store_that_is_out_of_reach_is_an_error(memory_repo):
    """Where one blob after the other cannot be read, the store is told as unavailable, and soon."""
    for n in range(20):
        numbers(n)
    told = []
    with pytest.raises(p.StoreUnavailableError, match="input/output error"):
        p.verify(refusing(memory_repo), progress=lambda *how: told.append(how))
    assert len(told) < 5


def test_a_sample_is_of_the_size_that_was_asked_for(repo):
    """So many different artifacts are checked, or all if there are no more; others at another time."""
    for n in range(30):
        numbers(n)
    sizes = 1, 10, 30, 31, 2**63 - 1, 10**30
    assert [1, 10, 30, 30, 30, 30] == [p.verify(sample=size).artifacts for size in sizes]
    chosen = {sample_of(repo, 5, str(seed)) for seed in range(20)}
    assert {5} == {len(set(each)) for each in chosen}
    assert len(chosen) > 15
    assert sample_of(repo, 29, "x") == sample_of(repo, 29, "x")


def sample_of(repo, size, seed):
    """Ids that are chosen by *seed*."""
    return run(sample_ids(size, seed), repo.interpreter)


def test_progress_is_told(repo):
    """After each artifact and set, with the total where it is known."""
    made = pipeline()
    p.create_set(made, "all", repo)
    artifacts, told = len(list(p.search(repo=repo))), []
    p.verify(progress=lambda *how: told.append(how))
    assert [(done, None) for done in range(1, artifacts + 2)] == told
    told.clear()
    p.verify(sample=2, progress=lambda *how: told.append(how))
    assert [(1, 2), (2, 2)] == told


@pytest.mark.parametrize("sample", [0, -1])
def test_a_sample_of_nothing_is_refused(memory_repo, sample):
    """A number below one is a mistake."""
    with pytest.raises(p.ConfigError, match="sample"):
        p.verify(sample=sample)
    assert isinstance(functional.verify(memory_repo, sample).failure()._inner_value, p.ConfigError)


def test_an_artifact_that_changes_meanwhile_is_looked_at_again(memory_repo):
    """What was deleted or computed anew since it was looked up is no problem."""
    one = p.artifact_of(numbers(3))
    turns = []

    def inspect(ask):
        turns.append(ask)
        found = memory_repo.interpreter(ask)
        return (
            evolve(found, value_blob=evolve(found.value_blob, size=1)) if len(turns) == 1 else found
        )

    found = p.verify(
        evolve(
            memory_repo, interpreter=overlay(memory_repo.interpreter, ReadStoredRecord.on(inspect))
        )
    )
    assert ((), 3) == (found.problems, len(turns))
    memory_repo.delete(one.id)
    assert 0 == p.verify().artifacts


def test_what_is_evicted_meanwhile_is_not_missing(stored):
    """A value that is let go right before its bytes are asked for was let go on purpose, and is told so."""
    numbers(1000)

    def evict(ask):
        p.evict(stored, older_than=timedelta(0), dry_run=False)
        return stored.interpreter(ask)

    repo = evolve(stored, interpreter=overlay(stored.interpreter, VerifyBlob.on(evict)))
    found = p.verify(repo)
    assert ((), 1) == (found.problems, found.evicted)


def test_a_repository_that_may_not_be_read_is_refused():
    """Verifying reads, and needs the permission."""
    with pytest.raises(p.StorePermissionError, match="read: false"):
        p.verify(p.MemoryRepo(read=False))


def test_verifying_beside_writers(stored):
    """While others compute, recompute and forget, nothing is told that is not so."""
    stop = threading.Event()
    failures = []

    def work(start):
        turn = 0
        while not stop.is_set():
            turn += 1
            n = start + turn % 7
            try:
                numbers(n), total(numbers(n), n)
                (numbers.forget if turn % 3 else numbers.recompute)(n)
            except Exception as error:  # noqa: BLE001 - told below
                failures.append(error)

    threads = [threading.Thread(target=work, args=(start,)) for start in (1, 400)]
    for each in threads:
        each.start()
    try:
        problems = [p.verify(stored).problems for _ in range(10)]
    finally:
        stop.set()
        for each in threads:
            each.join()
    assert ([()] * 10, []) == (problems, failures)


def test_what_a_store_says_of_itself_is_asked_of_each_tier(repo):
    """A chain tells for all of its databases."""
    assert () == repo.interpreter(CheckDatabase())
    assert repo.interpreter(FindRun("ab" * 20)) is None


class Passing:
    """Comes back as it was until *fault* says otherwise."""

    fault = None

    def __init__(self):
        self.x = 1

    def __setstate__(self, state):
        if isinstance(self.fault, Exception):
            raise self.fault
        self.x = state["x"] if self.fault is None else self.fault


def test_values_are_decoded_only_when_asked(repo, monkeypatch):
    """Their bytes may be sound all the same."""
    made = p.provenance(name="passing", serializer="joblib")(Passing).artifact()
    pipeline()
    assert p.verify(deep=True).is_sound
    monkeypatch.setattr(Passing, "fault", KeyError("gone"))
    assert p.verify().is_sound
    (unreadable,) = p.verify(deep=True).problems
    assert (ValueUnreadable, made.id) == (type(unreadable), unreadable.artifact_id)
    assert "gone" in unreadable.reason
    monkeypatch.setattr(Passing, "fault", 2)
    changed = Passing()
    changed.x = 2
    assert (ValueDiffers(made.id, p.hash(changed)),) == p.verify(deep=True).problems
    assert p.verify(deep=True, sample=100).problems == p.verify(deep=True).problems


def test_sound_artifacts_are_examined_by_the_page(tmp_path, monkeypatch):
    """However many there are, a page of them takes few queries; so does a dry run of eviction."""
    repo = p.SqliteRepo(db=tmp_path / "x.db")
    with p.using_repo(repo):
        for n in range(40):
            total(np.arange(n), n)
    asked = []
    query = SqliteDatabase.query

    def counted(database, statement, *values):
        asked.append(statement)
        return query(database, statement, *values)

    monkeypatch.setattr(SqliteDatabase, "query", counted)
    assert 40 == p.verify(repo).artifacts
    assert len(asked) < 20
    asked.clear()
    assert 0 == len(p.evict(repo, older_than=timedelta(days=1)).values)
    assert len(asked) < 20

"""Stopped at any effect, before or after it was carried out, a program leaves nothing that is recorded and not whole."""

from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve

import provenance as p
from provenance.ports.blobs import WriteBlob
from provenance.testing import failing

LARGE = 100_000
STOP = p.StoreUnavailableError("a store", "it was stopped", "try again")


@p.provenance(name="source")
def source(n):
    """A small value."""
    return {"n": n}


@p.provenance(name="large")
def large(given, n):
    """A large value, made of another artifact, which it holds."""
    return [given, bytes([n]) * LARGE]


@p.provenance(name="parts", returns_composite=True)
def parts(n):
    """Values that are stored together."""
    return {"few": [n], "many": bytes([n]) * LARGE}


@p.provenance(name="folder", archive_file=True, delete_original_file=True)
def folder(n):
    """A folder of the user's, which goes once it is stored."""
    path = Path(f"folder-{n}")
    path.mkdir(exist_ok=True)
    (path / "one").write_bytes(bytes([n]) * LARGE)
    (path / "two").write_bytes(b"two")
    return path


def _pipeline(repo):
    """Everything there is, in *repo*."""
    with p.using_repo(repo):
        return [source(1), large(source(1), 1), parts(1), folder(1)]


def commit(near, _):
    """Compute and store."""
    return [p.hash(each) for each in _pipeline(near)]


def recompute(near, _):
    """Compute anew, in place of what is stored."""
    with p.using_repo(near):
        return [p.hash(large.recompute(source(1), 1)), p.hash(parts.recompute(1))]


def forget(near, _):
    """Delete a value, and a composite with its parts."""
    with p.using_repo(near):
        large.forget(source(1), 1)
        parts.forget(1)


def promote(near, far):
    """Copy with all that it was made from."""
    with p.using_repo(near):
        ids = [p.artifact_of(each).id for each in (large(source(1), 1), parts(1), folder(1))]
    return [p.promote(each, far, near).id for each in ids]


def keep_set(near, _):
    """Capture a set."""
    with p.using_repo(near), p.capture_set({"name": "kept"}):
        source(1)
        large(source(1), 1)
    return near.get_set_by_labels("kept").id


def delete(near, _):
    """Delete an artifact whose value another one holds."""
    with p.using_repo(near):
        near.delete(source.artifact_id(1))


def collect(near, _):
    """Collect what is left over."""
    near.interpreter(WriteBlob(lambda sink: sink.write(b"left over" * LARGE) and None))
    p.collect_garbage(near, dry_run=False, older_than=timedelta(0))


def evict(near, _):
    """Let all values go."""
    p.evict(near, max_bytes=0, older_than=timedelta(0), dry_run=False)


MADE_BEFORE = {recompute, forget, promote, delete, collect, evict}
TASKS = (commit, recompute, forget, promote, keep_set, delete, collect, evict)


def memory(_):
    """Two repositories in memory."""
    return [p.MemoryRepo(name) for name in ("near", "far")]


def sqlite(place):
    """Two repositories in SQLite and on disk."""
    return [
        p.SqliteRepo(
            name,
            db=place / name / "db",
            store=p.DiskStore(cachedir=place / name / "blobs"),
            inline_limit=1_000,
        )
        for name in ("near", "far")
    ]


def problems(repo, task):
    """What is recorded in *repo* and not whole; sources that are missing only where none was deleted."""
    found = p.verify(repo)
    values = (
        []
        if task is evict
        else [artifact for artifact in all_of(repo) if p.hash(artifact.value) != artifact.value_id]
    )
    return [*found.problems, *(() if task in (delete, forget) else found.gaps), *values]


def all_of(repo):
    """All artifacts in *repo*."""
    with p.using_repo(repo):
        return list(p.search())


def started(make, task, place):
    """The repositories as they are before *task*."""
    near, far = make(place)
    if task in MADE_BEFORE:
        _pipeline(near)
    return near, far


def stops(task, near, far, number, after):
    """Do *task* in repositories that fail at their effects of this number; whether that stopped it."""
    try:
        task(
            *(
                evolve(each, interpreter=failing(each.interpreter, number, STOP, after=after))
                for each in (near, far)
            )
        )
    except p.ProvenanceError as error:
        if STOP not in (error, error.__cause__):
            raise
        return True
    return False


@pytest.mark.parametrize("make", [memory, sqlite])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_what_is_recorded_is_whole_wherever_a_program_stops(
    make, task, after, tmp_path, monkeypatch
):
    """At each of its effects in turn; and the same again, undisturbed, succeeds and leaves everything whole."""
    expected, number, undisturbed = None, 0, 0
    while undisturbed < 3:  # a failure of a lease, which a slow call wants, stops nothing
        number += 1
        place = tmp_path / str(number)
        place.mkdir()
        monkeypatch.chdir(place)
        near, far = started(make, task, place)
        stopped = stops(task, near, far, number, after)
        undisturbed = 0 if stopped else undisturbed + 1
        for repo in (near, far):
            assert [] == problems(repo, task)
        result = task(near, far) if stopped and task is not delete else None
        expected = expected or result
        assert result is None or expected == result
        for repo in (near, far):
            assert [] == problems(repo, task)
    assert number > 6

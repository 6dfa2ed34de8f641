"""Letting go of values: the cheapest first, never what is pinned, and the lineage stays."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import provenance as p
from provenance import functional
from provenance.effect import overlay
from provenance.environment import replacing_environment
from provenance.model.records import InlineBlob
from provenance.ports.blobs import HasBlob, ReadBlob, WriteBlob
from provenance.ports.machine import Now
from provenance.ports.records import (
    FindRecord,
    FindSetsContaining,
    MarkEvicted,
    PutRecord,
    ReadStoredRecord,
)
from provenance.testing import in_memory, memory_environment

NOW = timedelta(0)


@p.provenance()
def numbers(n):
    """So many numbers."""
    return np.arange(n)


@p.provenance()
def doubled(values):
    """Twice as many."""
    return np.concatenate([values, values])


@p.provenance(returns_composite=True)
def halves(values):
    """Two parts."""
    return {"left": values[: len(values) // 2], "right": values[len(values) // 2 :]}


@p.provenance()
def holder(values):
    """A value that holds an artifact."""
    return {"held": values}


@p.provenance()
async def later(n):
    """So many numbers, later."""
    return np.arange(n)


@pytest.fixture(params=["memory", "stored"])
def repo(request):
    """Repositories of two kinds, the default one of the test."""
    return request.getfixturevalue("memory_repo" if request.param == "memory" else "stored")


def costing(repo, value, seconds):
    """*value*, recorded as if computing it had taken so long."""
    artifact = p.artifact_of(value)
    record = evolve(repo.interpreter(FindRecord(artifact.id)), compute_duration=seconds)
    data = repo.interpreter(ReadBlob(record.value_blob, lambda source: source.read()))
    written = repo.interpreter(WriteBlob(lambda sink: sink.write(data) and None))
    held = (written,) if isinstance(written, InlineBlob) else ()
    return repo.interpreter(PutRecord(record, artifact.run_info, "{}", held, replace=True))


def there(repo):
    """Ids of the artifacts whose value is stored."""
    return {each.id for each in p.search(repo=repo) if repo.interpreter(HasBlob(each.value_blob))}


def ids(*values):
    """Ids of the artifacts behind *values*."""
    return {p.artifact_of(each).id for each in values}


def test_the_bytes_go_and_the_lineage_stays(repo):
    """Records are as before and lead to one another; the value is gone, and said to be evicted and not lost."""
    source = numbers(1000)
    made = doubled(source)
    before = p.lineage(made)
    report = p.evict(max_bytes=0, older_than=NOW, dry_run=False)
    assert ids(source, made) == {each for value in report.values for each in value.artifact_ids}
    assert (report.bytes_before, 0) == (report.bytes, report.bytes_after)
    assert set() == there(repo)
    again = p.lineage(p.artifact_of(made).id)
    assert before.artifacts.keys() == again.artifacts.keys()
    assert before.edges == again.edges
    found = p.verify()
    assert ((), (), 2, 2) == (found.problems, found.gaps, found.evicted, found.artifacts)


def test_a_call_computes_it_anew(repo, events, caplog):
    """The next call is answered with the value, computed and stored anew, without a word of warning."""
    artifact = p.artifact_of(doubled(numbers(1000)))
    p.evict(older_than=NOW, dry_run=False)
    with pytest.raises(p.BlobNotFoundError):
        repo.get_value(artifact.id)
    assert not doubled.is_cached(numbers(1000))
    caplog.clear()
    with caplog.at_level(logging.WARNING, "provenance"):
        assert 2000 == len(p.unwrap(doubled(numbers(1000))))
    assert [] == caplog.messages
    assert p.MissReason.EVICTED is events[-1].reason
    assert 2000 == len(repo.get_value(artifact.id))
    assert (0, ()) == (p.verify().evicted, p.verify().problems)


def test_a_coroutine_computes_it_anew(repo, events):
    """So does an awaited call."""
    asyncio.run(later(1000))
    p.evict(older_than=NOW, dry_run=False)
    assert 1000 == len(p.unwrap(asyncio.run(later(1000))))
    assert p.MissReason.EVICTED is events[-1].reason


def test_the_cheapest_to_compute_go_first(stored):
    """Of equal sizes the quickest goes first, of equal times the largest; no more than is needed goes."""
    records = {name: costing(stored, numbers(n), seconds) for name, n, seconds in TIMES}
    order = ["cheap", "large", "middle", "dear"]
    total = sum(each.size_bytes for each in records.values())
    for count in range(len(order) + 1):
        most = total - sum(records[name].size_bytes for name in order[:count])
        report = p.evict(max_bytes=most, older_than=NOW, dry_run=True)
        assert [records[name].id for name in order[:count]] == [
            each.artifact_ids[0] for each in report.values
        ]
        assert most == report.bytes_after
    assert {each.id for each in records.values()} == there(stored)
    p.evict(max_bytes=total - 1, older_than=NOW, dry_run=False)
    assert {records[name].id for name in order[1:]} == there(stored)


TIMES = [
    ("dear", 1000, 100.0),
    ("cheap", 1001, 0.5),
    ("middle", 1002, 10.0),
    ("large", 50_000, 100.0),
]


def test_what_a_set_pins_stays(repo):
    """Members of sets stay, and what their values hold; the sources that they were made from may go."""
    source, held, other = numbers(1000), numbers(900), numbers(800)
    kept, parts = doubled(source), halves(numbers(700))
    p.create_set([kept, holder(held), parts], "production", repo)
    report = p.evict(max_bytes=0, older_than=NOW, dry_run=False)
    gone = {each for value in report.values for each in value.artifact_ids}
    assert ids(source, other, numbers(700)) == gone
    assert ids(kept, holder(held), held, parts, parts["left"], parts["right"]) == there(repo)
    assert 2000 == len(repo.get_value(p.artifact_of(kept).id))


def test_a_set_that_is_put_meanwhile_pins(stored):
    """Right before bytes go, the sets are asked again."""
    one = p.artifact_of(numbers(1000))

    def pins(ask):
        p.create_set([one], "just now", stored)
        return stored.interpreter(ask)

    repo = evolve(stored, interpreter=overlay(stored.interpreter, FindSetsContaining.on(pins)))
    assert () == p.evict(repo, older_than=NOW, dry_run=False).values
    assert {one.id} == there(stored)


@pytest.mark.parametrize("through", ["itself", "a value that holds it"])
def test_a_set_that_is_put_while_a_value_goes_pins(repo, through):
    """A set that is put after the sets were asked, and before the value is let go, keeps it all the same."""
    value = numbers(1000)
    member = value if through == "itself" else holder(value)
    kept = ids(value, member)

    def evict(ask):
        p.create_set([member], "just now", repo)
        return repo.interpreter(ask)

    beside = evolve(repo, interpreter=overlay(repo.interpreter, MarkEvicted.on(evict)))
    assert () == p.evict(beside, older_than=NOW, dry_run=False).values
    assert kept == there(repo)
    assert (0, ()) == (p.verify(repo).evicted, p.verify(repo).problems)


def test_archived_files_stay(stored, tmp_path):
    """Their originals may be gone: they are never let go, and what was made from them is."""
    for name in ("one.bin", "two.bin"):
        (tmp_path / name).write_bytes(name.encode() * 1000)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside.bin").write_bytes(b"i" * 5000)
    files = [
        p.archive_file(tmp_path / name, delete_original=True)
        for name in ("one.bin", "two.bin", "folder")
    ]
    made = numbers(1000)
    assert ids(made) == {
        each
        for value in p.evict(older_than=NOW, dry_run=False).values
        for each in value.artifact_ids
    }
    assert [7000, 7000, 5000] == [p.unwrap(each).size for each in files]
    assert b"i" * 5000 == p.unwrap(files[2]).files["inside.bin"].read_bytes()


def test_what_is_to_be_kept_stays(repo):
    """By a function of the artifact, by ids, artifacts and proxies, or by a search."""
    one, other = numbers(1000), doubled(numbers(500))
    wishes = [
        lambda artifact: artifact.name.endswith("numbers"),
        [one, p.artifact_of(numbers(500)), p.artifact_of(one).id],
        p.search("*numbers"),
        p.ArtifactSet.of([one, numbers(500)]).artifact_ids,
    ]
    for keep in wishes:
        report = p.evict(older_than=NOW, keep=keep, dry_run=True)
        assert [tuple(ids(other))] == [each.artifact_ids for each in report.values]
    assert 2 == len(p.evict(older_than=NOW, keep=one, dry_run=True).values)
    assert 2 == len(p.evict(older_than=NOW, keep=p.artifact_of(one).id, dry_run=True).values)
    with pytest.raises(TypeError):
        p.evict(older_than=NOW, keep=[1], dry_run=False)


def test_equal_values_go_together(repo):
    """Bytes that several artifacts share go when all of them may, at the cost of all."""
    one, other = numbers(2000), doubled(numbers(1000)[:1000])
    same = doubled.with_options(name="another")(numbers(1000))
    assert p.artifact_of(other).value_blob == p.artifact_of(same).value_blob
    assert ids(one, numbers(1000)) == {
        each
        for value in p.evict(older_than=NOW, keep=[other], dry_run=True).values
        for each in value.artifact_ids
    }
    report = p.evict(older_than=NOW, dry_run=False)
    assert tuple(sorted(ids(other, same))) in [each.artifact_ids for each in report.values]
    assert set() == there(repo)


def test_what_another_repository_names_stays(tmp_path):
    """Bytes in a place that is shared stay while the records of another configured repository name them."""
    store = {"files": {"type": "disk", "cachedir": "blobs", "delete": True}}
    repos = {
        name: {"type": "sqlite", "db": f"{name}.db", "store": "files", "delete": True}
        for name in ("one", "other")
    }
    config = {"blobstores": store, "artifact_repos": repos, "default_repo": "one"}
    with replacing_environment(p.from_config(config, tmp_path)):
        shared, own = numbers(100_000), numbers(50_000)
        p.promote(shared, "other")
        assert [tuple(ids(own))] == [
            each.artifact_ids for each in p.evict(older_than=NOW, dry_run=False).values
        ]
        assert 100_000 == len(p.load_artifact(p.artifact_of(shared).id).value)


def test_only_what_is_old_goes(stored):
    """By default what was recorded a minute ago or later stays; else what is younger than was said."""
    numbers(1000)
    assert () == p.evict(max_bytes=0, dry_run=False).values
    assert () == p.evict(older_than=timedelta(hours=1), dry_run=False).values
    in_two_hours = datetime.now(UTC) + timedelta(hours=2)
    repo = evolve(stored, interpreter=stored.interpreter | Now.on(lambda _: in_two_hours))
    assert () == p.evict(repo, older_than=timedelta(hours=3), dry_run=False).values
    assert 1 == len(p.evict(repo, older_than=timedelta(hours=1), dry_run=True).values)
    assert 1 == len(p.evict(repo, max_bytes=0, dry_run=False).values)


def test_a_dry_run_changes_nothing(repo):
    """It tells what would go, and all of it is there afterwards."""
    made = doubled(numbers(1000))
    would = p.evict(older_than=NOW, dry_run=True)
    assert ids(made, numbers(1000)) == there(repo)
    assert 0 == p.verify().evicted
    assert would.values == p.evict(older_than=NOW, dry_run=False).values


def test_bytes_that_are_written_anew_stay(stored):
    """An equal value that is written while it is let go is not deleted; then it is not counted as freed."""
    one = p.artifact_of(numbers(1000))

    def evict(ask):
        answer = stored.interpreter(ask)
        time.sleep(0.02)  # the clock of files is a coarse one
        stored.interpreter(WriteBlob(lambda sink: data and sink.write(data)))
        return answer

    data = stored.interpreter(ReadBlob(one.value_blob, lambda source: source.read()))
    repo = evolve(stored, interpreter=overlay(stored.interpreter, MarkEvicted.on(evict)))
    assert () == p.evict(repo, older_than=NOW, dry_run=False).values
    assert 1000 == len(stored.get_value(one.id))
    assert p.verify().is_sound


def test_a_record_that_cannot_be_read_is_left_alone(memory_repo):
    """What is damaged is no reason to stop, and is not touched."""
    one, other = p.artifact_of(numbers(1000)), p.artifact_of(numbers(2000))

    def inspect(ask):
        if ask.id == one.id:
            raise p.CorruptRecordError(f"artifact {one.id}", "memory", "no JSON")
        return memory_repo.interpreter(ask)

    repo = evolve(
        memory_repo, interpreter=overlay(memory_repo.interpreter, ReadStoredRecord.on(inspect))
    )
    assert [(other.id,)] == [
        each.artifact_ids for each in p.evict(repo, older_than=NOW, dry_run=False).values
    ]


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"max_bytes": -1},
        {"max_bytes": "5"},
        {"max_bytes": True},
        {"max_bytes": float("nan")},
        {"older_than": timedelta(seconds=-1)},
        {"older_than": 5},
        {"older_than": "1 day"},
        {"keep": [], "dry_run": True},
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(memory_repo, wish):
    """How much is to go must be said, and be no negative number."""
    with pytest.raises(p.ConfigError, match="evict"):
        p.evict(**wish)
    failed = functional.evict(memory_environment(), memory_repo, **wish)
    assert isinstance(failed.failure()._inner_value, p.ConfigError)


@pytest.mark.parametrize("option", ["max_bytes", "older_than"])
def test_a_wish_of_the_wrong_type_names_the_right_one(memory_repo, option):
    """A number, or an age as a `timedelta`."""
    with pytest.raises(p.ConfigError, match=f"evict, {option}: .*'5'.*pass"):
        p.evict(**{option: "5"})


def test_what_is_kept_are_artifacts(memory_repo):
    """Else the error says so."""
    with pytest.raises(TypeError, match="evict, keep: expected a collection of artifacts, got 5"):
        p.evict(max_bytes=5, keep=5, dry_run=False)


def test_it_needs_the_permission_to_delete(tmp_path):
    """Where nothing may be deleted, nothing is."""
    repo = p.SqliteRepo(db=tmp_path / "r.db", delete=False)
    with p.using_repo(repo):
        numbers(1000)
    with pytest.raises(p.StorePermissionError, match="delete: false"):
        p.evict(repo, older_than=NOW, dry_run=False)
    assert 1 == len(p.evict(repo, older_than=NOW, dry_run=True).values)
    assert 1 == len(there(repo))


def test_progress_is_told(memory_repo):
    """First of the artifacts that are looked at, then of the values that go."""
    numbers(1000), numbers(2000)
    told = []
    p.evict(older_than=NOW, progress=lambda *how: told.append(how), dry_run=False)
    assert [(1, None), (2, None), (1, 2), (2, 2)] == told


def test_one_tier_is_made_smaller(two_tiers, tmp_path):
    """Evicted from the near tier alone, a value comes back from the far one when it is read."""
    environment = p.from_config(two_tiers(0), tmp_path)
    near, both = environment.repository("near"), environment.repository("both")
    with replacing_environment(environment):
        value = numbers(1000)
        assert 1 == len(p.evict(near, older_than=NOW, dry_run=False).values)
        assert (set(), ids(value)) == (there(near), there(both))
        assert 1000 == len(p.load_artifact(p.artifact_of(value).id).value)
        assert ids(value) == there(near)
        assert 1 == len(p.evict(both, older_than=NOW, dry_run=False).values)
        assert (set(), set()) == (there(near), there(both))
        assert p.verify(both).is_sound


@given(
    st.dictionaries(st.integers(1, 12), st.floats(0, 100), min_size=1, max_size=8),
    st.sets(st.integers(1, 12)),
    st.integers(0, 60_000),
)
@settings(max_examples=60, deadline=None)
def test_no_more_goes_than_is_asked_for_and_nothing_that_is_pinned(times, pinned, most):
    """Afterwards the values take at most what was asked for, unless what is left is pinned; the last that went was needed."""
    repo = memory_environment().repository()
    with p.using_repo(repo):
        records = {n: costing(repo, numbers(n * 500), seconds) for n, seconds in times.items()}
        pins = {records[n].id for n in pinned & records.keys()}
        p.create_set(pins, "pinned", repo)
        report = p.evict(repo, max_bytes=most, older_than=NOW, dry_run=False)
        gone = {each for value in report.values for each in value.artifact_ids}
        left = {each.id: each.size_bytes for each in records.values() if each.id not in gone}
        assert left.keys() == there(repo)
        assert sum(left.values()) == report.bytes_after
        assert set() == gone & pins
        assert report.bytes_after <= most or left.keys() <= pins
        assert not report.values or report.bytes_after + report.values[-1].blob.size > most
        found = p.verify(repo)
        assert ((), (), len(gone)) == (found.problems, found.gaps, found.evicted)
        costs = [each.seconds / each.blob.size for each in report.values]
        assert sorted(costs) == costs


class Ticking:
    """A clock that only sleeping moves."""

    seconds = 0.0

    def now(self):
        """So many seconds after the year began."""
        return datetime(2100, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self):
        """The seconds."""
        return self.seconds

    def sleep(self, seconds):
        """At once."""
        self.seconds += seconds
        return seconds


def test_what_is_computed_again_is_recorded_with_its_own_seconds():
    """What the function waits for, because arguments were evicted too, is theirs: seconds add up to what was spent."""
    clock = Ticking()
    spend = clock.sleep
    step = p.provenance(arguments="proxies")

    @step
    def load(n):
        spend(1)
        return np.arange(n)

    @step
    def double(x):
        spend(2)
        return x * 2

    @step
    def add(x):
        spend(4)
        return x + 1

    with in_memory(clock) as repo:
        clock.sleep(1)
        add(double(load(1_000)))
        clock.sleep(60)
        p.evict(repo, older_than=timedelta(0), dry_run=False)
        p.reset_stats()
        assert 1 == add(double(load(1_000)))[0]
        assert 7 == p.stats().seconds_computed
        recorded = {a.fn_name.rpartition(".")[2]: a.compute_duration for a in repo}
        assert {"load": 1, "double": 2, "add": 4} == recorded
        p.reset_stats()
        assert 1 == add(double(load(1_000)))[0]
        assert 7 == p.stats().seconds_saved


def test_an_evicted_value_is_said_to_be_evicted(repo):
    """Read by its id, where nothing can compute it again."""
    artifact = p.provenance(name="made")(lambda: np.arange(1_000)).artifact()
    p.evict(repo, older_than=timedelta(0), dry_run=False)
    with pytest.raises(p.BlobNotFoundError, match="was evicted from") as error:
        repo.get_value(artifact.id)
    assert error.value.evicted


def test_nothing_is_evicted_unless_it_is_said(repo):
    """As with `collect_garbage`; without a limit, the error says what to pass."""
    artifact = p.provenance(name="made")(lambda: np.arange(1_000)).artifact()
    report = p.evict(repo, older_than=timedelta(0))
    assert (True, 1) == (report.dry_run, len(report.values))
    assert 999 == artifact.value[-1]
    with pytest.raises(p.ConfigError, match=r"max_bytes=10\*\*9, older_than=timedelta"):
        p.evict(repo)

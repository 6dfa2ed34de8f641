"""Several stores and repositories as one, as users configure them, or make them of handles."""

import os
import sqlite3
import threading

import pytest

import provenance as p
from later import in_a_day
from provenance.effect import overlay
from provenance.ports.records import DeleteRecord

LARGE = 5_000
CONFIG = {
    "blobstores": {
        **{name: {"type": "disk", "cachedir": name, "delete": True} for name in ("near", "far")},
        "files": {"type": "chained", "stores": ["near", "far"]},
    },
    "artifact_repos": {
        "mine": {
            "type": "sqlite",
            "db": "mine.db",
            "store": "near",
            "delete": True,
            "inline_limit": 1000,
        },
        "shared": {
            "type": "sqlite",
            "db": "shared.db",
            "store": "far",
            "delete": True,
            "inline_limit": 1000,
        },
        "both": {"type": "chained", "stores": ["mine", "shared"]},
        "one": {
            "type": "sqlite",
            "db": "one.db",
            "store": "files",
            "delete": True,
            "inline_limit": 0,
        },
    },
    "default_repo": "both",
}


@p.provenance()
def numbers(n):
    """A small or a large value."""
    return list(range(n))


@p.provenance()
def total(values):
    """Their sum."""
    return sum(values)


def configured(folder):
    """The repositories of the configuration."""
    environment = p.from_config(CONFIG, folder)
    return {name: environment.repository(name) for name in CONFIG["artifact_repos"]}


def handles(folder):
    """The same ones, made without it."""
    near, far = (p.DiskStore(name, cachedir=folder / name) for name in ("near", "far"))
    files = p.ChainedStore("files", stores=[near, far])
    mine = p.SqliteRepo("mine", db=folder / "mine.db", store=near, inline_limit=1000)
    shared = p.SqliteRepo("shared", db=folder / "shared.db", store=far, inline_limit=1000)
    both = p.ChainedRepo("both", stores=[mine, shared])
    one = p.SqliteRepo("one", db=folder / "one.db", store=files, inline_limit=0)
    return {"mine": mine, "shared": shared, "both": both, "one": one}


@pytest.fixture(params=[configured, handles])
def places(tmp_path, request):
    """Repositories by name."""
    return request.param(tmp_path)


def ids(repo):
    """What is in a repository."""
    return {each.id for each in p.search(repo=repo)}


@pytest.mark.parametrize("size", [3, LARGE])
def test_what_is_computed_is_everywhere(places, size):
    """A miss is stored in all repositories of the chain, and is a hit in each."""
    with p.using_repo(places["both"]):
        made = total(numbers(size))
    assert ids(places["mine"]) == ids(places["shared"]) == ids(places["both"])
    for name in ("mine", "shared"):
        with p.using_repo(places[name]):
            p.reset_stats()
            assert sum(range(size)) == total(numbers(size)) == made
            assert list(range(size)) == numbers(size)
            assert 0 == p.stats().misses


@pytest.mark.parametrize("size", [3, LARGE])
def test_what_others_computed_comes_near(places, size, tmp_path):
    """A hit far away is a hit; when it was read, its record and bytes are near, the same as they were."""
    with p.using_repo(places["shared"]):
        made = p.artifact_of(numbers(size))
    with p.using_repo(places["both"]):
        p.reset_stats()
        assert list(range(size)) == numbers(size)
        assert (1, 0) == (p.stats().hits, p.stats().misses)
    near = places["mine"][made.id]
    assert (made.content_digest, made.added_at) == (near.content_digest, near.added_at)
    assert list(range(size)) == near.value


def test_the_newest_set_of_all_is_found(places):
    """A nearer repository's older set does not hide a farther one's newer."""
    old = p.create_set([], "name", places["mine"])
    with p.using_repo(places["shared"]):
        new = p.create_set([numbers(3)], "name")
    assert (
        old
        != new
        == p.load_set_by_name("name", places["both"])
        == p.load_set_by_id(new.id, places["both"])
    )


def test_deleting_deletes_everywhere(places):
    """A deleted artifact is in no repository, and its bytes are in no store."""
    with p.using_repo(places["both"]):
        made = p.artifact_of(numbers(LARGE))
    with p.using_repo(in_a_day(places["both"])):
        assert numbers.forget(LARGE)
    for repo in places.values():
        assert made.id not in repo
    with pytest.raises(p.BlobNotFoundError):
        places["shared"].load_value(made)


def test_blob_stores_are_chained_too(places, tmp_path):
    """One repository over two folders: each has all bytes, and what one loses comes back from the other."""
    with p.using_repo(places["one"]):
        made = p.artifact_of(numbers(LARGE))
        digest = made.content_digest
        files = [tmp_path / name / digest[:2] / digest[2:] for name in ("near", "far")]
        assert files[0].read_bytes() == files[1].read_bytes()
        files[0].unlink()
        assert list(range(LARGE)) == p.load_artifact(made.id).value
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_far_repository_that_may_only_be_read(tmp_path):
    """What is computed stays near, and what is far is found."""
    config = {
        **CONFIG["artifact_repos"],
        "shared": {**CONFIG["artifact_repos"]["shared"], "write": False},
    }
    environment = p.from_config({**CONFIG, "artifact_repos": config}, tmp_path)
    p.promote(p.artifact_of(_made_far(tmp_path)), environment.repository("mine"))
    with p.using_repo(environment.repository("both")):
        assert [0, 1] == numbers(2)
        assert numbers.is_cached(3)
    assert 1 == len(ids(environment.repository("shared")))
    assert 2 == len(ids(environment.repository("mine")))


def _made_far(folder):
    with p.using_repo(p.from_config(CONFIG, folder).repository("shared")):
        return numbers(3)


@pytest.mark.parametrize(
    ("section", "entry", "match"),
    [
        (
            "artifact_repos",
            {"type": "chained", "stores": ["mine", "sharred"]},
            "did you mean 'shared'",
        ),
        ("artifact_repos", {"type": "chained", "stores": ["mine", "extra"]}, "circular chain"),
        ("artifact_repos", {"type": "chained", "stores": []}, "stores"),
        ("artifact_repos", {"type": "chained"}, "stores"),
        (
            "artifact_repos",
            {"type": "chained", "stores": ["mine", "mine"]},
            "duplicate store 'mine'",
        ),
        ("blobstores", {"type": "chained", "stores": ["mine"]}, "unknown blob store 'mine'"),
    ],
)
def test_mistakes_are_named(tmp_path, section, entry, match):
    """A chain of what is not there, of itself, or of nothing, is refused where it is configured."""
    with pytest.raises(p.ConfigError, match=match):
        p.from_config({**CONFIG, section: {**CONFIG[section], "extra": entry}}, tmp_path)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_while_a_chain_deletes():
    """A tier takes locks for which a fork waits: the chain must hold none itself, or each waits for the other."""
    done = []

    def forking():
        child = os.fork()
        if not child:
            os._exit(0)
        done.append(os.waitpid(child, 0))

    def layer(base):
        def drop(ask):
            thread = threading.Thread(target=forking)
            thread.start()
            thread.join(20)
            return base(ask)

        return overlay(base, DeleteRecord.on(drop))

    chain = p.ChainedRepo(stores=[p.MemoryRepo("near").with_layer(layer), p.MemoryRepo("far")])

    @p.provenance(repo=chain)
    def made(x):
        return [x]

    made(1)
    assert made.forget(1)
    assert 1 == len(done)


def test_a_damaged_record_is_read_from_the_next_repository(tmp_path, events):
    """It is no reason to compute: the next one's is sound, and mends the near one."""
    with p.using_repo(handles(tmp_path)["both"]):
        made = p.artifact_of(numbers(3))
    with sqlite3.connect(tmp_path / "mine.db") as database:
        database.execute("UPDATE artifacts SET fn_module = 'another'")
    database.close()
    again = handles(tmp_path)
    assert 1 == len(
        [
            each
            for each in p.verify(repo=again["both"]).problems
            if isinstance(each, p.RecordDamaged)
        ]
    )
    events.clear()
    with p.using_repo(again["both"]):
        assert [0, 1, 2] == numbers(3)
    assert [p.Hit] == [type(each) for each in events]
    assert made.id == handles(tmp_path)["mine"].get_by_id(made.id).id

"""Several stores and repositories as one, as users configure them."""

import pytest

import provenance as p
from later import in_a_day

LARGE = 5_000
CONFIG = {
    "blobstores": {
        **{name: {"type": "disk", "cachedir": name, "delete": True} for name in ("near", "far")},
        "files": {"type": "chained", "stores": ["near", "far"]},
    },
    "artifact_repos": {
        "mine": {"type": "sqlite", "db": "mine.db", "store": "near", "delete": True, "inline_limit": 1000},
        "shared": {"type": "sqlite", "db": "shared.db", "store": "far", "delete": True, "inline_limit": 1000},
        "both": {"type": "chained", "stores": ["mine", "shared"]},
        "one": {"type": "sqlite", "db": "one.db", "store": "files", "delete": True, "inline_limit": 0},
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


@pytest.fixture
def places(tmp_path):
    """The environment of the configuration, by repository."""
    environment = p.from_config(CONFIG, tmp_path)
    return {name: environment.repository(name) for name in CONFIG["artifact_repos"]}


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
    assert old != new == p.load_set_by_name("name", places["both"]) == p.load_set_by_id(new.id, places["both"])


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
    config = {**CONFIG["artifact_repos"], "shared": {**CONFIG["artifact_repos"]["shared"], "write": False}}
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
        ("artifact_repos", {"type": "chained", "stores": ["mine", "sharred"]}, "did you mean 'shared'"),
        ("artifact_repos", {"type": "chained", "stores": ["mine", "extra"]}, "in a circle"),
        ("artifact_repos", {"type": "chained", "stores": []}, "stores"),
        ("artifact_repos", {"type": "chained"}, "stores"),
        ("blobstores", {"type": "chained", "stores": ["mine"]}, "no blob store 'mine'"),
    ],
)
def test_mistakes_are_named(tmp_path, section, entry, match):
    """A chain of what is not there, of itself, or of nothing, is refused where it is configured."""
    with pytest.raises(p.ConfigError, match=match):
        p.from_config({**CONFIG, section: {**CONFIG[section], "extra": entry}}, tmp_path)

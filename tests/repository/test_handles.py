"""What handles of repositories and stores take: an id, an artifact or its proxy; a blob; anything else is told what to give."""

import pytest
from returns.unsafe import unsafe_perform_io

import provenance as p
from provenance import functional
from provenance.model.records import Blob
from provenance.testing import in_memory

MISTAKES = {"number": 5, "list": ["abcdef"], "bytes": b"abcdef", "nothing": None, "huge": 10**5_000}


@pytest.fixture(params=["memory_repo", "stored"])
def home(request):
    """Either kind of repository."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def pair():
    """A decorated function."""
    return p.provenance(name="pair")(lambda n: [n, 0])


@pytest.mark.parametrize("form", ["id", "prefix", "artifact", "loaded", "proxy", "pickled proxy"])
def test_an_artifact_by_any_name(home, pair, form):
    """Its id, the first digits of it, itself, or its proxy, wherever an artifact is asked for; nothing is read for it."""
    proxy = pair(1)
    artifact = p.artifact_of(proxy)
    forms = {
        "id": artifact.id,
        "prefix": artifact.id[:6],
        "artifact": artifact,
        "loaded": home.get_by_id(artifact.id),
    }
    wanted = {**forms, "proxy": proxy, "pickled proxy": home.get_by_id(artifact.id).proxy()}[form]
    assert wanted in home
    assert artifact == home[wanted] == home.get_by_id(wanted) == p.load_artifact(wanted)
    assert [1, 0] == home.get_value(wanted) == p.load_proxy(wanted)
    assert [1] == [*home.get_inputs(wanted)["kargs"].values()]
    assert (p.artifact_of(pair(proxy)).id,) == home.dependent_ids(wanted)
    assert artifact == unsafe_perform_io(functional.find(home, wanted).unwrap()).unwrap()
    assert artifact == unsafe_perform_io(functional.load(home, wanted).unwrap())
    home.delete(wanted)
    assert wanted not in home
    assert artifact.id not in home
    with pytest.raises(p.ArtifactNotFoundError, match=artifact.id[:6]):
        home.get_by_id(wanted)


def test_whether_an_artifact_is_in_another_repository(home, pair):
    """Its id is looked for: also that of a result that was computed read-only."""
    with in_memory(), p.using_repo(home):
        artifact = pair.artifact(1)
    with in_memory() as other:
        assert artifact not in other
        other.put(artifact)
        assert artifact in other
        ephemeral = pair.with_options(name="pair", read_only=True)(2)
        assert ephemeral not in other
        _ = pair(2)
        assert ephemeral in other
        assert 5 not in other


def test_proxies_of_texts(home, pair):
    """One that could be an id counts as that id, since functions may return ids; any other is its artifact."""
    artifact = pair.artifact(1)
    name = p.provenance(name="name")(lambda text: text)
    assert artifact == home[name(artifact.id)] == p.load_artifact(name(artifact.id[:6]))
    assert name("0" * 40) not in home
    assert name("no id") in home
    assert "no id" == home[name("no id")].value


@pytest.mark.parametrize(
    "method", ["get_by_id", "get_value", "get_inputs", "dependent_ids", "delete", "__getitem__"]
)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_no_artifact(home, method, mistake):
    """Is refused with what to give."""
    with pytest.raises(
        TypeError, match="expected an artifact, its id or the result of a decorated function, got"
    ):
        getattr(home, method)(MISTAKES[mistake])
    with pytest.raises(TypeError, match="expected an artifact"):
        p.load_artifact(MISTAKES[mistake])


def test_putting(home, pair):
    """Takes an artifact or its proxy; an id does not say where it is."""
    with in_memory() as other:
        proxies = [pair(1), pair(2)]
        artifacts = [p.artifact_of(each) for each in proxies]
        assert artifacts == [home.put(artifacts[0]), home.put(proxies[1])]
        member = p.create_set(proxies, "x").relabel("y").artifacts[0]
    assert all(each in home for each in artifacts)
    assert other != home
    assert member in home
    for mistake in [*MISTAKES.values(), artifacts[0].id]:
        with pytest.raises(
            TypeError, match="expected an artifact or the result of a decorated function"
        ):
            home.put(mistake)


def test_members_of_a_set_that_was_not_loaded_are_put_from_the_current_repository(
    memory_repo, stored, pair
):
    """That is where they lead."""
    with p.using_repo(memory_repo):
        member = p.ArtifactSet.of([pair(1)]).artifacts[0]
        assert [1, 0] == stored.put(member).value
    assert member in stored


def test_by_value(home, pair):
    """Wants the id of a value, and says where an artifact has it."""
    artifact = pair.artifact(1)
    assert (artifact,) == home.get_by_value_id(artifact.value_id)
    for mistake in (artifact, 5):
        with pytest.raises(TypeError, match=r"pass artifact\.value_id or p\.hash"):
            home.get_by_value_id(mistake)


@pytest.mark.parametrize("form", ["id", "prefix", "set"])
def test_a_set_by_any_name(home, pair, form):
    """Its id, first digits, or itself."""
    made = p.create_set([pair(1)], "x")
    wanted = {"id": made.id, "prefix": made.id[:6], "set": made}[form]
    assert home.contains_set(wanted)
    assert made == home.get_set_by_id(wanted) == p.load_set_by_id(wanted)
    home.delete_set(wanted)
    assert not home.contains_set(wanted)


def test_what_is_no_set(home, pair):
    """Is refused with what to give."""
    for mistake in [*MISTAKES.values(), pair.artifact(1)]:
        for method in (home.contains_set, home.get_set_by_id, home.delete_set, p.load_set_by_id):
            with pytest.raises(TypeError, match="expected an ArtifactSet or its id"):
                method(mistake)
        with pytest.raises(
            TypeError, match=r"expected an ArtifactSet, got .*; make one with create_set"
        ):
            home.put_set(mistake)


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_blob_stores_take_blobs(kind, tmp_path, home, pair):
    """A key is digest and size; an id alone, an artifact or anything else is refused with what to give, by `in` as well."""
    store = p.MemoryStore() if kind == "memory" else p.DiskStore(cachedir=tmp_path / "x")
    blob = store.put(b"abc")
    assert blob in store
    assert Blob(blob.id, 3) in store
    assert b"abc" == store[blob] == store.get(blob)
    for mistake in (blob.id, pair.artifact(1), pair(1), *MISTAKES.values()):
        for ask in (store.get, store.delete, store.__getitem__, store.__contains__):
            with pytest.raises(
                TypeError,
                match=r"expected a Blob as key, got .*; pass the Blob .* that put .*value_blob",
            ):
                ask(mistake)
    store.delete(blob)
    assert blob not in store

"""What authors of stores and layers are given."""

from types import ModuleType

import pytest

import provenance as p
from provenance import extending
from provenance.effect import with_layer
from provenance.effects.layers import Counter, counted
from provenance.effects.memory import MemoryRecords, MemorySets
from provenance.effects.memory_blobs import MemoryBlobs
from provenance.extending import repository_over
from provenance.ports.blobs import HasBlob, WriteBlob, blob_effects
from provenance.ports.records import FindRecord, PutRecord, record_effects
from provenance.testing import failing, in_memory


def double(x):
    """Be cached in these tests."""
    return 2 * x


def test_the_names_in_sight_are_those_for_authors():
    """No module and no helper is in sight, and every name is documented where it is made."""
    names = {name for name in vars(extending) if not name.startswith("_")} - {"annotations"}
    assert {"BlobStore", "StoreEffect", "blob_effects", "repository_over", "with_layer"} <= names
    assert [] == [name for name in names if isinstance(getattr(extending, name), ModuleType)]
    assert [] == [name for name in names if not getattr(extending, name).__doc__]


def test_a_layer_around_a_repository_hears_what_calls_ask():
    """A layered repository asks the layer, keeps its name and engine, and shares what is stored with the one below."""
    counter = Counter()
    with in_memory() as repo:
        watched = repo.with_layer(lambda base: counted(base, counter))
        decorated = p.provenance(repo=watched)(double)
        assert 4 == decorated(2)
        assert (repo.name, repo.get_engine) == (watched.name, watched.get_engine)
        assert {PutRecord: 1, WriteBlob: 1} == {
            kind: counter.asked[kind] for kind in (PutRecord, WriteBlob)
        }
        assert counter.asked[FindRecord] in (
            1,
            2,
        )  # once more where it is the first call, which claims the artifact
        assert decorated.artifact_id(2) in repo
        assert 4 == repo.get_value(decorated.artifact_id(2))


def test_the_last_layer_is_asked_first():
    """Layers stand around one another, the one that was put last outermost, and the handle below is as it was."""
    heard = []

    def noting(name):
        def around(effect, answer):
            heard.append(name)
            return answer(effect)

        return lambda base: with_layer(base, around)

    store = p.MemoryStore()
    blob = store.put(b"x")
    twice = store.with_layer(noting("inner")).with_layer(noting("outer"))
    assert blob in twice
    assert b"x" == twice[blob]
    assert ["outer", "inner"] * 2 == heard
    assert blob in store
    assert 4 == len(heard)


def test_a_layered_store_serves_a_repository():
    """A store with a layer goes into a repository like any other."""
    counter = Counter()
    store = p.MemoryStore().with_layer(lambda base: counted(base, counter))
    with p.using_repo(p.MemoryRepo(store=store)):
        assert 6 == p.provenance()(double)(3)
    assert 1 == counter.asked[WriteBlob]


def test_a_repository_of_ones_own_stores():
    """Records and blobs of whatever interpreters are a repository, in which functions are cached and files archived."""
    blobs = MemoryBlobs()
    repo = repository_over(
        "mine", blob_effects(blobs) | record_effects(MemoryRecords(blobs), MemorySets())
    )
    decorated = p.provenance(repo=repo)(double)
    assert "mine" == repo.name
    assert [8, True] == [decorated(4), decorated.is_cached(4)]
    assert "double" == p.artifact_of(decorated(4)).fn_name
    assert p.artifact_of(decorated(4)).run_info.python


@pytest.mark.parametrize("after", [False, True])
def test_a_call_that_is_stopped_anywhere_leaves_nothing_half_stored(after):
    """Wherever a call is stopped, what is recorded is whole, and the next call computes or hits as if nothing had been."""
    for n in range(1, 100):
        with in_memory() as repo:
            stopped = p.provenance(
                repo=repo.with_layer(
                    lambda base, n=n: failing(base, n, KeyboardInterrupt(), after=after)
                )
            )
            try:
                assert 10 == stopped(double)(5)
            except KeyboardInterrupt:
                assert all(
                    repo.interpreter(HasBlob(each.value_blob)) for each in p.search(repo=repo)
                )
                again = p.provenance()(double)
                assert [10, 10] == [again(5), p.unwrap(again(5))]
                assert 1 == len(list(p.search(repo=repo)))
            else:
                break
    assert 3 < n < 20

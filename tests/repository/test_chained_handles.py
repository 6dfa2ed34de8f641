"""Chains that are made without a configuration: of handles, which carry what a chain must know of them."""

from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve

import provenance as p
from contract.samples import new_id
from processes import printed
from provenance.ports.blobs import WriteBlob, blob_effects
from provenance.ports.leases import AcquireLease, ReleaseLease
from provenance.ports.permissions import Permissions
from provenance.ports.records import PutRecord

LARGE = 5_000


@p.provenance()
def numbers(n):
    """A small or a large value."""
    return list(range(n))


def disk(name, **options):
    """A store of files in a folder of its name."""
    return p.DiskStore(name, cachedir=name, **options)


def sqlite(name, **options):
    """A repository with a file and a folder of its name."""
    return p.SqliteRepo(
        name, **{"db": f"{name}.db", "store": disk(name), "inline_limit": 1_000, **options}
    )


def files(name):
    """What a store of files has."""
    return {
        path.name
        for path in Path(name).rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def ids(repo):
    """What is in a repository."""
    return {each.id for each in p.search(repo=repo)}


def pair(**options):
    """Two repositories and their chain, of whose parts the options by name say something."""
    near, far = (sqlite(name, **options.pop(name, {})) for name in ("near", "far"))
    return near, far, p.ChainedRepo("both", stores=[near, far], **options)


# ---------------------------------------------------------------- stores


def test_a_store_of_stores_is_a_store():
    """Bytes are put into each, come from any, and go from all."""
    near, far = disk("near"), disk("far")
    both = p.ChainedStore("both", stores=[near, far])
    blob = both.put(b"bytes")
    assert b"bytes" == near[blob] == far[blob] == both[blob] == both.get(blob)
    near.delete(blob)
    assert blob in both
    assert b"bytes" == both.get(blob) == near.get(blob)
    both.delete(blob)
    assert not any(blob in each for each in (near, far, both))
    with pytest.raises(p.BlobNotFoundError, match="both"):
        both.get(blob)


@pytest.mark.parametrize(
    ("near", "far", "written", "read", "deleted"),
    [
        ({}, {}, {"near", "far"}, {"near", "far"}, set()),
        ({"write": False}, {}, {"far"}, {"near", "far"}, set()),
        ({"write": False, "read_through_write": False}, {}, {"far"}, {"far"}, set()),
        ({}, {"write": False}, {"near"}, {"near"}, set()),
        ({"read_through_write": False}, {}, {"near", "far"}, {"far"}, set()),
        ({"read": False, "read_through_write": False}, {}, {"near", "far"}, {"far"}, set()),
        ({"delete": False}, {}, {"near", "far"}, {"near", "far"}, {"near"}),
        ({}, {"delete": False}, {"near", "far"}, {"near", "far"}, {"far"}),
    ],
)
def test_each_store_does_what_it_may(near, far, written, read, deleted):
    """What is written, what copies are taken when something is read, and what is left when it is deleted."""
    stores = [disk("near", **near), disk("far", **far)]
    both = p.ChainedStore(stores=stores)

    def having():
        return {name for name in ("near", "far") if files(name)}

    blob = both.put(b"bytes")
    assert written == having()
    if "far" in written:
        disk("near").delete(blob)
        assert b"bytes" == both[blob]
    assert read == having()
    both.delete(blob)
    assert deleted == having()


@pytest.mark.parametrize(
    ("permission", "operation"),
    [
        ("read", lambda store, blob: store[blob]),
        ("write", lambda store, _: store.put(b"more")),
        ("delete", lambda store, blob: store.delete(blob)),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_what_is_forbidden_names_the_chain(permission, operation, whole):
    """Whether it is the chain that forbids it, or each of its tiers."""
    blob = disk("near").put(b"bytes")
    never = {permission: False}
    tiers = {} if whole else never
    both = p.ChainedStore(
        "both", stores=[disk("near", **tiers), disk("far", **tiers)], **(never if whole else {})
    )
    with pytest.raises(p.StorePermissionError, match=f"(?s)'both'.*{permission}: false"):
        operation(both, blob)


class Shelf:
    """A store of an author's own, which refuses to be written to."""

    def __init__(self, data):
        self.data = data

    def read_blob(self, blob, read):
        """Not this one, either."""
        raise p.BlobNotFoundError(blob.id, "shelf")

    def has_blob(self, _):
        """Nothing is there."""
        return False

    def write_blob(self, write):
        """Nobody writes here."""
        raise AssertionError(write)

    delete_blob = quarantine = has_blob


def test_an_authors_handle_says_what_it_may_be_asked():
    """A chain goes by the permissions of a handle, whoever made it; layers around it leave them as they are."""
    mine = p.Store(
        "mine", blob_effects(Shelf(b"")), permissions=Permissions(write=False)
    ).with_layer(lambda base: base)
    far = disk("far")
    blob = p.ChainedStore(stores=[mine, far]).put(b"bytes")
    assert b"bytes" == far[blob]


def test_stores_are_opened_by_who_made_them():
    """Any iterable of handles will do, and a chain is a handle, too."""
    inner = p.ChainedStore("inner", stores=iter((disk("near"), p.MemoryStore())))
    blob = p.ChainedStore("outer", stores=(inner, disk("far"))).put(b"bytes")
    assert {blob.id[2:]} == files("near") == files("far")


# ---------------------------------------------------------------- repositories


@pytest.mark.parametrize("size", [3, LARGE])
def test_a_repository_over_a_store_of_stores(size):
    """Its values are in each of them, and what one has lost comes from the other."""
    store = p.ChainedStore(stores=[disk("near"), disk("far")])
    with p.using_repo(sqlite("records", store=store, inline_limit=0)) as repo:
        made = p.artifact_of(numbers(size))
        assert (
            files("near")
            == files("far")
            == {made.content_digest[2:], made.value_blob.id[2:]} | files("near")
        )
        disk("near").delete(made.value_blob)
        assert list(range(size)) == repo.get_value(made.id)
        assert files("near") == files("far")


def test_functions_use_it_like_any_repository(memory_repo):
    """As the default one of a block or of the process, and as the one that a function names."""
    near, far, both = pair()
    with p.using_repo(both):
        assert both is p.get_default_repo()
        one = p.artifact_of(numbers(1))
    p.set_default_repo(both)
    two = p.artifact_of(numbers(2))
    three = p.artifact_of(p.provenance(repo=both)(lambda: 3)())
    assert ids(near) == ids(far) == ids(both) == {one.id, two.id, three.id}
    assert not ids(memory_repo)
    both.delete(one.id)
    assert ids(near) == ids(far) == {two.id, three.id}


@pytest.mark.parametrize(
    ("near", "far", "computed", "found"),
    [
        ({}, {}, {"near", "far"}, {"near", "far"}),
        ({"write": False}, {}, {"far"}, {"near", "far"}),
        ({"write": False, "read_through_write": False}, {}, {"far"}, {"far"}),
        ({}, {"write": False}, {"near"}, {"near", "far"}),
        ({"read_through_write": False}, {}, {"near", "far"}, {"far"}),
    ],
)
def test_each_repository_does_what_it_may(near, far, computed, found):
    """Where records are after a miss, and after a hit of what was far away alone."""
    with p.using_repo(sqlite("far")):
        old = p.artifact_of(numbers(LARGE)).id
    first, second, both = pair(near=near, far=far)
    with p.using_repo(both):
        p.reset_stats()
        new = p.artifact_of(numbers(3)).id
        assert list(range(LARGE)) == numbers(LARGE)
        assert (1, 1) == (p.stats().hits, p.stats().misses)

    def having(artifact_id):
        return {each.name for each in (first, second) if artifact_id in each}

    assert computed == having(new)
    assert found == having(old)


def test_the_chain_itself_may_be_read_only():
    """What its own permissions forbid names it; its tiers may be asked by themselves."""
    near, _, both = pair(write=False, delete=False)
    with (
        p.using_repo(both),
        pytest.raises(p.StorePermissionError, match="'both' is configured with write: false"),
    ):
        numbers(3)
    with p.using_repo(near):
        made = p.artifact_of(numbers(3))
    assert made.id in both
    with pytest.raises(p.StorePermissionError, match="'both' is configured with delete: false"):
        both.delete(made.id)


@pytest.mark.parametrize("kind", [WriteBlob, PutRecord])
def test_a_tier_that_fails_is_named_and_leaves_the_others_consistent(kind):
    """What does not get into the far repository is not in the near one, either; once it does, it is in both."""
    near, far, both = pair()

    def refuse(_):
        raise p.StoreUnavailableError("far", "the disk is full", "empty it")

    full = far.with_layer(lambda base: base | kind.on(refuse))
    with (
        p.using_repo(p.ChainedRepo(stores=[near, full])),
        pytest.raises(p.StoreUnavailableError, match="far") as raised,
    ):
        numbers(LARGE)
    assert list(range(LARGE)) == raised.value.value
    assert set() == ids(near) == ids(far)
    with p.using_repo(both):
        made = p.artifact_of(numbers(LARGE))
    assert {made.id} == ids(near) == ids(far)


def test_who_computes_is_told_where_most_look():
    """The lease of an artifact is in the farthest repository that may be written to."""
    near, far = p.MemoryRepo("near"), p.MemoryRepo("far")
    both = p.ChainedRepo(stores=[near, far, p.MemoryRepo("archive", write=False)])
    lease = both.interpreter(AcquireLease(new_id(), 60.0))
    assert not near.interpreter(ReleaseLease(lease))
    assert far.interpreter(ReleaseLease(lease))
    assert not both.interpreter(ReleaseLease(lease))


def test_its_engine_is_that_of_the_nearest_database():
    """Memory has none, and a chain of memory has none."""
    near, far, both = pair()
    assert near.engine is both.engine
    assert far.engine is p.ChainedRepo(stores=[p.MemoryRepo(), far]).engine
    with pytest.raises(p.ConfigError, match="'both': it has no SQL database"):
        _ = p.ChainedRepo("both", stores=[p.MemoryRepo()]).engine


def test_it_is_taken_care_of_as_a_whole():
    """It is verified, swept and made smaller like any repository, in each of its tiers."""
    near, far, both = pair()
    with p.using_repo(both):
        made = p.artifact_of(numbers(LARGE))
        assert p.verify(both).is_sound
        left = [disk(name).put(name.encode()) for name in ("near", "far")]
        swept = p.collect_garbage(both, dry_run=False, older_than=timedelta(0))
        assert {each.id for each in left} == {each.key for each in swept.garbage}
        assert list(range(LARGE)) == near.get_value(made.id) == far.get_value(made.id)
        gone = p.evict(both, max_bytes=0, older_than=timedelta(0), dry_run=False)
        assert [made.id] == [each for value in gone.values for each in value.artifact_ids]
        for repo in (near, far, both):
            assert made.id in repo
            with pytest.raises(p.BlobNotFoundError):
                repo.get_value(made.id)
        assert list(range(LARGE)) == numbers(LARGE)
        assert list(range(LARGE)) == near.get_value(made.id) == far.get_value(made.id)


def test_what_is_promoted_into_it_is_everywhere():
    """With what it was made from."""
    near, far, both = pair()
    with p.using_repo(p.MemoryRepo()) as source:
        made = p.artifact_of(p.provenance(name="total")(sum)(numbers(LARGE)))
        p.promote(made, to_repo=both, from_repo=source)
    assert ids(near) == ids(far) == ids(source)


def test_another_process_makes_it_again():
    """What one computed is a hit in the other: handles keep nothing that is not in the stores."""
    script = """
import provenance as p
@p.provenance(name="three", repo=p.ChainedRepo(stores=[p.SqliteRepo(n, db=n + ".db") for n in ("near", "far")]))
def three():
    print("computed")
    return 3
print(three())
"""
    assert ["computed\n3\n", "3\n"] == [printed(script), printed(script)]


# ---------------------------------------------------------------- mistakes


def memory_repos():
    """Two repositories of one name."""
    return [p.MemoryRepo(), p.MemoryRepo()]


def test_the_same_tier_twice_is_a_mistake():
    """So are two of one name, by which errors tell tiers from each other."""
    near, store = sqlite("near"), disk("near")
    for stores in ([near, near], memory_repos(), [near, evolve(near)]):
        with pytest.raises(
            p.ConfigError, match=r"(?s)mine.*duplicate.*stores.*its own name"
        ) as raised:
            p.ChainedRepo("mine", stores=stores)
        assert repr(stores[0].name) in str(raised.value)
    with pytest.raises(p.ConfigError, match="duplicate store 'near'"):
        p.ChainedStore(stores=[store, store])


@pytest.mark.parametrize("make", [p.ChainedRepo, p.ChainedStore])
@pytest.mark.parametrize("stores", [[], (), iter(())])
def test_a_chain_of_nothing_is_a_mistake(make, stores):
    """It says so, and what is needed."""
    with pytest.raises(p.ConfigError, match=r"mine: stores is empty; .*at least one"):
        make("mine", stores=stores)


@pytest.mark.parametrize(
    ("make", "stores", "match"),
    [
        (
            p.ChainedRepo,
            ["mine"],
            r"mine\.stores\[0\]: must be a Repository, got a str; .*get_repo_by_name",
        ),
        (p.ChainedRepo, "mine", r"mine\.stores\[0\]: must be a Repository, got a str"),
        (
            p.ChainedRepo,
            [p.MemoryRepo(), p.MemoryStore()],
            r"mine\.stores\[1\]: must be a Repository, got a Store",
        ),
        (
            p.ChainedRepo,
            p.MemoryRepo(),
            r"mine\.stores: must be a list of handles, got a Repository; ",
        ),
        (p.ChainedRepo, None, r"mine\.stores: must be a list of handles, got a NoneType; "),
        (
            p.ChainedStore,
            [p.MemoryRepo()],
            r"mine\.stores\[0\]: must be a Store, got a Repository; .*DiskStore",
        ),
        (
            p.ChainedStore,
            p.MemoryStore(),
            r"mine\.stores: must be a list of handles, got a Store; ",
        ),
        (
            p.ChainedStore,
            [{"type": "disk"}],
            r"mine\.stores\[0\]: must be a Store, got a dict; .*DiskStore",
        ),
    ],
)
def test_what_is_no_tier_is_a_mistake(make, stores, match):
    """It says which, and what it is, and what to give."""
    with pytest.raises(p.ConfigError, match=match):
        make("mine", stores=stores)


@pytest.mark.parametrize("make", [p.ChainedRepo, p.ChainedStore])
def test_options_are_those_of_the_configuration(make):
    """Others, and others' types, are mistakes."""
    stores = [p.MemoryRepo()] if make is p.ChainedRepo else [p.MemoryStore()]
    with pytest.raises(p.ConfigError, match=r"mine.*on_duplicate_key"):
        make("mine", stores=stores, on_duplicate_key="skip")
    with pytest.raises(p.ConfigError, match=r"mine\.write.*of type bool, got a str"):
        make("mine", stores=stores, write="no")

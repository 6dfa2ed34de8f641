"""What each blob store does with bytes that it has already, by `on_duplicate_key`."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from contract.remote import REMOTES, change
from provenance.effects.disk.blobs import DiskBlobs
from provenance.effects.memory_blobs import MemoryBlobs
from provenance.effects.objectstore.blobs import ObjectBlobs
from provenance.errors import CorruptBlobError, KeyExistsError
from provenance.ports.blobs import OnDuplicate

DATA = b"the same bytes"


def writing(data):
    """An encoder of *data*."""
    return lambda sink: sink.write(data) and None


class InMemory:
    """The store in memory, whose bytes can be changed behind its back."""

    def __init__(self, folder, policy):
        self.blobs = MemoryBlobs("mine", policy)

    def change(self, blob, how):
        self.blobs._held[blob.id] = how(self.blobs._held[blob.id])


class OnDisk:
    """The store in files."""

    def __init__(self, folder, policy):
        self.root = folder / "blobs"
        self.blobs = DiskBlobs(self.root, "mine", on_duplicate=policy)

    def change(self, blob, how):
        path = self.root / blob.id[:2] / blob.id[2:]
        path.write_bytes(how(path.read_bytes()))


class Elsewhere:
    """A store that is elsewhere."""

    def __init__(self, make, folder, policy):
        self.remote = make(folder)
        self.blobs = ObjectBlobs(self.remote, policy)

    def change(self, blob, how):
        change(self.remote, f"{blob.id[:2]}/{blob.id[2:]}", how)


def elsewhere(make):
    """Stores of *make*."""
    return lambda folder, policy: Elsewhere(make, folder, policy)


STORES = {
    "memory": InMemory,
    "disk": OnDisk,
    **{name: elsewhere(make) for name, make in REMOTES.items()},
}
CREATE_ONLY = [
    name for name in STORES if name not in {"memory", "sftp", "fsspec, files", "fsspec, ram"}
]


@pytest.fixture(params=STORES)
def store(request, tmp_path):
    """Each store in turn, to be made with a policy."""
    return lambda policy: STORES[request.param](tmp_path, policy)


@pytest.mark.parametrize("policy", [each for each in OnDuplicate if each is not OnDuplicate.RAISE])
def test_the_same_bytes_may_be_written_again(store, policy):
    """But where that is forbidden, bytes that are there are no obstacle to the same ones."""
    made = store(policy)
    first, second = (made.blobs.write_blob(writing(DATA)).blob for _ in range(2))
    assert first == second
    assert DATA == made.blobs.read_blob(first, lambda source: source.read())


def test_raise_wants_new_bytes(store):
    """With `raise` the second write is an error that names store and blob; the bytes stay, and other bytes are taken."""
    made = store(OnDuplicate.RAISE)
    blob = made.blobs.write_blob(writing(DATA)).blob
    with pytest.raises(KeyExistsError, match=blob.id) as raised:
        made.blobs.write_blob(writing(DATA))
    assert (blob.id, made.blobs._name) == (raised.value.key, raised.value.store)
    assert DATA == made.blobs.read_blob(blob, lambda source: source.read())
    assert made.blobs.has_blob(made.blobs.write_blob(writing(b"other bytes")).blob)


def test_check_collision_finds_other_bytes(store):
    """With `check_collision` other bytes under the same name are an error, however many they are, and stay."""
    made = store(OnDuplicate.CHECK_COLLISION)
    blob = made.blobs.write_blob(writing(DATA)).blob
    for how in (lambda data: data[:-1] + b"?", lambda data: data + b"!"):
        made.change(blob, how)
        with pytest.raises(CorruptBlobError, match=blob.id):
            made.blobs.write_blob(writing(DATA))
    made.blobs.delete_blob(blob)
    assert blob == made.blobs.write_blob(writing(DATA)).blob


def test_overwrite_replaces_whatever_is_there(store):
    """With `overwrite` bytes that were changed are those that are written, although there are as many."""
    made = store(OnDuplicate.OVERWRITE)
    blob = made.blobs.write_blob(writing(DATA)).blob
    made.change(blob, lambda data: data[:-1] + b"?")
    made.blobs.write_blob(writing(DATA))
    assert DATA == made.blobs.read_blob(blob, lambda source: source.read())


@pytest.mark.parametrize("policy", [OnDuplicate.SKIP, OnDuplicate.RAISE])
def test_damaged_bytes_make_room(store, policy):
    """What has lost bytes counts as not there: it is replaced."""
    made = store(policy)
    blob = made.blobs.write_blob(writing(DATA)).blob
    made.change(blob, lambda data: data[:-1])
    assert blob == made.blobs.write_blob(writing(DATA)).blob
    assert DATA == made.blobs.read_blob(blob, lambda source: source.read())


@pytest.mark.parametrize("name", CREATE_ONLY)
def test_one_of_many_writers_is_first(name, tmp_path):
    """Of writers that come at once one alone is told that the bytes were new, where the place can tell."""
    made = STORES[name](tmp_path, OnDuplicate.RAISE)
    barrier = Barrier(4)

    def write(data):
        barrier.wait()
        try:
            return made.blobs.write_blob(writing(data))
        except KeyExistsError:
            return None

    with ThreadPoolExecutor(4) as pool:
        for number in range(20 if name == "disk" else 1):
            written = list(pool.map(write, [DATA + bytes([number])] * 4))
            assert 1 == sum(blob is not None for blob in written)


@pytest.mark.parametrize("policy", [OnDuplicate.SKIP, OnDuplicate.CHECK_COLLISION])
def test_what_stays_on_disk_looks_new(tmp_path, policy):
    """A file that is written again is the same file, and as young as one that was just made: no collector takes it."""
    made = OnDisk(tmp_path, policy)
    blob = made.blobs.write_blob(writing(DATA)).blob
    path = made.root / blob.id[:2] / blob.id[2:]
    os.utime(path, (1_000_000_000, 1_000_000_000))
    before = path.stat().st_ino
    made.blobs.write_blob(writing(DATA))
    assert before == path.stat().st_ino
    assert time.time() - path.stat().st_mtime < 60


def test_what_is_old_elsewhere_is_written_again(tmp_path):
    """With `skip` a young file elsewhere is left alone, and one of more than an hour is written again."""
    made = Elsewhere(REMOTES["fsspec, files"], tmp_path, OnDuplicate.SKIP)
    blob = made.blobs.write_blob(writing(DATA)).blob
    path = next((tmp_path / "files").rglob(blob.id[2:]))
    for age, expected in ((1_800, 1_800), (4_000, 0)):
        os.utime(path, (time.time() - age,) * 2)
        made.blobs.write_blob(writing(DATA))
        assert abs(time.time() - path.stat().st_mtime - expected) < 60

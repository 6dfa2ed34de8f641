"""What is in the place of a blob's file and is none: a folder, a link that leads to itself, a pipe."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import provenance as p
from provenance.effects.disk.blobs import DiskBlobs
from provenance.effects.io import blob_of
from provenance.errors import CorruptBlobError, StoreUnavailableError
from provenance.maintenance.reports import BlobDamaged
from provenance.ports.blobs import BlobArea, OnDuplicate

LARGE = 200_000
"""More than is read at once."""


def folder(path):
    """A folder with something in it."""
    path.mkdir()
    (path / "mine.txt").write_text("mine")


def loop(path):
    """A link to itself."""
    path.symlink_to(path)


OBSTACLES = {"folder": folder, "loop": loop, "pipe": os.mkfifo}


@pytest.fixture(params=sorted(OBSTACLES))
def obstacle(request):
    """What makes something that is no file."""
    return OBSTACLES[request.param]


@pytest.fixture
def store(tmp_path):
    """A store in a folder."""
    return DiskBlobs(tmp_path / "blobs")


def put(store, data):
    """Write *data*; its blob."""
    return store.write_blob(lambda sink: sink.write(data) and None).blob


def blocked(store, data, obstacle):
    """The blob of *data*, and the path of its file, where something else is now."""
    blob = put(store, data)
    path = place(store, blob)
    path.unlink()
    obstacle(path)
    return blob, path


def place(store, blob):
    """Where the file of *blob* is to be."""
    return Path(store._path(blob))


def open_files():
    """How many descriptors are open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("size", [10, LARGE])
def test_reading_says_that_it_is_no_file(store, obstacle, size):
    """What is there is not what was stored; nothing stays open, and nothing is waited for."""
    blob, _ = blocked(store, b"x" * size, obstacle)
    before = open_files()
    for _ in range(3):
        for look in (
            lambda: store.read_blob(blob, lambda source: source.read()),
            lambda: store.verify_blob(blob),
        ):
            with pytest.raises(CorruptBlobError):
                look()
    assert not store.has_blob(blob)
    assert before == open_files()


@pytest.mark.parametrize(
    "how", [OnDuplicate.SKIP, OnDuplicate.RAISE, OnDuplicate.OVERWRITE, OnDuplicate.CHECK_COLLISION]
)
def test_writing_puts_it_aside(tmp_path, obstacle, how):
    """The bytes take their place, and a folder that was there is put aside with all that is in it, each time."""
    store = DiskBlobs(tmp_path / "blobs", on_duplicate=how)
    for _ in range(2):
        blob, path = blocked(store, b"x" * 10, obstacle)
        assert blob == put(store, b"x" * 10)
        assert b"x" * 10 == store.read_blob(blob, lambda source: source.read())
        path.unlink()
    if obstacle is folder:
        assert ["mine"] * 2 == [
            each.read_text() for each in tmp_path.glob("blobs/.quarantine/*/mine.txt")
        ]


def test_quarantining_moves_it_aside(store, tmp_path, obstacle):
    """Whatever it is, and whatever was put aside under this name before, there is room for the file afterwards."""
    blob = put(store, b"x")
    store.quarantine(blob)
    for _ in range(2):
        obstacle(place(store, blob))
        store.quarantine(blob)
        assert not os.path.lexists(place(store, blob))
    assert blob == put(store, b"x")
    assert (3 if obstacle is folder else 1) == len(
        store.list_blob_entries(BlobArea.QUARANTINED, "", 10)
    )


def test_what_was_put_aside_can_be_deleted(store, obstacle):
    """A collector deletes it as a whole; what is in the place of a blob it does not touch if it is a folder."""
    blob, path = blocked(store, b"x", obstacle)
    later = datetime.now(UTC) + timedelta(seconds=5)
    if obstacle is folder:
        assert () == store.list_blob_entries(BlobArea.STORED, "", 10)
        assert not store.delete_if_older(BlobArea.STORED, blob.id, later)
        store.delete_blob(blob)
        assert (path / "mine.txt").exists()
    store.quarantine(blob)
    (holding,) = store.list_blob_entries(BlobArea.QUARANTINED, "", 10)
    assert store.delete_if_older(BlobArea.QUARANTINED, holding.key, later)
    assert (
        ()
        == store.list_blob_entries(BlobArea.QUARANTINED, "", 10)
        == store.list_blob_entries(BlobArea.TEMPORARY, "", 10)
    )


def test_what_cannot_be_moved_is_named(store, monkeypatch):
    """Where it cannot be put aside, the error says what is in the way, of a write and of a quarantine."""
    blob, path = blocked(store, b"x", folder)
    replace = os.replace

    def refusing(source, target):
        if os.fspath(source) == os.fspath(path):
            raise PermissionError(13, "Permission denied", source)
        replace(source, target)

    monkeypatch.setattr(os, "replace", refusing)
    for ask in (lambda: store.quarantine(blob), lambda: put(store, b"x")):
        with pytest.raises(
            StoreUnavailableError,
            match=rf"cannot quarantine {path}.*Permission denied.*move it away",
        ):
            ask()
    assert [] == [each.key for each in store.list_blob_entries(BlobArea.TEMPORARY, "", 10)]


@p.provenance()
def large(n):
    """A value that is stored as a file."""
    return b"x" * (LARGE + n)


def test_a_hit_heals(tmp_path, obstacle):
    """The call is computed anew once, and stored; `verify` tells of the problem before, and of none afterwards."""
    repo = p.SqliteRepo(db=tmp_path / "r.db", store=p.DiskStore(cachedir=tmp_path / "blobs"))
    with p.using_repo(repo):
        digest = p.artifact_of(large(1)).content_digest
        path = tmp_path / "blobs" / digest[:2] / digest[2:]
        path.unlink()
        obstacle(path)
        before = open_files()
        assert [BlobDamaged] == [type(each) for each in p.verify(repo).problems]
        assert before == open_files()
        for _ in range(2):
            assert LARGE + 1 == len(p.unwrap(large(1)))
        assert path.is_file()
        assert p.verify(repo).is_sound


def test_a_blob_of_nothing(store):
    """Nothing is not the same as no file."""
    blob, _ = blocked(store, b"", loop)
    with pytest.raises(CorruptBlobError):
        store.read_blob(blob, lambda source: source.read())
    assert blob == put(store, b"") == blob_of(b"")

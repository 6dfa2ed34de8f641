"""Blobs in files: what the folder looks like, and what happens when it cannot be used."""

import errno
import os
import stat
import threading
import time

import pytest

from contract.processes import in_process
from provenance.effects.disk import blobs, directory
from provenance.effects.disk.blobs import DiskBlobs
from provenance.effects.io import blob_of
from provenance.errors import BlobNotFoundError, CorruptBlobError, StoreUnavailableError
from provenance.ports.blobs import Durability, VerifyReads
from waiting import PATIENCE


def writing(data):
    """An encoder of *data*."""
    return lambda sink: sink.write(data) and None


def files(root):
    """All files under *root*."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_blob_lives_under_its_digest(tmp_path):
    """The file is named by the blob's id, holds its bytes and nothing else, and is the only one."""
    blob = DiskBlobs(tmp_path / "new" / "root").write_blob(writing(b"bytes")).blob
    assert [f"{blob.id[:2]}/{blob.id[2:]}"] == files(tmp_path / "new" / "root")
    assert b"bytes" == (tmp_path / "new" / "root" / blob.id[:2] / blob.id[2:]).read_bytes()


def test_the_mode_is_what_the_umask_leaves(tmp_path):
    """Others may read a blob when the umask lets them read any file."""
    old = os.umask(0o027)
    try:
        blob = DiskBlobs(tmp_path).write_blob(writing(b"bytes")).blob
    finally:
        os.umask(old)
    assert 0o640 == stat.S_IMODE((tmp_path / blob.id[:2] / blob.id[2:]).stat().st_mode)


@pytest.mark.parametrize("size", [0, 10, 100_000, 2 << 20])
def test_nothing_half_written_stays(tmp_path, size):
    """A write that fails at any time leaves no file."""

    def write(sink):
        sink.write(b"x" * size)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        DiskBlobs(tmp_path).write_blob(write)
    assert [] == files(tmp_path)


def test_writing_again_keeps_one_file(tmp_path):
    """A blob that is written twice is kept once."""
    store = DiskBlobs(tmp_path)
    blob = store.write_blob(writing(b"bytes")).blob
    assert blob == store.write_blob(writing(b"bytes")).blob
    assert 1 == len(files(tmp_path))


def test_writing_again_replaces_a_damaged_file(tmp_path):
    """A file of the right size with other bytes is no obstacle to writing the blob."""
    store = DiskBlobs(tmp_path)
    blob = store.write_blob(writing(b"bytes")).blob
    (tmp_path / blob.id[:2] / blob.id[2:]).write_bytes(b"wrong")
    store.write_blob(writing(b"bytes"))
    assert b"bytes" == store.read_blob(blob, lambda source: source.read())


def test_writing_again_replaces_a_truncated_file(tmp_path):
    """A file of another size than the blob's is no obstacle to writing the blob."""
    store = DiskBlobs(tmp_path)
    blob = store.write_blob(writing(b"bytes")).blob
    (tmp_path / blob.id[:2] / blob.id[2:]).write_bytes(b"byt")
    store.write_blob(writing(b"bytes"))
    assert b"bytes" == store.read_blob(blob, lambda source: source.read())


def test_quarantine_keeps_the_bytes(tmp_path):
    """A blob put aside can be inspected under its whole id."""
    store = DiskBlobs(tmp_path)
    blob = store.write_blob(writing(b"bytes")).blob
    store.quarantine(blob)
    assert [f".quarantine/{blob.id}"] == files(tmp_path)


def test_stale_temporary_files_go(tmp_path):
    """What killed writers left more than a day ago is deleted with the first write; what is younger stays."""
    folder = tmp_path / ".tmp"
    folder.mkdir()
    for name, age in [("1-old", 90_000), ("2-young", 3_600)]:
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age,) * 2)
    DiskBlobs(tmp_path).write_blob(writing(b"bytes"))
    assert ["2-young"] == [path.name for path in folder.iterdir()]


def test_power_loss_is_waited_for(tmp_path, monkeypatch):
    """With durability POWER the file is on the device before it is published, and its folder after; else nothing waits."""
    done = []
    monkeypatch.setattr(
        os,
        "fsync",
        lambda fd: done.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file"),
    )
    monkeypatch.setattr(
        os, "replace", lambda *paths, replace=os.replace: done.append("renamed") or replace(*paths)
    )
    DiskBlobs(tmp_path / "process").write_blob(writing(b"bytes"))
    assert {"renamed"} == set(done)
    done.clear()
    DiskBlobs(tmp_path / "power", durability=Durability.POWER).write_blob(writing(b"bytes"))
    order = [each for turn, each in enumerate(done) if done.index(each) == turn]
    assert ["file", "renamed", "folder"] == order


def test_a_file_checked_once_is_not_read_twice(tmp_path, monkeypatch):
    """A large file that was checked in this process, and is what it was, is handed over without another pass."""
    passes = []
    through = blobs.read_through
    monkeypatch.setattr(blobs, "read_through", lambda file: passes.append(file) or through(file))
    store = DiskBlobs(tmp_path)
    blob = store.write_blob(writing(bytes(1 << 20))).blob
    time.sleep(0.2)  # until a change would be sure to show in the file's times
    for _ in range(3):
        store.read_blob(blob, lambda source: None)
    assert 1 == len(passes)


def test_a_changed_file_is_read_again_whatever_its_times_say(tmp_path):
    """Who changes a file that was checked, and sets its time of modification back, is found out."""
    store = DiskBlobs(tmp_path)
    blob = store.write_blob(writing(bytes(1 << 20))).blob
    path = tmp_path / blob.id[:2] / blob.id[2:]
    os.utime(path, (1_000_000_000, 1_000_000_000))
    time.sleep(0.2)
    store.read_blob(blob, lambda source: None)
    path.write_bytes(b"\1" * (1 << 20))
    os.utime(path, (1_000_000_000, 1_000_000_000))
    with pytest.raises(CorruptBlobError):
        store.read_blob(blob, lambda source: None)


@pytest.mark.parametrize("is_killed", [False, True])
@pytest.mark.parametrize("size", [100, 1 << 20])
def test_what_a_collector_moved_out_of_the_way_is_waited_for(
    tmp_path, size, is_killed, monkeypatch
):
    """Who reads in that moment finds it when it is back; if the collector was killed, the reader puts it back."""
    if not is_killed:
        monkeypatch.setattr(directory, "_MOMENT", PATIENCE)
    store = DiskBlobs(tmp_path)
    blob = store.write_blob(writing(bytes(size))).blob
    path, aside = tmp_path / blob.id[:2] / blob.id[2:], tmp_path / ".tmp" / f"moved-{blob.id}-12"
    for use in (
        lambda: store.read_blob(blob, lambda source: source.read()),
        lambda: store.has_blob(blob),
    ):
        path.rename(aside)
        collector = threading.Timer(0.1, lambda: None if is_killed else aside.rename(path))
        collector.start()
        assert use() in (True, bytes(size))
        collector.join()
        assert (True, False) == (path.exists(), aside.exists())
    path.unlink()
    assert not store.has_blob(blob)
    with pytest.raises(BlobNotFoundError):
        store.read_blob(blob, lambda source: None)


@pytest.mark.parametrize("size", [100, 1 << 20])
def test_how_often_bytes_are_compared_is_a_choice(tmp_path, size, monkeypatch):
    """Always, when they have changed, or never but for their number; whoever verifies compares them all the same."""
    passes = []
    through = blobs.read_through
    monkeypatch.setattr(blobs, "read_through", lambda file: passes.append(file) or through(file))
    stores = {each: DiskBlobs(tmp_path, compared=each) for each in VerifyReads}
    blob = stores[VerifyReads.ALWAYS].write_blob(writing(bytes(size))).blob
    time.sleep(0.2)  # until a change would be sure to show in the file's times
    for expected, store in zip(
        (1, 2, 0) if size > 100 else (0, 0, 0), stores.values(), strict=True
    ):
        passes.clear()
        for _ in range(2):
            assert bytes(size) == store.read_blob(blob, lambda source: source.read())
        assert expected == len(passes)
    path = tmp_path / blob.id[:2] / blob.id[2:]
    path.write_bytes(b"\1" * size)
    assert b"\1" * size == stores[VerifyReads.SIZE].read_blob(blob, lambda source: source.read())
    for use in (stores[VerifyReads.ALWAYS].read_blob, stores[VerifyReads.CHANGED].read_blob):
        with pytest.raises(CorruptBlobError):
            use(blob, lambda source: source.read())
    with pytest.raises(CorruptBlobError):
        stores[VerifyReads.SIZE].verify_blob(blob)
    path.write_bytes(b"")
    with pytest.raises(CorruptBlobError):
        stores[VerifyReads.SIZE].read_blob(blob, lambda source: source.read())


def test_a_large_source_is_a_plain_file(tmp_path):
    """What decoders get of a large blob has a file descriptor, so that NumPy can read from it directly."""
    store = DiskBlobs(tmp_path)
    blob = store.write_blob(writing(bytes(1 << 20))).blob
    assert store.read_blob(blob, lambda source: source.fileno()) > 2


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_file_in_the_way_is_told(tmp_path, size):
    """Where a part of the path is a file, every operation says that the store is unavailable, and what to do."""
    (tmp_path / "file").write_bytes(b"")
    store = DiskBlobs(tmp_path / "file" / "blobs", "mine")
    blob = blob_of(bytes(size))
    for use in (
        lambda: store.write_blob(writing(bytes(size))),
        lambda: store.read_blob(blob, lambda source: source.read()),
        lambda: store.has_blob(blob),
        lambda: store.delete_blob(blob),
        lambda: store.quarantine(blob),
    ):
        with pytest.raises(
            StoreUnavailableError, match=r"'mine' is unavailable.*choose another place"
        ):
            use()


@pytest.mark.parametrize(
    "task", ["full_disk", "full_database", "read_only_disk", "read_only_database", "too_large_file"]
)
def test_a_place_that_takes_no_more(task, tmp_path):
    """A full or read-only file system is told with advice, nothing half-written stays, and what was stored is read."""
    in_process("effects.disk.faults", task, tmp_path)


@pytest.mark.parametrize("hide", [RuntimeError("the encoder gave up"), None])
def test_a_sink_that_fails_is_told_as_such(tmp_path, monkeypatch, hide):
    """A disk that refuses is what the caller hears of, even if the encoder makes another error of it, or none."""

    def refuse(fd, data):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", refuse)

    def write(sink):
        try:
            sink.write(bytes(1 << 20))
        except StoreUnavailableError:
            if hide:
                raise hide from None

    with pytest.raises(StoreUnavailableError, match="free some space"):
        DiskBlobs(tmp_path).write_blob(write)
    assert [] == files(tmp_path)

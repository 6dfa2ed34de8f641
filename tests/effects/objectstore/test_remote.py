"""Places that are elsewhere when they fail: cut connections, silence, full disks, wrong credentials; and forks."""

import logging
import os
import socket
import time

import pytest

from contract.processes import in_process
from contract.remote import REMOTES
from contract.stores import each
from provenance.effects.objectstore.blobs import ObjectBlobs
from provenance.effects.objectstore.client import RemoteFiles
from provenance.errors import BlobNotFoundError, StoreUnavailableError
from provenance.ports.blobs import OnDuplicate, RemoteLocation
from servers import gcs, moto_s3, seaweed, sftp
from servers.proxies import Proxy

LARGE = {"s3": 20 << 20, "seaweed": 20 << 20, "gs": 3 << 20, "sftp": 3 << 20}
"""Bytes that take a while; to S3 they go in several parts."""
DEADLINE = 20.0
SLACK = 15.0
"""Seconds that a machine with much else to do may take beside."""
KINDS = {
    "s3": (moto_s3, "s3", moto_s3.BUCKET),
    "seaweed": (seaweed, "s3", seaweed.BUCKET),
    "gs": (gcs, "gs", gcs.BUCKET),
    "sftp": (sftp, "sftp", "faults"),
}
ONE_QUICK = [kind if kind == "s3" else pytest.param(kind, marks=pytest.mark.long) for kind in KINDS]


def writing(data):
    """An encoder of *data*."""
    return lambda sink: sink.write(data) and None


def port_of(kind):
    """Where the server of this kind listens."""
    if kind == "sftp":
        return sftp.port()
    return int(KINDS[kind][0].storage_options()["endpoint_url"].rpartition(":")[2])


def options(kind, port, **changes):
    """How to reach it at another port."""
    given = {**KINDS[kind][0].storage_options(), **changes}
    if kind == "sftp":
        return {**given, "host": sftp.HOST, "port": port, "known_hosts": None, **changes}
    return {**given, "endpoint_url": f"http://127.0.0.1:{port}", **changes}


def remote(kind, port, root="", timeout=5.0, deadline=DEADLINE, **changes):
    """The place by way of *port*."""
    _, protocol, bucket = KINDS[kind]
    return RemoteFiles(
        "far",
        RemoteLocation(
            protocol, root or f"{bucket}/faults", options(kind, port, **changes), timeout, deadline
        ),
    )


def told(kind, port, **changes):
    """How a failure to look for a blob, to read it and to write it are told: one text, in some seconds."""
    blobs = ObjectBlobs(remote(kind, port, **changes), OnDuplicate.OVERWRITE)
    blob = (
        ObjectBlobs(RemoteFiles("ram", RemoteLocation("memory", "memory://x")))
        .write_blob(writing(b"x"))
        .blob
    )
    texts = []
    for use in (
        lambda: blobs.has_blob(blob),
        lambda: blobs.read_blob(blob, lambda source: source.read()),
        lambda: blobs.write_blob(writing(b"x")),
    ):
        with pytest.raises(StoreUnavailableError) as raised:
            use()
        assert "far" == raised.value.store
        texts.append(str(raised.value))
    return "\n".join(texts)


@pytest.mark.parametrize("kind", ONE_QUICK)
@pytest.mark.parametrize("after", [100, 1 << 20])
def test_a_cut_connection_is_made_again(kind, after):
    """Connections that are cut in the middle of an upload cost time and nothing else."""
    data = os.urandom(LARGE[kind])
    with Proxy(port_of(kind), cuts=2, after=after) as proxy:
        blobs = ObjectBlobs(remote(kind, proxy.port))
        blob = blobs.write_blob(writing(data)).blob
        assert 0 == proxy.cuts
        assert data == blobs.read_blob(blob, lambda source: source.read())
        blobs.delete_blob(blob)


@pytest.mark.parametrize("kind", ONE_QUICK)
def test_what_was_cut_off_is_not_seen(kind):
    """An upload whose connections are all cut is told, and nothing of it is to be seen, nor later in the way."""
    data = os.urandom(LARGE[kind])
    direct = ObjectBlobs(remote(kind, port_of(kind)))
    with Proxy(port_of(kind), cuts=10_000, after=1 << 20) as proxy:
        blobs = ObjectBlobs(remote(kind, proxy.port, deadline=3.0), OnDuplicate.OVERWRITE)
        with pytest.raises(StoreUnavailableError, match="try again"):
            blobs.write_blob(writing(data))
    blob = (
        ObjectBlobs(RemoteFiles("ram", RemoteLocation("memory", "memory://x")))
        .write_blob(writing(data))
        .blob
    )
    assert not direct.has_blob(blob)
    with pytest.raises(BlobNotFoundError):
        direct.read_blob(blob, lambda source: source.read())
    assert blob == direct.write_blob(writing(data)).blob
    assert data == direct.read_blob(blob, lambda source: source.read())
    direct.delete_blob(blob)


@pytest.mark.parametrize("kind", ONE_QUICK)
def test_a_black_hole_is_told_in_time(kind):
    """Where nothing answers, each operation ends within its deadline."""
    with Proxy(0, black_hole=True) as proxy:
        begun = time.monotonic()
        text = told(kind, proxy.port, timeout=0.5, deadline=1.5)
        assert time.monotonic() - begun < 3 * 1.5 + SLACK
    assert 3 == text.count("check the address and the network")


@pytest.mark.parametrize("kind", ONE_QUICK)
def test_a_port_where_nobody_listens_is_told(kind):
    """A refused connection is told soon, with advice."""
    with socket.socket() as silent:  # bound, so that nobody else takes the port
        silent.bind(("127.0.0.1", 0))
        begun = time.monotonic()
        text = told(kind, silent.getsockname()[1], timeout=1.0, deadline=1.5)
        assert time.monotonic() - begun < 3 * 1.5 + SLACK
    assert 3 == text.count("check the address and the network")


WRONG = {
    "s3": {"root": "no-such-bucket/x"},
    "seaweed": {"root": "no-such-bucket/x"},
    "gs": {"root": "no-such-bucket/x"},
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_missing_bucket_is_told(kind):
    """That there is no such bucket is no missing blob: it is told by name, whatever is asked, and soon."""
    begun = time.monotonic()
    text = told(kind, port_of(kind), **WRONG[kind])
    assert 3 == text.count("bucket 'no-such-bucket' does not exist")
    assert time.monotonic() - begun < DEADLINE


CREDENTIALS = {
    "seaweed": [{"secret": "wrong-secret-4711"}, {"key": "wrong-key-4711"}],
    "sftp": [{"password": "wrong-secret-4711"}, {"username": "wrong-user-4711"}],
}


@pytest.mark.parametrize(
    ("kind", "changes"), [(kind, each) for kind, all_ in CREDENTIALS.items() for each in all_]
)
def test_wrong_credentials_are_told_without_them(kind, changes, caplog):
    """They are no reason to try again, and are in no error, no repr and no log line of the library's."""
    caplog.set_level(logging.DEBUG, "provenance")
    begun = time.monotonic()
    text = told(kind, port_of(kind), **changes)
    assert time.monotonic() - begun < DEADLINE
    assert 3 == text.count("check the credentials in storage_options")
    place = RemoteLocation("s3", "b/x", options(kind, port_of(kind), **changes))
    shown = [text, repr(place), caplog.text]
    assert [] == [each for each in shown for secret in ("4711", sftp.PASSWORD) if secret in each]


def test_an_unknown_host_key_is_told():
    """A server that is not the one that is known is not given the password."""
    files = {"known_hosts": ()}
    text = told("sftp", port_of("sftp"), timeout=3.0, **files)
    assert 3 == text.count("check the credentials in storage_options")
    assert "ost key" in text


@pytest.mark.parametrize(
    "name", each(["s3 by moto", "s3 by seaweed", "gs", "sftp", "fsspec, files"])
)
def test_forked_children_have_connections_of_their_own(name, tmp_path):
    """What a parent has open is used by its children, and goes on being used by the parent; nothing is warned of."""
    REMOTES[name](tmp_path)  # so that the server is this process's
    in_process("effects.objectstore.forked_remote", "forked", tmp_path, name)


@pytest.mark.parametrize("name", ["s3 by seaweed", "sftp", "fsspec, files"])
def test_killed_writers_leave_nothing_half_written(name, tmp_path):
    """Writers that are killed at random moments leave nothing that could be taken for a blob, and nothing in the way."""
    REMOTES[name](tmp_path)  # as above
    in_process("effects.objectstore.forked_remote", "killed", tmp_path, name)


def test_a_file_system_that_does_not_know_times(tmp_path):
    """Where nobody says when a file was written, it counts as old, and is written again."""
    blobs = ObjectBlobs(REMOTES["fsspec, ram"](tmp_path))
    blob = blobs.write_blob(writing(b"x")).blob
    assert blob == blobs.write_blob(writing(b"x")).blob


def test_what_killed_writers_left_is_swept(tmp_path):
    """Temporary files of more than a day go with the first write of a process; younger ones stay."""
    old, young = (tmp_path / ".tmp" / name for name in ("1-old", "1-young"))
    old.parent.mkdir()
    for path, age in ((old, 90_000), (young, 3_600)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    ObjectBlobs(RemoteFiles("file", RemoteLocation("file", f"file://{tmp_path}"))).write_blob(
        writing(b"x")
    )
    assert ["1-young"] == [each.name for each in old.parent.iterdir()]


def test_a_blob_elsewhere_lives_under_its_digest(tmp_path):
    """Its file is named as on disk, and quarantine keeps it under its whole id; no other file stays."""
    blobs = ObjectBlobs(RemoteFiles("file", RemoteLocation("file", f"file://{tmp_path}")))
    blob = blobs.write_blob(writing(b"bytes")).blob
    assert [tmp_path / blob.id[:2] / blob.id[2:]] == [
        each for each in tmp_path.rglob("*") if each.is_file()
    ]
    blobs.quarantine(blob)
    assert [tmp_path / ".quarantine" / blob.id] == [
        each for each in tmp_path.rglob("*") if each.is_file()
    ]


def test_a_large_blob_takes_little_memory(tmp_path):
    """Bytes are streamed: 200 MB there and back take a small part of that."""
    in_process("effects.objectstore.streamed_remote", "stream", tmp_path)


@pytest.mark.parametrize("task", ["full_spool", "full_copies"])
def test_a_full_disk_is_told_or_does_not_matter(task, tmp_path):
    """What `effects.full_spool` says of full disks holds."""
    in_process("effects.objectstore.full_spool", task, tmp_path)

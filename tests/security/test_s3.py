"""Whoever may write to a bucket, or answers in its place, gets nothing believed, executed, or written elsewhere."""

import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import provenance as p
from contract.remote import REMOTES, _own, change
from contract.samples import new_id, record, run
from provenance.effects.objectstore.blobs import ObjectBlobs
from provenance.effects.objectstore.client import RemoteFiles
from provenance.model.records import Blob
from provenance.ports.blobs import BlobArea, RemoteLocation
from provenance.ports.records import PutRecord
from servers import moto_s3, seaweed

KINDS = {"moto": moto_s3, "seaweed": pytest.param(seaweed, marks=pytest.mark.long)}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def bucket(request, tmp_path):
    """A part of a bucket of this test's, as somebody else sees it who may write there."""
    server = request.param
    place = RemoteLocation("s3", f"{server.BUCKET}/{_own(tmp_path)}", server.storage_options())
    return RemoteFiles("bucket", place)


def repository(bucket, trusted=True):
    """The repository of this folder, whose values are in the bucket; local copies are on a disk."""
    store = p.S3Store(
        basepath=bucket._place.root,
        cachedir="copies",
        storage_options=bucket._place.options,
        delete=True,
        trusted=trusted,
    )
    return p.SqliteRepo(db="records.db", store=store, trusted=trusted, inline_limit=0, delete=True)


def put(bucket, path, data):
    """Write an object behind the store's back."""
    files = bucket._connection.files()
    files.pipe_file(bucket._at(path), data)


def key_of(bucket, artifact):
    """Where the value of an artifact is."""
    digest = artifact.content_digest
    return f"{digest[:2]}/{digest[2:]}"


@p.provenance(name="letters")
def letters(letter):
    """A value of some size."""
    return [letter] * 40


DAMAGE = {
    "truncated": lambda data: data[:-1],
    "emptied": lambda _: b"",
    "grown": lambda data: data + b" ",
    "of the same size": lambda data: data[:-1] + b"!",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_an_object_that_was_changed_is_damage(bucket, damage):
    """It is not read, not copied to the disk in front, found by `verify`, and repaired by the call."""
    with p.using_repo(repository(bucket)) as repo:
        artifact = p.artifact_of(letters("a"))
        change(bucket, key_of(bucket, artifact), damage)
        for copy in Path("copies").rglob(artifact.content_digest[2:]):
            copy.unlink()
        with pytest.raises(p.CorruptBlobError):
            repo.get_value(artifact.id)
        assert [] == list(Path("copies").rglob(artifact.content_digest[2:]))
        assert not p.verify(deep=True).is_sound
        assert ["a"] * 40 == letters("a")
        assert p.verify(deep=True).is_sound


def test_objects_that_were_swapped_are_damage(bucket):
    """The value of another call under this one's name is not served."""
    with p.using_repo(repository(bucket)):
        first, second = (p.artifact_of(letters(letter)) for letter in "ab")
        other = bucket._connection.files().cat_file(bucket._at(key_of(bucket, second)))
        put(bucket, key_of(bucket, first), other)
        for copy in Path("copies").rglob(first.content_digest[2:]):
            copy.unlink()
        with pytest.raises(p.CorruptBlobError):
            repository(bucket).get_value(first.id)
        assert ["a"] * 40 == letters("a")


def test_a_pickle_that_was_planted_is_not_executed(bucket):
    """Object and record fit each other, but the store is not trusted."""

    class Evil:
        def __reduce__(self):
            return Path.touch, (Path("executed").absolute(),)

    data = pickle.dumps(Evil())
    blob = ObjectBlobs(bucket).write_blob(lambda sink: sink.write(data) and None).blob
    forged = record(id=new_id(), serializer="pickle", value_blob=blob, inputs_blob=None)
    repository(bucket).interpreter(PutRecord(forged, run(), "{}"))
    with pytest.raises(p.UntrustedStoreError):
        repository(bucket, trusted=False).get_value(forged.id)
    assert not Path("executed").exists()


HOSTILE = (
    "ab/../../../etc/passwd",
    "ab/\x1b[31mred",
    "ab/line&#10;break",
    "ab/\u202ereversed",
    f"ab/{'g' * 38}",
    f"ab/{'0' * 37}",
    f"ab/{'0' * 38}/deeper",
    "ab//double",
    "AB/" + "0" * 38,
    ".tmp/a/b",
    "records.db",
)


@pytest.mark.long
def test_objects_of_others_are_neither_listed_nor_deleted(bucket):
    """Whatever their keys are: they are no blobs, so nothing happens to them."""
    before = {}
    for key in HOSTILE:
        with suppress(OSError):  # SeaweedFS refuses some of them
            put(bucket, key, b"theirs")
            before[key] = bucket._connection.files().cat_file(bucket._at(key))
    assert len(before) > len(HOSTILE) // 2
    with p.using_repo(repository(bucket)) as repo:
        artifact = p.artifact_of(letters("a"))
        listed = ObjectBlobs(bucket).list_blob_entries(BlobArea.STORED, "", 100)
        assert [artifact.content_digest] == [entry.key for entry in listed]
        repo.delete(artifact.id)
        p.collect_garbage(dry_run=False, older_than=timedelta(0))
        assert p.verify().is_sound
    files = bucket._connection.files()
    assert before == {key: files.cat_file(bucket._at(key)) for key in before}
    later = datetime.now(UTC) + timedelta(days=1)
    for key in HOSTILE:
        assert not ObjectBlobs(bucket).delete_if_older(BlobArea.STORED, key.replace("/", ""), later)
        assert not ObjectBlobs(bucket).delete_if_older(BlobArea.TEMPORARY, f"../{key}", later)


def test_a_folder_in_place_of_an_object_is_none(bucket):
    """A key below it makes it a folder to a client; the value is computed again."""
    with p.using_repo(repository(bucket)):
        artifact = p.artifact_of(letters("a"))
        bucket.remove(key_of(bucket, artifact))
        put(bucket, f"{key_of(bucket, artifact)}/inner", b"theirs")
        for copy in Path("copies").rglob(artifact.content_digest[2:]):
            copy.unlink()
        with pytest.raises((p.BlobNotFoundError, p.CorruptBlobError)):
            repository(bucket).get_value(artifact.id)
        assert ["a"] * 40 == letters("a")


class Liar(BaseHTTPRequestHandler):
    """A server in place of S3 that sends what `told` says: for each look, the headers and the beginning of a body."""

    protocol_version = "HTTP/1.1"
    told: tuple[dict[str, str], bytes, int] = ({}, b"", 0)
    sent = 0

    def _answer(self) -> None:
        headers, body, repeated = type(self).told
        self.send_response(200)
        for name, value in {"Content-Type": "application/xml", **headers}.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body) * max(1, repeated)))
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            for _ in range(max(1, repeated)):
                self.wfile.write(body)
                type(self).sent += len(body)
        except OSError:
            self.close_connection = True

    do_GET = do_HEAD = _answer

    def log_message(self, *_: object) -> None:
        """Nothing is told of requests."""


@pytest.fixture
def liar():
    """Sets what a lying server answers; returns blobs that ask it."""
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        pool.submit(server.serve_forever, 0.05)

        def ask(headers, body, repeated=0):
            Liar.told, Liar.sent = (headers, body, repeated), 0
            endpoint = f"http://127.0.0.1:{server.server_address[1]}"
            options = {**moto_s3.storage_options(), "endpoint_url": endpoint}
            place = RemoteLocation("s3", "bucket/x", options, 1.0, 1.5)
            return ObjectBlobs(RemoteFiles("liar", place))

        yield ask
        server.shutdown()


BLOB = Blob("0" * 40, 5)


def reading(source):
    """All bytes."""
    return source.read()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ETag": '"0"'},
        {"ETag": '"\x1b[31m"', "Last-Modified": "never"},
        {"Content-Range": "bytes 9-1/0"},
    ],
    ids=["none", "wrong", "hostile", "range"],
)
def test_what_a_server_says_of_an_object_is_not_believed(liar, headers):
    """The bytes have another digest, whatever the headers are."""
    with pytest.raises((p.CorruptBlobError, p.StoreUnavailableError)):
        liar(headers, b"other").read_blob(BLOB, reading)


def test_an_object_that_never_ends_is_not_fetched(liar, tmp_path):
    """More than the record says is not written to this disk."""
    blobs = liar({}, bytes(1 << 20), 4_000)
    with pytest.raises(p.CorruptBlobError, match="larger"):
        blobs.read_blob(BLOB, reading)
    assert Liar.sent < 100 << 20


@pytest.mark.parametrize("kind", sorted(set(REMOTES) - {"fsspec, files"}))
def test_an_object_that_grew_is_not_fetched(kind, tmp_path):
    """Every place tells its size in time; files of this machine are copied at once, and compared then."""
    remote = REMOTES[kind](tmp_path)
    blobs = ObjectBlobs(remote)
    blob = blobs.write_blob(lambda sink: sink.write(b"value") and None).blob
    change(remote, f"{blob.id[:2]}/{blob.id[2:]}", lambda _: bytes(1 << 20))
    with pytest.raises(p.CorruptBlobError, match="larger"):
        blobs.read_blob(blob, reading)


def entry(key):
    """An object in a listing."""
    return (
        f"<Contents><Key>{key}</Key><Size>1</Size><ETag>x</ETag>"
        "<LastModified>2020-01-01T00:00:00Z</LastModified></Contents>"
    )


def listing(inner, more=""):
    """An answer to a request for a listing."""
    return f"<ListBucketResult><Name>bucket</Name>{more}{inner}</ListBucketResult>".encode()


LISTINGS = {
    "others' keys": listing("".join(map(entry, ["../../etc/passwd", "y/ab/" + "0" * 38, "x/.."]))),
    "without an end": listing(
        entry("x/ab/c"),
        "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>",
    ),
    "a bomb": b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">'.encode() for n in range(9))
    + b"]>"
    + listing(entry("&j;")),
    "an entity of a file": b'<!DOCTYPE b [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    + listing(entry("x/&f;")),
    "no XML": b"\x00\x01\x02",
    "sizes": re.sub(b"<Size>1", b"<Size>-99999999999999999999", listing(entry("x/00/" + "0" * 38))),
}


@pytest.mark.parametrize("body", LISTINGS.values(), ids=LISTINGS)
def test_a_listing_that_lies_ends(liar, body):
    """It is an error of the store, or what it lists leads to no key outside of the folder that was asked for."""
    blobs = liar({}, body)
    later = datetime.now(UTC) + timedelta(days=1)
    try:
        listed = blobs.list_blob_entries(BlobArea.TEMPORARY, "", 10)
    except p.StoreUnavailableError:
        return
    assert not any(blobs.delete_if_older(BlobArea.TEMPORARY, entry.key, later) for entry in listed)

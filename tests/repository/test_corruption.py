"""Random damage: each is detected or harmless, and nothing that is wrong is ever served."""

import random
import re
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

import provenance as p
from provenance.effect import run
from provenance.maintenance.verification import examine

COUNT = 20
CORRUPTIONS = 1_000
OF_THE_DATABASE = 200
LOGS = shutil.ignore_patterns("*-wal", "*-shm")


@p.provenance(custom_fields={"unit": "m"}, tags=["a"])
def table(n):
    """Some numbers, few or many."""
    return np.arange(n * 97, n * 97 + (20 if n % 2 else 600))


@p.provenance()
def summed(values, n):
    """A result of another one."""
    return {"sum": int(values.sum()), "n": n, "values": [1.5 * n, None, "x"]}


def expected(n):
    """What `table(n)` and `summed(table(n), n)` are."""
    values = np.arange(n * 97, n * 97 + (20 if n % 2 else 600))
    return values.tolist(), {"sum": int(values.sum()), "n": n, "values": [1.5 * n, None, "x"]}


def configured(folder, limit=1000):
    """A repository in *folder*, its handle new each time."""
    config = {
        "blobstores": {"disk": {"type": "disk", "cachedir": "blobs", "delete": True}},
        "artifact_repos": {
            "local": {
                "type": "sqlite",
                "db": "records.db",
                "store": "disk",
                "delete": True,
                "inline_limit": limit,
            }
        },
    }
    return p.from_config(config, folder).repository()


def damaged(data, rng):
    """*data* with a bit flipped, a piece overwritten, cut off, or added."""
    at = rng.randrange(len(data))
    match rng.randrange(4):
        case 0:
            return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
        case 1:
            return data[:at] + rng.randbytes(8) + data[at + 8 :]
        case 2:
            return data[:at]
        case _:
            return data + rng.randbytes(rng.randrange(1, 100))


@pytest.mark.parametrize("inline_limit", [0, 1000])
def test_every_corruption_of_a_blob_is_detected(tmp_path, inline_limit):
    """Of 1,000 blobs that are damaged at random each is told by verifying, and refused when it is read."""
    repo = configured(tmp_path, inline_limit)
    with p.using_repo(repo):
        for n in range(COUNT):
            p.unwrap(summed(table(n), n))
        assert p.verify().is_sound
        rng = random.Random(inline_limit)
        large = [each for each in p.search() if place_of(tmp_path, each).exists()]
        assert len(large) >= COUNT // 2
        for _ in range(CORRUPTIONS // 2):
            harm_and_look(repo, tmp_path, rng.choice(large), rng)
        assert p.verify().is_sound


def place_of(folder, artifact):
    """The file of the artifact's value, if it has one."""
    return folder / "blobs" / artifact.content_digest[:2] / artifact.content_digest[2:]


def harm_and_look(repo, folder, artifact, rng):
    """Damage the file of an artifact's value, see that this is told and refused, and mend it."""
    path = place_of(folder, artifact)
    sound = path.read_bytes()
    harmed = damaged(sound, rng)
    path.write_bytes(harmed)
    if harmed != sound:
        (problem,) = run(examine(artifact.id), repo.interpreter).problems
        assert (p.BlobDamaged, artifact.id) == (type(problem), problem.artifact_id)
        with pytest.raises(p.CorruptBlobError):
            repo.get_value(artifact.id)
    path.write_bytes(sound)


def outcome(folder):
    """Use a damaged repository as a user does: what was refused, by the type of its error; what was served is right."""
    refused = set()
    repo = configured(folder)
    with p.using_repo(repo):
        for n in range(COUNT):
            try:
                values = table(n)
                assert expected(n) == (p.unwrap(values).tolist(), dict(p.unwrap(summed(values, n))))
            except p.ProvenanceError as error:
                refused.add(type(error))
        for read in (lambda: [each.value for each in p.search(repo=repo)], lambda: p.verify(repo)):
            try:
                read()
            except p.ProvenanceError as error:
                refused.add(type(error))
    return refused


CLEAR = {
    p.StoreUnavailableError,
    p.CorruptRecordError,
    p.CorruptBlobError,
    p.BlobNotFoundError,
    p.RunNotFoundError,
}
CLEAR |= {p.ConfigError}  # of a serializer that has another name now


def test_no_corruption_of_the_database_serves_a_wrong_value(tmp_path):
    """The SQLite file is damaged 200 times at random: calls give the right values, or a clear error, and never another."""
    original = tmp_path / "original"
    original.mkdir()
    with p.using_repo(configured(original)):
        for n in range(COUNT):
            p.unwrap(summed(table(n), n))
    closed(original / "records.db")
    sound = (original / "records.db").read_bytes()
    rng = random.Random(7)
    refusals = 0
    for turn in range(OF_THE_DATABASE):
        place = tmp_path / str(turn)
        shutil.copytree(original, place, ignore=LOGS)
        (place / "records.db").write_bytes(damaged_in_place(sound, rng))
        refused = outcome(place)
        assert refused <= CLEAR, turn
        refusals += bool(refused)
        shutil.rmtree(place)
    assert refusals > OF_THE_DATABASE // 20


def test_an_index_that_leads_elsewhere_serves_no_other_value(tmp_path):
    """Each entry of the index by id is changed so that it leads to another row: no call is given another one's value."""
    original = tmp_path / "original"
    original.mkdir()
    with p.using_repo(configured(original)):
        for n in range(COUNT):
            p.unwrap(summed(table(n), n))
    page, first = index_of(original / "records.db")
    sound = (original / "records.db").read_bytes()
    entries = [first + match.end() for match in re.finditer(rb"[0-9a-f]{40}", page)]
    for turn, at in enumerate(entries):
        place = tmp_path / str(turn)
        shutil.copytree(original, place, ignore=LOGS)
        (place / "records.db").write_bytes(
            sound[:at] + bytes([sound[at] ^ 1 + turn % 2]) + sound[at + 1 :]
        )
        assert outcome(place) <= CLEAR, turn
        shutil.rmtree(place)
    assert len(entries) >= COUNT


def index_of(path):
    """The page of the index of artifacts by id, and where it begins in the file."""
    closed(path)
    connection = sqlite3.connect(path)
    query = "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_artifacts_1'"
    ((root,),) = connection.execute(query).fetchall()
    ((size,),) = connection.execute("PRAGMA page_size").fetchall()
    connection.close()
    first = (root - 1) * size
    return path.read_bytes()[first : first + size], first


def damaged_in_place(data, rng):
    """*data* with one to eight bytes in a row changed."""
    at, size = rng.randrange(len(data)), rng.choice([1, 1, 1, 8])
    changed = bytes(each ^ (1 << rng.randrange(8)) for each in data[at : at + size])
    return data[:at] + changed + data[at + size :]


def closed(path: Path) -> None:
    """Move all of the log into the file *path*."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()

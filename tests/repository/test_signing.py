"""A repository with a key believes what was signed with it, and nothing else."""

from pathlib import Path

import pytest
import sqlalchemy as sa

import provenance as p
from repository.test_trust import CANARY, PICKLES, planted
from servers.postgres import server

KEY = "0123456789abcdef-a secret"


@pytest.fixture(params=["sqlite", "postgres"])
def repository(request, tmp_path):
    """Makes the repository of this test anew, with a key or without one."""

    def made(**options):
        store = p.DiskStore(cachedir="blobs")
        if request.param == "sqlite":
            return p.SqliteRepo(db="records.db", store=store, inline_limit=1_000, **options)
        return p.PostgresRepo(
            db=server(18).database_for(tmp_path), store=store, inline_limit=1_000, **options
        )

    return made


@p.provenance(name="numbers")
def numbers(count):
    """A value that is a pickle."""
    return [[i] for i in range(count)]


def alter(repo, assignment, **values):
    """Change all records behind the library's back."""
    with repo.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE artifacts SET {assignment}"), values)


@pytest.mark.parametrize("size", [0, 200_000], ids=["in the database", "a file"])
@pytest.mark.parametrize("serializer", PICKLES)
def test_a_planted_pickle_is_not_executed(repository, serializer, size):
    """Whoever may write to the stores, but has not the key, gets nothing executed by who reads from them."""
    artifact_id = planted(repository(), serializer, size)
    signed = repository(signing_key=KEY, trusted=False)
    for use in (signed.get_by_id, signed.get_value, signed.get_inputs):
        with pytest.raises(
            p.CorruptRecordError, match=f"{artifact_id}.*not signed with the repository's key"
        ):
            use(artifact_id)
    with p.using_repo(signed), pytest.raises(p.CorruptRecordError):
        p.load_proxy(artifact_id)
    assert not Path(CANARY).exists()


@pytest.mark.parametrize("count", [3, 100_000])
def test_what_was_signed_is_read(repository, count):
    """With the key, by another process too, whether or not the store is trusted; the inputs as well."""
    with p.using_repo(repository(signing_key=KEY)):
        artifact = numbers.artifact(count)
    for trusted in (True, False):
        again = repository(signing_key=KEY, trusted=trusted)
        found = again[artifact.id]
        assert [[i] for i in range(count)] == found.value
        assert {"count": count} == found.inputs["kargs"]
        with p.using_repo(again):
            assert numbers.is_cached(count)


def test_bytes_are_vouched_for_by_the_record(repository):
    """Other bytes in the place of signed ones are not decoded, but computed anew."""
    with p.using_repo(repository(signing_key=KEY)):
        artifact = numbers.artifact(100_000)
    path = Path("blobs") / artifact.content_digest[:2] / artifact.content_digest[2:]
    path.write_bytes(b"\x80" * artifact.size_bytes)
    with pytest.raises(p.CorruptBlobError):
        repository(signing_key=KEY).get_value(artifact.id)
    with p.using_repo(repository(signing_key=KEY)):
        assert [0] == numbers(100_000)[0]


CHANGES = {
    "the value's id": "value_id = '" + "a" * 40 + "'",
    "the bytes": "content_digest = '" + "b" * 40 + "'",
    "the serializer": "serializer = 'cloudpickle'",
    "the name": "name = 'another'",
    "the signature": "signature = ''",
    "a checksum for a signature": "signature = 'crc32:00000000:00000000'",
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_record_is_no_record(repository, what):
    """On a load that is an error, on a call it is computed anew, and the new record takes its place."""
    signed = repository(signing_key=KEY)
    with p.using_repo(signed):
        artifact = numbers.artifact(3)
    shown = (
        "exact = replace(exact, 'numbers', 'another'), "
        if signed.engine.dialect.name == "postgresql"
        else ""
    )
    alter(signed, shown + CHANGES[what])
    again = repository(signing_key=KEY)
    with pytest.raises(p.CorruptRecordError, match=artifact.id):
        again.get_by_id(artifact.id)
    events = []
    with p.using_repo(again), p.subscribe(events.append):
        assert [[0], [1], [2]] == numbers(3)
        assert [["Recovered", p.MissReason.RECORD_CORRUPT]] == [
            [type(each).__name__, each.reason] for each in events
        ]
        assert numbers.is_cached(3)
    assert artifact.value_id == repository(signing_key=KEY)[artifact.id].value_id


def test_changed_inputs_are_an_error(repository):
    """The text of plain inputs is signed too."""
    signed = repository(signing_key=KEY)
    with p.using_repo(signed):
        artifact = numbers.artifact(3)
    column = "inputs_text" if signed.engine.dialect.name == "postgresql" else "inputs_json"
    alter(signed, f"{column} = replace(CAST({column} AS TEXT), '3', '4')")
    with pytest.raises(p.CorruptRecordError, match="inputs"):
        repository(signing_key=KEY).get_inputs(artifact.id)


def test_another_key_is_none(repository):
    """What was signed with another key is computed anew, and then is no longer that one's."""
    ours, theirs = (
        (lambda: repository(signing_key=KEY)),
        (lambda: repository(signing_key="another key of some length")),
    )
    with p.using_repo(ours()):
        numbers(3)
    with p.using_repo(theirs()):
        assert not numbers.is_cached(3)
        numbers(3)
        assert numbers.is_cached(3)
    with p.using_repo(ours()):
        assert not numbers.is_cached(3)


def test_a_damaged_record_is_noticed_without_a_key(repository):
    """A record carries a checksum of all that it says: what changed by accident is found out, and replaced by the next call."""
    plain = repository()
    with p.using_repo(plain):
        artifact = numbers.artifact(3)
    shown = (
        "exact = replace(exact, 'numbers', 'nvmbers')"
        if plain.engine.dialect.name == "postgresql"
        else "name = 'nvmbers'"
    )
    alter(plain, shown)
    with pytest.raises(p.CorruptRecordError, match="its checksum differs"):
        repository().get_by_id(artifact.id)
    with p.using_repo(repository()):
        numbers(3)
        assert numbers.is_cached(3)


def test_promotion_signs_anew(repository, tmp_path):
    """A copy in another repository is signed with that one's key."""
    target = p.SqliteRepo("target", db="target.db", signing_key="the key of the target")
    with p.using_repo(repository(signing_key=KEY)) as source:
        artifact = numbers.artifact(3)
        p.promote(artifact, target, source)
    again = p.SqliteRepo("target", db="target.db", signing_key="the key of the target")
    assert [[0], [1], [2]] == again[artifact.id].value


def test_a_key_is_long_and_never_shown(repository):
    """A short key is refused, and no key is in a representation or an error."""
    with pytest.raises(p.ConfigError, match="at least 16 characters") as raised:
        repository(signing_key="short s3cret")
    assert "s3cret" not in str(raised.value)
    config = {"artifact_repos": {"one": {"type": "sqlite", "db": "x.db", "signing_key": KEY}}}
    environment = p.from_config(config)
    assert KEY not in repr(environment) + repr(environment.config) + repr(environment.repository())

"""Every interpreter of records and blobs, alone, together and under every layer, as the suites take them."""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet
from attrs import evolve

import provenance as p
from contract.remote import REMOTES, change
from provenance.effect import Interpreter
from provenance.effects.chain import make_chain
from provenance.effects.disk.blobs import DiskBlobs
from provenance.effects.layers import Counter, cache_records, counted, restrict, traced
from provenance.effects.memory import MemoryRecords, MemorySets
from provenance.effects.memory_blobs import MemoryBlobs
from provenance.effects.objectstore.blobs import ObjectBlobs
from provenance.effects.objectstore.client import RemoteFiles
from provenance.effects.retry import retrying
from provenance.effects.sql.database import Database
from provenance.effects.sql.postgres import PostgresDatabase
from provenance.effects.sql.postgres_connection import ConnectionSettings
from provenance.effects.sql.records import SqlRecords
from provenance.effects.sql.signing import RecordSigner
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.effects.sql.stores import SqlBlobs, SqlSets
from provenance.effects.tiers import Tier, make_tiered_store, split_by_size, write_through
from provenance.model.records import Blob
from provenance.ports.blobs import blob_effects
from provenance.ports.permissions import Permissions
from provenance.ports.records import record_effects
from provenance.testing import StoreUnderTest, failing
from provenance.testing.harness import LIMIT
from servers.postgres import server


def memory(_: Path) -> StoreUnderTest:
    """Everything in memory."""
    blobs = MemoryBlobs()

    def damage(blob, change):
        blobs._held[blob.id] = change(blobs._held[blob.id])

    return StoreUnderTest(blob_effects(blobs) | in_memory(blobs), damage)


def in_memory(blobs: MemoryBlobs | None = None) -> Interpreter[Any]:
    """Records and sets in memory."""
    sets = MemorySets()
    return record_effects(MemoryRecords(blobs, sets), sets)


def disk(folder: Path) -> StoreUnderTest:
    """Blobs in files, records in memory."""
    blobs = blob_effects(DiskBlobs(folder / "blobs"))
    return StoreUnderTest(blobs | in_memory(), lambda *how: damage_file(folder / "blobs", *how))


def sqlite(folder: Path) -> StoreUnderTest:
    """Everything in a database."""
    database = SqliteDatabase(folder / "db" / "provenance.db")
    ask = blob_effects(SqlBlobs(database)) | record_effects(SqlRecords(database), SqlSets(database))
    return StoreUnderTest(ask, lambda *how: damage_row(database, *how), database.close)


def signed(folder: Path) -> StoreUnderTest:
    """As `sqlite`, each record signed."""
    database = SqliteDatabase(folder / "db" / "provenance.db")
    records = SqlRecords(database, RecordSigner(b"the key of the contract"))
    ask = blob_effects(SqlBlobs(database)) | record_effects(records, SqlSets(database))
    return StoreUnderTest(ask, lambda *how: damage_row(database, *how), database.close)


def sqlite_and_disk(folder: Path) -> StoreUnderTest:
    """Small blobs and records in a database, large blobs in files."""
    database = SqliteDatabase(folder / "provenance.db")
    blobs = split_by_size(
        blob_effects(SqlBlobs(database)), blob_effects(DiskBlobs(folder / "blobs")), LIMIT
    )

    def damage(blob, change):
        if blob.size > LIMIT:
            damage_file(folder / "blobs", blob, change)
        else:
            damage_row(database, blob, change)

    return StoreUnderTest(
        blobs | record_effects(SqlRecords(database), SqlSets(database)), damage, database.close
    )


def elsewhere(make: Callable[[Path], RemoteFiles]) -> Callable[[Path], StoreUnderTest]:
    """Blobs in a place that is elsewhere, records in memory."""

    def place(folder: Path) -> StoreUnderTest:
        remote = make(folder)
        ask = blob_effects(ObjectBlobs(remote)) | in_memory()
        return StoreUnderTest(
            ask, lambda blob, how: change(remote, f"{blob.id[:2]}/{blob.id[2:]}", how)
        )

    return place


def disk_before_s3(folder: Path) -> StoreUnderTest:
    """Files before objects, as a store elsewhere with a `cachedir` has them; records in memory."""
    near, far = disk(folder), elsewhere(REMOTES["s3 by moto"])(folder)
    tiers = [Tier(name, each.ask, Permissions()) for name, each in (("near", near), ("far", far))]

    def damage(blob, how):
        near.damage(blob, how)
        far.damage(blob, how)

    return StoreUnderTest(far.ask | write_through("both", *tiers), damage)


def postgres(version: int) -> Callable[[Path], StoreUnderTest]:
    """Everything in a PostgreSQL database, which belongs to the folder."""

    def make(folder: Path) -> StoreUnderTest:
        database = PostgresDatabase(ConnectionSettings(url=server(version).database_for(folder)))
        ask = blob_effects(SqlBlobs(database)) | record_effects(
            SqlRecords(database), SqlSets(database)
        )
        return StoreUnderTest(ask, lambda *how: damage_row(database, *how), database.close)

    return make


def postgres_and_disk(folder: Path) -> StoreUnderTest:
    """Small blobs and records in a PostgreSQL database, large blobs in files."""
    small = postgres(18)(folder)
    ask = split_by_size(small.ask, blob_effects(DiskBlobs(folder / "blobs")), LIMIT)

    def damage(blob, change):
        if blob.size > LIMIT:
            damage_file(folder / "blobs", blob, change)
        else:
            small.damage(blob, change)

    return StoreUnderTest(small.ask | ask, damage, small.close)


def damage_file(root: Path, blob: Blob, change: Callable[[bytes], bytes]) -> None:
    """Change the bytes of *blob*'s file."""
    path = root / blob.id[:2] / blob.id[2:]
    path.write_bytes(change(path.read_bytes()))


def damage_row(database: Database, blob: Blob, change: Callable[[bytes], bytes]) -> None:
    """Change the bytes of *blob*'s row."""
    for digest, column in (("content_digest", "value_data"), ("inputs_digest", "inputs_data")):
        query = f"SELECT {column} FROM artifacts WHERE {digest} = ? AND {column} IS NOT NULL"
        for (data,) in database.query(query, blob.id)[:1]:
            database.change(
                f"UPDATE artifacts SET {column} = ? WHERE {digest} = ?", (change(data), blob.id)
            )


def under(
    layer: Callable[[Interpreter[Any]], Interpreter[Any]],
) -> Callable[[Path], StoreUnderTest]:
    """A place under *layer*."""

    def make(folder: Path) -> StoreUnderTest:
        place = sqlite_and_disk(folder)
        return evolve(place, ask=layer(place.ask))

    return make


def flaky(base: Interpreter[Any]) -> Interpreter[Any]:
    """*base*, failing every other time before it is asked."""
    turns = itertools.count()

    def around(answer):
        def sometimes(effect):
            if next(turns) % 2 == 0:
                raise ConnectionResetError
            return answer(effect)

        return sometimes

    return Interpreter({kind: around(answer) for kind, answer in base.table.items()})


def in_tiers(
    kind: Callable[[Path], StoreUnderTest], *, records: bool
) -> Callable[[Path], StoreUnderTest]:
    """Two places of a kind, one before the other: as one blob store, or as one repository."""

    def make(folder: Path) -> StoreUnderTest:
        near, far = kind(folder / "near"), kind(folder / "far")
        tiers = [
            Tier(name, each.ask, Permissions()) for name, each in (("near", near), ("far", far))
        ]
        ask = make_chain("chain", tiers) if records else far.ask | make_tiered_store("chain", tiers)

        def damage(blob, change):
            near.damage(blob, change)
            far.damage(blob, change)

        def close():
            near.close()
            far.close()

        return StoreUnderTest(ask, damage, close)

    return make


BACKENDS = {
    "memory": memory,
    "disk": disk,
    "sqlite": sqlite,
    "sqlite, signed": signed,
    "sqlite and disk": sqlite_and_disk,
    "postgres 16": postgres(16),
    "postgres 18": postgres(18),
    "postgres and disk": postgres_and_disk,
}
SHARED = [name for name in BACKENDS if "sqlite" in name or "postgres" in name]
"""Those that several processes may have open."""
LAYERS = {
    "faulty, never": under(lambda base: failing(base, 0, ConnectionResetError())),
    "guarded": under(lambda base: restrict(base, "guarded", Permissions())),
    "traced": under(lambda base: traced(base, lambda asked: None)),
    "counted": under(lambda base: counted(base, Counter())),
    "remembered": under(lambda base: cache_records(base, 100)),
    "remembered, one": under(lambda base: cache_records(base, 1)),
    "retrying": under(
        lambda base: retrying(
            flaky(base), 2, lambda error: isinstance(error, ConnectionResetError), lambda _: None
        )
    ),
}


def chained_repos(folder: Path) -> StoreUnderTest:
    """A chain as users make it of handles of repositories, each in memory and files."""
    stores = {name: p.DiskStore(name, cachedir=folder / name) for name in ("near", "far")}
    chain = p.ChainedRepo(stores=[p.MemoryRepo(name, store=each) for name, each in stores.items()])
    return StoreUnderTest(chain.interpreter, lambda *how: damage_files(folder, stores, *how))


def chained_stores(folder: Path) -> StoreUnderTest:
    """A repository in memory over a chain as users make it of handles of stores."""
    stores = {name: p.DiskStore(name, cachedir=folder / name) for name in ("near", "far")}
    chain = p.MemoryRepo(store=p.ChainedStore(stores=stores.values()))
    return StoreUnderTest(chain.interpreter, lambda *how: damage_files(folder, stores, *how))


def damage_files(
    folder: Path, names: Iterable[str], blob: Blob, change: Callable[[bytes], bytes]
) -> None:
    """Change the bytes of *blob*'s file in each of the folders."""
    for name in names:
        damage_file(folder / name, blob, change)


TIERS = {
    "tiers of files": in_tiers(disk, records=False),
    "chain in memory": in_tiers(memory, records=True),
    "chain of databases and files": in_tiers(sqlite_and_disk, records=True),
    "handle of a chain of repositories": chained_repos,
    "handle of a chain of stores": chained_stores,
}
ELSEWHERE = {
    **{name: elsewhere(make) for name, make in REMOTES.items()},
    "disk before s3": disk_before_s3,
}
PLACES = {**BACKENDS, **LAYERS, **TIERS, **ELSEWHERE}
LONG = {"postgres 16", "s3 by moto", "remembered, one", "disk before s3"}
"""Those that differ little from another one; `make long` tests them."""
FOR_LAWS = {"memory": memory, "sqlite": sqlite, "postgres 16": postgres(16)}
"""Those that are searched for each of a hundred examples."""


def each(names: Iterable[str]) -> list[ParameterSet | str]:
    """*names* as parameters of tests."""
    return [pytest.param(name, marks=pytest.mark.long) if name in LONG else name for name in names]

"""Every interpreter of records and blobs, alone, together and under every layer, as the suites take them."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from contract.elsewhere import REMOTES, change
from contract.samples import record, run
from provenance.asks import Blobs, PutRecord, ReadBlob, Records, WriteBlob
from provenance.effect import Interpreter
from provenance.effects.chains import chained
from provenance.effects.disk import DiskBlobs
from provenance.effects.layers import Counter, Permissions, by_size, counted, guarded, remembered, retrying, traced
from provenance.effects.memory import MemoryBlobs, MemoryRecords, MemorySets
from provenance.effects.near import near_first
from provenance.effects.objects import ObjectBlobs
from provenance.effects.remote import Remote
from provenance.effects.sets import SqlSets
from provenance.effects.sql import SqlBlobs, SqlRecords
from provenance.effects.sqlite import SqliteDatabase
from provenance.effects.tiers import Tier, tiered
from provenance.ports import blob_effects, record_effects
from provenance.records import Blob, Held

LIMIT = 1000
"""Of the small blobs, where there are two stores."""
Damage = Callable[[Blob, Callable[[bytes], bytes]], None]


@frozen
class Place:
    """Records and blobs under test; `damage` changes a stored blob's bytes behind the store's back."""

    ask: Interpreter[Records | Blobs]
    damage: Damage
    close: Callable[[], None] = field(default=lambda: None)

    def write(self, data: bytes) -> Any:
        """What became of *data*."""
        return self.ask(WriteBlob(lambda sink: sink.write(data) and None))

    def keep(self, data: bytes) -> Blob:
        """The blob of *data*, there to be read: with a record where the store wants one."""
        written = self.write(data)
        if isinstance(written, Held):
            named = record(value_blob=written.blob, inputs_blob=written.blob)
            self.ask(PutRecord(named, run(), "{}", (written,)))
        return written.blob

    def read(self, blob: Blob) -> Any:
        """The bytes of *blob*."""
        return self.ask(ReadBlob(blob, lambda source: source.read()))


def memory(_: Path) -> Place:
    """Everything in memory."""
    blobs = MemoryBlobs()

    def damage(blob, change):
        blobs._held[blob.id] = change(blobs._held[blob.id])

    return Place(blob_effects(blobs) | record_effects(MemoryRecords(blobs), MemorySets()), damage)


def disk(folder: Path) -> Place:
    """Blobs in files, records in memory."""
    blobs = blob_effects(DiskBlobs(folder / "blobs"))
    return Place(
        blobs | record_effects(MemoryRecords(), MemorySets()), lambda *how: damage_file(folder / "blobs", *how)
    )


def sqlite(folder: Path) -> Place:
    """Everything in a database."""
    database = SqliteDatabase(folder / "db" / "provenance.db")
    ask = blob_effects(SqlBlobs(database)) | record_effects(SqlRecords(database), SqlSets(database))
    return Place(ask, lambda *how: damage_row(database, *how), database.close)


def sqlite_and_disk(folder: Path) -> Place:
    """Small blobs and records in a database, large blobs in files."""
    database = SqliteDatabase(folder / "provenance.db")
    blobs = by_size(blob_effects(SqlBlobs(database)), blob_effects(DiskBlobs(folder / "blobs")), LIMIT)

    def damage(blob, change):
        if blob.size > LIMIT:
            damage_file(folder / "blobs", blob, change)
        else:
            damage_row(database, blob, change)

    return Place(blobs | record_effects(SqlRecords(database), SqlSets(database)), damage, database.close)


def elsewhere(make: Callable[[Path], Remote]) -> Callable[[Path], Place]:
    """Blobs in a place that is elsewhere, records in memory."""

    def place(folder: Path) -> Place:
        remote = make(folder)
        ask = blob_effects(ObjectBlobs(remote)) | record_effects(MemoryRecords(), MemorySets())
        return Place(ask, lambda blob, how: change(remote, f"{blob.id[:2]}/{blob.id[2:]}", how))

    return place


def disk_before_s3(folder: Path) -> Place:
    """Files before objects, as a store elsewhere with a `cachedir` has them; records in memory."""
    near, far = disk(folder), elsewhere(REMOTES["s3 by moto"])(folder)
    tiers = [Tier(name, each.ask, Permissions()) for name, each in (("near", near), ("far", far))]

    def damage(blob, how):
        near.damage(blob, how)
        far.damage(blob, how)

    return Place(far.ask | near_first("both", *tiers), damage)


def damage_file(root: Path, blob: Blob, change: Callable[[bytes], bytes]) -> None:
    """Change the bytes of *blob*'s file."""
    path = root / blob.id[:2] / blob.id[2:]
    path.write_bytes(change(path.read_bytes()))


def damage_row(database: SqliteDatabase, blob: Blob, change: Callable[[bytes], bytes]) -> None:
    """Change the bytes of *blob*'s row."""
    for digest, column in (("content_digest", "value_data"), ("inputs_digest", "inputs_data")):
        query = f"SELECT {column} FROM artifacts WHERE {digest} = ? AND {column} IS NOT NULL"
        for (data,) in database.query(query, blob.id)[:1]:
            database.change(f"UPDATE artifacts SET {column} = ? WHERE {digest} = ?", (change(data), blob.id))


def under(layer: Callable[[Interpreter[Any]], Interpreter[Any]]) -> Callable[[Path], Place]:
    """A place under *layer*."""

    def make(folder: Path) -> Place:
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


def in_tiers(kind: Callable[[Path], Place], *, records: bool) -> Callable[[Path], Place]:
    """Two places of a kind, one before the other: as one blob store, or as one repository."""

    def make(folder: Path) -> Place:
        near, far = kind(folder / "near"), kind(folder / "far")
        tiers = [Tier(name, each.ask, Permissions()) for name, each in (("near", near), ("far", far))]
        ask = chained("chain", tiers) if records else far.ask | tiered("chain", tiers)

        def damage(blob, change):
            near.damage(blob, change)
            far.damage(blob, change)

        def close():
            near.close()
            far.close()

        return Place(ask, damage, close)

    return make


BACKENDS = {"memory": memory, "disk": disk, "sqlite": sqlite, "sqlite and disk": sqlite_and_disk}
LAYERS = {
    "guarded": under(lambda base: guarded(base, "guarded", Permissions())),
    "traced": under(lambda base: traced(base, lambda asked: None)),
    "counted": under(lambda base: counted(base, Counter())),
    "remembered": under(lambda base: remembered(base, 100)),
    "remembered, one": under(lambda base: remembered(base, 1)),
    "retrying": under(
        lambda base: retrying(flaky(base), 2, lambda error: isinstance(error, ConnectionResetError), lambda _: None)
    ),
}
TIERS = {
    "tiers of files": in_tiers(disk, records=False),
    "chain in memory": in_tiers(memory, records=True),
    "chain of databases and files": in_tiers(sqlite_and_disk, records=True),
}
ELSEWHERE = {**{name: elsewhere(make) for name, make in REMOTES.items()}, "disk before s3": disk_before_s3}
PLACES = {**BACKENDS, **LAYERS, **TIERS, **ELSEWHERE}

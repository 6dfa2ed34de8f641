"""The composition root: only here is it known which interpreters there are.

Each backend is imported by the function that needs it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from provenance import machine, sources
from provenance.asks import Blobs
from provenance.errors import MissingLibraryError, StoreUnavailableError
from provenance.permissions import BlobsPermitted, Permitted, RecordsPermitted
from provenance.ports import blob_effects, lease_effects, record_effects
from provenance.records import Permissions
from provenance.repository import Repository
from provenance.seals import Seal
from provenance.settings import (
    ChainedSettings,
    DiskStoreSettings,
    MemoryRepoSettings,
    MemoryStoreSettings,
    RepoSettings,
    SqliteRepoSettings,
    StoreSettings,
)
from provenance.store import Store
from provenance.transfers import CopyPolicy

if TYPE_CHECKING:
    from provenance.databases import PostgresRepoSettings
    from provenance.effect import Interpreter
    from provenance.effects.database import Database
    from provenance.effects.duplicates import OnDuplicate
    from provenance.effects.durability import Durability
    from provenance.effects.tiers import Tier
    from provenance.places import ObjectSettings

_log: Final = logging.getLogger("provenance")
_REMEMBERED: Final = 10_000
"""Records that a repository keeps in memory; one takes about 2 KB."""
_REREAD_BYTES: Final = 4_096
"""Bytes up to which a value is kept in memory, encoded, once it was read."""


def open_store(name: str, settings: StoreSettings, base: Path) -> Store:
    """The blob store that *settings* describe; StoreUnavailableError if its folder cannot be made.

    Of one that is elsewhere nothing is asked before it is used; MissingLibraryError if what reaches it is not installed.
    """
    blobs, policy = _blobs(name, settings, base), _policy(is_trusted=settings.trusted)
    return _store(name, settings, blobs, is_trusted=settings.trusted, policy=policy)


def _blobs(name: str, settings: StoreSettings, base: Path) -> Interpreter[Blobs]:
    match settings:
        case DiskStoreSettings():
            from provenance.effects.cachedirs import keep
            from provenance.effects.disk import DiskBlobs
            from provenance.effects.durability import Compared

            root = _path(settings.cachedir, base)
            _prepare(root)
            keep(root)
            compared = Compared(settings.compare)
            return blob_effects(
                DiskBlobs(root, name, _durability(settings.durability), _on_duplicate(settings), compared)
            )
        case MemoryStoreSettings():
            from provenance.effects.memory import MemoryBlobs

            return blob_effects(MemoryBlobs(name, _on_duplicate(settings)))
        case _:
            return _object_store(name, settings, base)


def _object_store(name: str, settings: ObjectSettings, base: Path) -> Interpreter[Blobs]:
    """Blobs in a place elsewhere, behind a folder of copies if there is to be one."""
    from provenance.effects.objects import ObjectBlobs
    from provenance.effects.remote import Remote
    from provenance.places import place_of

    far = blob_effects(ObjectBlobs(Remote(name, place_of(settings)), _on_duplicate(settings)))
    if settings.cachedir is None and not settings.cleanup_cachedir:
        return far
    from provenance.effects.cachedirs import cachedir
    from provenance.effects.disk import DiskBlobs
    from provenance.effects.near import near_first
    from provenance.effects.tiers import Tier
    from provenance.effects.trouble import Reaching

    label = f"{name} (its cachedir)"
    with Reaching(label):
        named = None if settings.cachedir is None else _path(settings.cachedir, base)
        root = cachedir(named, cleanup=settings.cleanup_cachedir)
    copies = Permissions(read_through_write=settings.read_through_write)
    near = Tier(label, blob_effects(DiskBlobs(root, label)), copies)
    check = settings.always_check_remote
    return near_first(name, near, Tier(name, far, _granted(settings)), always_check_remote=check)


def open_repository(name: str, settings: RepoSettings, base: Path, store: Store | None) -> Repository:
    """The repository that *settings* describe, over *store*; StoreUnavailableError if its folder cannot be made.

    If they or *store* are not trusted, nor is it, unless its records are signed: what is signed is trusted wherever it is.
    """
    is_signed = isinstance(settings, RecordsPermitted) and settings.signing_key is not None
    is_trusted = is_signed or (settings.trusted and (store is None or store.trusted))
    repo = _repository(name, settings, base, None if store is None else store.interpreter)
    policy = CopyPolicy.NOTHING if is_signed else _policy(is_trusted=is_trusted)
    return _entrusted(repo, settings, is_trusted=is_trusted, policy=policy)


def _repository(name: str, settings: RepoSettings, base: Path, store: Interpreter[Blobs] | None) -> Repository:
    match settings:
        case MemoryRepoSettings():
            return _memory_repository(name, settings, store)
        case SqliteRepoSettings():
            return _sqlite_repository(name, settings, base, store)
        case _:
            return _postgres_repository(name, settings, store)


def chain_stores(name: str, settings: ChainedSettings, stores: Sequence[Store]) -> Store:
    """The blob store that *stores* make together, the nearest first; it is trusted if all of them are."""
    from provenance.effects.tiers import tiered

    is_trusted = settings.trusted and all(each.trusted for each in stores)
    return _store(name, settings, tiered(name, _tiers(stores)), is_trusted=is_trusted, policy=_strictest(stores))


def chain_repositories(name: str, settings: ChainedSettings, repos: Sequence[Repository]) -> Repository:
    """The repository that *repos* make together, the nearest first; it is trusted if all of them are.

    Its engine is that of the nearest one that has one.
    """
    from provenance.effects.chains import chained

    engine = next((each.get_engine for each in repos if each.get_engine is not None), None)
    chain = Repository(name, _all(_guarded(chained(name, _tiers(repos)), name, settings)), engine)
    is_trusted = settings.trusted and all(each.trusted for each in repos)
    return _entrusted(chain, settings, is_trusted=is_trusted, policy=_strictest(repos))


def _policy(*, is_trusted: bool) -> CopyPolicy:
    return CopyPolicy.DATA_ONLY if is_trusted else CopyPolicy.ANYTHING


def _strictest(handles: Iterable[Store | Repository]) -> CopyPolicy:
    """What a chain takes: a copy goes to every part that may be written to."""
    return max((each.copy_policy for each in handles if each.permissions.write), default=CopyPolicy.ANYTHING)


def _tiers(handles: Iterable[Store | Repository]) -> list[Tier]:
    from provenance.effects.tiers import Tier

    return [Tier(each.name, each.interpreter, each.permissions, each.trusted, each.copy_policy) for each in handles]


def _store(
    name: str,
    settings: BlobsPermitted | ChainedSettings,
    blobs: Interpreter[Blobs],
    *,
    is_trusted: bool,
    policy: CopyPolicy,
) -> Store:
    return Store(name, _guarded(blobs, name, settings), is_trusted, _granted(settings), policy)


def _entrusted(
    repo: Repository, settings: Permitted | ChainedSettings, *, is_trusted: bool, policy: CopyPolicy
) -> Repository:
    """*repo* with its permissions; if it is not trusted, values are read only where that executes nothing of their bytes."""
    from provenance.effects.layers import distrusting

    reading = repo.interpreter if is_trusted else distrusting(repo.interpreter, repo.name)
    permissions = _granted(settings)
    return evolve(repo, interpreter=reading, trusted=is_trusted, permissions=permissions, copy_policy=policy)


def _memory_repository(name: str, settings: MemoryRepoSettings, store: Interpreter[Blobs] | None) -> Repository:
    from provenance.effects.heartbeat import kept_up
    from provenance.effects.leases import MemoryLeases
    from provenance.effects.memory import MemoryBlobs, MemoryRecords, MemorySets

    sets = MemorySets()
    recording = record_effects(MemoryRecords(sets=sets), sets) | kept_up(lease_effects(MemoryLeases()))
    records = _guarded(recording, name, settings)
    blobs = _guarded(blob_effects(MemoryBlobs(name)), name, settings) if store is None else store
    return Repository(name, _all(blobs | records))


def _sqlite_repository(
    name: str, settings: SqliteRepoSettings, base: Path, store: Interpreter[Blobs] | None
) -> Repository:
    from provenance.effects.sqlite import SqliteDatabase

    path = _path(settings.db.removeprefix("sqlite:///"), base)
    if settings.create_db:
        _prepare(path.parent)
    database = SqliteDatabase(path, name, _durability(settings.durability), create=settings.create_db)
    return _sql_repository(name, settings, database, store)


def _postgres_repository(name: str, settings: PostgresRepoSettings, store: Interpreter[Blobs] | None) -> Repository:
    try:
        from provenance.effects.postgres import PostgresDatabase
        from provenance.effects.postgres_connections import Access
    except ImportError as error:
        raise MissingLibraryError("a PostgreSQL repository", "psycopg", "postgres") from error

    access = Access(
        url=settings.db,
        schema=settings.schema,
        create_db=settings.create_db,
        create_schema=settings.create_schema,
        persistent=settings.persistent_connections,
        migrates=settings.migrate == "automatic",
        connect_timeout=settings.connect_timeout,
        statement_timeout=settings.statement_timeout,
    )
    return _sql_repository(name, settings, PostgresDatabase(access, name), store)


def _sql_repository(
    name: str, settings: SqliteRepoSettings | PostgresRepoSettings, database: Database, store: Interpreter[Blobs] | None
) -> Repository:
    from provenance.effects.heartbeat import kept_up
    from provenance.effects.layers import by_size, remembered, rereading
    from provenance.effects.leases import SqlLeases
    from provenance.effects.sets import SqlSets
    from provenance.effects.sql import SqlBlobs, SqlRecords

    key = settings.signing_key
    records = SqlRecords(database, Seal(None if key is None else key.encode()))
    leases = kept_up(lease_effects(SqlLeases(database)))
    remembering = remembered(record_effects(records, SqlSets(database)), _REMEMBERED)
    recording = _guarded(remembering | leases, name, settings)
    blobs = _guarded(blob_effects(SqlBlobs(database)), name, settings)
    if store is not None:
        blobs = by_size(blobs, store, settings.inline_limit) if settings.inline_limit else store
    blobs = rereading(blobs, _REREAD_BYTES, _REMEMBERED)
    return Repository(name, _all(blobs | recording), lambda: database.engine, database.migrate)


def _all(stores: Interpreter[Any]) -> Interpreter[Any]:
    """What *stores* and this machine answer."""
    from provenance.effects.several import several_at_once

    return machine.world() | several_at_once(stores)


def _guarded(base: Interpreter[Any], name: str, permitted: Permitted | ChainedSettings) -> Interpreter[Any]:
    from provenance.effects.layers import guarded

    return guarded(base, name, _granted(permitted))


def _granted(permitted: Permitted | ChainedSettings) -> Permissions:
    return Permissions(
        read=permitted.read,
        write=permitted.write,
        delete=permitted.delete,
        read_through_write=permitted.read_through_write,
    )


def _durability(name: str) -> Durability:
    from provenance.effects.durability import Durability

    return Durability(name)


def _on_duplicate(settings: BlobsPermitted) -> OnDuplicate:
    from provenance.effects.duplicates import OnDuplicate

    return OnDuplicate(settings.on_duplicate_key)


def _path(text: str, base: Path) -> Path:
    return base / Path(text).expanduser()


def _prepare(folder: Path) -> None:
    """Make the folder of a store; the default home also gets a `.gitignore` of its own, and is announced once."""
    home = next((each for each in (folder, *folder.parents) if each.name == sources.HOME), None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if home is not None and not (home / ".gitignore").exists():
            (home / ".gitignore").write_text("*\n", "utf-8")
            _log.info("results are stored in %s", home)
    except OSError as error:
        advice = "name a folder that you may write to"
        raise StoreUnavailableError(str(folder), f"it cannot be made: {error.strerror}", advice) from error

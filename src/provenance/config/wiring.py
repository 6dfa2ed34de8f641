"""The composition root: from settings to repositories, stores and the interpreter of the machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import evolve

from provenance.codecs.trust import CopyPolicy
from provenance.config import schema, sources
from provenance.effect import Effect, Interpreter
from provenance.effects.sql.signing import RecordSigner
from provenance.environment import Environment
from provenance.errors import MissingLibraryError, StoreUnavailableError
from provenance.ports.blobs import BlobEffects, blob_effects
from provenance.ports.leases import lease_effects
from provenance.ports.machine import FileEffects, SystemEffects, file_effects, system_effects
from provenance.ports.permissions import Permissions
from provenance.ports.records import record_effects
from provenance.repository.handles import Blueprint, Repository
from provenance.repository.stores import Store
from provenance.results.kinds import ResultOptions
from provenance.util.locks import ForkSafeLock

if TYPE_CHECKING:
    from provenance.config.remote import ObjectSettings, PostgresRepoSettings
    from provenance.effects.sql.database import Database
    from provenance.effects.system.digests import FileDigests
    from provenance.effects.system.files import LocalFiles
    from provenance.effects.system.process import ThisMachine
    from provenance.effects.tiers import Tier
    from provenance.ports.machine import Clock

T = TypeVar("T")

A = TypeVar("A")
E = TypeVar("E", bound=Effect[Any])

_log: Final = logging.getLogger("provenance")


def export_config(config: Mapping[str, object], base: Path) -> None:
    """Pass *config* to child processes in the environment; they may load another one."""
    try:
        os.environ[sources.VARIABLE] = sources.to_json(config, base)
    except TypeError as error:
        _log.warning("child processes must load their configuration themselves: %s", error)
        os.environ.pop(sources.VARIABLE, None)


_keeps_text: Final = [True]
"""Whether runs hold the text of the script, as the configuration says."""


def record_sources(wanted: bool) -> None:
    """Say whether runs hold the text of the script."""
    _keeps_text[:] = [wanted]


def machine_name() -> str:
    """Return the name of this machine, with what tells its boots and its containers apart."""
    from provenance.effects import lease_renewal

    return lease_renewal.machine_name()


@cache
def clock() -> Clock:
    """Return the clock of this machine."""
    from provenance.effects.system.process import SystemClock

    return SystemClock()


def beside(answer: Callable[[E], A], effect: E, /) -> Awaitable[A]:
    """Return the answer to *effect*, found in a worker thread; loaded with the first coroutine."""
    from provenance.effects.system.threads import run_in_thread

    return run_in_thread(answer, effect)


@cache
def current_system() -> ThisMachine:
    """Return this machine and the description of the process."""
    from provenance.effects.system.process import ThisMachine

    return ThisMachine(clock(), with_text=lambda: _keeps_text[0])


@cache
def file_system() -> LocalFiles:
    """Return the files of this machine, with the user's folder of local copies."""
    from provenance.effects.system.files import LocalFiles

    return LocalFiles()


@cache
def file_digests() -> FileDigests:
    """Return the digests of the user's files that are inputs."""
    from provenance.effects.system.digests import FileDigests

    return FileDigests()


def system_interpreter(time: Clock | None = None) -> Interpreter[SystemEffects | FileEffects]:
    """Return the interpreter of this machine, with *time* as its clock."""
    return system_effects(time or clock(), current_system().current_run) | file_effects(
        file_system()
    )


_CACHED_RECORDS: Final = 10_000
"""Number of records that a repository keeps in memory; one takes about 2 KB."""
_CACHED_BYTES: Final = 4_096
"""Size in bytes up to which an encoded value stays in memory after it was read."""


def open_store(name: str, settings: schema.StoreSettings, base: Path) -> Store:
    """Return the blob store that *settings* describe.

    A remote one is not contacted before it is used.

    Raises:
        StoreUnavailableError: if its folder cannot be created.
        MissingLibraryError: if the library that it needs is not installed.
    """
    match settings:
        case schema.DiskStoreSettings():
            from provenance.effects.disk.blobs import DiskBlobs
            from provenance.effects.disk.cache_dir import protect

            root = schema.locate_path(settings.cachedir, base)
            _prepare(root)
            protect(root)
            policies = (settings.durability, settings.on_duplicate_key, settings.compare)
            blobs = blob_effects(DiskBlobs(root, name, *policies))
        case schema.MemoryStoreSettings():
            from provenance.effects.memory_blobs import MemoryBlobs

            blobs = blob_effects(MemoryBlobs(name, settings.on_duplicate_key))
        case _:
            blobs = _object_store(name, settings, base)
    policy = _policy(is_trusted=settings.trusted)
    guarded = _guard(blobs, name, settings)
    location = settings.locate(base)
    blueprint = _blueprint(name, settings, base, ())
    return Store(name, guarded, settings.trusted, settings.permissions, policy, location, blueprint)


def _object_store(name: str, settings: ObjectSettings, base: Path) -> Interpreter[BlobEffects]:
    """Return a remote store, with a folder of local copies if one is configured."""
    from provenance.config.remote import location_of
    from provenance.effects.objectstore.blobs import ObjectBlobs
    from provenance.effects.objectstore.client import RemoteFiles

    far = blob_effects(
        ObjectBlobs(RemoteFiles(name, location_of(settings)), settings.on_duplicate_key)
    )
    if settings.cachedir is None and not settings.cleanup_cachedir:
        return far
    from provenance.effects.disk.blobs import DiskBlobs
    from provenance.effects.disk.cache_dir import open_cache_dir
    from provenance.effects.io import map_os_errors
    from provenance.effects.tiers import Tier, write_through

    label = f"{name} (its cachedir)"
    with map_os_errors(label):
        path = None if settings.cachedir is None else schema.locate_path(settings.cachedir, base)
        root = open_cache_dir(path, cleanup=settings.cleanup_cachedir)
    copies = Permissions(read_through_write=settings.read_through_write)
    near = Tier(label, blob_effects(DiskBlobs(root, label)), copies)
    remote = Tier(name, far, settings.permissions)
    return write_through(name, near, remote, always_check_remote=settings.always_check_remote)


def open_repository(
    name: str,
    settings: schema.RepoSettings,
    base: Path,
    store: Store | None,
    time: Clock | None = None,
) -> Repository:
    """Return the repository that *settings* describe, over *store*, with *time* as its clock.

    It is trusted if its settings and *store* are, or if its records are signed: a signature holds
    wherever a record comes from.

    Raises:
        StoreUnavailableError: if its folder cannot be created.
    """
    is_signed = isinstance(settings, schema.RecordStoreAccess) and settings.signing_key is not None
    is_trusted = is_signed or (settings.trusted and (store is None or store.trusted))
    blobs = None if store is None else store.interpreter
    records_at = settings.locate(base)
    match settings:
        case schema.MemoryRepoSettings():
            repo = _memory_repository(name, settings, blobs)
        case schema.SqliteRepoSettings():
            from provenance.effects.sql.sqlite import SqliteDatabase

            path = Path(records_at)
            if settings.create_db:
                _prepare(path.parent)
            sqlite = SqliteDatabase(path, name, settings.durability, create=settings.create_db)
            repo = _sql_repository(name, settings, sqlite, blobs)
        case _:
            repo = _sql_repository(name, settings, _postgres_database(name, settings), blobs)
    repo = evolve(
        repo,
        records_at=records_at,
        values_at=records_at if store is None else store.location,
        blueprint=_blueprint(name, settings, base, () if store is None else (store,)),
    )
    policy = CopyPolicy.NOTHING if is_signed else _policy(is_trusted=is_trusted)
    return _complete(repo, settings, time, is_trusted=is_trusted, policy=policy)


def chain_stores(name: str, settings: schema.ChainedSettings, stores: Sequence[Store]) -> Store:
    """Return *stores*, the nearest first, as one blob store; it is trusted if all of them are."""
    from provenance.effects.tiers import make_tiered_store

    is_trusted = settings.trusted and all(store.trusted for store in stores)
    blobs = _guard(make_tiered_store(name, _tiers(stores)), name, settings)
    location = _join([store.location for store in stores])
    policy, blueprint = _strictest(stores), _blueprint(name, settings, Path(), stores)
    return Store(name, blobs, is_trusted, settings.permissions, policy, location, blueprint)


def chain_repositories(
    name: str,
    settings: schema.ChainedSettings,
    repos: Sequence[Repository],
    time: Clock | None = None,
) -> Repository:
    """Return *repos*, the nearest first, as one repository; it is trusted if all of them are.

    Its engine is that of the nearest repository with an engine.
    """
    from provenance.effects.chain import make_chain

    engine = next((repo.get_engine for repo in repos if repo.get_engine is not None), None)
    stores = _guard(make_chain(name, _tiers(repos)), name, settings)
    chain = Repository(
        name,
        stores,
        engine,
        tiers=tuple(repos),
        records_at=_join([repo.records_at for repo in repos]),
        values_at=_join([repo.values_at for repo in repos]),
        blueprint=_blueprint(name, settings, Path(), repos),
    )
    is_trusted = settings.trusted and all(repo.trusted for repo in repos)
    return _complete(chain, settings, time, is_trusted=is_trusted, policy=_strictest(repos))


def _blueprint(
    name: str, settings: object, base: Path, parts: Sequence[Store | Repository]
) -> Blueprint | None:
    """Return the blueprint of a handle over *parts*; None if no other process sees one of them."""
    blueprints = [part.blueprint for part in parts if part.blueprint is not None]
    is_memory = isinstance(settings, schema.MemoryStoreSettings | schema.MemoryRepoSettings)
    if is_memory or len(blueprints) < len(parts):
        return None
    return Blueprint(name, settings, base, tuple(blueprints))


def _policy(*, is_trusted: bool) -> CopyPolicy:
    return CopyPolicy.DATA_ONLY if is_trusted else CopyPolicy.ANYTHING


def _strictest(handles: Iterable[Store | Repository]) -> CopyPolicy:
    """Return what a chain takes: a copy goes to every part that may be written to."""
    policies = (
        handle.copy_policy
        for handle in handles
        if handle.permissions.write or handle.permissions.read_through_write
    )
    return max(policies, default=CopyPolicy.ANYTHING)


def _tiers(handles: Iterable[Store | Repository]) -> list[Tier]:
    from provenance.effects.tiers import Tier

    return [
        Tier(
            handle.name, handle.interpreter, handle.permissions, handle.trusted, handle.copy_policy
        )
        for handle in handles
    ]


def _complete(
    repo: Repository,
    settings: schema.StoreAccess,
    time: Clock | None,
    *,
    is_trusted: bool,
    policy: CopyPolicy,
) -> Repository:
    """Return *repo*, made of stores alone, with this machine, its trust and its permissions.

    If it is untrusted, it refuses formats that execute code.
    """
    from provenance.effects.layers import parallel_writes, untrusted

    stores = parallel_writes(repo.interpreter)
    reading = stores if is_trusted else untrusted(stores, repo.name)
    return evolve(
        repo,
        interpreter=system_interpreter(time) | reading,
        trusted=is_trusted,
        permissions=settings.permissions,
        copy_policy=policy,
    )


def _memory_repository(
    name: str, settings: schema.MemoryRepoSettings, store: Interpreter[BlobEffects] | None
) -> Repository:
    from provenance.effects.lease_renewal import renewing_leases
    from provenance.effects.memory import MemoryLeases, MemoryRecords, MemorySets
    from provenance.effects.memory_blobs import MemoryBlobs

    sets = MemorySets()
    leases = renewing_leases(lease_effects(MemoryLeases()))
    records = record_effects(MemoryRecords(sets=sets), sets) | leases
    blobs = store or _guard(blob_effects(MemoryBlobs(name)), name, settings)
    return Repository(name, blobs | _guard(records, name, settings))


def _postgres_database(name: str, settings: PostgresRepoSettings) -> Database:
    try:
        from provenance.effects.sql.postgres import PostgresDatabase
        from provenance.effects.sql.postgres_connection import ConnectionSettings
    except ImportError as error:
        raise MissingLibraryError(
            "a PostgreSQL repository", "psycopg", "psycopg[binary]"
        ) from error

    access = ConnectionSettings(
        url=settings.db,
        schema=settings.schema,
        create_db=settings.create_db,
        create_schema=settings.create_schema,
        persistent=settings.persistent_connections,
        migrates=settings.migrate == "automatic",
        connect_timeout=settings.connect_timeout,
        statement_timeout=settings.statement_timeout,
    )
    return PostgresDatabase(access, name)


def _sql_repository(
    name: str,
    settings: schema.SqliteRepoSettings | PostgresRepoSettings,
    database: Database,
    store: Interpreter[BlobEffects] | None,
) -> Repository:
    from provenance.effects.layers import cache_blobs, cache_records
    from provenance.effects.lease_renewal import renewing_leases
    from provenance.effects.sql.records import SqlRecords
    from provenance.effects.sql.stores import SqlBlobs, SqlLeases, SqlSets
    from provenance.effects.tiers import split_by_size

    key = settings.signing_key
    sql_records = SqlRecords(database, RecordSigner(None if key is None else key.encode()))
    leases = renewing_leases(lease_effects(SqlLeases(database)))
    records = (
        cache_records(record_effects(sql_records, SqlSets(database)), _CACHED_RECORDS) | leases
    )
    blobs = _guard(blob_effects(SqlBlobs(database)), name, settings)
    if store is not None:
        blobs = (
            split_by_size(blobs, store, settings.inline_limit) if settings.inline_limit else store
        )
    blobs = cache_blobs(blobs, _CACHED_BYTES, _CACHED_RECORDS)
    stores = blobs | _guard(records, name, settings)
    return Repository(name, stores, lambda: database.engine, database.migrate)


def _guard(base: Interpreter[Any], name: str, settings: schema.StoreAccess) -> Interpreter[Any]:
    from provenance.effects.layers import restrict

    return restrict(base, name, settings.permissions)


def _prepare(folder: Path) -> None:
    """Create the folder of a store.

    A default home also gets a `.gitignore` and a line in the log.
    """
    home = sources.home_of(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A home that cannot be written is read as it is.
        if home and os.access(home, os.W_OK) and not (home / ".gitignore").exists():
            (home / ".gitignore").write_text("*\n", "utf-8")
            _log.info("results are stored in %s", home)
    except OSError as error:
        problem = f"cannot create the folder: {error.strerror}"
        raise StoreUnavailableError(
            str(folder), problem, "name a folder that you may write to"
        ) from error


def environment_of(config: schema.Config, base: Path, time: Clock | None = None) -> Environment:
    """Return the environment that *config* describes, with its repositories on one clock.

    Relative paths start at *base*.
    """

    def open_named_store(name: str, settings: schema.AnyStore) -> Store:
        if isinstance(settings, schema.ChainedSettings):
            tiers = [stores[tier]() for tier in settings.stores]
            return chain_stores(name, settings, tiers)
        return open_store(name, settings, base)

    def open_named_repository(name: str, settings: schema.AnyRepo) -> Repository:
        if isinstance(settings, schema.ChainedSettings):
            tiers = [repos[tier]() for tier in settings.stores]
            return chain_repositories(name, settings, tiers, time)
        store = None if settings.store is None else stores[settings.store]()
        return open_repository(name, settings, base, store, time)

    stores = {
        name: lazily(partial(open_named_store, name, settings))
        for name, settings in config.blobstores.items()
    }
    repos = {
        name: lazily(partial(open_named_repository, name, settings))
        for name, settings in config.artifact_repos.items()
    }
    return Environment(
        openers=repos,
        default=config.default_repo,
        clock=time or clock(),
        run_in_thread=beside,
        config=config,
        use_cache=config.use_cache,
        read_only=config.read_only,
        check_mutations=config.check_mutations,
        results=ResultOptions(
            results=config.results,
            arguments=config.arguments,
            singletons=config.singletons,
            eager_limit=config.eager_limit,
        ),
        on_code_change=config.on_code_change,
        shadow=config.shadow,
        record_sources=config.record_sources,
        single_flight=config.single_flight,
        locate=partial(_locate_repository, config, base),
    )


def _locate_store(config: schema.Config, base: Path, name: str) -> str:
    settings = config.blobstores[name]
    if isinstance(settings, schema.ChainedSettings):
        return _join([_locate_store(config, base, tier) for tier in settings.stores])
    return settings.locate(base)


def _locate_repository(config: schema.Config, base: Path, name: str) -> tuple[str, str]:
    """Return where the records and the large values of a repository are; opens and creates nothing."""
    settings = config.artifact_repos[name]
    if isinstance(settings, schema.ChainedSettings):
        tiers = [_locate_repository(config, base, tier) for tier in settings.stores]
        return _join([records for records, _ in tiers]), _join([values for _, values in tiers])
    records = settings.locate(base)
    if settings.store is None:
        return records, records
    return records, _locate_store(config, base, settings.store)


_join: Final = ", then ".join
"""Makes one text of the locations of the tiers of a chain."""


def lazily(make: Callable[[], T]) -> Callable[[], T]:
    """Return a function that calls *make* once, on first use, even with several threads."""
    made: list[T] = []
    guard = ForkSafeLock()

    def get() -> T:
        if not made:
            with guard.lock:
                if not made:
                    made.append(make())
        return made[0]

    return get

"""The functions that open stores and repositories one by one, without a configuration.

`restore_repository` and `reopen_environment` open in another process what one process has opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, Unpack, cast

from attrs import evolve

from provenance.config import sources, wiring
from provenance.config.parsing import parse, repo_kinds, store_kinds, structure
from provenance.config.schema import (
    BlobStoreArguments,
    ChainedSettings,
    DiskStoreOptions,
    RepoSettings,
    SqliteRepoOptions,
    SqliteRepoSettings,
    StoreAccessArguments,
    StoreSettings,
)
from provenance.environment import Environment
from provenance.errors import ConfigError
from provenance.repository.handles import Blueprint, Repository
from provenance.repository.stores import Store
from provenance.util.formatting import with_article
from provenance.util.naming import exported

if TYPE_CHECKING:
    from provenance.config.remote import (
        BucketOptions,
        FsspecStoreOptions,
        PostgresRepoOptions,
        SFTPStoreOptions,
    )

T = TypeVar("T")

# Constructors: functions that are named like classes, as they construct a store.
# ruff: noqa: N802


def MemoryStore(name: str = "memory", **options: Unpack[BlobStoreArguments]) -> Store:
    """Return a blob store in the memory of this process.

    Args:
        name: Name of the store, in messages and pictures.
        **options: `read`, `write`, `delete`, `read_through_write`, `trusted` and `on_duplicate_key`.

    Raises:
        ConfigError: for an unknown option, or one of the wrong type.

    Example:
        >>> import provenance as p
        >>> p.MemoryRepo("scratch", store=p.MemoryStore("values"))
        Repository(name='scratch')
    """
    return _open_store("memory", name, options)


def DiskStore(name: str = "disk", **options: Unpack[DiskStoreOptions]) -> Store:
    """Return a blob store of files under the folder `cachedir`.

    Args:
        name: Name of the store, in messages and pictures.
        **options: `cachedir`, the folder; `durability` (`"process"` or `"power"`), `compare`, and what
            `MemoryStore` accepts.

    Raises:
        ConfigError: for an unknown option, or one of the wrong type.

    Example:
        >>> import provenance as p
        >>> disk = p.DiskStore("values", cachedir="blobs")
        >>> p.SqliteRepo("project", db="records.db", store=disk)
        Repository(name='project')
    """
    return _open_store("disk", name, options)


def ChainedStore(
    name: str = "chained", *, stores: Iterable[Store], **options: Unpack[StoreAccessArguments]
) -> Store:
    """Return *stores*, the nearest first, as one blob store.

    The permissions of each store apply to it; *options* apply to the chain as a whole.

    Args:
        name: Name of the chain.
        stores: The stores, at least one.
        **options: `read`, `write`, `delete`, `read_through_write` and `trusted` of the chain.

    Raises:
        ConfigError: if *stores* is empty, has two of the same name, or holds anything else.

    Example:
        >>> import provenance as p
        >>> near = p.DiskStore("near", cachedir="blobs")
        >>> p.ChainedStore("both", stores=[near, p.MemoryStore("far")])
        Store(name='both', trusted=True)
    """
    tiers = _tiers(name, stores, Store, "DiskStore(...), S3Store(...)")
    return wiring.chain_stores(name, _make_chain(name, tiers, options), tiers)


def MemoryRepo(
    name: str = "memory", *, store: Store | None = None, **options: Unpack[StoreAccessArguments]
) -> Repository:
    """Return a repository in the memory of this process.

    Its values go to *store* if there is one.

    Args:
        name: Name of the repository.
        store: The blob store of large values; by default they are kept with the records.
        **options: `read`, `write`, `delete`, `read_through_write` and `trusted`.

    Raises:
        ConfigError: for an unknown option, or one of the wrong type.

    Example:
        >>> import provenance as p
        >>> with p.using_repo(p.MemoryRepo("scratch")) as repo:
        ...     len(list(repo))
        0
    """
    return _open_repository("memory", name, store, options)


def SqliteRepo(
    name: str = "sqlite", *, store: Store | None = None, **options: Unpack[SqliteRepoOptions]
) -> Repository:
    """Return a repository in the SQLite file `db`; large values go to *store* if there is one.

    Args:
        name: Name of the repository.
        store: The blob store of values above `inline_limit`; without one, all are in the database.
        **options: `db`, the file; `inline_limit` in bytes, `create_db`, `durability` (`"process"` or
            `"power"`), `signing_key`, and what `MemoryRepo` accepts.

    Raises:
        ConfigError: for an unknown option, or one of the wrong type.

    Example:
        >>> import provenance as p
        >>> repo = p.SqliteRepo("project", db="records.db")
        >>> p.set_default_repo(repo)
    """
    return _open_repository("sqlite", name, store, options)


def ChainedRepo(
    name: str = "chained", *, stores: Iterable[Repository], **options: Unpack[StoreAccessArguments]
) -> Repository:
    """Return *stores*, the nearest first, as one repository.

    The permissions of each repository apply to it; *options* apply to the chain as a whole.

    Args:
        name: Name of the chain.
        stores: The repositories, at least one.
        **options: `read`, `write`, `delete`, `read_through_write` and `trusted` of the chain.

    Raises:
        ConfigError: if *stores* is empty, has two of the same name, or holds anything else.

    Example:
        >>> import provenance as p
        >>> mine, shared = p.MemoryRepo("mine"), p.MemoryRepo("shared")
        >>> p.ChainedRepo("both", stores=[mine, shared])
        Repository(name='both')
    """
    tiers = _tiers(name, stores, Repository, "SqliteRepo(...), get_repo_by_name(...)")
    return wiring.chain_repositories(name, _make_chain(name, tiers, options), tiers)


def _tiers(name: str, stores: object, kind: type[T], examples: str) -> list[T]:
    """Return *stores* if they are handles of this *kind*."""
    path, advice = f"{name}.stores", f"pass a list of handles, such as [{examples}]"
    # A repository yields its artifacts.
    if isinstance(stores, Repository | Store) or not isinstance(stores, Iterable):
        raise ConfigError(path, f"must be a list of handles, got {with_article(stores)}", advice)
    tiers: list[T] = []
    for number, store in enumerate(cast("Iterable[object]", stores)):
        if not isinstance(store, kind):
            problem = f"must be a {kind.__name__}, got {with_article(store)}"
            raise ConfigError(f"{path}[{number}]", problem, advice)
        tiers.append(store)
    return tiers


def _make_chain(
    name: str, tiers: Sequence[Store | Repository], options: StoreAccessArguments
) -> ChainedSettings:
    return structure({**options, "stores": [tier.name for tier in tiers]}, ChainedSettings, name)


def S3Store(name: str = "s3", **options: Unpack[BucketOptions]) -> Store:
    """Return a blob store of objects in S3, below `basepath` (`bucket/prefix`).

    Args:
        name: Name of the store, in messages and pictures.
        **options: `bucket` and `basepath`, or both as one `basepath`; `storage_options`, which fsspec
            gets; and what `MemoryStore` accepts.

    Raises:
        ConfigError: for an unknown option, or one of the wrong type.

    Example:
        >>> import provenance as p
        >>> p.S3Store("team", basepath="our-bucket/results")
        Store(name='team', trusted=True)
    """
    return _open_store("s3", name, options)


def GSStore(name: str = "gs", **options: Unpack[BucketOptions]) -> Store:
    """Return a blob store in Google Cloud Storage, below `basepath` (`bucket/prefix`).

    Args:
        name: Name of the store, in messages and pictures.
        **options: `bucket` and `basepath`, or both as one `basepath`; `storage_options`, which fsspec
            gets; and what `MemoryStore` accepts.

    Raises:
        ConfigError: for an unknown option, or one of the wrong type.

    Example:
        >>> import provenance as p
        >>> p.GSStore("team", basepath="our-bucket/results")
        Store(name='team', trusted=True)
    """
    return _open_store("gs", name, options)


def AzureStore(name: str = "azure", **options: Unpack[BucketOptions]) -> Store:
    """Return a blob store in an Azure storage account, below `basepath` (`container/prefix`).

    Args:
        name: Name of the store, in messages and pictures.
        **options: `bucket` and `basepath`, or both as one `basepath`; `storage_options`, which fsspec
            gets; and what `MemoryStore` accepts.

    Raises:
        ConfigError: for an unknown option, or one of the wrong type.

    Example:
        >>> import provenance as p
        >>> p.AzureStore("team", basepath="our-container/results")
        Store(name='team', trusted=True)
    """
    return _open_store("azure", name, options)


def SFTPStore(name: str = "sftp", **options: Unpack[SFTPStoreOptions]) -> Store:
    """Return a blob store of files on `host`, below the folder `basepath`.

    Args:
        name: Name of the store, in messages and pictures.
        **options: `host`, `basepath`, `port`, `username`; `storage_options`, which fsspec gets; and what
            `MemoryStore` accepts.

    Raises:
        ConfigError: for an unknown option, or one of the wrong type.

    Example:
        >>> import provenance as p
        >>> p.SFTPStore("group", host="files.example.org", basepath="/srv/results")
        Store(name='group', trusted=True)
    """
    return _open_store("sftp", name, options)


def FsspecStore(name: str = "fsspec", **options: Unpack[FsspecStoreOptions]) -> Store:
    """Return a blob store of files below `url`, on any file system that fsspec supports.

    Args:
        name: Name of the store, in messages and pictures.
        **options: `url`; `storage_options`, which fsspec gets; and what `MemoryStore` accepts.

    Raises:
        ConfigError: for an unknown option, or one of the wrong type.

    Example:
        >>> import provenance as p
        >>> p.FsspecStore("shared", url="memory://results")
        Store(name='shared', trusted=True)
    """
    return _open_store("fsspec", name, options)


def PostgresRepo(
    name: str = "postgres", *, store: Store | None = None, **options: Unpack[PostgresRepoOptions]
) -> Repository:
    """Return a repository in the PostgreSQL database `db`.

    Large values go to *store*, by default into the database as well.

    Args:
        name: Name of the repository.
        store: The blob store of values above `inline_limit`; without one, all are in the database.
        **options: `db`, the URL; `schema`, `inline_limit` in bytes, `signing_key`, time limits in
            seconds (`connect_timeout`, `statement_timeout`), and what `MemoryRepo` accepts.

    Raises:
        ConfigError: for an unknown option, or one of the wrong type.

    Example:
        >>> import provenance as p
        >>> bucket = p.S3Store("values", basepath="our-bucket/results")
        >>> p.PostgresRepo("team", db="postgresql://db.example.org/results", store=bucket)
        Repository(name='team')
    """
    return _open_repository("postgres", name, store, options)


def _open_store(kind: str, name: str, options: Mapping[str, object]) -> Store:
    """Open a blob store of the `type` *kind*."""
    settings = structure({"delete": True, **options}, store_kinds(kind)[kind], name)
    return wiring.open_store(name, cast("StoreSettings", settings), Path.cwd())


def _open_repository(
    kind: str, name: str, store: Store | None, options: Mapping[str, object]
) -> Repository:
    """Open a repository of the `type` *kind*."""
    settings = structure({"delete": True, **options}, repo_kinds(kind)[kind], name)
    return wiring.open_repository(name, cast("RepoSettings", settings), Path.cwd(), store)


@exported
def restore_repository(blueprint: Blueprint) -> Repository:
    """Return the repository of a *blueprint*, opened in this process; creates no database.

    Raises:
        StoreUnavailableError: if it is not there.
    """
    name, settings = blueprint.name, blueprint.settings
    if isinstance(settings, ChainedSettings):
        return wiring.chain_repositories(
            name, settings, list(map(restore_repository, blueprint.parts))
        )
    stores = list(map(_reopen_store, blueprint.parts))
    found = _without_creation(cast("RepoSettings", settings))
    return wiring.open_repository(name, found, blueprint.base, stores[0] if stores else None)


def _reopen_store(blueprint: Blueprint) -> Store:
    name, settings = blueprint.name, blueprint.settings
    if isinstance(settings, ChainedSettings):
        return wiring.chain_stores(name, settings, list(map(_reopen_store, blueprint.parts)))
    return wiring.open_store(name, cast("StoreSettings", settings), blueprint.base)


def _without_creation(settings: T) -> T:
    return (
        evolve(settings, create_db=False) if isinstance(settings, SqliteRepoSettings) else settings
    )


def reopen_environment(written: str, existing: object, *, may_create: bool) -> Environment:
    """Return the environment of a configuration in JSON, as `sources.to_json` writes it.

    If it *may_create* databases, those that are missing are created when they are first used, but not the
    *existing* one of this name.

    Raises:
        ConfigError: if a variable that it names is not set in this process.
    """
    raw, base = sources.from_json(written, Path.cwd())
    config = parse(raw, os.environ)
    repos = {
        name: repo if may_create and name != existing else _without_creation(repo)
        for name, repo in config.artifact_repos.items()
    }
    return wiring.environment_of(evolve(config, artifact_repos=repos), base)

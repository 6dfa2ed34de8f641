"""Public functions of the configuration, and constructors of stores and repositories without one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, Unpack, cast

from attrs import evolve, frozen

from provenance import environment as provenance_environment
from provenance.config import sources, wiring
from provenance.config.parsing import parse, parse_hook, structure
from provenance.config.schema import (
    BlobStoreArguments,
    ChainedSettings,
    Config,
    DiskStoreOptions,
    DiskStoreSettings,
    MemoryRepoSettings,
    MemoryStoreSettings,
    RunInfoHook,
    SqliteRepoOptions,
    SqliteRepoSettings,
    StoreAccessArguments,
)
from provenance.config.wiring import environment_of
from provenance.environment import Environment, RepositoryOrName
from provenance.errors import ConfigError
from provenance.repository.handles import Repository
from provenance.repository.stores import Store
from provenance.util.formatting import with_article
from provenance.util.naming import exported

if TYPE_CHECKING:
    from provenance.config.remote import (
        BucketOptions,
        FsspecStoreOptions,
        ObjectSettings,
        PostgresRepoOptions,
        SFTPStoreOptions,
    )


T = TypeVar("T")


def from_config(config: Mapping[str, object], base: str | Path = ".") -> Environment:
    """Return the environment that *config* describes, without installing it.

    Its `repository(name)` opens a repository. Relative paths are relative to the folder *base*.

    Raises:
        ConfigError: with the path to the first mistake.
    """
    folder = Path(base).absolute()
    return evolve(environment_of(parse(config, os.environ), folder), written=(config, folder))


def _with_hook(environment: Environment) -> Environment:
    """Return *environment* after setting its `run_info_fn` for the process."""
    wiring.record_sources(environment.record_sources)
    hook = cast("Config", environment.config).run_info_fn
    if hook is not None:
        wiring.set_hook(hook)
    return environment


def _load(config: Mapping[str, object], base: Path, source: str) -> Environment:
    """Install *config* in this process, and in the processes that it will start."""

    def tell_children(environment: Environment) -> None:
        # Setters may have changed these since the configuration was loaded.
        names = ("use_cache", "read_only", "check_mutations")
        changed: dict[str, object] = {name: getattr(environment, name) for name in names}
        if isinstance(environment.default, str):
            changed["default_repo"] = environment.default
        wiring.export_config({**config, **changed}, base)

    return provenance_environment.install(
        evolve(
            _with_hook(from_config(config, base)), export_to_children=tell_children, source=source
        )
    )


def load_config(config: Mapping[str, object]) -> Environment:
    """Make *config*, a dictionary, the configuration of the process.

    Processes started from now on, such as joblib's workers, inherit it unless they load another
    one. It is passed to them in the environment variable `PROVENANCE_CONFIG`, so write secrets as
    `${NAME}`.

    Raises:
        ConfigError: with the path to the first mistake.
    """
    return _load(config, Path.cwd(), "load_config")


def load_yaml_config(filename: str | Path) -> Environment:
    """Make a YAML file the configuration of the process, as `load_config` does.

    Relative paths in it are relative to the file's folder.

    Raises:
        ConfigError: if the file cannot be read, is not valid YAML, or contains a mistake.
    """
    return _load(*sources.from_yaml(Path(filename)), str(Path(filename).absolute()))


def current_config() -> Config:
    """Return the configuration of the process, as frozen records."""
    return cast("Config", provenance_environment.current().config)


def default_environment() -> Environment:
    """Return the environment of a process that loaded no configuration (see `sources.find_config`)."""
    environment = _with_hook(from_config(*sources.find_config(os.environ, Path.cwd())))
    return evolve(environment, source=sources.name_source(os.environ, Path.cwd()))


@exported
@frozen
class Location:
    """Where results are stored.

    Attributes:
        repo: name of the repository.
        records: the database, file or memory that holds the records.
        values: the folder, bucket or database that holds large values.
        config: where the configuration was found: a file, `PROVENANCE_CONFIG`, `load_config`, or
            `default` if there is none.
    """

    repo: str
    records: str
    values: str
    config: str


def location(repo: RepositoryOrName | None = None) -> Location:
    """Return where results are stored: those of *repo*, by default of the default repository.

    A configured repository is not opened for this, so nothing is created. URLs come without
    credentials.

    Raises:
        ConfigError: if the name is unknown, or no default is set.
    """
    environment = provenance_environment.current()
    chosen = environment.default if repo is None else repo
    if isinstance(chosen, str) and chosen in environment.openers and environment.locate is not None:
        return Location(chosen, *environment.locate(chosen), environment.source)
    place = environment.repository(chosen)
    return Location(place.name, place.records_at, place.values_at, environment.source)


def set_run_info_fn(fn: RunInfoHook | None) -> None:
    """Set the function that adds to what is recorded of the process.

    It is called once, before the next artifact is recorded. If it fails, the failure is logged and
    the run is recorded without it.

    Args:
        fn: takes the dictionary of run information, and returns it or changes it in place; None
            removes the function.

    Raises:
        ConfigError: if *fn* is not callable.
    """
    wiring.set_hook(parse_hook(fn))


# Constructors: functions that are named like classes, as they construct a store.
# ruff: noqa: N802


def MemoryStore(name: str = "memory", **options: Unpack[BlobStoreArguments]) -> Store:
    """Return a blob store in the memory of this process."""
    return wiring.open_store(
        name, structure({"delete": True, **options}, MemoryStoreSettings, name), Path.cwd()
    )


def DiskStore(name: str = "disk", **options: Unpack[DiskStoreOptions]) -> Store:
    """Return a blob store of files under the folder `cachedir`."""
    return wiring.open_store(
        name, structure({"delete": True, **options}, DiskStoreSettings, name), Path.cwd()
    )


def ChainedStore(
    name: str = "chained", *, stores: Iterable[Store], **options: Unpack[StoreAccessArguments]
) -> Store:
    """Return *stores*, the nearest first, as one blob store.

    The permissions of each store apply to it; *options* apply to the chain as a whole.

    Raises:
        ConfigError: if *stores* is empty, has two of the same name, or holds anything else.
    """
    tiers = _tiers(name, stores, Store, "DiskStore(...), S3Store(...)")
    return wiring.chain_stores(name, _make_chain(name, tiers, options), tiers)


def MemoryRepo(
    name: str = "memory", *, store: Store | None = None, **options: Unpack[StoreAccessArguments]
) -> Repository:
    """Return a repository in the memory of this process.

    Its values go to *store* if there is one.
    """
    settings = structure({"delete": True, **options}, MemoryRepoSettings, name)
    return wiring.open_repository(name, settings, Path.cwd(), store)


def SqliteRepo(
    name: str = "sqlite", *, store: Store | None = None, **options: Unpack[SqliteRepoOptions]
) -> Repository:
    """Return a repository in the SQLite file `db`; large values go to *store* if there is one."""
    settings = structure({"delete": True, **options}, SqliteRepoSettings, name)
    return wiring.open_repository(name, settings, Path.cwd(), store)


def ChainedRepo(
    name: str = "chained", *, stores: Iterable[Repository], **options: Unpack[StoreAccessArguments]
) -> Repository:
    """Return *stores*, the nearest first, as one repository.

    The permissions of each repository apply to it; *options* apply to the chain as a whole.

    Raises:
        ConfigError: if *stores* is empty, has two of the same name, or holds anything else.
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


# These functions are named like classes, as they construct a store.
# ruff: noqa: N802


def S3Store(name: str = "s3", **options: Unpack[BucketOptions]) -> Store:
    """Return a blob store of objects in S3, below `basepath` (`bucket/prefix`)."""
    from provenance.config.remote import S3StoreSettings

    return _remote_store(S3StoreSettings, name, options)


def GSStore(name: str = "gs", **options: Unpack[BucketOptions]) -> Store:
    """Return a blob store in Google Cloud Storage, below `basepath` (`bucket/prefix`)."""
    from provenance.config.remote import GSStoreSettings

    return _remote_store(GSStoreSettings, name, options)


def AzureStore(name: str = "azure", **options: Unpack[BucketOptions]) -> Store:
    """Return a blob store in an Azure storage account, below `basepath` (`container/prefix`)."""
    from provenance.config.remote import AzureStoreSettings

    return _remote_store(AzureStoreSettings, name, options)


def SFTPStore(name: str = "sftp", **options: Unpack[SFTPStoreOptions]) -> Store:
    """Return a blob store of files on `host`, below the folder `basepath`."""
    from provenance.config.remote import SFTPStoreSettings

    return _remote_store(SFTPStoreSettings, name, options)


def FsspecStore(name: str = "fsspec", **options: Unpack[FsspecStoreOptions]) -> Store:
    """Return a blob store of files below `url`, on any file system that fsspec supports."""
    from provenance.config.remote import FsspecStoreSettings

    return _remote_store(FsspecStoreSettings, name, options)


def _remote_store(kind: type[ObjectSettings], name: str, options: Mapping[str, object]) -> Store:
    settings = structure({"delete": True, **options}, kind, name)
    return wiring.open_store(name, settings, Path.cwd())


def PostgresRepo(
    name: str = "postgres", *, store: Store | None = None, **options: Unpack[PostgresRepoOptions]
) -> Repository:
    """Return a repository in the PostgreSQL database `db`.

    Large values go to *store*, by default into the database as well.
    """
    from provenance.config.remote import PostgresRepoSettings

    settings = structure({"delete": True, **options}, PostgresRepoSettings, name)
    return wiring.open_repository(name, settings, Path.cwd(), store)

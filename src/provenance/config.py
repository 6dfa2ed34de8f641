"""What users say about configuration: load one, look at it, build repositories and stores without one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar, Unpack, cast

from attrs import evolve

from provenance import backends, machine, session, sources
from provenance.errors import ConfigError
from provenance.guards import Guard
from provenance.permissions import BlobsOptions, PermittedOptions
from provenance.repository import Repository
from provenance.session import Environment
from provenance.settings import (
    AnyRepo,
    AnyStore,
    ChainedSettings,
    Config,
    DiskStoreOptions,
    DiskStoreSettings,
    MemoryRepoSettings,
    MemoryStoreSettings,
    RunInfoHook,
    SqliteRepoOptions,
    SqliteRepoSettings,
    hook_in,
    parse,
)
from provenance.store import Store
from provenance.structuring import structured

T = TypeVar("T")


def from_config(config: Mapping[str, object], base: str | Path = ".") -> Environment:
    """The environment that *config* describes; its `repository(name)` opens a repository. Nothing is installed.

    Relative paths in it are taken from the folder *base*.

    Raises:
        ConfigError: naming the path to the first mistake.
    """
    return _environment(parse(config, os.environ), Path(base).absolute())


def _hooked(environment: Environment) -> Environment:
    """*environment*, its `run_info_fn` made that of the process."""
    hook = cast("Config", environment.config).run_info_fn
    if hook is not None:
        machine.set_hook(hook)
    return environment


def _loaded(config: Mapping[str, object], base: Path) -> Environment:
    """Make *config* the configuration of the process and, unless they load another one, of the processes it starts."""

    def heirs(environment: Environment) -> None:
        machine.tell_children({**config, **_choices(environment)}, base)

    return session.install(evolve(_hooked(from_config(config, base)), heirs=heirs))


def _choices(environment: Environment) -> dict[str, object]:
    """What setters may have changed since *environment* was loaded; a repository without a name is not among it."""
    chosen = {name: getattr(environment, name) for name in ("use_cache", "read_only", "check_mutations")}
    named = isinstance(environment.default, str)
    return {**chosen, "default_repo": environment.default} if named else chosen


def load_config(config: Mapping[str, object]) -> Environment:
    """Make *config*, a dictionary, the configuration of the process; raises as `from_config`.

    Processes that this one starts from now on (by spawning, as joblib's workers, or in any other way) have it too, unless they load
    another one: it is told them in the environment variable `PROVENANCE_CONFIG`, so write secrets in it as `${NAME}`.
    """
    return _loaded(config, Path.cwd())


def load_yaml_config(filename: str | Path) -> Environment:
    """Make a YAML file the configuration of the process, as `load_config` does; relative paths in it start at its folder.

    Raises:
        ConfigError: if the file cannot be read, is no YAML, or has a mistake in it.
    """
    return _loaded(*sources.from_yaml(Path(filename)))


def current_config() -> Config:
    """The configuration of the process, as frozen records."""
    return cast("Config", session.current().config)


def default_environment() -> Environment:
    """The environment of a process that loaded no configuration: see `provenance.sources.found`."""
    return _hooked(from_config(*sources.found(os.environ, Path.cwd())))


def set_run_info_fn(fn: RunInfoHook | None) -> None:
    """Let *fn* add to what is recorded of the process: it gets the dictionary, and returns it or changes it in place.

    It is called once, when the first artifact after this is recorded. None takes it away. If it fails, that is logged, and
    recorded is what was collected without it.

    Raises:
        ConfigError: for what cannot be called.
    """
    machine.set_hook(hook_in(fn))


def _environment(config: Config, base: Path) -> Environment:
    def open_store(name: str, settings: AnyStore) -> Store:
        if isinstance(settings, ChainedSettings):
            return backends.chain_stores(name, settings, [stores[each]() for each in settings.stores])
        return backends.open_store(name, settings, base)

    def open_repository(name: str, settings: AnyRepo) -> Repository:
        if isinstance(settings, ChainedSettings):
            return backends.chain_repositories(name, settings, [repos[each]() for each in settings.stores])
        store = None if settings.store is None else stores[settings.store]()
        return backends.open_repository(name, settings, base, store)

    stores = {name: once(partial(open_store, name, each)) for name, each in config.blobstores.items()}
    repos = {name: once(partial(open_repository, name, each)) for name, each in config.artifact_repos.items()}
    return Environment(
        openers=repos,
        default=config.default_repo,
        clock=machine.clock(),
        beside=machine.beside,
        config=config,
        use_cache=config.use_cache,
        read_only=config.read_only,
        check_mutations=config.check_mutations,
        single_flight=config.single_flight,
    )


def once(make: Callable[[], T]) -> Callable[[], T]:
    """*make*, called when its result is first needed, and once, even by several threads."""
    made: list[T] = []
    guard = Guard()

    def get() -> T:
        if not made:
            with guard.lock:
                if not made:
                    made.append(make())
        return made[0]

    return get


# ---------------------------------------------------------------- without a configuration


def MemoryStore(name: str = "memory", **options: Unpack[BlobsOptions]) -> Store:  # noqa: N802 - made like a record
    """A blob store that ends with the process."""
    return backends.open_store(name, structured({"delete": True, **options}, MemoryStoreSettings, name), Path.cwd())


def DiskStore(name: str = "disk", **options: Unpack[DiskStoreOptions]) -> Store:  # noqa: N802 - made like a record
    """A blob store of files under the folder `cachedir`."""
    return backends.open_store(name, structured({"delete": True, **options}, DiskStoreSettings, name), Path.cwd())


def ChainedStore(  # noqa: N802 - made like a record
    name: str = "chained", *, stores: Iterable[Store], **options: Unpack[PermittedOptions]
) -> Store:
    """Blob stores as one, the nearest first; each does what its own permissions allow, *options* are those of the whole.

    Raises:
        ConfigError: if there is none, one that is no blob store, or two of one name.
    """
    tiers = _tiers(name, stores, Store, "DiskStore(...), S3Store(...)")
    return backends.chain_stores(name, _chaining(name, tiers, options), tiers)


def MemoryRepo(  # noqa: N802 - made like a record
    name: str = "memory", *, store: Store | None = None, **options: Unpack[PermittedOptions]
) -> Repository:
    """A repository that ends with the process; its values go into *store*, else into memory."""
    settings = structured({"delete": True, **options}, MemoryRepoSettings, name)
    return backends.open_repository(name, settings, Path.cwd(), store)


def SqliteRepo(  # noqa: N802 - made like a record
    name: str = "sqlite", *, store: Store | None = None, **options: Unpack[SqliteRepoOptions]
) -> Repository:
    """A repository in the SQLite file `db`; large values go into *store*, else all into the file."""
    settings = structured({"delete": True, **options}, SqliteRepoSettings, name)
    return backends.open_repository(name, settings, Path.cwd(), store)


def ChainedRepo(  # noqa: N802 - made like a record
    name: str = "chained", *, stores: Iterable[Repository], **options: Unpack[PermittedOptions]
) -> Repository:
    """Repositories as one, the nearest first; each does what its own permissions allow, *options* are those of the whole.

    Raises:
        ConfigError: if there is none, one that is no repository, or two of one name.
    """
    tiers = _tiers(name, stores, Repository, "SqliteRepo(...), get_repo_by_name(...)")
    return backends.chain_repositories(name, _chaining(name, tiers, options), tiers)


def _tiers(name: str, given: object, kind: type[T], examples: str) -> list[T]:
    """The tiers of *name* that were *given*: a collection of handles of this kind, such as the *examples*."""
    path, what, advice = f"{name}.stores", kind.__name__, f"give a list of handles, such as [{examples}]"
    if not isinstance(given, Iterable):
        raise ConfigError(path, f"a {type(given).__name__} is no list of handles", advice)
    tiers: list[T] = []
    for number, each in enumerate(cast("Iterable[object]", given)):
        if not isinstance(each, kind):
            raise ConfigError(f"{path}[{number}]", f"a {type(each).__name__} is no {what}", advice)
        tiers.append(each)
    return tiers


def _chaining(name: str, tiers: Sequence[Store | Repository], options: PermittedOptions) -> ChainedSettings:
    return structured({**options, "stores": [each.name for each in tiers]}, ChainedSettings, name)

"""The configuration as frozen records, read from the dictionary (or YAML) that a user writes.

A mistake is a `ConfigError` that says where it is and what would be right; nothing is opened or created here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, Required, TypeAlias, TypeVar, cast

from attrs import Attribute, field, fields, frozen, validators

from provenance.checks import name_among, named, nearest
from provenance.errors import ConfigError
from provenance.permissions import BlobsOptions, BlobsPermitted, Permitted, RecordsOptions, RecordsPermitted
from provenance.records import Json
from provenance.sharing import SHARED, SingleFlight, single_flight_from
from provenance.structuring import structured

if TYPE_CHECKING:
    from provenance.databases import PostgresRepoSettings
    from provenance.places import ObjectSettings

T = TypeVar("T")
_Kinds: TypeAlias = Callable[[object], Mapping[str, type[T]]]
RunInfoHook: TypeAlias = Callable[[dict[str, Json]], "Mapping[str, Json] | None"]


@frozen(kw_only=True)
class MemoryStoreSettings(BlobsPermitted):
    """`type: memory`: blobs that end with the process."""


@frozen(kw_only=True)
class DiskStoreSettings(BlobsPermitted):
    """`type: disk`: blobs as files under *cachedir*; *durability* is `process` or `power`.

    *compare* says when bytes that are read are compared with their digest: `changed`, `always`, or `size` for just their number.
    """

    cachedir: str
    durability: str = field(default="process", validator=validators.in_(("process", "power")))
    compare: str = field(default="changed", validator=validators.in_(("changed", "always", "size")))


@frozen(kw_only=True)
class MemoryRepoSettings(Permitted):
    """`type: memory`: records that end with the process; values go into *store*, else into memory."""

    store: str | None = None


def _is_file(_: object, __: object, value: str) -> None:
    path = value.removeprefix("sqlite:///")
    if path == ":memory:" or value in ("sqlite://", "sqlite:///"):
        raise ValueError(f"db {value!r} is a database in memory, not a file; use a memory repository for that")
    if not path:
        raise ValueError("db names no file")


@frozen(kw_only=True)
class SqliteRepoSettings(RecordsPermitted):
    """`type: sqlite`: records in the file *db*; values into *store*, those up to *inline_limit* bytes into the file.

    *create_db* makes the file if it is not there; *durability* is `process` or `power`.
    """

    db: str = field(validator=_is_file)
    store: str | None = None
    inline_limit: int = field(default=65_536, validator=validators.ge(0))
    create_db: bool = True
    durability: str = field(default="process", validator=validators.in_(("process", "power")))


def _are_tiers(_: object, __: Attribute[tuple[str, ...]], names: tuple[str, ...]) -> None:
    if not names:
        raise ValueError("stores is empty; name at least one, the nearest first")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"stores has {name!r} twice; each has to be another one, with a name of its own")


@frozen(kw_only=True)
class ChainedSettings:
    """`type: chained`: *stores*, blob stores or repositories by name, as one: the nearest first.

    Each does what its own permissions allow; these are those of the chain as a whole.
    """

    stores: tuple[str, ...] = field(validator=_are_tiers)
    read: bool = True
    write: bool = True
    delete: bool = True
    read_through_write: bool = True
    trusted: bool = True


class DiskStoreOptions(BlobsOptions, total=False):
    """`DiskStoreSettings` as keywords."""

    cachedir: Required[str | os.PathLike[str]]
    durability: Literal["process", "power"]
    compare: Literal["changed", "always", "size"]


class SqliteRepoOptions(RecordsOptions, total=False):
    """`SqliteRepoSettings` as keywords."""

    db: Required[str | os.PathLike[str]]
    inline_limit: int
    create_db: bool
    durability: Literal["process", "power"]


StoreSettings: TypeAlias = "MemoryStoreSettings | DiskStoreSettings | ObjectSettings"
RepoSettings: TypeAlias = "MemoryRepoSettings | SqliteRepoSettings | PostgresRepoSettings"
AnyStore: TypeAlias = "StoreSettings | ChainedSettings"
AnyRepo: TypeAlias = "RepoSettings | ChainedSettings"
_STORES: Final[Mapping[str, type[AnyStore]]] = {
    "memory": MemoryStoreSettings,
    "disk": DiskStoreSettings,
    "chained": ChainedSettings,
}
_REPOS: Final[Mapping[str, type[AnyRepo]]] = {
    "memory": MemoryRepoSettings,
    "sqlite": SqliteRepoSettings,
    "chained": ChainedSettings,
}


def _store_kinds(wanted: object) -> Mapping[str, type[AnyStore]]:
    """The settings of each type of blob store; those that are elsewhere are imported if one of these may be *wanted*."""
    if wanted in list(_STORES):
        return _STORES
    from provenance.places import KINDS

    return {**_STORES, **KINDS}


def _repo_kinds(wanted: object) -> Mapping[str, type[AnyRepo]]:
    """The same of repositories."""
    if wanted in list(_REPOS):
        return _REPOS
    from provenance.databases import PostgresRepoSettings

    return {**_REPOS, "postgres": PostgresRepoSettings}


@frozen(kw_only=True)
class Config:
    """A whole configuration."""

    blobstores: Mapping[str, AnyStore]
    artifact_repos: Mapping[str, AnyRepo]
    default_repo: str | None = None
    use_cache: bool = True
    read_only: bool = False
    check_mutations: bool = False
    single_flight: SingleFlight | None = SHARED
    run_info_fn: RunInfoHook | None = field(default=None, repr=False)


def parse(raw: Mapping[str, object], variables: Mapping[str, str]) -> Config:
    """The configuration that *raw* describes; `${NAME}` in its strings is filled in from *variables*.

    Raises:
        ConfigError: naming the path to the first mistake.
    """
    given = named(raw, "configuration", "write blobstores: and artifact_repos: into one")
    _known_keys(given, [each.name for each in fields(Config)], "configuration")
    filled = {key: _filled(value, key, variables) for key, value in given.items()}
    stores = _section(filled, "blobstores", _store_kinds)
    repos = _section(filled, "artifact_repos", _repo_kinds)
    for name, repo in repos.items():
        if not isinstance(repo, ChainedSettings) and repo.store is not None:
            name_among(repo.store, stores, f"artifact_repos.{name}.store", "blob store")
    _check_chains(stores, "blobstores", "blob store")
    _check_chains(repos, "artifact_repos", "repository")
    default = filled.get("default_repo")
    if default is None and len(repos) == 1:
        default = next(iter(repos))
    chosen = {name: filled[name] for name in ("use_cache", "read_only", "check_mutations") if name in filled}
    for name, flag in chosen.items():
        if not isinstance(flag, bool):
            raise ConfigError(name, f"{flag!r} is no bool", "write true or false")
    return Config(
        blobstores=stores,
        artifact_repos=repos,
        default_repo=None if default is None else name_among(default, repos, "default_repo", "repository"),
        run_info_fn=hook_in(filled.get("run_info_fn")),
        single_flight=single_flight_from(filled.get("single_flight", True)),
        **cast("dict[str, Any]", chosen),
    )


def _check_chains(entries: Mapping[str, object], section: str, what: str) -> None:
    """Refuse chains of what is not there, and chains that go in a circle."""
    for name in entries:
        _follow(entries, name, section, what, ())


def _follow(entries: Mapping[str, object], name: str, section: str, what: str, above: tuple[str, ...]) -> None:
    path = f"{section}.{above[-1] if above else name}.stores"
    if name in above:
        raise ConfigError(path, f"chains go in a circle: {' -> '.join((*above, name))}", "break it")
    name_among(name, entries, path, what)
    entry = entries[name]
    for each in entry.stores if isinstance(entry, ChainedSettings) else ():
        _follow(entries, each, section, what, (*above, name))


def _section(raw: Mapping[str, object], section: str, kinds: _Kinds[T]) -> dict[str, T]:
    entries = named(raw.get(section, {}), section)
    return {name: _entry(entries, name, section, kinds) for name in entries}


def _entry(entries: Mapping[str, object], name: str, section: str, kinds_for: _Kinds[T]) -> T:
    path = f"{section}.{name}"
    options = _inherited(entries, name, section, ())
    kind = options.pop("type", None)
    kinds = kinds_for(kind)
    if not isinstance(kind, str) or kind not in kinds:
        wrong = "it has no type" if kind is None else f"there is no type {kind!r}"
        raise ConfigError(f"{path}.type", wrong, f"this version has {', '.join(sorted(kinds))}")
    known = [each.name for each in fields(cast("Any", kinds[kind]))]
    _known_keys(options, [*known, "type", "prototype"], path)
    return structured(options, kinds[kind], path)


def _inherited(entries: Mapping[str, object], name: str, section: str, heirs: tuple[str, ...]) -> dict[str, object]:
    """The options of an entry over those of its prototype, and that one's prototype in turn."""
    path = f"{section}.{heirs[-1]}.prototype" if heirs else f"{section}.{name}"
    if name in heirs:
        raise ConfigError(path, f"prototypes go in a circle: {' -> '.join((*heirs, name))}", "break it")
    own = dict(named(entries[name], f"{section}.{name}"))
    prototype = own.pop("prototype", None)
    if prototype is None:
        return own
    known = name_among(prototype, entries, f"{section}.{name}.prototype", "entry")
    return {**_inherited(entries, known, section, (*heirs, name)), **own}


def _known_keys(raw: Iterable[str], known: Iterable[str], path: str) -> None:
    keys = list(known)
    for key in raw:
        if key not in keys:
            raise ConfigError(f"{path}.{key}", f"unknown key {key!r}", nearest(key, keys))


_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


def _filled(value: object, path: str, variables: Mapping[str, str]) -> object:
    """*value* with `${NAME}` replaced in its strings, at any depth."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _variable(found[1], path, variables), value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value)
        return {key: _filled(each, f"{path}.{key}", variables) for key, each in entries.items()}
    if isinstance(value, list):
        members = cast("list[object]", value)
        return [_filled(each, f"{path}[{i}]", variables) for i, each in enumerate(members)]
    return value


def _variable(name: str, path: str, variables: Mapping[str, str]) -> str:
    if name not in variables:
        raise ConfigError(path, f"the environment variable {name} is not set", "set it, or write the value itself")
    return variables[name]


def hook_in(given: object) -> RunInfoHook | None:
    """What a configuration gives as its `run_info_fn`; ConfigError for what cannot be called."""
    if given is not None and not callable(given):
        raise ConfigError("run_info_fn", f"{given!r} cannot be called", "give a function of one dictionary")
    return cast("RunInfoHook | None", given)

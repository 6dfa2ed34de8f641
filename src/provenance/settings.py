"""The configuration as frozen records, parsed from a dictionary or YAML.

Nothing is opened or created here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, Required, TypeAlias, TypeVar, cast

from attrs import Attribute, field, fields, frozen, validators

from provenance.checks import flag, name_among, named, nearest
from provenance.effects.durability import Compared, Durability
from provenance.errors import ConfigError
from provenance.permissions import (
    BlobsOptions,
    BlobsPermitted,
    Permitted,
    RecordsOptions,
    RecordsPermitted,
)
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
    """`type: memory`: blobs in the memory of this process."""


@frozen(kw_only=True)
class DiskStoreSettings(BlobsPermitted):
    """`type: disk`: blobs as files under *cachedir*.

    *compare* says when bytes that are read are compared with their digest.
    """

    cachedir: str
    durability: Durability = Durability.PROCESS
    compare: Compared = Compared.CHANGED


@frozen(kw_only=True)
class MemoryRepoSettings(Permitted):
    """`type: memory`: records in the memory of this process.

    Values go to *store*, by default memory too.
    """

    store: str | None = None


def _is_file(_: object, __: object, value: str) -> None:
    path = value.removeprefix("sqlite:///")
    if path == ":memory:" or value in ("sqlite://", "sqlite:///"):
        raise ValueError(f"db must be a file, got {value!r}; use a memory repository instead")
    if not path:
        raise ValueError("db must name a file")


@frozen(kw_only=True)
class SqliteRepoSettings(RecordsPermitted):
    """`type: sqlite`: records in the file *db*, which *create_db* creates if it is missing.

    Values go to *store*, but those of up to *inline_limit* bytes into the file.
    """

    db: str = field(validator=_is_file)
    store: str | None = None
    inline_limit: int = field(default=65_536, validator=validators.ge(0))
    create_db: bool = True
    durability: Durability = Durability.PROCESS


def _are_tiers(_: object, __: Attribute[tuple[str, ...]], names: tuple[str, ...]) -> None:
    if not names:
        raise ValueError("stores is empty; name at least one, the nearest first")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"duplicate store {name!r} in stores; give each store its own name")


@frozen(kw_only=True)
class ChainedSettings(Permitted):
    """`type: chained`: *stores* (names of blob stores or repositories) as one, nearest first.

    The permissions of each store apply to it; these apply to the chain as a whole.
    """

    stores: tuple[str, ...] = field(validator=_are_tiers)
    delete: bool = True


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
    """Return the settings of blob stores by type.

    Remote ones are imported only if *wanted* may be one.
    """
    if wanted in list(_STORES):
        return _STORES
    from provenance.places import KINDS

    return {**_STORES, **KINDS}


def _repo_kinds(wanted: object) -> Mapping[str, type[AnyRepo]]:
    if wanted in list(_REPOS):
        return _REPOS
    from provenance.databases import PostgresRepoSettings

    return {**_REPOS, "postgres": PostgresRepoSettings}


@frozen(kw_only=True)
class Config:
    """A whole configuration."""

    __module__ = "provenance"

    blobstores: Mapping[str, AnyStore]
    artifact_repos: Mapping[str, AnyRepo]
    default_repo: str | None = None
    use_cache: bool = True
    read_only: bool = False
    check_mutations: bool = False
    single_flight: SingleFlight | None = SHARED
    run_info_fn: RunInfoHook | None = field(default=None, repr=False)


def parse(raw: Mapping[str, object], variables: Mapping[str, str]) -> Config:
    """Return the configuration *raw*, with `${NAME}` in its strings replaced from *variables*.

    Raises:
        ConfigError: with the path to the first mistake.
    """
    given = named(raw, "configuration", "write blobstores: and artifact_repos:")
    _known_keys(given, [attribute.name for attribute in fields(Config)], "configuration")
    filled = {key: _filled(value, key, variables) for key, value in given.items()}
    stores = _section(filled, "blobstores", _store_kinds)
    repos = _section(filled, "artifact_repos", _repo_kinds)
    for name, repo in repos.items():
        if not isinstance(repo, ChainedSettings) and repo.store is not None:
            name_among(repo.store, stores, f"artifact_repos.{name}.store", "blob store")
    for name in stores:
        _check_chain(stores, name, "blobstores", "blob store")
    for name in repos:
        _check_chain(repos, name, "artifact_repos", "repository")
    default = filled.get("default_repo")
    if default is None and len(repos) == 1:
        (default,) = repos
    if default is not None:
        default = name_among(default, repos, "default_repo", "repository")
    names = ("use_cache", "read_only", "check_mutations")
    flags: Any = {name: flag(filled[name], name) for name in names if name in filled}
    return Config(
        blobstores=stores,
        artifact_repos=repos,
        default_repo=default,
        run_info_fn=hook_in(filled.get("run_info_fn")),
        single_flight=single_flight_from(filled.get("single_flight", True)),
        **flags,
    )


def _check_chain(
    entries: Mapping[str, object], name: str, section: str, what: str, above: tuple[str, ...] = ()
) -> None:
    """Refuse a chain of unknown stores, and one that contains itself."""
    path = f"{section}.{above[-1] if above else name}.stores"
    if name in above:
        raise ConfigError(path, f"circular chain: {' -> '.join((*above, name))}", "break the cycle")
    name_among(name, entries, path, what)
    entry = entries[name]
    for tier in entry.stores if isinstance(entry, ChainedSettings) else ():
        _check_chain(entries, tier, section, what, (*above, name))


def _section(raw: Mapping[str, object], section: str, kinds_for: _Kinds[T]) -> dict[str, T]:
    entries = named(raw.get(section, {}), section)
    settings: dict[str, T] = {}
    for name in entries:
        path = f"{section}.{name}"
        options = _inherited(entries, name, section, ())
        kind = options.pop("type", None)
        kinds = kinds_for(kind)
        if not isinstance(kind, str) or kind not in kinds:
            problem = "missing type" if kind is None else f"unknown type {kind!r}"
            advice = f"expected one of: {', '.join(sorted(kinds))}"
            raise ConfigError(f"{path}.type", problem, advice)
        known = [attribute.name for attribute in fields(cast("Any", kinds[kind]))]
        _known_keys(options, [*known, "type", "prototype"], path)
        settings[name] = structured(options, kinds[kind], path)
    return settings


def _inherited(
    entries: Mapping[str, object], name: str, section: str, heirs: tuple[str, ...]
) -> dict[str, object]:
    """Return the options of an entry, merged over those of its prototypes."""
    if name in heirs:
        cycle = " -> ".join((*heirs, name))
        path = f"{section}.{heirs[-1]}.prototype"
        raise ConfigError(path, f"circular prototypes: {cycle}", "break the cycle")
    own = dict(named(entries[name], f"{section}.{name}"))
    prototype = own.pop("prototype", None)
    if prototype is None:
        return own
    known = name_among(prototype, entries, f"{section}.{name}.prototype", "entry")
    return {**_inherited(entries, known, section, (*heirs, name)), **own}


def _known_keys(raw: Iterable[str], known: list[str], path: str) -> None:
    for key in raw:
        if key not in known:
            raise ConfigError(f"{path}.{key}", f"unknown key {key!r}", nearest(key, known))


_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


def _filled(value: object, path: str, variables: Mapping[str, str]) -> object:
    """Return *value* with each `${NAME}` in its strings replaced, at any depth."""

    def variable(match: re.Match[str]) -> str:
        if match[1] not in variables:
            problem = f"environment variable {match[1]} is not set"
            raise ConfigError(path, problem, "set it, or write the value itself")
        return variables[match[1]]

    if isinstance(value, str):
        return _VARIABLE.sub(variable, value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value)
        return {key: _filled(item, f"{path}.{key}", variables) for key, item in entries.items()}
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [_filled(item, f"{path}[{i}]", variables) for i, item in enumerate(items)]
    return value


def hook_in(given: object) -> RunInfoHook | None:
    """Return a configuration's `run_info_fn`; raise ConfigError if it is not callable."""
    if given is not None and not callable(given):
        problem = f"must be callable, got {given!r}"
        raise ConfigError("run_info_fn", problem, "pass a function of one dictionary")
    return cast("RunInfoHook | None", given)

"""From the dictionary (or YAML) that a user writes to the records of `config.schema`.

A mistake is a `ConfigError` that says where it is and what would be right; nothing is opened or created here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, TypeAlias, TypeVar, cast

from attrs import fields

from provenance.config import schema
from provenance.errors import ConfigError
from provenance.receipts.policy import parse_shadow, require_policy
from provenance.results.kinds import STYLES
from provenance.singleflight.leases import DEFAULT_SINGLE_FLIGHT, SingleFlight
from provenance.util.formatting import did_you_mean, safe_repr, with_article
from provenance.util.validation import check_function, require_bool, require_known, require_mapping


def parse_single_flight(given: object) -> SingleFlight | None:
    """Return the setting of a configuration: true, false, or a mapping of what differs; None where calls do not share.

    >>> parse_single_flight({"longest_wait": 60}), parse_single_flight(False)
    (SingleFlight(longest_wait=60, lease_seconds=15.0), None)

    Raises:
        ConfigError: for anything else.
    """
    if isinstance(given, bool):
        return DEFAULT_SINGLE_FLIGHT if given else None
    known = [field.name for field in fields(SingleFlight)]
    options = cast("Mapping[object, object]", given)
    wrong = (
        [name for name in options if name not in known] if isinstance(given, Mapping) else [given]
    )
    if wrong:
        raise ConfigError(
            "single_flight",
            f"unexpected option {wrong[0]!r}",
            f"expected true, false, or {', '.join(known)}",
        )
    try:
        return SingleFlight(**cast("Mapping[str, float]", options))
    except ValueError as error:
        raise ConfigError("single_flight", str(error), "correct it in the configuration") from error


T = TypeVar("T")


def structure(options: Mapping[str, object], kind: type[T], path: str) -> T:
    """Return *options* as a record of *kind*.

    Raise ConfigError for an unknown key or a wrong type.
    """
    from cattrs import Converter, transform_error
    from cattrs.v import format_exception

    def names(value: object, _: object) -> tuple[str, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise TypeError(f"must be a list of names, got {with_article(value)}")
        return tuple(converter.structure(value, list[str]))

    converter = Converter(forbid_extra_keys=True)
    for scalar in (bool, int, str):
        converter.register_structure_hook(scalar, _structure_exactly)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(
        str | None, lambda value, _: None if value is None else _structure_exactly(value, str)
    )
    converter.register_structure_hook_func(
        lambda wanted: isinstance(wanted, type) and issubclass(wanted, Enum), _choice
    )
    converter.register_structure_hook_func(lambda wanted: wanted == tuple[str, ...], names)
    converter.register_structure_hook_func(lambda wanted: wanted == Mapping[str, object], _mapping)

    def describe(error: BaseException, wanted: type[object] | None) -> str:
        is_ours = isinstance(error, TypeError | ValueError)
        return str(error.args[0]) if is_ours else format_exception(error, wanted)

    try:
        return converter.structure(options, kind)
    except Exception as error:
        first = transform_error(error, path=path, format_exception=describe)[0]
        problem, _, place = first.rpartition(" @ ")
        raise ConfigError(place or path, problem, "correct it in the configuration") from error


def _structure_exactly(value: object, kind: type[T]) -> T:
    """Return *value* if its type is exactly *kind*: True is not an int."""
    if kind is str and isinstance(value, os.PathLike):
        return cast("T", os.fspath(cast("os.PathLike[str]", value)))
    if type(value) is not kind:
        raise TypeError(f"must be of type {kind.__name__}, got {with_article(value)}")
    return value


def _number(value: object, _: object) -> float:
    return float(value) if type(value) is int else _structure_exactly(value, float)


def _choice(value: object, kind: type[Enum]) -> Enum:
    try:
        return kind(value)
    except ValueError:
        names = ", ".join(member.value for member in kind)
        raise ValueError(f"must be one of {names}, got {value!r}") from None


def _mapping(value: object, _: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"must be a mapping of options, got {with_article(value)}")
    if any(not isinstance(key, str) for key in cast("Mapping[object, object]", value)):
        raise TypeError("keys must be strings")
    return cast("Mapping[str, object]", value)


_Kinds: TypeAlias = Callable[[object], Mapping[str, type[T]]]
_STORES: Final[Mapping[str, type[schema.AnyStore]]] = {
    "memory": schema.MemoryStoreSettings,
    "disk": schema.DiskStoreSettings,
    "chained": schema.ChainedSettings,
}
_REPOS: Final[Mapping[str, type[schema.AnyRepo]]] = {
    "memory": schema.MemoryRepoSettings,
    "sqlite": schema.SqliteRepoSettings,
    "chained": schema.ChainedSettings,
}


def store_kinds(wanted: object) -> Mapping[str, type[schema.AnyStore]]:
    """Return the settings of blob stores by type.

    Remote ones are imported only if *wanted* may be one.
    """
    if wanted in list(_STORES):
        return _STORES
    from provenance.config.remote import KINDS

    return {**_STORES, **KINDS}


def repo_kinds(wanted: object) -> Mapping[str, type[schema.AnyRepo]]:
    """Return the settings of repositories by type, as `store_kinds` does."""
    if wanted in list(_REPOS):
        return _REPOS
    from provenance.config.remote import PostgresRepoSettings

    return {**_REPOS, "postgres": PostgresRepoSettings}


def parse(raw: Mapping[str, object], variables: Mapping[str, str]) -> schema.Config:
    """Return the configuration *raw*, with `${NAME}` in its strings replaced from *variables*.

    Raises:
        ConfigError: with the path to the first mistake.
    """
    given = require_mapping(raw, "configuration", "write blobstores: and artifact_repos:")
    _known_keys(given, [attribute.name for attribute in fields(schema.Config)], "configuration")
    filled = {key: _substitute(value, key, variables) for key, value in given.items()}
    stores = _section(filled, "blobstores", store_kinds)
    repos = _section(filled, "artifact_repos", repo_kinds)
    for name, repo in repos.items():
        if not isinstance(repo, schema.ChainedSettings) and repo.store is not None:
            require_known(repo.store, stores, f"artifact_repos.{name}.store", "blob store")
    for name in stores:
        _check_chain(stores, name, "blobstores", "blob store")
    for name in repos:
        _check_chain(repos, name, "artifact_repos", "repository")
    default = filled.get("default_repo")
    if default is None and len(repos) == 1:
        (default,) = repos
    if default is not None:
        default = require_known(default, repos, "default_repo", "repository")
    names = ("use_cache", "read_only", "check_mutations", "record_sources")
    flags: Any = {name: require_bool(filled[name], name) for name in names if name in filled}
    flags |= _result_options(filled)
    return schema.Config(
        blobstores=stores,
        artifact_repos=repos,
        default_repo=default,
        run_info_fn=parse_hook(filled.get("run_info_fn")),
        on_code_change=require_policy(filled.get("on_code_change", "warn"), "on_code_change"),
        shadow=parse_shadow(filled.get("shadow"), "shadow"),
        single_flight=parse_single_flight(filled.get("single_flight", True)),
        **flags,
    )


def _result_options(given: Mapping[str, object]) -> dict[str, object]:
    """Return the settings for results and arguments that are given."""
    for name, styles in STYLES.items():
        if name in given and given[name] not in styles:
            problem = f"must be {' or '.join(map(repr, styles))}, got {safe_repr(given[name])}"
            raise ConfigError(name, problem, "pass one of them")
    limit = given.get("eager_limit", 0)
    if type(limit) is not int or limit < 0:
        problem = f"must be a number of bytes, got {safe_repr(limit)}"
        raise ConfigError("eager_limit", problem, "pass an integer of 0 or more")
    return {name: given[name] for name in (*STYLES, "eager_limit") if name in given}


def _check_chain(
    entries: Mapping[str, object], name: str, section: str, what: str, above: tuple[str, ...] = ()
) -> None:
    """Refuse a chain of unknown stores, and one that contains itself."""
    path = f"{section}.{above[-1] if above else name}.stores"
    if name in above:
        raise ConfigError(path, f"circular chain: {' -> '.join((*above, name))}", "break the cycle")
    require_known(name, entries, path, what)
    entry = entries[name]
    for tier in entry.stores if isinstance(entry, schema.ChainedSettings) else ():
        _check_chain(entries, tier, section, what, (*above, name))


_SFTP_OPTIONS: Final = {"hostname": "host", "host": "host", "port": "port", "username": "username"}


def _translate(options: dict[str, object], path: str) -> None:
    """Translate, in place, the keys of an entry that the earlier `provenance` library had and this one spells otherwise.

    Raises:
        ConfigError: for one without a counterpart; it says what to write.
    """
    if options.get("type") == "chained" and "repos" in options:
        options.setdefault("stores", options.pop("repos"))
    storage: dict[str, object] = {}
    if "s3_config" in options:
        storage |= require_mapping(options.pop("s3_config") or {}, f"{path}.s3_config")
    if options.get("type") == "gs" and "project" in options:
        storage["project"] = options.pop("project")
    if storage:
        known = require_mapping(options.get("storage_options") or {}, f"{path}.storage_options")
        options["storage_options"] = {**storage, **known}
    if "ssh_config" in options:
        given = require_mapping(options["ssh_config"] or {}, f"{path}.ssh_config")
        parts = sorted({_SFTP_OPTIONS.get(key, f"storage_options.{key}") for key in given})
        advice = f"write {', '.join(parts) or 'host, port and username'} of the store itself"
        raise ConfigError(f"{path}.ssh_config", "is the spelling of an earlier library", advice)


_SILENCE: Final = "logging.getLogger('provenance').setLevel('ERROR')"


def _section(raw: Mapping[str, object], section: str, kinds_for: _Kinds[T]) -> dict[str, T]:
    entries = require_mapping(raw.get(section, {}), section)
    settings: dict[str, T] = {}
    for name in entries:
        path = f"{section}.{name}"
        options = _inherit(entries, name, section, ())
        _translate(options, path)
        kind = options.pop("type", None)
        kinds = kinds_for(kind)
        if not isinstance(kind, str) or kind not in kinds:
            problem = "missing type" if kind is None else f"unknown type {kind!r}"
            advice = f"expected one of: {', '.join(sorted(kinds))}"
            raise ConfigError(f"{path}.type", problem, advice)
        known = [attribute.name for attribute in fields(cast("Any", kinds[kind]))]
        _known_keys(options, [*known, "type", "prototype"], path)
        settings[name] = structure(options, kinds[kind], path)
    return settings


def _inherit(
    entries: Mapping[str, object], name: str, section: str, heirs: tuple[str, ...]
) -> dict[str, object]:
    """Return the options of an entry, merged over those of its prototypes."""
    if name in heirs:
        cycle = " -> ".join((*heirs, name))
        path = f"{section}.{heirs[-1]}.prototype"
        raise ConfigError(path, f"circular prototypes: {cycle}", "break the cycle")
    own = dict(require_mapping(entries[name], f"{section}.{name}"))
    prototype = own.pop("prototype", None)
    if prototype is None:
        return own
    known = require_known(prototype, entries, f"{section}.{name}.prototype", "entry")
    return {**_inherit(entries, known, section, (*heirs, name)), **own}


def _known_keys(raw: Iterable[str], known: list[str], path: str) -> None:
    for key in raw:
        if key == "silence_warnings":
            advice = f"remove it, and call {_SILENCE}"
            raise ConfigError(f"{path}.{key}", "warnings are lines of the log", advice)
        if key not in known:
            raise ConfigError(f"{path}.{key}", f"unknown key {key!r}", did_you_mean(key, known))


_VARIABLE: Final = re.compile(r"\$\{(\w+\})?")


def _substitute(value: object, path: str, variables: Mapping[str, str]) -> object:
    """Return *value* with each `${NAME}` in its strings replaced, at any depth."""

    def variable(match: re.Match[str]) -> str:
        # The text may hold a secret, so the message does not show it.
        if match[1] is None:
            problem = "${ is not followed by the name of an environment variable and }"
            raise ConfigError(
                path,
                problem,
                "write ${NAME}, which has no default; a variable may hold any text, ${ too",
            )
        name = match[1].removesuffix("}")
        if name not in variables:
            problem = f"environment variable {name} is not set"
            raise ConfigError(path, problem, "set it, or write the value itself")
        return variables[name]

    if isinstance(value, str):
        return _VARIABLE.sub(variable, value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value)
        return {key: _substitute(item, f"{path}.{key}", variables) for key, item in entries.items()}
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [_substitute(item, f"{path}[{i}]", variables) for i, item in enumerate(items)]
    return value


def parse_hook(given: object) -> schema.RunInfoHook | None:
    """Return a configuration's `run_info_fn`; raise ConfigError if it is not callable."""
    if given is not None:
        check_function(given, "run_info_fn", "pass a function of one dictionary")
    return cast("schema.RunInfoHook | None", given)

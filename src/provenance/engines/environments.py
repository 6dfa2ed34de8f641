"""How the environment of a driver travels to a worker: as data, that the worker opens in its own process."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Final

from attrs import evolve, field, frozen

from provenance.config import reopening, sources, wiring
from provenance.config.schema import Config
from provenance.environment import Environment
from provenance.hashing import hash_value
from provenance.receipts.policy import OnCodeChange
from provenance.repository.handles import Blueprint, Repository
from provenance.results.kinds import ResultOptions
from provenance.singleflight.leases import SingleFlight
from provenance.util.locks import ForkSafeLock


@frozen
class Description:
    """An environment as data: its configuration as it was written, and its settings.

    `process` and `key` find the environment itself in the process that described it, on `machine`.
    """

    config: str | None = field(repr=False)
    default: str | Blueprint | None
    use_cache: bool
    read_only: bool
    check_mutations: bool
    results: ResultOptions
    on_code_change: OnCodeChange
    single_flight: SingleFlight | None
    machine: str
    process: int
    key: str


def describe(environment: Environment) -> Description:
    """Return what a worker needs to open the same stores; its default is None if none of it can travel."""
    config: str | None = None
    if environment.written is not None:
        try:
            config = sources.to_json(*environment.written)
        except TypeError:  # it holds objects
            config = None
    return Description(
        config,
        _default(environment, configured=config is not None),
        environment.use_cache,
        environment.read_only,
        environment.check_mutations,
        environment.results,
        environment.on_code_change,
        environment.single_flight,
        wiring.machine_name(),
        os.getpid(),
        _remember(environment),
    )


def _default(environment: Environment, *, configured: bool) -> str | Blueprint | None:
    """Return the name of the default repository if the configuration has it, else its blueprint."""
    default = environment.default
    if isinstance(default, Repository):
        opener = environment.openers.get(default.name)
        if not configured or opener is None or opener() is not default:
            return default.blueprint
        default = default.name
    return default if configured else None


def open_description(description: Description) -> Environment:
    """Return the environment: itself in the process that described it, else with stores opened here.

    The default database is there already, and one that is missing on another machine is not created there.

    Raises:
        ConfigError, StoreUnavailableError, MissingLibraryError: if a store cannot be opened here.
    """
    if description.process == os.getpid() and description.key in _described:
        return _described[description.key]
    if description.config is not None:
        is_here = description.machine == wiring.machine_name()
        environment = reopening.reopen_environment(
            description.config, description.default, may_create=is_here
        )
    else:
        environment = wiring.environment_of(Config(blobstores={}, artifact_repos={}), _HERE)
    default = description.default
    return evolve(
        environment,
        default=reopening.restore_repository(default)
        if isinstance(default, Blueprint)
        else default,
        use_cache=description.use_cache,
        read_only=description.read_only,
        check_mutations=description.check_mutations,
        results=description.results,
        on_code_change=description.on_code_change,
        single_flight=description.single_flight,
    )


_HERE: Final = Path()
_MANY: Final = 16
_described: Final[OrderedDict[str, Environment]] = OrderedDict()
"""The environments that this process has described, by key; a worker in the same process uses them."""
_guard: Final = ForkSafeLock()


def _remember(environment: Environment) -> str:
    key = f"{id(environment):x}"
    with _guard.lock:
        _described[key] = environment
        while len(_described) > _MANY:
            _described.popitem(last=False)
    return key


def encode(description: Description) -> tuple[str, bytes]:
    """Return the digest of a description, by which workers keep what they opened, and its bytes."""
    data = pickle.dumps(description)
    return hash_value(data), data

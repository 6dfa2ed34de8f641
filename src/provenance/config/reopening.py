"""Opening in another process what one process has configured; on another machine, nothing is created."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar, cast

from attrs import evolve

from provenance.config import sources
from provenance.config.parsing import parse
from provenance.config.schema import (
    ChainedSettings,
    RepoSettings,
    SqliteRepoSettings,
    StoreSettings,
)
from provenance.config.wiring import (
    chain_repositories,
    chain_stores,
    environment_of,
    open_repository,
    open_store,
)
from provenance.environment import Environment
from provenance.repository.handles import Blueprint, Repository
from provenance.repository.stores import Store
from provenance.util.naming import exported

T = TypeVar("T")


@exported
def restore_repository(blueprint: Blueprint) -> Repository:
    """Return the repository of a *blueprint*, opened in this process; creates no database.

    Raises:
        StoreUnavailableError: if it is not there.
    """
    name, settings = blueprint.name, blueprint.settings
    if isinstance(settings, ChainedSettings):
        return chain_repositories(name, settings, list(map(restore_repository, blueprint.parts)))
    stores = list(map(_reopen_store, blueprint.parts))
    found = _without_creation(cast("RepoSettings", settings))
    return open_repository(name, found, blueprint.base, stores[0] if stores else None)


def _reopen_store(blueprint: Blueprint) -> Store:
    name, settings = blueprint.name, blueprint.settings
    if isinstance(settings, ChainedSettings):
        return chain_stores(name, settings, list(map(_reopen_store, blueprint.parts)))
    return open_store(name, cast("StoreSettings", settings), blueprint.base)


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
    return environment_of(evolve(config, artifact_repos=repos), base)

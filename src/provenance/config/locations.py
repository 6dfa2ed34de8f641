"""Where stores and repositories are, as text for people; finding out opens and creates nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from provenance.config.schema import (
    AnyRepo,
    AnyStore,
    ChainedSettings,
    Config,
    DiskStoreSettings,
    MemoryRepoSettings,
    MemoryStoreSettings,
    RepoSettings,
    SqliteRepoSettings,
)
from provenance.repository.stores import MEMORY
from provenance.util.redaction import redact_url, without_credentials

Locations: TypeAlias = "tuple[str, str]"
"""The locations of records and of large values."""


def join_locations(locations: list[str]) -> str:
    """Return the locations of the tiers of a chain as one text."""
    return ", then ".join(locations)


def locate_path(text: str, base: Path) -> Path:
    """Return a configured path; relative ones start at *base*."""
    return base / Path(text).expanduser()


def locate_records(settings: RepoSettings, base: Path) -> str:
    """Return where the records of a repository are."""
    match settings:
        case MemoryRepoSettings():
            return MEMORY
        case SqliteRepoSettings():
            return str(locate_path(settings.db.removeprefix("sqlite:///"), base))
        case _:
            return redact_url(settings.db)


def locate_store(settings: AnyStore, base: Path, config: Config | None = None) -> str:
    """Return where a blob store is; *config* has the tiers of a chain."""
    match settings:
        case MemoryStoreSettings():
            return MEMORY
        case DiskStoreSettings():
            return str(locate_path(settings.cachedir, base))
        case ChainedSettings():
            stores: Mapping[str, AnyStore] = {} if config is None else config.blobstores
            return join_locations(
                [locate_store(stores[name], base, config) for name in settings.stores]
            )
        case _:
            from provenance.config.remote import location_of

            where = location_of(settings)
            if "://" in where.root:
                return without_credentials(where.root)
            host = f"{where.options['host']}/" if "host" in where.options else ""
            return f"{where.protocol}://{host}{where.root}"


def locate_repository(settings: AnyRepo, base: Path, config: Config) -> Locations:
    """Return where the records and the large values of a repository are."""
    if isinstance(settings, ChainedSettings):
        tiers = [config.artifact_repos[name] for name in settings.stores]
        found = [locate_repository(tier, base, config) for tier in tiers]
        return join_locations([one for one, _ in found]), join_locations([one for _, one in found])
    records = locate_records(settings, base)
    if settings.store is None:
        return records, records
    return records, locate_store(config.blobstores[settings.store], base, config)

"""The part of the composition root that bundles and databases are written and opened by."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from provenance.config import wiring
from provenance.config.schema import SqliteRepoSettings
from provenance.effect import overlay
from provenance.model.records import Json
from provenance.ports.blobs import blob_effects
from provenance.ports.permissions import Permissions
from provenance.ports.records import GetDatabaseIds
from provenance.repository.handles import Repository, Store

if TYPE_CHECKING:
    from provenance.effects.bundles import BundleWriter

_READ_ONLY = Permissions(write=False, delete=False, read_through_write=False)


@frozen
class OpenedBundle:
    """A bundle that can be read, and what its manifest says."""

    repository: Repository
    manifest: dict[str, Json]


@contextmanager
def writing_bundle(path: str) -> Generator[tuple[Repository, BundleWriter]]:
    """Write a bundle at *path*: the block gets a repository to copy to, and the writer of other members.

    The file takes its name when the block ends; after an error nothing stays.

    Raises:
        StoreUnavailableError: if it cannot be written.
    """
    from provenance.effects import bundles

    with bundles.writing_bundle(path) as (writer, records):
        store = Store("bundle", blob_effects(writer), trusted=False)
        yield _database(records, store, Permissions(), inline_limit=0), writer


@contextmanager
def writing_database(path: str) -> Generator[Repository]:
    """Write one SQLite file at *path*, values included: the block gets the repository to copy to."""
    from provenance.effects import bundles

    with bundles.writing_database(path) as records:
        yield _database(records, None, Permissions())


def open_bundle(path: str, *, trusted: bool) -> OpenedBundle:
    """Open a bundle for reading, after all but its blobs was checked.

    Raises:
        BundleError: if it is no bundle, or was changed.
        StoreUnavailableError: if it cannot be read.
    """
    from provenance.effects import bundles
    from provenance.effects.io import map_os_errors

    name = os.path.basename(path)  # noqa: PTH119 - text, as the user gave it
    with map_os_errors(name):
        members = bundles.read_members(path)
        manifest = bundles.read_manifest(path, members)
        listed = manifest["members"]
        expected = listed.get(bundles.RECORDS) if isinstance(listed, dict) else None
        records = bundles.ExtractedRecords(path, members, expected)
    blobs = blob_effects(bundles.BundleBlobs(path, name, members))
    store = Store(name, blobs, trusted=trusted)
    repo = _database(str(records.path), store, _READ_ONLY, name=name, trusted=trusted)
    place = str(Path(path).absolute())
    repo = evolve(repo, records_at=place, values_at=place)
    # What the answer refers to, the extracted records, lives as long as the repository.
    identity = GetDatabaseIds.on(lambda _: frozenset({f"bundle:{records.path}"}))
    return OpenedBundle(repo.with_layer(lambda base: overlay(base, identity)), manifest)


def _database(
    path: str,
    store: Store | None,
    permissions: Permissions,
    *,
    name: str = "export",
    trusted: bool = False,
    inline_limit: int = 0,
) -> Repository:
    """Return a repository in the SQLite file *path*; what is not trusted may take copies of anything."""
    settings = SqliteRepoSettings(
        db=path,
        inline_limit=inline_limit,
        trusted=trusted,
        read=permissions.read,
        write=permissions.write,
        delete=permissions.delete,
        read_through_write=permissions.read_through_write,
    )
    return wiring.open_repository(name, settings, Path.cwd(), store)

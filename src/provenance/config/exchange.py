"""The part of the composition root that bundles and databases are written and opened by."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import asdict, evolve, frozen

from provenance.config import schema, wiring
from provenance.config.parsing import parse
from provenance.effect import overlay
from provenance.errors import ConfigError
from provenance.model.records import Json
from provenance.ports.blobs import RemoteLocation, blob_effects
from provenance.ports.legacy import LegacyBlobs, LegacyTables
from provenance.ports.permissions import Permissions
from provenance.ports.records import GetDatabaseIds
from provenance.repository.handles import Repository
from provenance.repository.stores import Store

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
        yield _database(records, store, Permissions(), name="bundle"), writer


@contextmanager
def writing_database(path: str) -> Generator[Repository]:
    """Write one SQLite file at *path*, values included: the block gets the repository to copy to."""
    from provenance.effects import bundles

    with bundles.writing_database(path) as records:
        yield _database(records, None, Permissions())


def open_bundle(path: str, *, trusted: bool) -> OpenedBundle:
    """Open a bundle for reading, after all but its blobs was checked.

    Raises:
        BundleError: if it is not a bundle, or was changed.
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


def open_outlet(target: str, headers: Mapping[str, str]) -> Callable[[str], None]:
    """Return a function that sends a line of text to a file or to an address.

    Raises:
        ConfigError: for an address that is not http or https.
    """
    from provenance.effects.system.outlets import FileOutlet, HttpOutlet

    scheme, separator, _ = target.partition("://")
    if not separator:
        return FileOutlet(target)
    if scheme not in ("http", "https"):
        raise ConfigError("target", f"unknown kind of address {scheme!r}", "use http or https")
    return HttpOutlet(target, headers)


@contextmanager
def opening_legacy(
    db: str, blobstore: str | os.PathLike[str] | Mapping[str, object], schema: str | None
) -> Generator[tuple[LegacyTables, LegacyBlobs]]:
    """Open the tables and blobs of the reference library; local copies of blobs go when the block ends.

    Raises:
        ConfigError: if *blobstore* is not a folder, URL or settings of a blob store.
        StoreUnavailableError: if it is a folder that does not exist.
    """
    from provenance.effects.legacy import FolderBlobs, PostgresTables, remote_blobs
    from provenance.effects.objectstore.client import RemoteFiles

    tables = PostgresTables(db, schema)
    place = _legacy_place(blobstore)
    if isinstance(place, Path):
        yield tables, FolderBlobs(place)
        return
    with remote_blobs(RemoteFiles("blobstore", place)) as blobs:
        yield tables, blobs


def _legacy_place(given: str | os.PathLike[str] | Mapping[str, object]) -> Path | RemoteLocation:
    """Return where blobs are: a folder, or a place that fsspec reaches.

    Raises:
        ConfigError: for settings that are not those of a blob store on disk or in a remote place.
    """
    if not isinstance(given, Mapping):
        text = os.fspath(given)
        if "://" not in text:
            return Path(text)
        given = {"type": "fsspec", "url": text}
    stores = {"blobstore": {"type": "disk", **given}}
    repos = {"memory": {"type": "memory"}}
    config = parse({"blobstores": stores, "artifact_repos": repos}, os.environ)
    settings = config.blobstores["blobstore"]
    if isinstance(settings, schema.DiskStoreSettings):
        return Path(settings.cachedir)
    if isinstance(settings, schema.MemoryStoreSettings | schema.ChainedSettings):
        advice = "pass the settings of one store that has all blobs"
        raise ConfigError("blobstore.type", f"{given['type']!r} is not a place of blobs", advice)
    from provenance.config.remote import location_of

    return location_of(settings)


def _database(
    path: str,
    store: Store | None,
    permissions: Permissions,
    *,
    name: str = "export",
    trusted: bool = False,
) -> Repository:
    """Return a repository in the SQLite file *path*; what is not trusted may take copies of anything."""
    settings = schema.SqliteRepoSettings(
        db=path, inline_limit=0, trusted=trusted, **asdict(permissions)
    )
    return wiring.open_repository(name, settings, Path.cwd(), store)

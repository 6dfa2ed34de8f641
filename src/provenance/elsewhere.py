"""Stores and databases that are elsewhere, without a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Unpack

from provenance import backends
from provenance.databases import PostgresRepoOptions, PostgresRepoSettings
from provenance.places import (
    AzureStoreSettings,
    BucketOptions,
    FsspecStoreOptions,
    FsspecStoreSettings,
    GSStoreSettings,
    ObjectSettings,
    S3StoreSettings,
    SFTPStoreOptions,
    SFTPStoreSettings,
)
from provenance.repository import Repository
from provenance.store import Store
from provenance.structuring import structured


def S3Store(name: str = "s3", **options: Unpack[BucketOptions]) -> Store:  # noqa: N802 - made like a record
    """A blob store of objects in S3, below `basepath`, which is `bucket/prefix`."""
    return _elsewhere(S3StoreSettings, name, options)


def GSStore(name: str = "gs", **options: Unpack[BucketOptions]) -> Store:  # noqa: N802 - made like a record
    """A blob store of objects in Google Cloud Storage, below `basepath`, which is `bucket/prefix`."""
    return _elsewhere(GSStoreSettings, name, options)


def AzureStore(name: str = "azure", **options: Unpack[BucketOptions]) -> Store:  # noqa: N802 - made like a record
    """A blob store of blobs in an Azure storage account, below `basepath`, which is `container/prefix`."""
    return _elsewhere(AzureStoreSettings, name, options)


def SFTPStore(name: str = "sftp", **options: Unpack[SFTPStoreOptions]) -> Store:  # noqa: N802 - made like a record
    """A blob store of files on `host`, below the folder `basepath`."""
    return _elsewhere(SFTPStoreSettings, name, options)


def FsspecStore(name: str = "fsspec", **options: Unpack[FsspecStoreOptions]) -> Store:  # noqa: N802 - made like a record
    """A blob store of files below `url`, on any file system that fsspec knows."""
    return _elsewhere(FsspecStoreSettings, name, options)


def _elsewhere(kind: type[ObjectSettings], name: str, options: Mapping[str, object]) -> Store:
    return backends.open_store(name, structured({"delete": True, **options}, kind, name), Path.cwd())


def PostgresRepo(  # noqa: N802 - made like a record
    name: str = "postgres", *, store: Store | None = None, **options: Unpack[PostgresRepoOptions]
) -> Repository:
    """A repository in the PostgreSQL database `db`; large values go into *store*, else all into the database."""
    settings = structured({"delete": True, **options}, PostgresRepoSettings, name)
    return backends.open_repository(name, settings, Path.cwd(), store)

"""Constructors of remote stores and databases, for use without a configuration."""

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

# These functions are named like classes, as they construct a store.
# ruff: noqa: N802


def S3Store(name: str = "s3", **options: Unpack[BucketOptions]) -> Store:
    """Return a blob store of objects in S3, below `basepath` (`bucket/prefix`)."""
    return _remote_store(S3StoreSettings, name, options)


def GSStore(name: str = "gs", **options: Unpack[BucketOptions]) -> Store:
    """Return a blob store in Google Cloud Storage, below `basepath` (`bucket/prefix`)."""
    return _remote_store(GSStoreSettings, name, options)


def AzureStore(name: str = "azure", **options: Unpack[BucketOptions]) -> Store:
    """Return a blob store in an Azure storage account, below `basepath` (`container/prefix`)."""
    return _remote_store(AzureStoreSettings, name, options)


def SFTPStore(name: str = "sftp", **options: Unpack[SFTPStoreOptions]) -> Store:
    """Return a blob store of files on `host`, below the folder `basepath`."""
    return _remote_store(SFTPStoreSettings, name, options)


def FsspecStore(name: str = "fsspec", **options: Unpack[FsspecStoreOptions]) -> Store:
    """Return a blob store of files below `url`, on any file system that fsspec supports."""
    return _remote_store(FsspecStoreSettings, name, options)


def _remote_store(kind: type[ObjectSettings], name: str, options: Mapping[str, object]) -> Store:
    settings = structured({"delete": True, **options}, kind, name)
    return backends.open_store(name, settings, Path.cwd())


def PostgresRepo(
    name: str = "postgres", *, store: Store | None = None, **options: Unpack[PostgresRepoOptions]
) -> Repository:
    """Return a repository in the PostgreSQL database `db`.

    Large values go to *store*, by default into the database as well.
    """
    settings = structured({"delete": True, **options}, PostgresRepoSettings, name)
    return backends.open_repository(name, settings, Path.cwd(), store)

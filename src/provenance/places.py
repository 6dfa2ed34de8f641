"""Settings of remote blob stores: object stores and other file systems of fsspec.

Credentials belong into `storage_options`, which no repr shows and no error quotes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final, Required, TypeAlias

from attrs import Attribute, field, frozen, validators

from provenance.permissions import BlobsOptions, BlobsPermitted
from provenance.records import NO_OPTIONS

_USERINFO: Final = re.compile(r"(?<=://)[^/\s]+@")


def without_credentials(url: str) -> str:
    """Return *url* without its user and password.

    >>> without_credentials("sftp://me:secret@host/folder")
    'sftp://host/folder'
    """
    return _USERINFO.sub("", url)


def _is_place(_: object, attribute: Attribute[str], value: str) -> None:
    if not value.rpartition("://")[2].strip("/ "):
        raise ValueError(f"{attribute.name} is empty; name the location")


@frozen(kw_only=True)
class RemoteSettings(BlobsPermitted):
    """Settings of all remote blob stores.

    Attributes:
        storage_options: options of the fsspec file system: credentials, endpoints, regions.
        cachedir: folder of local copies.
        cleanup_cachedir: delete that folder when the process that created it ends.
        always_check_remote: ask the remote store whether a blob exists even if there is a local
            copy.
        timeout: seconds that one request may take.
        deadline: seconds that an operation may take with all retries, in addition to the time for
            transferring bytes.
    """

    storage_options: Mapping[str, object] = field(factory=lambda: NO_OPTIONS, repr=False)
    cachedir: str | None = None
    cleanup_cachedir: bool = False
    always_check_remote: bool = False
    timeout: float = field(default=15.0, validator=validators.gt(0))
    deadline: float = field(default=60.0, validator=validators.gt(0))


def _has_bucket(settings: BucketSettings, _: Attribute[str], basepath: str) -> None:
    if not (settings.bucket + basepath.rpartition("://")[2]).strip("/ "):
        raise ValueError(f"no bucket in {basepath!r}; write basepath: bucket/prefix")


@frozen(kw_only=True)
class BucketSettings(RemoteSettings):
    """Objects below *basepath*: `bucket/prefix`, or only the prefix if *bucket* is set."""

    bucket: str = ""
    basepath: str = field(default="", validator=_has_bucket)


@frozen(kw_only=True)
class S3StoreSettings(BucketSettings):
    """`type: s3`: objects in S3 or in a service with the same API."""


@frozen(kw_only=True)
class GSStoreSettings(BucketSettings):
    """`type: gs`: objects in Google Cloud Storage."""


@frozen(kw_only=True)
class AzureStoreSettings(BucketSettings):
    """`type: azure`: blobs in an Azure storage account, whose containers are the buckets."""


@frozen(kw_only=True)
class SFTPStoreSettings(RemoteSettings):
    """`type: sftp`: files on *host* below *basepath*, which is relative to the login folder."""

    host: str = field(validator=validators.min_len(1))
    basepath: str = field(validator=validators.min_len(1))
    port: int = 22
    username: str | None = None


@frozen(kw_only=True)
class FsspecStoreSettings(RemoteSettings):
    """`type: fsspec`: files below *url*, on any file system that fsspec supports."""

    url: str = field(repr=lambda url: repr(without_credentials(url)), validator=_is_place)


ObjectSettings: TypeAlias = (
    S3StoreSettings | GSStoreSettings | AzureStoreSettings | SFTPStoreSettings | FsspecStoreSettings
)
KINDS: Final[Mapping[str, type[ObjectSettings]]] = {
    "s3": S3StoreSettings,
    "gs": GSStoreSettings,
    "azure": AzureStoreSettings,
    "sftp": SFTPStoreSettings,
    "fsspec": FsspecStoreSettings,
}
"""Settings by `type`."""


class RemoteOptions(BlobsOptions, total=False):
    """`RemoteSettings` as keywords."""

    storage_options: Mapping[str, object]
    cachedir: str | os.PathLike[str] | None
    cleanup_cachedir: bool
    always_check_remote: bool
    timeout: float
    deadline: float


class BucketOptions(RemoteOptions, total=False):
    """`S3StoreSettings`, `GSStoreSettings` or `AzureStoreSettings` as keywords."""

    bucket: str
    basepath: str


class SFTPStoreOptions(RemoteOptions, total=False):
    """`SFTPStoreSettings` as keywords."""

    host: Required[str]
    basepath: Required[str]
    port: int
    username: str | None


class FsspecStoreOptions(RemoteOptions, total=False):
    """`FsspecStoreSettings` as keywords."""

    url: Required[str]


@frozen
class Place:
    """Location of blobs: a protocol of fsspec, a root path, and options of the file system."""

    protocol: str
    root: str
    options: Mapping[str, object] = field(factory=lambda: NO_OPTIONS, repr=False)
    timeout: float = 15.0
    deadline: float = 60.0


_PROTOCOLS: Final[Mapping[type[BucketSettings], str]] = {
    S3StoreSettings: "s3",
    GSStoreSettings: "gs",
    AzureStoreSettings: "abfs",
}


def place_of(settings: ObjectSettings) -> Place:
    """Return the location that *settings* describe.

    >>> place_of(S3StoreSettings(bucket="team", basepath="results/"))
    Place(protocol='s3', root='team/results', timeout=15.0, deadline=60.0)
    """
    options: dict[str, object] = {}
    match settings:
        case FsspecStoreSettings(url=root):
            protocol, separator, _ = root.partition("://")
            protocol = protocol if separator else "file"
        case SFTPStoreSettings(basepath=root):
            protocol = "sftp"
            known = {name: getattr(settings, name) for name in ("host", "port", "username")}
            options = {name: value for name, value in known.items() if value is not None}
        case _:
            protocol = _PROTOCOLS[type(settings)]
            parts = (settings.bucket, settings.basepath.rpartition("://")[2])
            root = "/".join(filter(None, (part.strip("/") for part in parts)))
    options |= settings.storage_options
    return Place(protocol, root, options, settings.timeout, settings.deadline)

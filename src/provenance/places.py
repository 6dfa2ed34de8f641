"""Settings of blob stores that are elsewhere: object stores, and whatever else fsspec reaches.

Credentials are in `storage_options`, which no repr shows and no error quotes.
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
    """*url* without the user and password in it.

    >>> without_credentials("sftp://me:secret@host/folder")
    'sftp://host/folder'
    """
    return _USERINFO.sub("", url)


def _show(url: str) -> str:
    return repr(without_credentials(url))


def _is_place(_: object, attribute: Attribute[str], value: str) -> None:
    if not value.rpartition("://")[2].strip("/ "):
        raise ValueError(f"{attribute.name} is empty; name the place")


@frozen(kw_only=True)
class RemoteSettings(BlobsPermitted):
    """What all of them have.

    *storage_options* go to the file system as they are: credentials, endpoints, regions. *timeout* is the seconds that one request
    may take, and *deadline* those of an operation with all its retries, apart from the time that moving bytes takes. *cachedir* is
    a folder of local copies; *cleanup_cachedir* removes it with the process that made it, and *always_check_remote* asks
    the far place, too, whether something is there.
    """

    storage_options: Mapping[str, object] = field(factory=lambda: NO_OPTIONS, repr=False)
    cachedir: str | None = None
    cleanup_cachedir: bool = False
    always_check_remote: bool = False
    timeout: float = field(default=15.0, validator=validators.gt(0))
    deadline: float = field(default=60.0, validator=validators.gt(0))


def _has_bucket(settings: BucketSettings, _: Attribute[str], basepath: str) -> None:
    if not (settings.bucket + basepath.rpartition("://")[2]).strip("/ "):
        raise ValueError("there is no bucket; write basepath: bucket/prefix")


@frozen(kw_only=True)
class BucketSettings(RemoteSettings):
    """Objects below *basepath*, which is `bucket/prefix`, or just the prefix where *bucket* is given by itself."""

    bucket: str = ""
    basepath: str = field(default="", validator=_has_bucket)


@frozen(kw_only=True)
class S3StoreSettings(BucketSettings):
    """`type: s3`: objects in S3, or in another service that speaks its language."""


@frozen(kw_only=True)
class GSStoreSettings(BucketSettings):
    """`type: gs`: objects in Google Cloud Storage."""


@frozen(kw_only=True)
class AzureStoreSettings(BucketSettings):
    """`type: azure`: blobs in an Azure storage account, whose containers are the buckets."""


@frozen(kw_only=True)
class SFTPStoreSettings(RemoteSettings):
    """`type: sftp`: files on *host* below the folder *basepath*, which begins where a login does unless it is absolute."""

    host: str = field(validator=validators.min_len(1))
    basepath: str = field(validator=validators.min_len(1))
    port: int = 22
    username: str | None = None


@frozen(kw_only=True)
class FsspecStoreSettings(RemoteSettings):
    """`type: fsspec`: files below *url*, on whatever file system fsspec knows."""

    url: str = field(repr=_show, validator=_is_place)


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
"""The settings of each `type`."""


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
    """Where blobs are: a protocol of fsspec's, the path below which they are, and the options of the file system."""

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
    """The place that *settings* describe.

    >>> place_of(S3StoreSettings(bucket="team", basepath="results/"))
    Place(protocol='s3', root='team/results', timeout=15.0, deadline=60.0)
    """
    protocol, root, options = _described(settings)
    return Place(protocol, root, {**options, **settings.storage_options}, settings.timeout, settings.deadline)


def _described(settings: ObjectSettings) -> tuple[str, str, dict[str, object]]:
    match settings:
        case FsspecStoreSettings():
            protocol, separator, _ = settings.url.partition("://")
            return protocol if separator else "file", settings.url, {}
        case SFTPStoreSettings():
            known = {"host": settings.host, "port": settings.port, "username": settings.username}
            return "sftp", settings.basepath, {name: each for name, each in known.items() if each is not None}
        case _:
            parts = (settings.bucket, settings.basepath.rpartition("://")[2])
            root = "/".join(each.strip("/") for each in parts if each.strip("/"))
            return _PROTOCOLS[type(settings)], root, {}

"""Settings of stores and databases that are reached over a network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final, Literal, Required, TypeAlias, cast

from attrs import Attribute, field, frozen, validators

from provenance.config import schema
from provenance.model.records import NO_OPTIONS
from provenance.ports.blobs import RemoteLocation
from provenance.util.redaction import redact_url
from provenance.util.validation import check_postgres_url

# PostgreSQL silently truncates longer names.
_NAME_BYTES: Final = 63


def _is_url(_: object, __: Attribute[str], value: str) -> None:
    check_postgres_url(value)


def _is_schema(_: object, __: Attribute[str | None], value: str | None) -> None:
    if value is None:
        return
    if "\0" in value or not 0 < len(value.encode(errors="replace")) <= _NAME_BYTES:
        raise ValueError(
            f"schema must be a name of 1 to {_NAME_BYTES} bytes without NUL, got {value!r}"
        )


@frozen(kw_only=True)
class PostgresRepoSettings(schema.RecordStoreAccess):
    """`type: postgres`: records in the database *db*.

    Attributes:
        db: URL of the database.
        store: blob store for values, but for those of up to *inline_limit* bytes.
        inline_limit: bytes up to which values are stored in the records' rows.
        create_db: create the database if it is missing.
        schema: schema of the tables, by default the server's choice.
        create_schema: create the schema if it is missing.
        persistent_connections: keep connections open for the next use.
        migrate: `automatic`, or `command` to migrate only when `Repository.migrate` is called.
        connect_timeout: seconds.
        statement_timeout: seconds.
    """

    db: str = field(validator=_is_url, repr=lambda url: repr(redact_url(url)))
    store: str | None = None
    inline_limit: int = field(default=8_192, validator=validators.ge(0))
    create_db: bool = False
    schema: str | None = field(default=None, validator=_is_schema)
    create_schema: bool = True
    persistent_connections: bool = True
    migrate: str = field(default="automatic", validator=validators.in_(("automatic", "command")))
    connect_timeout: float = field(default=10.0, validator=validators.gt(0))
    statement_timeout: float = field(default=60.0, validator=validators.gt(0))

    def locate(self, _: Path, /) -> str:
        """Return where it is, as text for people."""
        return redact_url(self.db)


class PostgresRepoOptions(schema.RecordStoreArguments, total=False):
    """`PostgresRepoSettings` as keywords."""

    db: Required[str]
    inline_limit: int
    create_db: bool
    schema: str | None
    create_schema: bool
    persistent_connections: bool
    migrate: Literal["automatic", "command"]
    connect_timeout: float
    statement_timeout: float


def _without_credentials(url: str) -> str:
    """Return *url* without its user and password.

    >>> _without_credentials("sftp://me:sec/ret@host/folder")
    'sftp://host/folder'
    """
    scheme, separator, rest = url.partition("://")
    return scheme + separator + rest.rpartition("@")[2]


def _check_location(_: object, attribute: Attribute[str], value: str) -> None:
    if not value.rpartition("://")[2].strip("/ "):
        raise ValueError(f"{attribute.name} is empty; name the location")


@frozen(kw_only=True)
class RemoteSettings(schema.BlobStoreAccess):
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
    cachedir: str | None = field(default=None, validator=validators.optional(schema.check_path))
    cleanup_cachedir: bool = False
    always_check_remote: bool = False
    timeout: float = field(default=15.0, validator=validators.gt(0))
    deadline: float = field(default=60.0, validator=validators.gt(0))

    def locate(self, _: Path, /) -> str:
        """Return where it is, as text for people."""
        place = location_of(cast("ObjectSettings", self))
        if "://" in place.root:
            return _without_credentials(place.root)
        host = f"{place.options['host']}/" if "host" in place.options else ""
        return f"{place.protocol}://{host}{place.root}"


def _has_bucket(settings: BucketSettings, _: Attribute[str], basepath: str) -> None:
    if not (settings.bucket + basepath.rpartition("://")[2]).strip("/ "):
        raise ValueError(f"no bucket in {basepath!r}; write basepath: bucket/prefix")


@frozen(kw_only=True)
class BucketSettings(RemoteSettings):
    """Objects below *basepath*: `bucket/prefix`, or only the prefix if *bucket* is set."""

    protocol: ClassVar[str]
    bucket: str = ""
    basepath: str = field(default="", validator=_has_bucket)


@frozen(kw_only=True)
class S3StoreSettings(BucketSettings):
    """`type: s3`: objects in S3 or in a service with the same API."""

    protocol = "s3"


@frozen(kw_only=True)
class GSStoreSettings(BucketSettings):
    """`type: gs`: objects in Google Cloud Storage."""

    protocol = "gs"


@frozen(kw_only=True)
class AzureStoreSettings(BucketSettings):
    """`type: azure`: blobs in an Azure storage account, whose containers are the buckets."""

    protocol = "abfs"


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

    url: str = field(repr=lambda url: repr(_without_credentials(url)), validator=_check_location)


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


class RemoteOptions(schema.BlobStoreArguments, total=False):
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


def location_of(settings: ObjectSettings) -> RemoteLocation:
    """Return the location that *settings* describe.

    >>> location_of(S3StoreSettings(bucket="team", basepath="results/"))
    RemoteLocation(protocol='s3', root='team/results', timeout=15.0, deadline=60.0)
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
            protocol = settings.protocol
            parts = (settings.bucket, settings.basepath.rpartition("://")[2])
            root = "/".join(filter(None, (part.strip("/") for part in parts)))
    options |= settings.storage_options
    return RemoteLocation(protocol, root, options, settings.timeout, settings.deadline)

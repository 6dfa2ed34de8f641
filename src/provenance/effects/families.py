"""What each kind of file system guarantees, and what it wants to be told."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, TypeAlias, cast

from attrs import field, frozen
from fsspec import AbstractFileSystem, get_filesystem_class

from provenance.errors import ConfigError, MissingLibraryError

_Options: TypeAlias = Mapping[str, object]
_PART: Final = 8 << 20
"""Bytes of a part of a large object; several are under way at a time."""
_PARTS: Final = 10_000
"""Parts that an object may have."""
_AT_ONCE: Final = 4


@frozen
class Family:
    """A kind of file system: where its class is, and the extra of ours that brings it.

    *is_atomic*: what is put is there as a whole or not at all, and *exclusive* makes it fail where something is. *put*
    and *get* are options of a transfer of so many bytes, *options* those of the file system, if requests may take so
    many seconds. One that *breaks* is of no use after its connection was cut.
    """

    protocols: tuple[str, ...]
    module: str
    kind: str
    extra: str
    is_atomic: bool = True
    breaks: bool = False
    exclusive: _Options = field(factory=lambda: {"mode": "create"})
    put: Callable[[int], _Options] = lambda _: {}
    get: Callable[[int], _Options] = lambda _: {}
    options: Callable[[float, _Options], _Options] = lambda _, given: given

    def load(self, store: str) -> type[AbstractFileSystem]:
        """The class; raises `MissingLibraryError`, or `ConfigError` where fsspec knows of no such file system."""
        try:
            if self.kind:
                return cast(
                    "type[AbstractFileSystem]", getattr(import_module(self.module), self.kind)
                )
            return get_filesystem_class(self.protocols[0])
        except ImportError as error:
            raise MissingLibraryError(f"store {store!r}", self.module, self.extra) from error
        except ValueError as error:
            problem = f"fsspec knows no file system {self.protocols[0]!r}"
            raise ConfigError(
                f"store {store!r}", problem, "correct the beginning of its url"
            ) from error


def family_of(protocol: str) -> Family:
    """The family of a protocol; one that is unknown here is taken to guarantee little."""
    known = next((each for each in _FAMILIES if protocol in each.protocols), None)
    return known or Family(
        (protocol,), protocol, "", "all", is_atomic=False, breaks=True, exclusive={}
    )


def _parts(size: int) -> _Options:
    return {"chunksize": max(_PART, math.ceil(size / _PARTS)), "max_concurrency": _AT_ONCE}


def _s3_options(timeout: float, given: _Options) -> _Options:
    """Requests that time out, and are repeated here and not by botocore."""
    own = cast("_Options", given.get("config_kwargs", {}))
    waits = {
        "connect_timeout": timeout,
        "read_timeout": timeout,
        "retries": {"max_attempts": 1, "mode": "standard"},
    }
    return {**given, "config_kwargs": {**waits, **own}}


def _gs_options(timeout: float, given: _Options) -> _Options:
    from aiohttp import ClientTimeout

    return {
        "requests_timeout": ClientTimeout(total=None, sock_connect=timeout, sock_read=timeout),
        **given,
    }


def _ssh_options(timeout: float, given: _Options) -> _Options:
    """Hosts must be known, as `ssh` wants it, unless `known_hosts: null` says otherwise."""
    waits = {
        "connect_timeout": timeout,
        "login_timeout": timeout,
        "keepalive_interval": timeout / 3,
        "timeout": timeout,
    }
    return {**waits, "known_hosts": (), **given}


_FAMILIES: Final = (
    Family(
        ("s3", "s3a"), "s3fs", "S3FileSystem", "s3", put=_parts, get=_parts, options=_s3_options
    ),
    Family(
        ("gs", "gcs"),
        "gcsfs",
        "GCSFileSystem",
        "gcs",
        put=lambda _: {"chunksize": _PART},
        get=lambda _: {"concurrency": 1},
        options=_gs_options,
    ),
    Family(
        ("azure", "az", "abfs", "abfss", "adl"),
        "adlfs",
        "AzureBlobFileSystem",
        "azure",
        put=lambda _: {"max_concurrency": _AT_ONCE},
        get=lambda _: {"max_concurrency": _AT_ONCE},
    ),
    Family(
        ("sftp", "ssh"),
        "sshfs",
        "SSHFileSystem",
        "sftp",
        is_atomic=False,
        breaks=True,
        exclusive={},
        options=_ssh_options,
    ),
)

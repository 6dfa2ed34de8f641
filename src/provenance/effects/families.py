"""The kinds of remote file systems: their guarantees and their options."""

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
"""Size in bytes of a part of a large object; several are transferred at a time."""
_PARTS: Final = 10_000
"""Maximum number of parts of an object."""
_AT_ONCE: Final = 4


@frozen
class Family:
    """A kind of file system: the module and name of its class, and the extra that installs it.

    Attributes:
        is_atomic: An upload appears as a whole or not at all.
        breaks: The file system object is unusable after its connection was lost.
        exclusive: Options that make an upload fail if the file exists.
        put: Options of an upload of a size in bytes.
        get: Options of a download of a size in bytes.
        options: Options of the file system, from a timeout in seconds and the user's options.
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
        """Return the class; raise `MissingLibraryError`, or `ConfigError` if fsspec lacks it."""
        try:
            if self.kind:
                kind = getattr(import_module(self.module), self.kind)
                return cast("type[AbstractFileSystem]", kind)
            return get_filesystem_class(self.protocols[0])
        except ImportError as error:
            raise MissingLibraryError(f"store {store!r}", self.module, self.extra) from error
        except ValueError as error:
            problem = f"fsspec knows no file system {self.protocols[0]!r}"
            advice = "correct the beginning of its url"
            raise ConfigError(f"store {store!r}", problem, advice) from error


def family_of(protocol: str) -> Family:
    """Return the family of a protocol; an unknown one is assumed to guarantee little."""
    for family in _FAMILIES:
        if protocol in family.protocols:
            return family
    return Family((protocol,), protocol, "", "all", is_atomic=False, breaks=True, exclusive={})


def _parts(size: int) -> _Options:
    return {"chunksize": max(_PART, math.ceil(size / _PARTS)), "max_concurrency": _AT_ONCE}


def _s3_options(timeout: float, given: _Options) -> _Options:
    """Return options with timeouts and without retries of botocore's: this library retries."""
    retries = {"max_attempts": 1, "mode": "standard"}
    own = cast("_Options", given.get("config_kwargs", {}))
    config = {"connect_timeout": timeout, "read_timeout": timeout, "retries": retries, **own}
    return {**given, "config_kwargs": config}


def _gs_options(timeout: float, given: _Options) -> _Options:
    from aiohttp import ClientTimeout

    limits = ClientTimeout(total=None, sock_connect=timeout, sock_read=timeout)
    return {"requests_timeout": limits, **given}


def _ssh_options(timeout: float, given: _Options) -> _Options:
    """Return options with timeouts; hosts must be known, unless `known_hosts: null`."""
    timeouts = dict.fromkeys(("connect_timeout", "login_timeout", "timeout"), timeout)
    return {**timeouts, "keepalive_interval": timeout / 3, "known_hosts": (), **given}


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

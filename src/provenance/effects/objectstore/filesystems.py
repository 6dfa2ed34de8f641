"""What the file systems of fsspec can do, and what their errors mean."""

# Paths are text here, as in `disk`.

from __future__ import annotations

import errno
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import metadata
from typing import Final, TypeAlias, cast

from attrs import frozen
from fsspec import AbstractFileSystem, get_filesystem_class

from provenance.effects.io import store_unavailable
from provenance.errors import ConfigError, MissingLibraryError, StoreUnavailableError
from provenance.util.redaction import redact

_Options: TypeAlias = Mapping[str, object]
_PART: Final = 8 << 20
"""Size in bytes of a part of a large object; several are transferred at a time."""
_PARTS: Final = 10_000
"""Maximum number of parts of an object."""
_AT_ONCE: Final = 4


@frozen
class FilesystemProfile:
    """A kind of file system: the module and name of its class.

    Attributes:
        is_atomic: It answers each request by itself: an upload appears as a whole or not at all,
            and a lost connection does not make the file system object unusable.
        put: Options of an upload of a size in bytes.
        get: Options of a download of a size in bytes.
        options: Options of the file system, from a timeout in seconds and the user's options.
    """

    protocols: tuple[str, ...]
    module: str
    kind: str
    is_atomic: bool = True
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
            raise self._missing(store, error) from error
        except ValueError as error:
            problem = f"fsspec knows no file system {self.protocols[0]!r}"
            advice = "correct the beginning of its url"
            raise ConfigError(f"store {store!r}", problem, advice) from error

    def _missing(self, store: str, error: ImportError) -> MissingLibraryError:
        if self.kind:
            return MissingLibraryError(f"store {store!r}", self.module)
        # fsspec names the missing module only in the cause, and has extras for some file systems.
        library = (getattr(error.__cause__, "name", None) or self.module).partition(".")[0]
        extras = metadata("fsspec").get_all("Provides-Extra", ())
        requirement = f"fsspec[{self.module}]" if self.module in extras else library
        return MissingLibraryError(f"store {store!r}", library, requirement)


def profile_of(protocol: str) -> FilesystemProfile:
    """Return the family of a protocol; an unknown one is assumed to guarantee little."""
    for family in _PROFILES:
        if protocol in family.protocols:
            return family
    return FilesystemProfile((protocol,), protocol, "", is_atomic=False)


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


_PROFILES: Final = (
    FilesystemProfile(
        ("s3", "s3a"), "s3fs", "S3FileSystem", put=_parts, get=_parts, options=_s3_options
    ),
    FilesystemProfile(
        ("gs", "gcs"),
        "gcsfs",
        "GCSFileSystem",
        put=lambda _: {"chunksize": _PART},
        get=lambda _: {"concurrency": 1},
        options=_gs_options,
    ),
    FilesystemProfile(
        ("azure", "az", "abfs", "abfss", "adl"),
        "adlfs",
        "AzureBlobFileSystem",
        put=lambda _: {"max_concurrency": _AT_ONCE},
        get=lambda _: {"max_concurrency": _AT_ONCE},
    ),
    FilesystemProfile(
        ("sftp", "ssh"), "sshfs", "SSHFileSystem", is_atomic=False, options=_ssh_options
    ),
)


def temporary_files_of(store: str) -> str:
    """Return the name of the spool files of *store* for error messages."""
    return f"{store} (its temporary files, in {tempfile.gettempdir()})"


_PASSING: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 507, 509})
_REFUSED: Final = frozenset({401, 403})
_BAD_REQUEST: Final = 400
_PRECONDITION: Final = 412
_HTTP: Final = 100
# fmt: off
_INTERRUPTIONS: Final = frozenset({
    "ChecksumError", "ClientConnectionError", "ClientPayloadError", "ConnectionError",
    "ConnectionLost", "HTTPClientError", "IncompleteRead", "IncompleteReadError",
    "ServiceRequestError", "ServiceResponseError", "SFTPConnectionLost", "SFTPNoConnection",
    "Timeout",
})
_DOUBTS: Final = frozenset({
    "ClientConnectorCertificateError", "ClientAuthenticationError", "CertificateError",
    "CredentialRetrievalError", "DefaultCredentialsError", "GoogleAuthError",
    "HostKeyNotVerifiable", "NoCredentialsError", "PartialCredentialsError", "PermissionDenied",
    "PermissionError", "SSLError",
})
# fmt: on
_LOCAL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.EFBIG})
_HARMLESS: Final = frozenset(
    {"account_name", "endpoint_url", "host", "project", "region_name", "token_file"}
)
_SHORTEST: Final = 4
"""Minimum length of a secret: shorter ones would be redacted from any text."""
_LONGEST: Final = 300


def is_passing(error: Exception) -> bool:
    """Return whether a retry may help: a lost connection, a timeout, a busy or failing server."""
    chain = list(_chain(error))
    if isinstance(error, FileNotFoundError | FileExistsError):
        return False
    if _is_local(error) or _is_refused(chain):
        return False
    return any(
        isinstance(cause, TimeoutError | ConnectionError | EOFError)
        or _status(cause) in _PASSING
        or _is(cause, _INTERRUPTIONS)
        for cause in chain
    )


def is_conflict(error: Exception) -> bool:
    """Return whether a file exists that must not; not all libraries raise `FileExistsError`."""
    return any(
        isinstance(cause, FileExistsError) or _status(cause) == _PRECONDITION
        for cause in _chain(error)
    )


def unavailable_error(
    store: str, error: Exception, secrets: Iterable[str]
) -> StoreUnavailableError:
    """Return what to raise when *error* kept *store* from answering; its text hides *secrets*."""
    if _is_local(error):
        return store_unavailable(temporary_files_of(store), cast("OSError", error))
    if _is_refused(_chain(error)):
        advice = "check the credentials in storage_options, and what they allow"
    elif is_passing(error):
        advice = "check the address and the network, and try again"
    elif any(_status(cause) == _BAD_REQUEST for cause in _chain(error)):
        # So S3 answers to a request without a body whose token has expired, and says no more.
        advice = "check whether the credentials in storage_options have expired, and the settings of the store"
    else:
        advice = "check the settings of the store"
    text = " ".join(str(error).split()) or "no answer in time"
    kind = "" if isinstance(error, TimeoutError) else f"{type(error).__name__}: "
    return StoreUnavailableError(store, redact(f"{kind}{text}", secrets)[:_LONGEST], advice)


def secrets_of(options: Mapping[str, object]) -> frozenset[str]:
    """Return all strings in *options*, at any depth, except for those known to be harmless."""
    return frozenset(
        text for name, value in options.items() if name not in _HARMLESS for text in _texts(value)
    )


def is_open(error: BaseException, secrets: Iterable[str]) -> bool:
    """Return whether *error* and its causes may be shown as they are."""
    return all(redact(str(cause), secrets) == str(cause) for cause in _chain(error))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str | bytes):
        text = value if isinstance(value, str) else value.decode("utf-8", "replace")
        if len(text) >= _SHORTEST:
            yield text
    elif isinstance(value, Mapping):
        yield from secrets_of(cast("Mapping[str, object]", value))
    elif isinstance(value, list | tuple):
        for member in cast("list[object]", value):
            yield from _texts(member)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and its causes."""
    met: set[int] = set()
    while error is not None and id(error) not in met:
        met.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _is_local(error: BaseException) -> bool:
    """Return whether this machine has no room; servers' answers can have the same numbers."""
    return isinstance(error, OSError) and error.errno in _LOCAL and error.__cause__ is None


def _is_refused(chain: Iterable[BaseException]) -> bool:
    return any(
        _status(cause) in _REFUSED or _is(cause, _DOUBTS) or "Forbidden" in str(cause)[:20]
        for cause in chain
    )


def _is(error: BaseException, names: frozenset[str]) -> bool:
    return any(kind.__name__ in names for kind in type(error).__mro__)


def _status(error: BaseException) -> int | None:
    """Return the HTTP status of a server's answer, by whatever name the library keeps it."""
    response: object = getattr(error, "response", None)
    if isinstance(response, Mapping):
        metadata = cast("Mapping[str, Mapping[str, object]]", response).get("ResponseMetadata", {})
        candidates = [metadata.get("HTTPStatusCode")]
    else:
        candidates = [getattr(error, name, None) for name in ("status", "status_code", "code")]
    for candidate in candidates:
        if isinstance(candidate, int | str) and str(candidate).isdecimal():
            number = int(candidate)
            if number >= _HTTP:
                return number
    return None

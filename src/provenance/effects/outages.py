"""Errors of remote file systems: which of them pass, and how to report them without secrets.

The libraries raise errors of their own, with telling names; none of the libraries is imported here.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

from provenance.effects.redaction import HIDDEN, without_secrets
from provenance.effects.spool import temporary_files_of
from provenance.effects.trouble import unavailable
from provenance.errors import StoreUnavailableError

_PASSING: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 507, 509})
_REFUSED: Final = frozenset({401, 403})
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


def told(store: str, error: Exception, secrets: Iterable[str]) -> StoreUnavailableError:
    """Return what to raise when *error* kept *store* from answering; its text hides *secrets*."""
    if _is_local(error):
        return unavailable(temporary_files_of(store), cast("OSError", error))
    if _is_refused(_chain(error)):
        advice = "check the credentials in storage_options, and what they allow"
    elif is_passing(error):
        advice = "check the address and the network, and try again"
    else:
        advice = "check the settings of the store"
    text = " ".join(str(error).split()) or "no answer in time"
    kind = "" if isinstance(error, TimeoutError) else f"{type(error).__name__}: "
    return StoreUnavailableError(store, struck(f"{kind}{text}", secrets)[:_LONGEST], advice)


def struck(text: str, secrets: Iterable[str]) -> str:
    """Return *text* without *secrets*, and without what looks like one."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return without_secrets(text)


def secrets_of(options: Mapping[str, object]) -> frozenset[str]:
    """Return all strings in *options*, at any depth, except for those known to be harmless."""
    return frozenset(
        text for name, value in options.items() if name not in _HARMLESS for text in _texts(value)
    )


def is_open(error: BaseException, secrets: Iterable[str]) -> bool:
    """Return whether *error* and its causes may be shown as they are."""
    return all(struck(str(cause), secrets) == str(cause) for cause in _chain(error))


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

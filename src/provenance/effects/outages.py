"""Failures of file systems that are elsewhere: which of them pass, and how they are told without giving away a secret.

The libraries that reach them raise their own errors, under names that tell enough; none of them is imported for that.
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
_INTERRUPTIONS: Final = frozenset(
    {
        "ChecksumError",
        "ClientConnectionError",
        "ClientPayloadError",
        "ConnectionError",
        "ConnectionLost",
        "HTTPClientError",
        "IncompleteRead",
        "IncompleteReadError",
        "ServiceRequestError",
        "ServiceResponseError",
        "SFTPConnectionLost",
        "SFTPNoConnection",
        "Timeout",
    }
)
_DOUBTS: Final = frozenset(
    {
        "ClientConnectorCertificateError",
        "ClientAuthenticationError",
        "CertificateError",
        "CredentialRetrievalError",
        "DefaultCredentialsError",
        "GoogleAuthError",
        "HostKeyNotVerifiable",
        "NoCredentialsError",
        "PartialCredentialsError",
        "PermissionDenied",
        "PermissionError",
        "SSLError",
    }
)
_LOCAL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.EFBIG})
_HARMLESS: Final = frozenset(
    {"account_name", "endpoint_url", "host", "project", "region_name", "token_file"}
)
_SHORTEST: Final = 4
"""Letters that a secret has at least: what is shorter would be struck out of any text."""
_LONGEST: Final = 300


def is_passing(error: Exception) -> bool:
    """Whether asking again may help: the connection was cut or took too long, or the server was busy or out of order."""
    chain = list(_chain(error))
    if (
        isinstance(error, FileNotFoundError | FileExistsError)
        or _is_local(error)
        or _is_doubt(chain)
    ):
        return False
    return any(
        isinstance(each, TimeoutError | ConnectionError | EOFError)
        or _status(each) in _PASSING
        or _is(each, _INTERRUPTIONS)
        for each in chain
    )


def is_conflict(error: Exception) -> bool:
    """Whether something is there that must not be; not all libraries say so by `FileExistsError`."""
    return any(
        isinstance(each, FileExistsError) or _status(each) == _PRECONDITION
        for each in _chain(error)
    )


def told(store: str, error: Exception, secrets: Iterable[str]) -> StoreUnavailableError:
    """What to raise when *error* kept *store* from answering; in its text none of *secrets* is to be read."""
    if _is_local(error):
        return unavailable(temporary_files_of(store), cast("OSError", error))
    chain = list(_chain(error))
    if _is_doubt(chain):
        advice = "check the credentials in storage_options, and what they allow"
    elif is_passing(error):
        advice = "check the address and the network, and try again"
    else:
        advice = "check the settings of the store"
    text = " ".join(str(error).split()) or "no answer in time"
    kind = "" if isinstance(error, TimeoutError) else f"{type(error).__name__}: "
    return StoreUnavailableError(store, struck(f"{kind}{text}", secrets)[:_LONGEST], advice)


def struck(text: str, secrets: Iterable[str]) -> str:
    """*text* without *secrets*, and without what looks like one."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return without_secrets(text)


def secrets_of(options: Mapping[str, object]) -> frozenset[str]:
    """All strings in *options*, at any depth, but for those that are known to be none."""
    return frozenset(
        each for name, value in options.items() if name not in _HARMLESS for each in _texts(value)
    )


def is_open(error: BaseException, secrets: Iterable[str]) -> bool:
    """Whether *error*, and what it came from, may be shown as it is."""
    return all(struck(str(each), secrets) == str(each) for each in _chain(error))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str | bytes):
        text = value if isinstance(value, str) else value.decode("utf-8", "replace")
        if len(text) >= _SHORTEST:
            yield text
    elif isinstance(value, Mapping):
        yield from secrets_of(cast("Mapping[str, object]", value))
    elif isinstance(value, list | tuple):
        for each in cast("list[object]", value):
            yield from _texts(each)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those that it came from."""
    met: set[int] = set()
    while error is not None and id(error) not in met:
        met.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _is_local(error: BaseException) -> bool:
    """Whether it is this machine that has no room; a server's answer is translated into such numbers, too."""
    return isinstance(error, OSError) and error.errno in _LOCAL and error.__cause__ is None


def _is_doubt(chain: Iterable[BaseException]) -> bool:
    return any(
        _status(each) in _REFUSED or _is(each, _DOUBTS) or "Forbidden" in str(each)[:20]
        for each in chain
    )


def _is(error: BaseException, names: frozenset[str]) -> bool:
    return any(kind.__name__ in names for kind in type(error).__mro__)


def _status(error: BaseException) -> int | None:
    """The HTTP status that a server answered, by whatever name the libraries keep it."""
    response: object = getattr(error, "response", None)
    if isinstance(response, Mapping):
        told = cast("Mapping[str, Mapping[str, object]]", response).get("ResponseMetadata", {})
        candidates = [told.get("HTTPStatusCode")]
    else:
        candidates = [getattr(error, name, None) for name in ("status", "status_code", "code")]
    return next((number for each in candidates if (number := _number(each)) is not None), None)


def _number(value: object) -> int | None:
    number = int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0
    return number if number >= _HTTP else None

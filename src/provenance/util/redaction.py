"""Texts without the secrets in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_SECRET: Final = re.compile(r"(?<=://).*(?=@)|(?<=password=)[^&]*", re.IGNORECASE)


def without_passwords(url: str) -> str:
    """Return *url* with its credentials masked.

    >>> without_passwords("postgresql://me:pw@host/db?sslpassword=pw&x=1")
    'postgresql://***@host/db?sslpassword=***&x=1'
    """
    return _SECRET.sub("***", url)


HIDDEN: Final = "***"
"""The replacement of a secret."""
_NAME: Final = (
    r"(?:pass(?:word|wd|phrase)?|pwd|token|secret|credentials?|auth(?:orization)?|bearer|"
    r"(?:api|access|private|secret|account|sas)[-_]?key|key[-_]?id|pat|dsn)"
)
_FLAG: Final = re.compile(rf"-{{1,2}}(?:[\w.]+[-_.])*{_NAME}(?:[-_]\w+)*", re.IGNORECASE)
_ASSIGNED: Final = re.compile(
    rf"(?<![^\W_])((?:[\w.]+[-_.])*{_NAME}[\"']?\s*[=:]\s*)(?:(?:bearer|basic)\s+)?[^\s&;,]+",
    re.IGNORECASE,
)
_USERINFO: Final = re.compile(r"([a-z][a-z0-9+.-]*://)[^/\s]+@", re.IGNORECASE)


def redact_arguments(arguments: Iterable[str]) -> list[str]:
    """Return command line *arguments* without passwords, tokens, keys and the user part of URLs.

    >>> redact_arguments(["train", "--api-key", "abc", "--db=postgresql://me:pw@host/db", "token=xyz"])
    ['train', '--api-key', '***', '--db=postgresql://***@host/db', 'token=***']
    """
    kept: list[str] = []
    hide = False
    for argument in arguments:
        kept.append(HIDDEN if hide else redact(argument))
        hide = _FLAG.fullmatch(argument) is not None
    return kept


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return *text* without *secrets*, values assigned to secret names, and users in URLs."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _ASSIGNED.sub(rf"\1{HIDDEN}", _USERINFO.sub(rf"\1{HIDDEN}@", text))


_PLACE_USERINFO: Final = re.compile(r"(?<=://)[^/\s]+@")


def without_credentials(url: str) -> str:
    """Return *url* without its user and password.

    >>> without_credentials("sftp://me:secret@host/folder")
    'sftp://host/folder'
    """
    return _PLACE_USERINFO.sub("", url)

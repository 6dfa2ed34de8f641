"""Secrets that must not be recorded with a command line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

HIDDEN: Final = "***"
"""What stands where a secret was."""
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


def redacted(arguments: Iterable[str]) -> list[str]:
    """*arguments* of a command line without passwords, tokens, keys and the user part of addresses.

    >>> redacted(["train", "--api-key", "abc", "--db=postgresql://me:pw@host/db", "token=xyz", "--epochs", "3"])
    ['train', '--api-key', '***', '--db=postgresql://***@host/db', 'token=***', '--epochs', '3']
    """
    kept: list[str] = []
    hide = False
    for argument in arguments:
        kept.append(HIDDEN if hide else without_secrets(argument))
        hide = _FLAG.fullmatch(argument) is not None
    return kept


def without_secrets(text: str) -> str:
    """*text* without what is assigned to names of secrets, and without the user part of addresses."""
    return _ASSIGNED.sub(rf"\1{HIDDEN}", _USERINFO.sub(rf"\1{HIDDEN}@", text))

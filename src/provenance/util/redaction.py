"""Texts without the secrets in them.

Redaction errs on the side of hiding: what only looks like a secret is hidden as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus, unquote

HIDDEN: Final = "***"
"""The replacement of a secret."""

_ENDINGS: Final = re.compile(
    r"(?:pass(?:word|wd|phrase)|pwd|token|secret|credential|signature|"
    r"(?:api|access|private|account|secret|sas|signing|encryption)key)s?$"
)
"""How a word ends that means a secret, with or without more before it, as in `PGPASSWORD`."""
_WORDS: Final = frozenset({"pass", "pw", "pat", "dsn", "sig", "auth", "authorization", "bearer"})
"""Words that mean a secret by themselves."""
_KEYS: Final = re.compile(
    r"\b(?:api|access|private|account|secret|sas|signing|encryption) keys?\b|\bkey id\b"
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LONGEST_NAME: Final = 200
_NAMED: Final = re.compile(r"(?<![\w.-])([\w.-]++)([\"']?\s*+(?:=>|[=:])\s*+|\s++)")
"""A name and what separates it from its value: after a flag, that may be a space."""
_VALUE: Final = re.compile(
    r"(?:(?:bearer|basic)\s+)?"
    r'(?:"(?:[^"\\]|\\.)*+(?:"|$)|\'(?:[^\'\\]|\\.)*+(?:\'|$)|'
    # A separator ends the value only if the end or another assignment follows.
    r"(?:[^\s&;,]|[&;,](?![\"'\s]|$|[\w.-]++\s*+[=:]))++)",
    re.IGNORECASE | re.DOTALL,
)
_USER_FLAG: Final = re.compile(r"-u|--(?:proxy-)?user", re.IGNORECASE)
_USER: Final = re.compile(r"((?<!\S)(?:-u\s*|--(?:proxy-)?user[\s=]+))[^\s:]*:\S+", re.IGNORECASE)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SHORTEST: Final = 4
"""Length below which a known secret is hidden only where it is a word of its own."""


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return *text* without URL users, values of secret names, and the known *secrets*.

    >>> redact("PGPASSWORD='a b' psql postgresql://me:p@w/x@host/db?sslpassword=pw&x=1")
    'PGPASSWORD=*** psql postgresql://***@host/db?sslpassword=***&x=1'
    >>> redact("cannot log in as ann with ann", ["ann"])
    'cannot log in as *** with ***'
    """
    spelled = {
        spelling
        for secret in secrets
        for spelling in (secret, quote(secret, safe=""), quote_plus(secret), unquote(secret))
    }
    for secret in sorted(spelled - {""}, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, HIDDEN)
        else:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text)
    text = re.sub(r"\S+", lambda token: _hide_userinfo(token[0]), text)
    return "".join(_without_values(_USER.sub(rf"\1{HIDDEN}", text)))


def _without_values(text: str) -> Iterator[str]:
    """Yield the pieces of *text* with the values of secret names replaced."""
    position = 0
    while named := _NAMED.search(text, position):
        value = None
        if _is_secret(named[1]) and (named[1].startswith("-") or not named[2].isspace()):
            value = _VALUE.match(text, named.end())
        yield text[position : named.end() if value else named.end(1)]
        if value:
            yield HIDDEN
        position = value.end() if value else named.end(1)
    yield text[position:]


def _is_secret(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name[-_LONGEST_NAME:])]
    return (
        not _WORDS.isdisjoint(words)
        or any(map(_ENDINGS.search, words))
        or _KEYS.search(" ".join(words)) is not None
    )


def redact_url(url: str) -> str:
    """Return *url* without its user, its password, and secrets in its query.

    >>> redact_url("postgresql://me:my @ pass/word@host/db?sslpassword=pw&x=1")
    'postgresql://***@host/db?sslpassword=***&x=1'
    """
    return redact(_hide_userinfo(url))


def redact_arguments(arguments: Iterable[str]) -> list[str]:
    """Return command line *arguments* without passwords, tokens, keys and the user part of URLs.

    >>> redact_arguments(["train", "--api-key", "abc", "--db=postgresql://me:pw@host/db", "token=x y"])
    ['train', '--api-key', '***', '--db=postgresql://***@host/db', 'token=***']
    """
    kept: list[str] = []
    previous = ""
    for argument in arguments:
        name, assigned, _ = argument.partition("=")
        if _is_secret_flag(previous) or (_USER_FLAG.fullmatch(previous) and ":" in argument):
            kept.append(HIDDEN)
        elif assigned and re.fullmatch(r"[\w.-]+", name) and _is_secret(name):
            kept.append(f"{name}={HIDDEN}")
        elif _SCHEME.match(argument):
            kept.append(redact_url(argument))
        else:
            kept.append(redact(argument))
        previous = argument
    return kept


def _is_secret_flag(argument: str) -> bool:
    return argument == "-p" or (
        re.fullmatch(r"-[\w.-]+", argument) is not None and _is_secret(argument)
    )


def _hide_userinfo(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    _, at, place = rest.rpartition("@")
    return f"{scheme}{separator}{HIDDEN}{at}{place}" if at else url

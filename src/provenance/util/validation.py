"""Checks of arguments and options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final, SupportsIndex, cast

from provenance.errors import ConfigError
from provenance.util.formatting import did_you_mean, expected_one_of, safe_repr, with_article


def require_mapping(
    value: object, path: str, advice: str = "write name: value"
) -> Mapping[str, object]:
    """Return *value* if it is a mapping with string keys.

    Its values may be secret and are never quoted.
    """
    if not isinstance(value, Mapping):
        raise ConfigError(
            path, f"must be a mapping with string keys, got {with_article(value)}", advice
        )
    for key in cast("Mapping[object, object]", value):
        if not isinstance(key, str):
            raise ConfigError(
                path, f"keys must be strings, got {safe_repr(key)}", "write it in quotes"
            )
    return cast("Mapping[str, object]", value)


def is_collection(value: object) -> bool:
    """Tell whether *value* is iterable and not a string."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes)


def require_iterable(value: object, where: str) -> Iterable[object]:
    """Return *value* if it is an iterable other than a string; raise TypeError otherwise."""
    if not is_collection(value):
        example = f", as in [{value!r}]" if isinstance(value, str | bytes) else ""
        raise TypeError(
            f"{where}: expected a collection of artifacts, got {safe_repr(value)}; pass a list{example}"
        )
    return cast("Iterable[object]", value)


def check_function(value: object, path: str, advice: str) -> None:
    """Raise ConfigError if *value* is not callable."""
    if not callable(value):
        raise ConfigError(path, f"must be callable, got {safe_repr(value)}", advice)


def require_bool(value: object, path: str) -> bool:
    """Return *value* if it is a bool."""
    if not isinstance(value, bool):
        raise ConfigError(path, f"must be a bool, got {safe_repr(value)}", "pass True or False")
    return value


def is_count(value: object, least: int) -> bool:
    """Tell whether *value* is an integer (NumPy's included) that is at least *least*.

    >>> is_count(5, 0), is_count(0, 1), is_count(True, 0), is_count("5", 0)
    (True, False, False, False)
    """
    return (
        isinstance(value, SupportsIndex)
        and not isinstance(value, bool)
        and value.__index__() >= least
    )


def require_duration(value: object, path: str) -> None:
    """Raise ConfigError if *value* is not a `timedelta` of zero or more."""
    if not isinstance(value, timedelta) or value < timedelta(0):
        problem = f"must be a non-negative duration, got {safe_repr(value)}"
        raise ConfigError(path, problem, "pass a datetime.timedelta")


def name_problem(name: object) -> tuple[str, str] | None:
    r"""Return what is wrong with a *name* to be stored, and how to correct it; None if it is valid.

    >>> name_problem("a"), name_problem("a\0")
    (None, ("invalid name 'a\\x00': databases cannot store '\\x00'", 'remove it'))
    """
    if not isinstance(name, str) or not name:
        return f"must be a non-empty string, got {safe_repr(name)}", "pass a name"
    odd = next((char for char in name if char == "\0" or "\ud800" <= char <= "\udfff"), None)
    if odd is None:
        return None
    return f"invalid name {name!r}: databases cannot store {odd!r}", "remove it"


def require_known(value: object, known: Iterable[str], path: str, what: str) -> str:
    """Return *value* if it is one of the *known* names.

    *what* is the noun for the error message.
    """
    names = list(known)
    if not isinstance(value, str):
        raise ConfigError(
            path, f"must be a string, got {with_article(value)}", expected_one_of(names)
        )
    if value not in names:
        raise ConfigError(path, f"unknown {what} {safe_repr(value)}", did_you_mean(value, names))
    return value


_POSTGRES: Final = re.compile(
    r"(?:postgresql(?:\+psycopg2?)?|postgres)://(?:[^:/@]*(?::[^@]*)?@)?"
    r"(?:\[[\da-fA-F:.%]+\]|[^@/?:\[\]]*)(?::\d{1,5})?/[^@/?][^@?]*(?:\?[^@]*)?"
)


def check_postgres_url(url: str) -> None:
    """Raise `ValueError`, which does not show *url*, if it could be read in another way than meant."""
    if not _POSTGRES.fullmatch(url):
        raise ValueError(
            "invalid PostgreSQL URL; expected postgresql://user:password@host:port/database, "
            "with @ in the password written %40 and / written %2F"
        )

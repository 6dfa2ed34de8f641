"""What is asked of configurations and arguments: a mistake is a `ConfigError` that says where it is and what would be right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import SupportsIndex, cast

from provenance.errors import ConfigError
from provenance.showing import shown


def named(value: object, path: str, advice: str = "write name: value") -> Mapping[str, object]:
    """*value*, if it is a dictionary whose keys are strings; nothing else of it is quoted, as it may be secret."""
    if not isinstance(value, Mapping):
        raise ConfigError(path, f"{a(value)} is no dictionary of named entries", advice)
    for key in cast("Mapping[object, object]", value):
        if not isinstance(key, str):
            raise ConfigError(path, f"the name {shown(key)} is no string", "write it in quotes")
    return cast("Mapping[str, object]", value)


def is_collection(value: object) -> bool:
    """Whether *value* has members; the letters of a string are none."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes)


def several(value: object, where: str) -> Iterable[object]:
    """*value*, if it is a collection and no string; TypeError for anything else, as for a member that is no artifact."""
    if not is_collection(value):
        example = f", as in [{value!r}]" if isinstance(value, str | bytes) else " of them"
        raise TypeError(f"{where}: {shown(value)} is no collection of artifacts; give a list{example}")
    return cast("Iterable[object]", value)


def check_function(value: object, path: str, advice: str) -> None:
    """Refuse what cannot be called."""
    if not callable(value):
        raise ConfigError(path, f"{shown(value)} cannot be called", advice)


def flag(value: object, path: str) -> bool:
    """*value*, if it is a bool."""
    if not isinstance(value, bool):
        raise ConfigError(path, f"{shown(value)} is no bool", "give True or False")
    return value


def is_count(value: object, least: int) -> bool:
    """Whether *value* is a whole number, of numpy too, and not less than *least*.

    >>> is_count(5, 0), is_count(0, 1), is_count(True, 0), is_count("5", 0)
    (True, False, False, False)
    """
    return isinstance(value, SupportsIndex) and not isinstance(value, bool) and value.__index__() >= least


def age(value: object, path: str) -> None:
    """Refuse what is no time span, or a negative one."""
    if not isinstance(value, timedelta):
        raise ConfigError(path, f"{shown(value)} is no age", "give a datetime.timedelta")
    if value < timedelta(0):
        raise ConfigError(path, f"{shown(value)} is negative", "give an age")


def name_problem(name: object) -> tuple[str, str] | None:
    r"""What is wrong with a *name* that is to be stored, and what to do; None if it will do.

    >>> name_problem("a"), name_problem("a\0")
    (None, ("'a\\x00' holds '\\x00', which no database takes", 'leave it out'))
    """
    if not isinstance(name, str) or not name:
        return f"{shown(name)} is no name", "give a string that is not empty"
    odd = next((each for each in name if each == "\0" or "\ud800" <= each <= "\udfff"), None)
    return None if odd is None else (f"{name!r} holds {odd!r}, which no database takes", "leave it out")


def name_among(value: object, known: Iterable[str], path: str, what: str) -> str:
    """*value*, if it is one of the *known* names of a *what*."""
    names = list(known)
    if not isinstance(value, str):
        raise ConfigError(path, f"it is of type {type(value).__name__}, not str", there_are(names))
    if value not in names:
        raise ConfigError(path, f"there is no {what} {shown(value)}", nearest(value, names))
    return value


def nearest(name: str, known: list[str]) -> str:
    """Advice for who wrote *name*: the known one that he may have meant, else all of them."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1, 0.5)
    return f"did you mean {near[0]!r}?" if near else there_are(known)


def there_are(known: list[str]) -> str:
    """Advice that lists what is known."""
    return f"there are: {', '.join(known) or 'none'}"


def a(value: object) -> str:
    """The type of *value* with its article.

    >>> a(1), a([])
    ('an int', 'a list')
    """
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"

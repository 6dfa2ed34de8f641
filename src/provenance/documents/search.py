"""Conditions of a search as a person writes them: arguments, times and durations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import provenance as p

_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def page_of(
    result: p.SearchResult,
    limit: int,
    after: int | None,
    accepts: Callable[[p.Artifact[object]], bool],
) -> tuple[list[p.Artifact[object]], int | None]:
    """Return up to *limit* artifacts that also meet a condition without an index, and where the next ones begin."""
    found: list[p.Artifact[object]] = []
    while True:
        page, after = result.page(limit - len(found), after)
        found += filter(accepts, page)
        if after is None or len(found) == limit:
            return found, after


class ConditionError(p.ProvenanceError, ValueError):
    """A condition cannot be read."""


def parse_input(text: str) -> tuple[str, object]:
    """Return the condition on an argument that `--input` states, as a key of `search` and a value.

    >>> parse_input("a=4"), parse_input("config.depth>=3"), parse_input("name=churn"), parse_input("a!=[1]")
    (('a', 4), ('config.depth >=', 3), ('name', 'churn'), ('a !=', [1]))
    """
    match = re.fullmatch(r"([^=<>!]+)(<=|>=|!=|==|=|<|>)(.*)", text, re.DOTALL)
    if match is None:
        raise ConditionError(f"must be NAME=VALUE, got {text!r}; write depth=3 or 'depth>=3'")
    name, operator, value = map(str.strip, match.groups())
    try:
        known: object = json.loads(value)
    except ValueError:
        known = {"True": True, "False": False, "None": None}.get(value, value)
    return (name if operator in ("=", "==") else f"{name} {operator}"), known


def parse_age(text: str) -> timedelta | None:
    """Return the duration that *text* states, None if it states none.

    >>> parse_age("2d"), parse_age("90 min"), parse_age("2026-11-28")
    (datetime.timedelta(days=2), datetime.timedelta(seconds=5400), None)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)", text.strip())
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]]) if match else None


def parse_time(value: str) -> datetime:
    """Return the time that a text states: `2d` (ago), `2026-11-28` or `2026-11-28T09:30`."""
    age = parse_age(value)
    try:
        if age is not None:
            return datetime.now(UTC) - age
        return datetime.fromisoformat(value).astimezone()
    except (ValueError, OverflowError):
        problem = f"must be a time, got {value!r}; write 2d (ago), 2026-11-28 or 2026-11-28T09:30"
        raise ConditionError(problem) from None

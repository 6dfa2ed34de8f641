"""Words: values as short texts of a table, and the conditions of a search as a person writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import provenance as p
from provenance.documents.items import Item, Json


def count_of(number: int, noun: str) -> str:
    """Return a number of things.

    >>> count_of(1, "artifact"), count_of(1_200, "entry")
    ('1 artifact', '1,200 entries')
    """
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1] + 'ies' if noun.endswith('y') else noun + 's'}"


def format_time(text: str, now: datetime) -> str:
    """Format a time, given as ISO 8601 in UTC, in the time zone of *now*.

    >>> now = datetime.fromisoformat("2026-11-28T12:00:00Z")
    >>> [format_time(f"2026-11-{day}T09:14:03Z", now) for day in (28, 27, 10)]
    ['today 09:14', 'yesterday 09:14', '2026-11-10 09:14']
    """
    moment = datetime.fromisoformat(text).astimezone(now.tzinfo)
    days = (now.date() - moment.date()).days
    day = {0: "today", 1: "yesterday"}.get(days, f"{moment:%Y-%m-%d}")
    return f"{day} {moment:%H:%M}"


_INSIDE: Final = re.compile(r"""\{['"]artifact['"]: ['"]([0-9a-f]{8})[0-9a-f]*['"]\}""")
"""An artifact inside a recorded argument."""


def format_argument(value: Json) -> str:
    """Return a recorded argument as a short text.

    >>> format_argument({"artifact": "8a77" * 10}), format_argument("a"), format_argument([1, None])
    ('8a778a77…', "'a'", '[1, None]')
    >>> format_argument({"type": "numpy:ndarray", "hash": "ff", "shape": [3, 4], "dtype": "int8"})
    'ndarray(3, 4)'
    >>> format_argument({"best": {"artifact": "8a77" * 10}})
    '{"best": 8a778a77…}'
    """
    if not isinstance(value, dict):
        text = repr(value)
    elif value.keys() == {"artifact"}:
        return f"{str(value['artifact'])[:8]}…"
    elif isinstance(kind := value.get("type"), str) and "hash" in value:
        shape = value.get("shape")
        sizes = ", ".join(map(str, shape)) if isinstance(shape, list) else str(value.get("len", ""))
        return f"{kind.rpartition(':')[2]}({sizes})"
    else:
        text = json.dumps(value, ensure_ascii=False)
    text = _INSIDE.sub(r"\1…", text)
    return text if len(text) <= 40 else text[:39] + "…"  # noqa: PLR2004


def format_arguments(item: Item) -> str:
    """Return the recorded arguments of an artifact in one line."""
    inputs = item.get("inputs")
    if not isinstance(inputs, dict):
        return ""
    return ", ".join(f"{name}={format_argument(value)}" for name, value in inputs.items())


# ---------------------------------------------------------------- conditions

_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LONGEST: Final = 365_000 * _UNITS["d"]
"""Seconds of the longest age; dates begin in the year 1."""


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
    if match is None:
        return None
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST:
        raise ConditionError(f"must be at most 1,000 years, got {text!r}")
    return timedelta(seconds=seconds)


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

"""Values as short texts of a table: times, sizes, durations, arguments."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

from provenance.cli.reports import Item, Json

SHORT_ID: Final = 12
"""Digits of an id on a terminal; in a pipe ids are whole."""
_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SIZES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


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

    >>> now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    >>> [format_time(f"2026-11-{day}T09:14:03Z", now) for day in (28, 27, 10)]
    ['today 09:14', 'yesterday 09:14', '2026-11-10 09:14']
    """
    moment = datetime.fromisoformat(text).astimezone(now.tzinfo)
    days = (now.date() - moment.date()).days
    day = {0: "today", 1: "yesterday"}.get(days, f"{moment:%Y-%m-%d}")
    return f"{day} {moment:%H:%M}"


def time_json(moment: datetime) -> str:
    """Return a time as JSON documents have it.

    >>> time_json(datetime(2026, 11, 28, 9, 14, 3, 118_000, UTC))
    '2026-11-28T09:14:03.118000Z'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def format_argument(value: Json) -> str:
    """Return a recorded argument as a short text.

    >>> format_argument({"artifact": "8a77" * 10}), format_argument("a"), format_argument([1, None])
    ('8a778a77…', "'a'", '[1, None]')
    >>> format_argument({"type": "numpy:ndarray", "hash": "ff", "shape": [3, 4], "dtype": "int8"})
    'ndarray(3, 4)'
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
    return text if len(text) <= 40 else text[:39] + "…"  # noqa: PLR2004


def format_arguments(item: Item) -> str:
    """Return the recorded arguments of an artifact in one line."""
    inputs = item.get("inputs")
    if not isinstance(inputs, dict):
        return ""
    return ", ".join(f"{name}={format_argument(value)}" for name, value in inputs.items())


def parse_age(text: str) -> timedelta | None:
    """Return the duration that *text* states, None if it states none.

    >>> parse_age("2d"), parse_age("90 min"), parse_age("2026-11-28")
    (datetime.timedelta(days=2), datetime.timedelta(seconds=5400), None)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)", text.strip())
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]]) if match else None


def age_option(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    """Return the duration that an option states: `30d`."""
    found = None if value is None else parse_age(value)
    if value is not None and found is None:
        raise click.BadParameter(f"must be a duration, got {value!r}; write 90s, 15m, 2h or 30d")
    return found


def time_option(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """Return the time that an option states: `2d` (ago), `2026-11-28` or `2026-11-28T09:30`."""
    if value is None:
        return None
    age = parse_age(value)
    try:
        if age is not None:
            return datetime.now(UTC) - age
        return datetime.fromisoformat(value).astimezone()
    except (ValueError, OverflowError):
        problem = f"must be a time, got {value!r}; write 2d (ago), 2026-11-28 or 2026-11-28T09:30"
        raise click.BadParameter(problem) from None


def size_option(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """Return the size that an option states, in bytes: `10G`, `500k` or `1000`."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", value.strip().lower())
    if match is None:
        raise click.BadParameter(f"must be a size, got {value!r}; write 1000, 500k, 1.5M or 10G")
    return int(float(match[1]) * _SIZES[match[2]])

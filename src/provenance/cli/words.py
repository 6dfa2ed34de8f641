"""Values as short texts of a table: times, sizes, durations, arguments."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

SHORT_ID: Final = 12
"""Digits of an id on a terminal; in a pipe ids are whole."""
_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SIZES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


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

"""Values as short texts of a table: times, sizes, durations, arguments."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

import click

from provenance.documents.search import ConditionError, parse_age, parse_input, parse_time

SHORT_ID: Final = 12
"""Digits of an id on a terminal; in a pipe ids are whole."""
_SIZES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def age_option(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    """Return the duration that an option states: `30d`."""
    found = None if value is None else parse_age(value)
    if value is not None and found is None:
        raise click.BadParameter(f"must be a duration, got {value!r}; write 90s, 15m, 2h or 30d")
    return found


def time_option(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """Return the time that an option states: `2d` (ago), `2026-11-28` or `2026-11-28T09:30`."""
    try:
        return None if value is None else parse_time(value)
    except ConditionError as error:
        raise click.BadParameter(str(error)) from None


def input_option(
    _: click.Context, __: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, object], ...]:
    """Return the conditions on arguments that the values of an option state: `depth>=3`."""
    try:
        return tuple(map(parse_input, values))
    except ConditionError as error:
        raise click.BadParameter(str(error)) from None


def size_option(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """Return the size that an option states, in bytes: `10G`, `500k` or `1000`."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", value.strip().lower())
    if match is None:
        raise click.BadParameter(f"must be a size, got {value!r}; write 1000, 500k, 1.5M or 10G")
    return int(float(match[1]) * _SIZES[match[2]])

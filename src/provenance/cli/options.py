"""Arguments and options of commands: how they are read, and how a shell completes them from the store."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

import click

import provenance as p
from provenance.cli.reports import Output
from provenance.cli.session import Session
from provenance.documents.search import ConditionError, parse_age, parse_input, parse_time
from provenance.escaping import escape_invisible

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


# ---------------------------------------------------------------- completion

MOST: Final = 50


def _complete(
    find: Callable[[p.Repository], Iterable[str]], ctx: click.Context, incomplete: str
) -> list[str]:
    """Return what *find* finds that begins with *incomplete*; nothing if the store cannot be read."""
    try:
        name = ctx.params.get("repo_name")
        repo = Session(Output(), name).repository()
        matching = (word for word in find(repo) if word.startswith(incomplete))
        return [word for word in islice(matching, MOST) if escape_invisible(word) == word]
    except Exception:  # noqa: BLE001 - a shell shows no error of a completion
        return []


def complete_ids(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete the id of an artifact, or `@` and the name of a set."""
    if incomplete.startswith("@"):
        names = _complete(_set_names, ctx, incomplete[1:])
        return [f"@{name}" for name in names]
    return _complete(lambda repo: (one.id for one in p.search(repo=repo)), ctx, incomplete)


def complete_names(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a function."""
    return _complete(lambda repo: (one.key for one in p.functions(repo)), ctx, incomplete)


def complete_sets(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a set."""
    return _complete(_set_names, ctx, incomplete)


def _set_names(repo: p.Repository) -> Iterable[str]:
    return dict.fromkeys(one.name for one in p.sets(repo) if one.name is not None)


ID: Final = click.argument("artifact_id", metavar="ID", shell_complete=complete_ids)
IDS: Final = click.argument(
    "ids", metavar="ID...", nargs=-1, required=True, shell_complete=complete_ids
)

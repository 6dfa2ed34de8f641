"""Arguments and options of commands: how they are read, and how a shell completes them from the store."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import islice
from typing import Final

import click

import provenance as p
from provenance.cli.reports import Output
from provenance.cli.session import Session
from provenance.documents.search import ConditionError, parse_age, parse_input, parse_time
from provenance.escaping import escape_invisible

_SIZES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


class Written(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click alone
    """A value as a person writes it, which *parse* reads."""

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name, self.parse = name, parse

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        """Return what a text states, or say why it states nothing."""
        try:
            return self.parse(value)
        except ConditionError as error:
            self.fail(str(error), param, ctx)


def _require_age(text: str) -> timedelta:
    age = parse_age(text)
    if age is None:
        raise ConditionError(f"must be a duration, got {text!r}; write 90s, 15m, 2h or 30d")
    return age


def _parse_size(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", text.strip().lower())
    if match is None:
        raise ConditionError(f"must be a size, got {text!r}; write 1000, 500k, 1.5M or 10G")
    return int(float(match[1]) * _SIZES[match[2]])


AGE: Final = Written("age", _require_age)
CONDITION: Final = Written("name=value", parse_input)
SIZE: Final = Written("size", _parse_size)
TIME: Final = Written("time", parse_time)


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

"""Arguments and options of commands: how they are read, and how a shell completes them from the store."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import islice
from typing import Final

import click
from click.shell_completion import CompletionItem

import provenance as p
from provenance.cli.reports import Output
from provenance.cli.session import Session
from provenance.documents.words import ConditionError, parse_age, parse_input, parse_time
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


class Stored(click.ParamType):  # type: ignore[type-arg]  # as above
    """The name of something in the repository, which *find* finds for a shell to complete."""

    def __init__(self, name: str, find: Callable[[p.Repository, str], Iterable[str]]) -> None:
        self.name, self.find = name, find

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return what begins with *incomplete*; nothing if the store cannot be read."""
        del param
        try:
            repo = Session(Output(), ctx.params.get("repo_name")).repository()
            matching = (word for word in self.find(repo, incomplete) if word.startswith(incomplete))
            words = [word for word in islice(matching, MOST) if escape_invisible(word) == word]
            return [*map(CompletionItem, words)]
        except Exception:  # noqa: BLE001 - a shell shows no error of a completion
            return []


def _ids(repo: p.Repository, incomplete: str) -> Iterable[str]:
    """Return ids of artifacts or, where an id cannot begin like this, `@` and the names of sets."""
    if incomplete.startswith("@"):
        return (f"@{name}" for name in _set_names(repo, ""))
    return (one.id for one in p.search(repo=repo))


def _function_names(repo: p.Repository, _: str) -> Iterable[str]:
    return (one.key for one in p.functions(repo))


def _set_names(repo: p.Repository, _: str) -> Iterable[str]:
    return dict.fromkeys(one.name for one in p.sets(repo) if one.name is not None)


ARTIFACT: Final = Stored("id", _ids)
FUNCTION: Final = Stored("name", _function_names)
SET: Final = Stored("name", _set_names)
ID: Final = click.argument("artifact_id", metavar="ID", type=ARTIFACT)
IDS: Final = click.argument("ids", metavar="ID...", nargs=-1, required=True, type=ARTIFACT)

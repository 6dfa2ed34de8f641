"""Completion of ids, names and sets in a shell, from the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

import click

import provenance as p
from provenance.cli.output import Output
from provenance.cli.session import Session
from provenance.escaping import escape_invisible

MOST = 50


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

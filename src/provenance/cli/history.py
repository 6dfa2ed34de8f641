"""Commands about history: whether results come out again, how artifacts differ, what is stale."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from inspect import signature
from typing import Literal, cast

import click

import provenance as p
from provenance.cli.options import ID, complete_ids
from provenance.cli.reports import Column, Facts, Listing, Report
from provenance.cli.session import Session, command, import_from_here
from provenance.documents.items import (
    Item,
    as_json,
    attributes,
    changes_text,
    diff_item,
    explanation_item,
)
from provenance.documents.words import count_of


@command(
    ID,
    click.option(
        "--depth",
        default="1",
        metavar="N|all",
        help="Also compute its sources: N - 1 steps back, or all of them.",
    ),
    click.option(
        "--tolerance", type=float, help="How much floats may differ, relative to their size."
    ),
)
def reproduce_command(
    session: Session, artifact_id: str, depth: str, tolerance: float | None
) -> Report:
    """Compute an artifact again, in memory, and compare; exit 1 if it does not come out the same.

    Modules are imported from the working directory.
    """
    steps = _depth(depth)
    import_from_here()
    found = p.reproduce(session.artifact(artifact_id), steps, tolerance=tolerance)
    items: tuple[Item, ...] = tuple(map(_outcome, found.outcomes))
    columns = (
        Column("ID", lambda item: session.short(item["id"])),
        Column("FUNCTION", lambda item: str(item["name"])),
        Column("OUTCOME", lambda item: str(item["outcome"])),
        Column("WHAT", lambda item: "; ".join(map(str, _texts(item))), flexible=True),
    )
    same = sum(item["outcome"] == "same" for item in items)
    divergent = found.first_divergent
    extra: Item = {
        "is_same": found.is_same,
        "first_divergent": None if divergent is None else divergent.artifact_id,
        "environment": as_json(found.environment),
    }
    footer = f"{same} of {count_of(len(items), 'result')} came out the same"
    if not found.is_same and found.environment:
        footer += f"; since then: {'; '.join(map(str, found.environment[:3]))}"
    return Listing(items, columns, footer, code=0 if found.is_same else 1, extra=extra)


def _depth(text: str) -> int | Literal["all"]:
    if text == "all":
        return "all"
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise click.BadParameter(
        f"{text!r} is neither 'all' nor a positive number", param_hint="--depth"
    )


def _outcome(outcome: p.Same | p.Differs | p.NotComparable | p.Failed) -> Item:
    item: Item = {"id": outcome.artifact_id, "name": outcome.name}
    match outcome:
        case p.Same(within=within):
            item |= {"outcome": "same", "within": within}
        case p.Differs(differences=differences):
            item |= {"outcome": "differs", "differences": as_json(differences)}
        case p.Failed(error=error):
            item |= {"outcome": "failed", "error": error}
        case p.NotComparable(reason=reason):
            item |= {"outcome": "not comparable", "reason": reason}
    changes = () if isinstance(outcome, p.NotComparable) else outcome.changes
    return {**item, "changes": changes_text(changes)}


def _texts(item: Item) -> Iterator[object]:
    """Yield what is said of an outcome."""
    yield from (item[key] for key in ("reason", "error") if key in item)
    for key in ("differences", "changes"):
        yield from cast("list[object]", item.get(key, []))


@command(
    click.argument("what", metavar="ID|MODULE:FUNCTION", shell_complete=complete_ids),
    click.argument("arguments", metavar="[NAME=VALUE]...", nargs=-1),
)
def why_command(session: Session, what: str, arguments: tuple[str, ...]) -> Report:
    """Explain why an artifact was computed, or why a call is a hit or a miss.

    A call is `module:function` and arguments as NAME=VALUE, where a value is JSON or text.
    """
    if ":" not in what:
        if arguments:
            raise click.UsageError(f"{what!r} is an id, which takes no arguments")
        known: object = what
        with suppress(p.ArtifactNotFoundError):  # it may have been deleted
            known = session.artifact(what)
        return _explanation(p.why(known, session.repository()))
    import_from_here()
    with p.using_repo(session.repository()):
        function, given = _function(what), dict(map(_argument, arguments))
        try:
            signature(function).bind(**given)
        except TypeError as error:
            raise click.UsageError(f"{what}: {error}") from None
        return _explanation(function.why(**given))


def _function(text: str) -> p.CachedFunction[..., object]:
    module, _, path = text.partition(":")
    try:
        found: object = import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise click.BadParameter(f"cannot import {text!r}: {error}") from None
    if not isinstance(found, p.CachedFunction):
        raise click.BadParameter(f"{text!r} is not a decorated function")
    return cast("p.CachedFunction[..., object]", found)


def _argument(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _explanation(found: p.Explanation) -> Report:
    return Facts(explanation_item(found), text=repr(found))


@command(
    click.argument("first", metavar="ID", shell_complete=complete_ids),
    click.argument("second", metavar="ID", shell_complete=complete_ids),
    click.option("--values/--no-values", default=True, help="Read both values and compare them."),
    pages=True,
)
def diff_command(session: Session, first: str, second: str, values: bool) -> Report:
    """Show how two artifacts differ, and the first ancestors where they part; exit 1 if they do."""
    found = p.diff(session.artifact(first), session.artifact(second), values=values)
    return Facts(diff_item(found), text=repr(found), code=1 if found else 0)


@command(
    click.argument("pattern", required=False),
    click.option("--accept", is_flag=True, help="Record that the changes make no difference."),
    click.option("--note", default="", help="Why they make none."),
)
def stale_command(session: Session, pattern: str | None, accept: bool, note: str) -> Report:
    """List results whose code has changed since they were computed; exit 1 if there are any.

    Modules are imported from the working directory.
    """
    import_from_here()
    found = p.stale(pattern, accept=accept, note=note, repo=session.repository())
    items: tuple[Item, ...] = tuple(
        {
            **attributes(results, "name", "version", "artifacts", "newest"),
            "changes": changes_text(results.changes),
            "places": [change.place for change in results.changes],
            "problem": results.problem,
        }
        for results in found
    )
    columns = (
        Column("FUNCTION", lambda item: str(item["name"])),
        Column("VERSION", lambda item: str(item["version"]), right=True),
        Column("RESULTS", lambda item: str(item["artifacts"]), right=True),
        Column("NEWEST", lambda item: session.when(item["newest"])),
        Column(
            "CHANGED",
            lambda item: str(item["problem"] or ", ".join(cast("list[str]", item["changes"]))),
            flexible=True,
        ),
    )
    stale = len({results.name for results in found if not results.problem})
    footer = f"code of {count_of(stale, 'function')} has changed{' (accepted)' if accept else ''}"
    code = 1 if stale and not accept else 0
    return Listing(items, columns, footer, id="name", empty="nothing is stale", code=code)

"""Commands about history: whether results come out again, how artifacts differ, what is stale."""

from __future__ import annotations

from typing import Literal

import click

import provenance as p
from provenance.cli.complete import complete_ids
from provenance.cli.reports import Column, Listing, Report
from provenance.cli.session import Session, command, import_from_here
from provenance.documents.items import Item
from provenance.documents.words import count_of

_artifact = click.argument("artifact_id", metavar="ID", shell_complete=complete_ids)


def _reproduce(session: Session, artifact_id: str, depth: str, tolerance: float | None) -> Report:
    """Compute an artifact again, in memory, and compare; exit 1 if it does not come out the same.

    Modules are imported from the working directory.
    """
    import_from_here()
    artifact = session.artifact(artifact_id)
    found = p.reproduce(artifact, _depth(depth), tolerance=tolerance)
    items: tuple[Item, ...] = tuple(_outcome(each) for each in found.outcomes)
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
        "environment": [str(each) for each in found.environment],
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
            item |= {"outcome": "differs", "differences": [str(each) for each in differences]}
        case p.Failed(error=error):
            item |= {"outcome": "failed", "error": error}
        case p.NotComparable(reason=reason):
            item |= {"outcome": "not comparable", "reason": reason}
    changes = [] if isinstance(outcome, p.NotComparable) else outcome.changes
    return {**item, "changes": [f"{each.name} {each.what}" for each in changes]}


def _texts(item: Item) -> list[object]:
    """Return what is said of an outcome."""
    found: list[object] = [item[key] for key in ("reason", "error") if key in item]
    for key in ("differences", "changes"):
        texts = item.get(key, [])
        found += texts if isinstance(texts, list) else []
    return found


reproduce_command = command(
    "reproduce",
    _artifact,
    click.option(
        "--depth",
        default="1",
        metavar="N|all",
        help="Also compute its sources: N - 1 steps back, or all of them.",
    ),
    click.option(
        "--tolerance", type=float, help="How much floats may differ, relative to their size."
    ),
)(_reproduce)

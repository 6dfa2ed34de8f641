"""Commands that list runs and sets of artifacts, or show one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Final, cast

import click

import provenance as p
from provenance.cli.complete import complete_sets
from provenance.cli.listing import USAGE_COLUMNS, artifact_listing, find_run
from provenance.cli.reports import Column, Facts, Listing, Report
from provenance.cli.session import Session, command
from provenance.cli.words import time_option
from provenance.documents.items import Item, as_json, nest_runs, run_document, run_item, set_item
from provenance.documents.words import format_time


def _runs_listing(session: Session, repo: p.Repository, since: datetime | None = None) -> Listing:
    usages = {one.key: one for one in p.disk_usage("run", repo)}
    found = (one for one in p.runs(repo) if since is None or one.created_at >= since)
    nested = nest_runs(run_item(one, usages.get(one.id)) for one in found)
    depths = {item["id"]: depth for item, depth in nested}
    now = session.now
    columns = (
        Column("ID", lambda item: session.short(item["id"])),
        Column("WHEN", lambda item: format_time(str(item["created_at"]), now)),
        *USAGE_COLUMNS,
        Column("PYTHON", lambda item: str(item["python"]).split()[0], rank=2),
        Column("GIT", _git_text, rank=1),
        Column(
            "COMMAND", lambda item: _branch(depths[item["id"]]) + _command_text(item), flexible=True
        ),
    )
    items = tuple(item for item, _ in nested)
    return Listing(items, columns, code=0 if items else 1)


def _branch(depth: int) -> str:
    """Return what shows that a run was started by the one above it."""
    return f"{'   ' * (depth - 1)}└─ " if depth else ""


def _git_text(item: Item) -> str:
    git = item["git"]
    if not isinstance(git, dict):
        return ""
    return f"{str(git.get('commit'))[:8]}{'+' if git.get('dirty') else ''}"


def _command_text(item: Item) -> str:
    words = item["command"]
    return " ".join(map(str, words)) if isinstance(words, list) else str(words or "")


def _runs(session: Session, run_id: str | None, diff: str | None, since: datetime | None) -> Report:
    """List the processes that computed artifacts, newest first, each with those that it started; or show one."""
    repo = session.repository()
    if run_id is None:
        if diff is not None:
            raise click.UsageError("--diff compares with a run; pass the id of another run, too")
        return _runs_listing(session, repo, since)
    run = find_run(repo, run_id)
    if diff is not None:
        return _difference(session, run, find_run(repo, diff))
    document = run_document(run)
    flat = {key: value for key, value in document.items() if key != "packages"}
    rows = [(name, _shorten(_fact(value))) for name, value in _flat_rows(flat)]
    rows.append(("packages", f"{len(run.packages)}; see --json"))
    return Facts(document, tuple(rows))


def _flat_rows(document: Item) -> Iterator[tuple[str, object]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flat_rows({f"{name}.{key}": member for key, member in value.items()})
        else:
            yield name, value


def _fact(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, cast("list[object]", value)))
    return "" if value is None else str(value)


def _shorten(text: str) -> str:
    """Return the first line of a long text, such as the source of a script."""
    first, _, rest = text.partition("\n")
    return f"{first[:_LONGEST]}… ({len(text):,} characters)" if rest or first[_LONGEST:] else first


_LONGEST: Final = 200
"""Characters of a fact that are shown."""


def _difference(session: Session, one: p.Run, other: p.Run) -> Report:
    """Return what differs between the environments of two runs."""
    left, right = (dict(_flat_rows(run_document(run))) for run in (one, other))
    own = {"id", "created_at"}
    names = [name for name in dict.fromkeys([*left, *right]) if name not in own]
    items: tuple[Item, ...] = tuple(
        {"name": name, "a": as_json(left.get(name)), "b": as_json(right.get(name))}
        for name in names
        if left.get(name) != right.get(name)
    )
    columns = (
        Column("FACT", lambda item: str(item["name"])),
        Column(session.short(one.id), lambda item: _fact(item["a"]), flexible=True),
        Column(session.short(other.id), lambda item: _fact(item["b"]), flexible=True),
    )
    return Listing(
        items, columns, id="name", empty="the environments are the same", code=1 if items else 0
    )


runs_command = command(
    "runs",
    click.argument("run_id", metavar="[ID]", required=False),
    click.option("--diff", metavar="ID", help="Show how this run's environment differs."),
    click.option("--since", callback=time_option, metavar="TIME", help="Begun since then."),
)(_runs)


# ---------------------------------------------------------------- sets


def _set_columns(session: Session) -> tuple[Column, ...]:
    now = session.now
    return (
        Column("ID", lambda item: session.short(item["id"])),
        Column("NAME", lambda item: str(item["name"] or ""), flexible=True),
        Column("MEMBERS", lambda item: f"{item['artifacts']:,}", right=True),
        Column("WHEN", lambda item: format_time(str(item["created_at"]), now)),
        Column(
            "LABELS", lambda item: json.dumps(item["labels"], ensure_ascii=False), flexible=True
        ),
    )


def find_set(repo: p.Repository, text: str) -> p.ArtifactSet:
    """Return the set with a name, or with an id or its first digits."""
    try:
        return p.load_set_by_name(text.lstrip("@"), repo)
    except p.SetNotFoundError:
        return p.load_set_by_id(text, repo)


def _sets(session: Session, words: tuple[str, ...], members: bool) -> Report:
    r"""List the sets of artifacts, newest first, or show one.

    \b
    provenance sets [NAME|ID] [--members]
    provenance sets create NAME ID...
    provenance sets rm NAME|ID
    """
    repo = session.repository()
    match words:
        case ("create", name, *ids) if ids:
            made = p.create_set([one.id for one in session.artifacts(ids)], name, repo)
            return Listing((set_item(made),), _set_columns(session))
        case ("rm", name):
            gone = find_set(repo, name)
            repo.delete_set(gone.id)
            return Listing((set_item(gone),), _set_columns(session), "deleted; its members stay")
        case (name,) if name not in ("create", "rm"):
            one = find_set(repo, name)
            if members:
                return artifact_listing(session, repo, list(one.artifacts))
            return Listing((set_item(one),), _set_columns(session))
        case ():
            found = tuple(map(set_item, p.sets(repo)))
            return Listing(found, _set_columns(session), code=0 if found else 1)
        case _:
            raise click.UsageError(
                "write `sets`, `sets NAME`, `sets create NAME ID...` or `sets rm NAME`"
            )


sets_command = command(
    "sets",
    click.argument("words", metavar="[NAME]", nargs=-1, shell_complete=complete_sets),
    click.option("--members", is_flag=True, help="List the members of the set."),
)(_sets)

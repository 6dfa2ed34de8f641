"""Commands that list artifacts, runs and sets, or where the bytes are."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from heapq import nlargest
from itertools import starmap
from operator import attrgetter
from typing import Any, Final, cast

import click
from toolz import groupby

import provenance as p
from provenance.cli.options import CONDITION, FUNCTION, SET, SIZE, TIME
from provenance.cli.reports import Column, Facts, Listing, Report, flatten, plain_text
from provenance.cli.session import Session, command
from provenance.documents.items import (
    Item,
    Json,
    artifact_item,
    nest_runs,
    run_document,
    run_item,
    runs_of_id,
    set_item,
    stats_item,
    time_json,
    usage_item,
    used_runs,
)
from provenance.documents.words import count_of, format_arguments, page_of
from provenance.util.formatting import duration, size


def artifact_columns(session: Session) -> tuple[Column, ...]:
    """Return the columns of a table of artifacts."""
    return (
        Column("ID", "id", session.short),
        Column("FUNCTION", "name", flexible=True, least=16),
        Column("VERSION", "fn_version", right=True, rank=3),
        Column("VALUE", "value_type", lambda text: text.rpartition(":")[2], flexible=True, rank=4),
        Column("SIZE", "size_bytes", size, right=True, rank=2),
        Column("SECONDS", "compute_duration", "{:.1f}".format, right=True, rank=1),
        Column("WHEN", "computed_at", session.when),
        Column("INPUTS", None, format_arguments, flexible=True, least=16),
    )


def artifact_listing(
    session: Session,
    repo: p.Repository,
    artifacts: Sequence[p.Artifact[object]],
    token: str | None = None,
) -> Listing:
    """Return the report of *artifacts*."""
    items = tuple(artifact_item(artifact, repo) for artifact in artifacts)
    total = sum(artifact.size_bytes for artifact in artifacts)
    seconds = sum(artifact.compute_duration for artifact in artifacts)
    count = count_of(len(items), "artifact")
    more = "" if token is None else f"; more follow, continue with --after {token}"
    footer = f"{count}, {size(total)}, {duration(seconds)} of work{more}"
    return Listing(items, artifact_columns(session), footer, token, code=0 if items else 1)


def _ls(  # noqa: PLR0913, PLR0917 - options of a command
    session: Session,
    pattern: str | None,
    fn: str | None,
    version: int | None,
    inputs: tuple[tuple[str, object], ...],
    tags: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    run: str | None,
    set_name: str | None,
    min_size: int | None,
    limit: int,
    sort: str,
    after: int | None,
) -> Report:
    """List artifacts, newest first.

    PATTERN is a function's name, or its end after a dot; *, ? and [...] are wildcards.
    """
    repo = session.repository()
    if pattern and fn:
        raise click.UsageError("give the name once: as PATTERN or with --fn")
    result = p.search(
        pattern or fn,
        version=version,
        inputs=dict(inputs) or None,
        tags=tags,
        since=since,
        until=until,
        run=None if run is None else _find_run(repo, run),
        repo=repo,
    )
    members = (
        None if set_name is None else p.load_set_by_name(set_name.lstrip("@"), repo).artifact_ids
    )

    def accepts(artifact: p.Artifact[object]) -> bool:
        is_large = min_size is None or artifact.size_bytes >= min_size
        return is_large and (members is None or artifact.id in members)

    if sort == "time" and limit:
        artifacts, place = page_of(result, limit, after, accepts)
        return artifact_listing(session, repo, artifacts, None if place is None else str(place))
    matching = filter(accepts, result)
    if sort == "time":
        return artifact_listing(session, repo, [*matching])
    key = attrgetter("size_bytes" if sort == "size" else "compute_duration")
    return artifact_listing(session, repo, nlargest(limit or sys.maxsize, matching, key))


_LS_OPTIONS: Final = (
    click.argument("pattern", required=False, type=FUNCTION),
    click.option("--fn", type=FUNCTION, help="Name of the function, as PATTERN."),
    click.option("--version", type=int, help="Version of the function."),
    click.option(
        "--input",
        "inputs",
        multiple=True,
        type=CONDITION,
        help="An argument: depth=3, 'config.depth>=3'; repeatable.",
    ),
    click.option("--tag", "tags", multiple=True, help="A tag that they have; repeatable."),
    click.option("--since", type=TIME, help="Computed since then: 2d (ago), 2026-11-28."),
    click.option("--until", type=TIME, help="Computed before then."),
    click.option("--run", metavar="ID", help="Computed by this run."),
    click.option("--set", "set_name", type=SET, help="Members of this set."),
    click.option("--min-size", type=SIZE, help="At least this large: 1M."),
    click.option(
        "--limit",
        type=click.IntRange(0),
        default=50,
        show_default=True,
        help="At most this number; 0 for all.",
    ),
    click.option(
        "--sort", type=click.Choice(["time", "size", "seconds"]), default="time", show_default=True
    ),
    click.option(
        "--after",
        type=click.IntRange(0, 2**63 - 1),
        metavar="TOKEN",
        help="Continue where the last page ended.",
    ),
)


ls_command = command(*_LS_OPTIONS, name="ls", pages=True)(_ls)
search_command = command(*_LS_OPTIONS, name="search", pages=True)(_ls)


# ---------------------------------------------------------------- usage


_GROUPINGS: Final = ("fn", "run", "month", "serializer", "type")
_USAGE_COLUMNS: Final = (
    Column("BYTES", "bytes", size, right=True),
    Column("ARTIFACTS", "artifacts", "{:,}".format, right=True),
    Column("WORK", "seconds", duration, right=True),
)


@command(
    click.option(
        "--by",
        type=click.Choice(_GROUPINGS),
        default="fn",
        show_default=True,
        help="What to group by.",
    )
)
def du_command(session: Session, by: str) -> Report:
    """Show where the bytes are, the largest group first."""
    grouping = "function" if by == "fn" else by
    groups = p.disk_usage(cast("Any", grouping), session.repository())
    items = tuple(map(usage_item, groups))
    key = Column(grouping.upper(), "key", session.short if by == "run" else str)
    total = sum(group.bytes for group in groups)
    footer = f"{size(total)} of values; records and inputs are not counted"
    return Listing(items, (*_USAGE_COLUMNS, key), footer, id="key", code=0 if items else 1)


@command()
def stats_command(session: Session) -> Report:
    """Count artifacts, functions, runs, sets, bytes, and the seconds of work that are kept."""
    repo = session.repository()
    document = stats_item(repo, p.functions(repo), p.disk_usage("run", repo))
    newest = document["newest"]
    rows = (
        ("repository", repo.name),
        *((name, str(document[name])) for name in ("records", "values")),
        *((name, f"{document[name]:,}") for name in ("artifacts", "functions", "runs", "sets")),
        ("size", size(cast("int", document["bytes"]))),
        ("work", duration(cast("float", document["seconds"]))),
        ("newest", "none" if newest is None else session.when(newest)),
    )
    return Facts(document, rows, code=0 if document["functions"] else 1)


def _find_run(repo: p.Repository, text: str) -> p.Run:
    """Return the run whose id begins with *text*.

    Raises:
        UsageError: if several runs do.
    """
    found = runs_of_id(repo, text, p.runs(repo))
    if len(found) > 1:
        matches = ", ".join(one.id[:12] for one in found[:5])
        raise click.UsageError(f"run {text!r} is ambiguous: {matches}; pass more digits")
    if not found:
        where = f"in repository {repo.name!r}"
        raise _Nothing(f"no run {text!r} {where}; list them with `provenance runs`")
    return found[0]


class _Nothing(p.ProvenanceError):
    """Nothing was found, which is an answer."""


@command(
    click.option("--since", type=TIME, help="Computed since then."),
    click.option("--fn", type=FUNCTION, help="Name of the function."),
    pages=True,
)
def log_command(session: Session, since: datetime | None, fn: str | None) -> Report:
    """Show what was computed, by run: a line for each function of a run, newest first."""
    repo = session.repository()
    found = p.search(fn, since=since, repo=repo)
    groups = groupby(attrgetter("run_id", "name"), found)
    items: tuple[Item, ...] = tuple(
        {
            "run_id": run_id,
            "name": name,
            "artifacts": len(members),
            "bytes": sum(one.size_bytes for one in members),
            "seconds": sum(one.compute_duration for one in members),
            "newest": time_json(max(one.computed_at for one in members)),
            "ids": [one.id for one in members],
        }
        for (run_id, name), members in groups.items()
    )
    columns = (
        Column("WHEN", "newest", session.when),
        Column("RUN", "run_id", session.short),
        *_USAGE_COLUMNS,
        Column("FUNCTION", "name", flexible=True),
    )
    return Listing(items, columns, id="run_id", code=0 if items else 1)


# ---------------------------------------------------------------- runs


def _runs_listing(session: Session, repo: p.Repository, since: datetime | None = None) -> Listing:
    found = (one for one in used_runs(repo) if since is None or one[0].created_at >= since)
    nested = nest_runs(starmap(run_item, found))
    depths = {item["id"]: depth for item, depth in nested}
    columns = (
        Column("ID", "id", session.short),
        Column("WHEN", "created_at", session.when),
        *_USAGE_COLUMNS,
        Column("PYTHON", "python", lambda text: str(text).split()[0], rank=2),
        Column("GIT", "git", _git_text, rank=1),
        Column(
            "COMMAND",
            None,
            lambda item: _branch(depths[item["id"]]) + plain_text(item["command"]),
            flexible=True,
        ),
    )
    items = tuple(item for item, _ in nested)
    return Listing(items, columns, code=0 if items else 1)


def _branch(depth: int) -> str:
    """Return what shows that a run was started by the one above it."""
    return f"{'   ' * (depth - 1)}└─ " if depth else ""


def _git_text(git: Json) -> str:
    """Return the commit of a checkout, with a plus if its files had changed.

    >>> _git_text({"commit": None, "dirty": True})
    'no commit+'
    """
    if not isinstance(git, dict):
        return ""
    commit = git.get("commit")
    text = "no commit" if commit is None else str(commit)[:8]
    return f"{text}{'+' if git.get('dirty') else ''}"


@command(
    click.argument("run_id", metavar="[ID]", required=False),
    click.option("--diff", metavar="ID", help="Show how this run's environment differs."),
    click.option("--since", type=TIME, help="Begun since then."),
)
def runs_command(
    session: Session, run_id: str | None, diff: str | None, since: datetime | None
) -> Report:
    """List the processes that computed artifacts, newest first, each with those that it started; or show one."""
    repo = session.repository()
    if run_id is None:
        if diff is not None:
            raise click.UsageError("--diff compares with a run; pass the id of another run, too")
        return _runs_listing(session, repo, since)
    run = _find_run(repo, run_id)
    if diff is not None:
        return _difference(session, run, _find_run(repo, diff))
    document = run_document(run)
    facts = flatten({key: value for key, value in document.items() if key != "packages"})
    rows = ((name, _shorten(plain_text(value))) for name, value in facts.items())
    return Facts(document, (*rows, ("packages", f"{len(run.packages)}; see --json")))


def _shorten(text: str) -> str:
    """Return the first line of a long text, such as the source of a script."""
    first, _, rest = text.partition("\n")
    return f"{first[:_LONGEST]}… ({len(text):,} characters)" if rest or first[_LONGEST:] else first


_LONGEST: Final = 200
"""Characters of a fact that are shown."""


def _difference(session: Session, one: p.Run, other: p.Run) -> Report:
    """Return what differs between the environments of two runs."""
    left, right = (flatten(run_document(run)) for run in (one, other))
    items: tuple[Item, ...] = tuple(
        {"name": name, "a": left.get(name), "b": right.get(name)}
        for name in {**left, **right}
        if name not in {"id", "created_at"} and left.get(name) != right.get(name)
    )
    columns = (
        Column("FACT", "name"),
        Column(session.short(one.id), "a", flexible=True),
        Column(session.short(other.id), "b", flexible=True),
    )
    same = "the environments are the same"
    return Listing(items, columns, id="name", empty=same, code=1 if items else 0)


# ---------------------------------------------------------------- sets


def _set_columns(session: Session) -> tuple[Column, ...]:
    return (
        Column("ID", "id", session.short),
        Column("NAME", "name", flexible=True),
        Column("MEMBERS", "artifacts", "{:,}".format, right=True),
        Column("WHEN", "created_at", session.when),
        Column("LABELS", "labels", partial(json.dumps, ensure_ascii=False), flexible=True),
    )


def _find_set(repo: p.Repository, text: str) -> p.ArtifactSet:
    """Return the set with a name, or with an id or its first digits."""
    try:
        return p.load_set_by_name(text.lstrip("@"), repo)
    except p.SetNotFoundError:
        return p.load_set_by_id(text, repo)


@command(
    click.argument("words", metavar="[NAME]", nargs=-1, type=SET),
    click.option("--members", is_flag=True, help="List the members of the set."),
)
def sets_command(session: Session, words: tuple[str, ...], members: bool) -> Report:
    """List the sets of artifacts, newest first, or show one.

    \b
    provenance sets [NAME|ID] [--members]
    provenance sets create NAME ID...
    provenance sets rm NAME|ID
    """  # noqa: D301 - the escape is for click, which keeps the lines as they are
    repo = session.repository()
    match words:
        case ("create", name, *ids) if ids:
            made = p.create_set([one.id for one in session.artifacts(ids)], name, repo)
            return Listing((set_item(made),), _set_columns(session))
        case ("rm", name):
            gone = _find_set(repo, name)
            repo.delete_set(gone.id)
            return Listing((set_item(gone),), _set_columns(session), "deleted; its members stay")
        case (name,) if name not in ("create", "rm"):
            one = _find_set(repo, name)
            if members:
                return artifact_listing(session, repo, list(one.artifacts))
            return Listing((set_item(one),), _set_columns(session))
        case ():
            found = tuple(map(set_item, p.sets(repo)))
            return Listing(found, _set_columns(session), code=0 if found else 1)
        case _:
            usage = "write `sets`, `sets NAME`, `sets create NAME ID...` or `sets rm NAME`"
            raise click.UsageError(usage)

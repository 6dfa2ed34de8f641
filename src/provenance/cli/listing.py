"""Commands that list: artifacts, runs, sets, and where the bytes are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from heapq import nlargest
from typing import Any, Final, Literal, cast

import click
from attrs import frozen

import provenance as p
from provenance.cli.complete import complete_names, complete_sets
from provenance.cli.reports import Column, Facts, Listing, Report
from provenance.cli.session import Session, command
from provenance.cli.words import input_option, size_option, time_option
from provenance.documents.items import artifact_item, stats_item, time_json, usage_item
from provenance.documents.words import count_of, format_arguments, format_time
from provenance.util.formatting import duration, size

Grouping = Literal["function", "run", "month", "serializer", "type"]


def artifact_columns(session: Session) -> tuple[Column, ...]:
    """Return the columns of a table of artifacts."""
    now = session.now
    return (
        Column("ID", lambda item: session.short(item["id"])),
        Column("FUNCTION", lambda item: str(item["name"]), flexible=True, least=16),
        Column("VERSION", lambda item: str(item["fn_version"]), right=True, rank=3),
        Column(
            "VALUE",
            lambda item: str(item["value_type"]).rpartition(":")[2],
            flexible=True,
            rank=4,
        ),
        Column("SIZE", lambda item: size(cast("int", item["size_bytes"])), right=True, rank=2),
        Column("SECONDS", lambda item: f"{item['compute_duration']:.1f}", right=True, rank=1),
        Column("WHEN", lambda item: format_time(str(item["computed_at"]), now)),
        Column("INPUTS", format_arguments, flexible=True, least=16),
    )


def artifact_listing(
    session: Session,
    repo: p.Repository,
    artifacts: list[p.Artifact[object]],
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


@frozen
class _Found:
    """Artifacts of a search that also meet the conditions that no index has."""

    result: p.SearchResult
    accepts: Callable[[p.Artifact[object]], bool]

    def newest(self, limit: int, after: int | None) -> tuple[list[p.Artifact[object]], int | None]:
        """Return up to *limit* artifacts, and where the next ones begin."""
        found: list[p.Artifact[object]] = []
        while True:
            page, after = self.result.page(limit - len(found), after)
            found += filter(self.accepts, page)
            if after is None or len(found) == limit:
                return found, after

    def largest(self, limit: int, key: str) -> list[p.Artifact[object]]:
        """Return the *limit* artifacts whose attribute *key* is the largest."""
        return nlargest(limit, filter(self.accepts, self.result), lambda one: getattr(one, key))


_KEYS: Final = {"size": "size_bytes", "seconds": "compute_duration"}


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
        run=None if run is None else find_run(repo, run),
        repo=repo,
    )
    members = (
        None if set_name is None else p.load_set_by_name(set_name.lstrip("@"), repo).artifact_ids
    )

    def accepts(artifact: p.Artifact[object]) -> bool:
        is_large = min_size is None or artifact.size_bytes >= min_size
        return is_large and (members is None or artifact.id in members)

    found, token = _Found(result, accepts), None
    if sort != "time":
        artifacts = found.largest(limit or 1 << 62, _KEYS[sort])
    elif limit:
        artifacts, place = found.newest(limit, after)
        token = None if place is None else str(place)
    else:
        artifacts = list(filter(accepts, result))
    return artifact_listing(session, repo, artifacts, token)


_LS_OPTIONS: Final = (
    click.argument("pattern", required=False, shell_complete=complete_names),
    click.option(
        "--fn",
        metavar="NAME",
        shell_complete=complete_names,
        help="Name of the function, as PATTERN.",
    ),
    click.option("--version", type=int, help="Version of the function."),
    click.option(
        "--input",
        "inputs",
        multiple=True,
        callback=input_option,
        metavar="NAME=VALUE",
        help="An argument: depth=3, 'config.depth>=3'; repeatable.",
    ),
    click.option("--tag", "tags", multiple=True, help="A tag that they have; repeatable."),
    click.option(
        "--since",
        callback=time_option,
        metavar="TIME",
        help="Computed since then: 2d (ago), 2026-11-28.",
    ),
    click.option("--until", callback=time_option, metavar="TIME", help="Computed before then."),
    click.option("--run", metavar="ID", help="Computed by this run."),
    click.option(
        "--set",
        "set_name",
        metavar="NAME",
        shell_complete=complete_sets,
        help="Members of this set.",
    ),
    click.option(
        "--min-size", callback=size_option, metavar="SIZE", help="At least this large: 1M."
    ),
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
    click.option("--after", type=int, metavar="TOKEN", help="Continue where the last page ended."),
)


ls_command = command("ls", *_LS_OPTIONS, pages=True)(_ls)
search_command = command("search", *_LS_OPTIONS, pages=True)(_ls)


# ---------------------------------------------------------------- usage


USAGE_COLUMNS: Final = (
    Column("BYTES", lambda item: size(cast("int", item["bytes"])), right=True),
    Column("ARTIFACTS", lambda item: f"{item['artifacts']:,}", right=True),
    Column("WORK", lambda item: duration(cast("float", item["seconds"])), right=True),
)
_BY: Final[dict[str, Grouping]] = {
    "fn": "function",
    "run": "run",
    "month": "month",
    "serializer": "serializer",
    "type": "type",
}


def _du(session: Session, by: str) -> Report:
    """Show where the bytes are, the largest group first."""
    groups = p.disk_usage(_BY[by], session.repository())
    items = tuple(map(usage_item, groups))
    show = session.short if by == "run" else str
    key = Column({"fn": "FUNCTION"}.get(by, by.upper()), lambda item: show(item["key"]))
    total = sum(group.bytes for group in groups)
    footer = f"{size(total)} of values; records and inputs are not counted"
    return Listing(items, (*USAGE_COLUMNS, key), footer, id="key", code=0 if items else 1)


du_command = command(
    "du",
    click.option(
        "--by", type=click.Choice([*_BY]), default="fn", show_default=True, help="What to group by."
    ),
)(_du)


def _stats(session: Session) -> Report:
    """Count artifacts, functions, runs, sets, bytes, and the seconds of work that are kept."""
    repo = session.repository()
    document = stats_item(repo, p.functions(repo), p.disk_usage("run", repo))
    newest = document["newest"]
    rows = (
        ("repository", repo.name),
        ("records", str(document["records"])),
        ("values", str(document["values"])),
        ("artifacts", f"{document['artifacts']:,}"),
        ("functions", f"{document['functions']:,}"),
        ("runs", f"{document['runs']:,}"),
        ("sets", f"{document['sets']:,}"),
        ("size", size(cast("int", document["bytes"]))),
        ("work", duration(cast("float", document["seconds"]))),
        ("newest", "none" if newest is None else format_time(str(newest), session.now)),
    )
    return Facts(document, rows, code=0 if document["functions"] else 1)


stats_command = command("stats")(_stats)


def find_run(repo: p.Repository, text: str) -> p.Run:
    """Return the run whose id begins with *text*.

    Raises:
        UsageError: if several runs do.
    """
    found = [one for one in p.runs(repo) if one.id.startswith(text)]
    if len(found) > 1:
        matches = ", ".join(one.id[:12] for one in found[:5])
        raise click.UsageError(f"run {text!r} is ambiguous: {matches}; pass more digits")
    if not found:
        raise _Nothing(
            f"no run {text!r} in repository {repo.name!r}; list them with `provenance runs`"
        )
    return found[0]


class _Nothing(p.ProvenanceError):
    """Nothing was found, which is an answer."""


def _log(session: Session, since: datetime | None, fn: str | None) -> Report:
    """Show what was computed, by run: a line for each function of a run, newest first."""
    repo = session.repository()
    groups: dict[tuple[str, str], list[p.Artifact[object]]] = {}
    for artifact in p.search(fn, since=since, repo=repo):
        groups.setdefault((artifact.run_id, artifact.name), []).append(artifact)
    items = [
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
    ]
    now = session.now
    columns = (
        Column("WHEN", lambda item: format_time(str(item["newest"]), now)),
        Column("RUN", lambda item: session.short(item["run_id"])),
        *USAGE_COLUMNS,
        Column("FUNCTION", lambda item: str(item["name"]), flexible=True),
    )
    return Listing(cast("Any", tuple(items)), columns, id="run_id", code=0 if items else 1)


log_command = command(
    "log",
    click.option("--since", callback=time_option, metavar="TIME", help="Computed since then."),
    click.option(
        "--fn", metavar="NAME", shell_complete=complete_names, help="Name of the function."
    ),
    pages=True,
)(_log)

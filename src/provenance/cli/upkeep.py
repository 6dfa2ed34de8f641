"""Commands that change a store or check it; without `--yes` those that delete only say what they would."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, cast

import click
from attrs import evolve

import provenance as p
from provenance.cli.listing import artifact_columns
from provenance.cli.options import AGE, IDS, SIZE
from provenance.cli.reports import Column, Listing, Report
from provenance.cli.session import Session, command, import_from_here
from provenance.documents.items import Item, artifact_item, attributes, time_json
from provenance.documents.words import count_of
from provenance.util.formatting import duration, size

_YES: Final = click.option(
    "--yes", is_flag=True, help="Delete; without it, only show what would go."
)
_DRY: Final = "nothing deleted; pass --yes to delete"


@command(
    click.option(
        "--sample",
        type=click.IntRange(1),
        metavar="N",
        help="Check this number of artifacts, chosen at random.",
    ),
    click.option(
        "--recompute",
        type=click.IntRange(1),
        metavar="N",
        help="Also compute this number of artifacts again, and compare the results.",
    ),
)
def verify_command(session: Session, sample: int | None, recompute: int | None) -> Report:
    """Check that the bytes of all artifacts are stored and intact; exit 1 if they are not."""
    if recompute is not None:
        import_from_here()
    return verify_report(session, session.repository(), sample, recompute)


def verify_report(
    session: Session, repo: p.Repository, sample: int | None = None, recompute: int | None = None
) -> Listing:
    """Verify a repository, and report what was found."""
    report = p.verify(repo, sample, recompute=recompute)
    items: list[Item] = []
    for found in (*report.problems, *report.gaps):
        item: Item = {
            "kind": type(found).__name__,
            "artifact_id": getattr(found, "artifact_id", None),
            "is_problem": found in report.problems,
            "text": (type(found).__doc__ or "").splitlines()[0],
        }
        names = ("source_id", "set_id", "run_id", "reason")
        item |= attributes(found, *(name for name in names if hasattr(found, name)))
        blob = getattr(found, "blob", None)
        if isinstance(blob, p.Blob):
            item |= {"blob_id": blob.id, "size_bytes": blob.size}
        items.append(item)
    columns = (
        Column("FOUND", "kind"),
        Column("ARTIFACT", "artifact_id", lambda found: session.short(found or "")),
        Column("WHAT", None, lambda item: str(item.get("reason") or item["text"]), flexible=True),
    )
    summary = (
        f"{count_of(report.artifacts, 'artifact')}, {count_of(report.sets, 'set')}, "
        f"{size(report.bytes)} read; "
        + (f"{report.recomputed:,} computed again; " if recompute else "")
        + ("sound" if report.is_sound else count_of(len(report.problems), "problem"))
    )
    extra: Item = {
        **attributes(report, "repo", "artifacts", "sets", "blobs", "bytes", "evicted"),
        **attributes(report, "is_sound", "recomputed"),
        "not_comparable": [artifact.artifact_id for artifact in report.not_comparable],
    }
    code = 0 if report.is_sound else 1
    return Listing(
        tuple(items), columns, summary, id="artifact_id", empty=summary, code=code, extra=extra
    )


@command(
    click.option("--older-than", type=AGE, default="1d", show_default=True, help="The least age."),
    _YES,
)
def gc_command(session: Session, older_than: timedelta, yes: bool) -> Report:
    """Delete what no record names: abandoned files, damaged copies, expired leases."""
    report = p.collect_garbage(session.repository(), dry_run=not yes, older_than=older_than)
    items: tuple[Item, ...] = tuple(
        {
            "key": garbage.key,
            "reason": garbage.reason.name.lower(),
            "size_bytes": garbage.size,
            "since": time_json(garbage.since),
        }
        for garbage in report.garbage
    )
    columns = (
        Column("REASON", "reason"),
        Column("SIZE", "size_bytes", size, right=True),
        Column("SINCE", "since", session.when),
        Column("KEY", "key", session.short),
    )
    done = "deleted" if yes else "would delete"
    footer = f"{done} {count_of(len(items), 'entry')}, {size(report.bytes)}"
    footer += "" if yes else f"; {_DRY}"
    extra = attributes(report, "dry_run", "bytes", "spared")
    return Listing(items, columns, footer, id="key", empty="no garbage", extra=extra)


@command(
    click.option("--max-bytes", type=SIZE, help="Evict until the values take no more: 10G."),
    click.option("--older-than", type=AGE, help="Evict only what is older: 30d."),
    click.option(
        "--keep", multiple=True, metavar="PATTERN", help="Functions whose values stay; repeatable."
    ),
    _YES,
)
def evict_command(
    session: Session,
    max_bytes: int | None,
    older_than: timedelta | None,
    keep: tuple[str, ...],
    yes: bool,
) -> Report:
    """Delete values that can be recomputed, the cheapest per byte first; records and lineage stay."""
    if max_bytes is None and older_than is None:
        raise click.UsageError("pass --max-bytes or --older-than")
    repo = session.repository()
    kept = [artifact for pattern in keep for artifact in p.search(pattern, repo=repo)]
    report = p.evict(
        repo, max_bytes=max_bytes, older_than=older_than, keep=kept or None, dry_run=not yes
    )
    items: tuple[Item, ...] = tuple(
        {
            "id": value.artifact_ids[0],
            "artifact_ids": list(value.artifact_ids),
            "size_bytes": value.blob.size,
            "seconds": value.seconds,
        }
        for value in report.values
    )
    columns = (
        Column("ID", "id", session.short),
        Column("SIZE", "size_bytes", size, right=True),
        Column("TO RECOMPUTE", "seconds", duration, right=True),
    )
    done = "evicted" if yes else "would evict"
    footer = f"{done} {count_of(len(items), 'value')}, {size(report.bytes)} of {size(report.bytes_before)}"
    footer += "" if yes else f"; {_DRY}"
    extra = attributes(report, "dry_run", "bytes", "bytes_before")
    return Listing(items, columns, footer, empty="nothing to evict", extra=extra)


_ONE_FAILS: Final = (
    p.ArtifactNotFoundError,
    p.AmbiguousIdError,
    p.SetNotFoundError,
    p.BlobNotFoundError,
    p.CorruptBlobError,
    p.CorruptRecordError,
)
"""Errors about one artifact; the others can be copied or deleted all the same."""


def _each(
    session: Session, ids: tuple[str, ...], act: Callable[[p.Artifact[object]], object], done: str
) -> Report:
    """Do *act* to each artifact; those that fail are reported on stderr, and the exit code is 3."""
    repo, items, failures = session.repository(), list[Item](), list[Exception]()

    @contextmanager
    def reporting() -> Generator[None]:
        try:
            yield
        except _ONE_FAILS as error:
            click.echo(f"provenance: {error}", err=True)
            failures.append(error)

    for text in [*session.texts(ids)]:
        with reporting():
            for artifact in [*session.artifacts([text])]:
                with reporting():
                    item = artifact_item(artifact, repo)
                    act(artifact)
                    items.append(item)
    code = (3 if items else 1) if failures else 0
    total = sum(cast("int", item["size_bytes"]) for item in items)
    footer = done.format(count_of(len(items), "artifact"), size(total))
    return Listing(tuple(items), artifact_columns(session), footer, empty="nothing done", code=code)


@command(
    IDS, _YES, click.option("--reason", default="", help="Why, for those who ask later (`why`).")
)
def forget_command(session: Session, ids: tuple[str, ...], yes: bool, reason: str) -> Report:
    """Delete artifacts: their records, and the bytes that no other artifact has."""
    repo = session.repository()

    def act(artifact: p.Artifact[object]) -> None:
        if yes:
            repo.delete(artifact, reason)

    done = "deleted {}, {}" if yes else f"would delete {{}}, {{}}; {_DRY}"
    return _each(session, ids, act, done)


def _copy(source: Session, ids: tuple[str, ...], to_repo: str | None) -> Report:
    repo, target = source.repository(), source.target(to_repo)
    done = f"copied {{}}, {{}}, to {target.name!r}"
    return _each(source, ids, lambda artifact: p.promote(artifact, target, repo), done)


@command(
    IDS,
    click.option(
        "--to", "to_repo", required=True, metavar="REPO", help="The repository to copy to."
    ),
)
def promote_command(session: Session, ids: tuple[str, ...], to_repo: str) -> Report:
    """Copy artifacts, and all that they were made from, to another repository."""
    return _copy(session, ids, to_repo)


@command(
    IDS,
    click.option(
        "--from", "from_repo", required=True, metavar="REPO", help="The repository to copy from."
    ),
)
def pull_command(session: Session, ids: tuple[str, ...], from_repo: str) -> Report:
    """Copy artifacts, and all that they were made from, from another repository."""
    return _copy(evolve(session, repo_name=from_repo), ids, session.repo_name)

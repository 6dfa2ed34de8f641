"""Commands that write results to files, and read them from bundles and from stores of the reference library."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypedDict, Unpack, cast

import click
from attrs import evolve

import provenance as p
from provenance.cli.listing import artifact_columns
from provenance.cli.options import IDS
from provenance.cli.reports import Column, Facts, Listing, Report
from provenance.cli.session import Session, command
from provenance.cli.upkeep import verify_report
from provenance.documents.items import Item, artifact_item, as_json, attributes
from provenance.documents.words import count_of
from provenance.util.formatting import size

FORMATS: Final = ("value", "bundle", "sqlite", "prov-json", "prov-n", "ro-crate", "openlineage")


@command(
    IDS,
    click.option("-o", "--output", metavar="FILE", required=True, help="The file to write."),
    click.option(
        "--format",
        "kind",
        type=click.Choice(FORMATS),
        help="By default the extension of FILE decides.",
    ),
    click.option(
        "--redact/--no-redact",
        default=True,
        help="Leave out hosts, users, folders and command lines (the default), or keep them.",
    ),
)
def export_command(
    session: Session, ids: tuple[str, ...], output: str, kind: str | None, redact: bool
) -> Report:
    """Write artifacts, with all that they were made from, or the value of one to a file; @set is a whole set."""
    repo = session.repository()
    (first, *others) = ids
    if not others and first.startswith("@") and "/" not in first:
        what: object = p.load_set_by_name(first[1:], repo)
    else:
        found = [*session.artifacts(ids)]
        what = found[0] if len(found) == 1 else found
    path = p.export(what, output, cast("Any", kind), repo=repo, redacted=redact)
    written = path.stat().st_size
    document: Item = {"path": str(path), "bytes": written, "redacted": redact}
    return Facts(document, (("written", str(path)), ("size", size(written))), id="path")


class ImportOptions(TypedDict):
    """The options of the command `import`, but for the file; most are about the reference's stores alone."""

    verify: bool
    dry_run: bool
    from_legacy: str | None
    blobs: str | None
    schema: str | None
    modules: tuple[str, ...]
    import_modules: bool


@command(
    click.argument("file", metavar="FILE", required=False),
    click.option(
        "--from-legacy", metavar="URL", help="PostgreSQL database of the reference library."
    ),
    click.option("--blobs", metavar="PLACE", help="Its blob store: a folder, or an URL."),
    click.option("--verify", is_flag=True, help="Read all of the bundle first, and check it."),
    click.option("--dry-run", is_flag=True, help="Say what would be imported, and write nothing."),
    click.option("--schema", metavar="NAME", help="Schema of its tables."),
    click.option(
        "--module",
        "modules",
        multiple=True,
        metavar="OLD=NEW",
        help="New name of a module, such as __main__=churn.train; repeatable.",
    ),
    click.option(
        "--import-modules/--no-import-modules",
        default=True,
        help="Import the modules that decorate the functions (the default), or none.",
    ),
)
def import_command(session: Session, file: str | None, **options: Unpack[ImportOptions]) -> Report:
    """Copy the artifacts and sets of a bundle into a repository, or those of a store of the reference library."""
    db, blobs = options["from_legacy"], options["blobs"]
    if file is not None and db is None:
        return _import_bundle(session, file, options)
    if options["verify"] or options["dry_run"]:
        raise click.UsageError("--verify and --dry-run are for bundles")
    if db is None or blobs is None or file is not None:
        raise click.UsageError("name a bundle, or pass --from-legacy with --blobs and no FILE")
    if not session.trust:
        why = "its values are pickles; pass --trust if nobody else can write there"
        repo = session.repo_name or p.location().repo
        raise p.UntrustedStoreError("the reference's store", "pickle", why, repo)
    return _import_legacy(session, db, blobs, options)


def _import_bundle(session: Session, file: str, options: ImportOptions) -> Report:
    if options["verify"]:
        checked = verify_report(session, p.open_bundle(file, trusted=session.trust))
        if checked.code:
            return evolve(checked, footer=f"{checked.footer}; nothing was imported")
    target = session.target(session.repo_name, create=not options["dry_run"])
    report = p.import_bundle(file, target, trusted=session.trust, dry_run=options["dry_run"])
    place = report.artifacts[0].origin if report.dry_run and report.artifacts else target
    items = tuple(artifact_item(artifact, cast("Any", place)) for artifact in report.artifacts)
    done = f"{count_of(len(items), 'artifact')} and {count_of(len(report.sets), 'set')}"
    extra: Item = {
        "repo": target.name,
        "sets": as_json([known.id for known in report.sets]),
        **attributes(report, "dry_run", "missing", "missing_bytes"),
    }
    footer = f"imported {done} into {target.name!r}"
    if report.dry_run:
        copied = f"{count_of(len(report.missing), 'artifact')}, {size(report.missing_bytes)}"
        footer = f"would import {done} into {target.name!r}, and copy {copied}; nothing was written"
    return Listing(items, artifact_columns(session), footer, extra=extra)


def _import_legacy(session: Session, db: str, blobs: str, options: ImportOptions) -> Report:
    pairs = [pair.split("=", 1) for pair in options["modules"]]
    if any(len(pair) == 1 for pair in pairs):
        raise click.UsageError("--module wants OLD=NEW, such as __main__=churn.train")
    target = session.target(session.repo_name)
    report = p.import_legacy(
        db=db,
        blobstore=blobs,
        to=target,
        schema=options["schema"],
        modules=dict(cast("list[tuple[str, str]]", pairs)),
        import_modules=options["import_modules"],
    )
    names = ("kind", "id", "name", "reason")
    items = tuple(attributes(problem, *names) for problem in report.problems)
    columns = (
        Column("WHAT", "kind"),
        Column("ID", "id", session.short),
        Column("NAME", "name"),
        Column("WHY NOT", "reason", flexible=True),
    )
    counted = f"{count_of(len(report.ids), 'artifact')} ({report.imported} new)"
    footer = f"{counted} and {count_of(report.sets, 'set')} in {target.name!r}"
    extra = attributes(report, "repo", "ids", "imported", "sets")
    lost = any(problem.kind == "artifact" for problem in report.problems)
    return Listing(items, columns, footer, empty=footer, code=3 if lost else 0, extra=extra)


@command(
    click.argument("file", metavar="FILE"),
    click.option("--verify", is_flag=True, help="Read all values, and check them."),
)
def bundle_command(session: Session, file: str, verify: bool) -> Report:
    """Show what a bundle holds; with --verify read all of its bytes, and exit 1 if they are damaged."""
    repo = p.open_bundle(file, trusted=session.trust)
    functions, sets = [*p.functions(repo)], [*p.sets(repo)]
    artifacts = sum(usage.artifacts for usage in functions)
    total = sum(usage.bytes for usage in functions)
    document: Item = {
        "path": str(Path(file).absolute()),
        "artifacts": artifacts,
        "bytes": total,
        "functions": as_json([usage.key for usage in functions]),
        "sets": as_json([{"id": known.id, "labels": dict(known.labels)} for known in sets]),
    }
    rows = [
        ("artifacts", str(artifacts)),
        ("values", size(total)),
        ("functions", ", ".join(usage.key for usage in functions)),
        ("sets", ", ".join(known.name or session.short(known.id) for known in sets)),
    ]
    problems: tuple[object, ...] = ()
    if verify:
        problems = p.verify(repo).problems
        document["is_sound"] = not problems
        rows.append(("verified", count_of(len(problems), "problem") if problems else "sound"))
    return Facts(document, tuple(rows), code=1 if problems else 0, id="path")

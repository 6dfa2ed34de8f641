"""Commands about one artifact: what is recorded of it, its value, and its lineage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, cast

import click

import provenance as p
from provenance.cli.listing import artifact_listing
from provenance.cli.options import ID
from provenance.cli.reports import Facts, Raw, Report, plain_text
from provenance.cli.session import Session, command
from provenance.documents.items import Item, Json, artifact_document, lineage_document, run_item
from provenance.documents.words import format_argument
from provenance.escaping import escape_invisible
from provenance.util.formatting import duration, size

_MOST_TEXT: Final = 2_000


@command(
    ID,
    click.option("--run", is_flag=True, help="Show the process that computed it."),
    click.option("--value", is_flag=True, help="Read the value, and show it."),
    pages=True,
)
def show_command(session: Session, artifact_id: str, run: bool, value: bool) -> Report:
    """Show what is recorded of an artifact: an id or its first 6 digits, or @set/name."""
    artifact = session.artifact(artifact_id)
    repo = session.repository()
    document = artifact_document(artifact, repo)
    used_by, fields = cast("list[str]", document["used_by"]), document["custom_fields"]
    rows = [
        ("id", artifact.id),
        ("function", artifact.name),
        ("version", str(artifact.version)),
        ("value", f"{artifact.value_type}, {size(artifact.size_bytes)} ({artifact.serializer})"),
        ("value id", artifact.value_id),
        ("computed", session.when(artifact.computed_at)),
        ("took", duration(artifact.compute_duration)),
        ("run", artifact.run_id),
        ("tags", ", ".join(artifact.tags)),
        ("fields", json.dumps(fields, ensure_ascii=False) if fields else ""),
        ("used by", f"{len(used_by)} artifacts" if used_by else ""),
        ("computed again", _checked(document)),
    ]
    inputs = cast("Item", document["inputs"])
    rows += [(f"  {name}", _argument(session, known)) for name, known in inputs.items()]
    if run:
        facts = run_item(artifact.run_info, None)
        shown = {key: facts[key] for key in ("created_at", "host", "command", "python", "git")}
        document["run"] = cast("Any", shown)
        rows += [(f"run {key}", plain_text(fact)) for key, fact in shown.items()]
    if value:
        text = repr(artifact.value)
        if len(text) > _MOST_TEXT:
            text = f"{text[:_MOST_TEXT]}… ({len(text):,} characters)"
        document["value"] = text
        rows.append(("value is", text))
    return Facts(document, tuple((name, text) for name, text in rows if text))


def _checked(document: Item) -> str:
    """Return how often a result was computed again beside a hit, and what came of it."""
    checks = cast("list[dict[str, object]]", document["shadow_checks"])
    if not checks:
        return ""
    differed = sum(not check["agreed"] for check in checks)
    outcome = f"{differed} times another value came out" if differed else "the same value came out"
    return f"{len(checks)} times beside a hit, last on {checks[-1]['checked_at']}: {outcome}"


def _argument(session: Session, value: Json) -> str:
    if isinstance(value, dict) and value.keys() == {"artifact"}:
        return session.short(value["artifact"])
    return format_argument(value)


# ---------------------------------------------------------------- the value


def encode_value(value: object, form: str | None) -> bytes:
    """Return *value* as bytes to print, in a form; by default the first that fits.

    Raises:
        UsageError: if the value has no such form.
    """
    match form:
        case "text":
            return f"{value}\n".encode("utf-8", "replace")
        case "json":
            try:
                return f"{json.dumps(value, allow_nan=False)}\n".encode()
            except (TypeError, ValueError) as error:
                problem = (
                    f"a {type(value).__name__} has no JSON form ({error}); use --as text or raw"
                )
                raise click.UsageError(problem) from None
        case "csv":
            write: Any = getattr(value, "to_csv", None) or getattr(value, "write_csv", None)
            if write is None:
                problem = f"a {type(value).__name__} has no CSV form; use --as text, json or raw"
                raise click.UsageError(problem)
            return cast("str", write()).encode()
        case _:
            if isinstance(value, bytes):
                return value
            if isinstance(value, str):
                return encode_value(value, "text")
            try:
                return encode_value(value, "json")
            except click.UsageError:
                return f"{value!r}\n".encode("utf-8", "replace")


@command(
    ID,
    click.option(
        "--as", "kind", type=click.Choice(["json", "csv", "text", "raw"]), help="The form to print."
    ),
    click.option("-o", "--output", "target", metavar="FILE", help="Write into a file."),
)
def cat_command(
    session: Session, artifact_id: str, kind: str | None, target: str | None
) -> Report | None:
    """Print the value of an artifact.

    By default text as it is, what has a JSON form as JSON, and other values as Python shows them.
    `raw` prints the stored bytes without decoding them; an archived file is printed as it is.
    """
    artifact = session.artifact(artifact_id)
    repo = session.repository()
    if kind == "raw":
        data = repo.read_bytes_of(artifact.value_blob, lambda source: source.read())
    else:
        value = artifact.value
        is_file = isinstance(value, p.ArchivedFile) and kind is None
        data = Path(str(value)).read_bytes() if is_file else encode_value(value, kind)
    if target is not None:
        try:
            Path(target).write_bytes(data)
        except OSError as error:
            raise click.UsageError(f"cannot write {target!r}: {error.strerror}") from None
        return None
    if session.output.is_terminal:
        text = data.decode("utf-8", "backslashreplace")
        lines = (escape_invisible(line.expandtabs()) for line in text.splitlines())
        return Facts({}, text="\n".join(lines))
    return Raw(data)


# ---------------------------------------------------------------- lineage

_SUFFIXES: Final = {"svg": ".svg", "html": ".html", "png": ".png", "dot": ".dot", "mermaid": ".mmd"}


@command(
    ID,
    click.option(
        "--up/--down", "up", default=True, help="Sources (the default), or what was made from it."
    ),
    click.option(
        "--depth", type=click.IntRange(0), metavar="N", help="At most this number of steps."
    ),
    click.option(
        "--format", "kind", type=click.Choice(["tree", *_SUFFIXES]), help="By default a tree."
    ),
    click.option("-o", "--output", "target", metavar="FILE", help="Write into a file."),
    pages=True,
)
def lineage_command(
    session: Session,
    artifact_id: str,
    up: bool,
    depth: int | None,
    kind: str | None,
    target: str | None,
) -> Report | None:
    """Show what an artifact was made from, as a tree or as a picture; with --down what was made from it."""
    artifact = session.artifact(artifact_id)
    repo = session.repository()
    if kind is None and target is not None:
        suffixes = {suffix: name for name, suffix in _SUFFIXES.items()}
        kind = suffixes.get(Path(target).suffix.lower(), "tree")
    if not up and kind is None and depth is None:
        return artifact_listing(session, repo, list(p.descendants(artifact)))
    graph = p.lineage(artifact, depth=depth, down=not up)
    if kind in _SUFFIXES:
        return _draw(session, graph, kind, target)
    tree = graph.tree()
    if target is not None:
        Path(target).write_text(tree + "\n", "utf-8")
        return None
    document = lineage_document(graph, repo)
    return Facts(document, text=tree, id="root")


def _draw(session: Session, graph: p.Lineage, form: str, target: str | None) -> Report | None:
    """Write a picture into the file *target*, or print it."""
    from provenance.vis import visualize_lineage

    picture = visualize_lineage(graph)
    drawn: str | bytes = getattr(picture, form)
    data = drawn if isinstance(drawn, bytes) else drawn.encode()
    if target is not None:
        Path(target).write_bytes(data)
        return None
    if form == "png" and session.output.is_terminal:
        raise click.UsageError("a PNG is not text; write it into a file with -o FILE")
    return Raw(data)

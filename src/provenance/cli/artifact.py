"""Commands about artifacts: records, values, lineage, how two differ, whether one comes out again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, Final, Literal, cast

import click

import provenance as p
from provenance.cli.listing import artifact_listing
from provenance.cli.options import ARTIFACT, ID
from provenance.cli.reports import Column, Facts, Listing, Raw, Report, plain_text
from provenance.cli.session import Session, command, import_from_here
from provenance.documents.items import (
    Item,
    Json,
    artifact_document,
    as_json,
    attributes,
    changes_text,
    diff_item,
    explanation_item,
    lineage_document,
    run_item,
)
from provenance.documents.words import count_of, format_argument
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
    kind = type(value).__name__
    match form:
        case "text":
            return f"{value}\n".encode("utf-8", "replace")
        case "json":
            try:
                return f"{json.dumps(value, allow_nan=False)}\n".encode()
            except (TypeError, ValueError) as error:
                problem = f"a {kind} has no JSON form ({error}); use --as text or raw"
                raise click.UsageError(problem) from None
        case "csv":
            write: Any = getattr(value, "to_csv", None) or getattr(value, "write_csv", None)
            if write is None:
                problem = f"a {kind} has no CSV form; use --as text, json or raw"
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
        return Facts({}, text="\n".join(line.expandtabs() for line in text.splitlines()))
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


# ---------------------------------------------------------------- history


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
        Column("ID", "id", session.short),
        Column("FUNCTION", "name"),
        Column("OUTCOME", "outcome"),
        Column("WHAT", None, lambda item: "; ".join(map(str, _texts(item))), flexible=True),
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
    problem = f"{text!r} is neither 'all' nor a positive number"
    raise click.BadParameter(problem, param_hint="--depth")


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
    click.argument("what", metavar="ID|MODULE:FUNCTION", type=ARTIFACT),
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
        function, given = _function(what), dict(map(_parse_argument, arguments))
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


def _parse_argument(text: str) -> tuple[str, object]:
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
    click.argument("first", metavar="ID", type=ARTIFACT),
    click.argument("second", metavar="ID", type=ARTIFACT),
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
        Column("FUNCTION", "name"),
        Column("VERSION", "version", right=True),
        Column("RESULTS", "artifacts", right=True),
        Column("NEWEST", "newest", session.when),
        Column(
            "CHANGED",
            None,
            lambda item: str(item["problem"] or ", ".join(cast("list[str]", item["changes"]))),
            flexible=True,
        ),
    )
    stale = len({results.name for results in found if not results.problem})
    changed = f"code of {count_of(stale, 'function')}" if stale else "no code that was found"
    footer = f"{changed} has changed{' (accepted)' if accept else ''}"
    code = 1 if stale and not accept else 0
    return Listing(items, columns, footer, id="name", empty="nothing is stale", code=code)

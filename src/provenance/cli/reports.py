"""What commands answer: reports, and how they are printed as text, JSON, CSV or ids.

A report holds JSON objects, which are a promise: names stay, and new ones may come. Its text is made
of them alone, so that both always say the same.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeAlias, cast

import click
from attrs import evolve, field, frozen

from provenance.documents.items import Item, Json, write_document
from provenance.escaping import escape_invisible

PIPE_WIDTH: Final = 100


def plain_text(value: object) -> str:
    """Return a fact as text: lists and dictionaries by their members, nothing for None."""
    if isinstance(value, list):
        return " ".join(map(str, cast("list[object]", value)))
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in cast("dict[str, object]", value).items())
    return "" if value is None else str(value)


@frozen(eq=False)
class Column:
    """A column of a table: its title, the key of what it shows of an item, and how that is written.

    Without a key, the whole item is shown. A flexible column is cut on a narrow terminal, down to `least` characters. Where that is not enough, columns with a
    `rank` are left out, the highest first.
    """

    title: str
    key: str | None
    show: Callable[[Any], str] = plain_text
    right: bool = False
    flexible: bool = False
    least: int = 8
    rank: int = 0

    def cell(self, item: Item) -> str:
        """Return what the column shows of an item."""
        return self.show(item if self.key is None else item[self.key])


@frozen
class Listing:
    """A list of things.

    Attributes:
        items: the things, as JSON objects.
        columns: how they are shown in a table.
        footer: a line below the table.
        next: what `--after` continues with; None at the end.
        id: the key of an item's id.
        empty: what is said instead of an empty table.
        code: the exit code.
        extra: more of the JSON document, beside the items.
    """

    items: tuple[Item, ...]
    columns: tuple[Column, ...]
    footer: str = ""
    next: str | None = None
    id: str = "id"
    empty: str = "nothing found"
    code: int = 0
    extra: Item = field(factory=dict)

    @property
    def document(self) -> Item:
        """The JSON document."""
        return {**self.extra, "items": list(self.items), "next": self.next}


@frozen
class Facts:
    """Facts about one thing.

    Attributes:
        document: the JSON document.
        rows: the facts as text, with their names.
        text: more lines, below them.
        code: the exit code.
        id: the key of the thing's id in the document.
    """

    document: Item
    rows: tuple[tuple[str, str], ...] = ()
    text: str = ""
    code: int = 0
    id: str = "id"

    @property
    def items(self) -> tuple[Item, ...]:
        """The document, as the only item."""
        return (self.document,)


@frozen
class Raw:
    """Bytes or text that is written as it is, without a form of its own as JSON."""

    data: bytes = field(repr=False)


Report: TypeAlias = Listing | Facts | Raw


def flatten(item: Mapping[str, Json], start: str = "") -> dict[str, Json]:
    """Return *item* with a key for each entry of its dictionaries: `inputs.depth`.

    >>> flatten({"id": "a", "inputs": {"depth": 3, "data": {"artifact": "b"}}, "tags": ["x"]})
    {'id': 'a', 'inputs.depth': 3, 'inputs.data.artifact': 'b', 'tags': ['x']}
    """
    flat: dict[str, Json] = {}
    for key, value in item.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{start}{key}.")
        else:
            flat[f"{start}{key}"] = value
    return flat


# ---------------------------------------------------------------- printing


@frozen
class Output:
    """How reports are printed.

    Attributes:
        form: `text`, `json`, `ndjson`, `csv` or `ids`.
        is_terminal: whether a person reads it.
        has_color: whether text may have colors.
        pages: whether long text goes through a pager.
        width: columns of the text.
    """

    form: str = "text"
    is_terminal: bool = False
    has_color: bool = False
    pages: bool = False
    width: int = PIPE_WIDTH


def detect_output(form: str, *, color: bool, pager: bool) -> Output:
    """Return how to print to the standard output of this process."""
    is_terminal = sys.stdout.isatty()
    forced = bool(os.environ.get("FORCE_COLOR"))
    has_color = color and not os.environ.get("NO_COLOR") and (is_terminal or forced)
    width = PIPE_WIDTH
    if is_terminal:
        try:
            width = int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size(1).columns
        except (OSError, ValueError):
            width = 0
    return Output(form, is_terminal, has_color, pager and is_terminal, width or PIPE_WIDTH)


@contextmanager
def writing() -> Generator[None]:
    """Print to the standard output in this block.

    Raises:
        ClickException: if it cannot be written, as on a full disk.
    """
    try:
        yield
    except BrokenPipeError:  # not an error: the reader has had enough
        raise
    except OSError as error:
        problem = f"cannot write to the standard output: {error.strerror}"
        raise click.ClickException(problem) from error


class Command(click.Command):
    """A command that says so if its help cannot be written."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, or print the help."""
        with writing():
            return super().parse_args(ctx, args)


@writing()
def print_report(report: Report, output: Output, *, pages: bool = False) -> None:
    """Print *report*; on a terminal through a pager if it *pages*."""
    if isinstance(report, Raw):
        sys.stdout.buffer.write(report.data)
        sys.stdout.flush()
        return
    text = render(report, output)
    if pages and output.pages and output.form == "text":
        os.environ.setdefault("LESS", "-FRX")
        click.echo_via_pager(text + "\n", color=output.has_color)
    elif text:
        click.echo(text, color=output.has_color)


def render(report: Listing | Facts, output: Output) -> str:
    """Return *report* as text of the form that *output* asks for."""
    match output.form:
        case "json":
            return write_document(report.document)
        case "ndjson":
            return "\n".join(map(json.dumps, report.items))
        case "csv":
            return _csv(report)
        case "ids":
            return "\n".join(_ids(report))
        case _:
            return _table(report, output) if isinstance(report, Listing) else _facts(report, output)


def _ids(report: Listing | Facts) -> list[str]:
    if any(report.id not in item for item in report.items):
        raise click.UsageError("--ids: this command lists no ids; leave it out, or use --json")
    return [escape_invisible(str(item[report.id])) for item in report.items]


def _csv(report: Listing | Facts) -> str:
    """Return a table whose columns are the keys of the items."""
    rows = [flatten(item) for item in report.items]
    names = list(dict.fromkeys(name for row in rows for name in row))
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(map(escape_invisible, names))
    for row in rows:
        writer.writerow([_csv_cell(row.get(name)) for name in names])
    return sink.getvalue().rstrip("\n") if rows else ""


_FORMULA: Final = re.compile(r"^[=+\-@\t\r]")


def _csv_cell(value: Json) -> str:
    """Return a cell; texts that a spreadsheet would take for a formula begin with a quote."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value)
    return escape_invisible(f"'{value}" if _FORMULA.match(value) else value)


def _console(output: Output, sink: io.StringIO) -> Any:  # noqa: ANN401 - rich is loaded here first
    from rich.console import Console

    return Console(
        file=sink,
        width=output.width,
        force_terminal=output.has_color,
        color_system="standard" if output.has_color else None,
        no_color=not output.has_color,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )


def _table(report: Listing, output: Output) -> str:
    """Return the items as a table; in a pipe, cells are never cut."""
    if not report.items:
        return report.empty
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    columns = {
        column: [escape_invisible(column.cell(item)) for item in report.items]
        for column in report.columns
    }
    widest = {
        column: max(map(cell_len, (column.title, *texts))) for column, texts in columns.items()
    }
    least = {
        column: min(width, column.least) if column.flexible else width
        for column, width in widest.items()
    }
    if output.is_terminal:
        for column in sorted(columns, key=lambda column: -column.rank):
            if column.rank and sum(least[kept] + 2 for kept in columns) - 2 > output.width:
                del columns[column]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(
            Text(column.title, no_wrap=True, overflow="ellipsis"),
            justify="right" if column.right else "left",
            # Only what may wrap is made narrower; its cells, which may not, are cut with an ellipsis.
            no_wrap=not column.flexible,
            min_width=least[column],
        )
    for row in zip(*columns.values(), strict=True):
        table.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in row))
    if not output.is_terminal:
        output = evolve(output, width=sum(width + 2 for width in widest.values()))
    sink = io.StringIO()
    _console(output, sink).print(table)
    lines = [line.rstrip() for line in sink.getvalue().splitlines()]
    return "\n".join([*lines, *([report.footer] if report.footer else [])])


def _facts(report: Facts, output: Output) -> str:
    width = max((len(name) for name, _ in report.rows), default=0)
    lines: list[str] = []
    for name, value in report.rows:
        label = f"{escape_invisible(name):<{width}}"
        shown = click.style(label, bold=True) if output.has_color else label
        lines.append(f"{shown}  {escape_invisible(value)}".rstrip())
    lines += [escape_invisible(line) for line in report.text.splitlines()]
    return "\n".join(lines)

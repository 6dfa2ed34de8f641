"""A table of the calls of a block or of a process: hit or miss, seconds, and seconds saved.

The calls come from events; nothing is looked up in a store.
"""

from __future__ import annotations

import atexit
import multiprocessing
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from importlib import import_module
from typing import Any, Final, Self, TextIO, TypeAlias

from attrs import frozen

from provenance.environment import current
from provenance.errors import ProvenanceError
from provenance.escaping import escape_invisible, html_table, text_table
from provenance.events import Event, Hit, Miss, Recomputed, Recovered
from provenance.telemetry import subscribe
from provenance.util.formatting import SHORT, duration
from provenance.util.locks import ForkSafeLock
from provenance.util.naming import exported

MOST_CALLS: Final = 40
"""Up to this number each call has a line; of more, those of one function and outcome share one."""
_TITLES: Final = ("CALL", "ARTIFACT", "OUTCOME", "COMPUTED", "SAVED")
_NUMBERS: Final = 2
"""The last columns, which hold numbers."""

Row: TypeAlias = "tuple[str, ...]"


@frozen
class _Call:
    """One call, or calls of one function with one outcome."""

    name: str
    artifact_id: str
    outcome: str
    computed: float
    saved: float


def _call_of(event: Event) -> _Call | None:
    match event:
        case Hit():
            return _Call(event.name, event.artifact_id, "hit", 0.0, event.seconds_saved)
        case Miss() | Recomputed() | Recovered():
            outcome = type(event).__name__.lower()
            return _Call(event.name, event.artifact_id, outcome, event.seconds, 0.0)
        case _:
            return None


@exported
class Report:
    """The calls of a `with` block, in all threads, and the table of them.

    Its `repr` is the table, also while the block runs; in a notebook it is an HTML table.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> import io
        >>> with p.report(file=io.StringIO(), live=False) as report:
        ...     _ = squares(3)
        >>> len(repr(report).splitlines()) > 1
        True
    """

    def __init__(self, file: TextIO | None = None, *, live: bool = True) -> None:
        self._file = file
        self._is_live = live
        self._calls: list[_Call] = []
        self._guard = ForkSafeLock()
        self._place = ""
        self._open = ExitStack()
        self._redraw: Callable[[], None] | None = None

    @property
    def calls(self) -> int:
        """The number of calls."""
        return len(self._calls)

    @property
    def hits(self) -> int:
        """The number of calls that were found in the store."""
        return sum(call.outcome == "hit" for call in self._calls)

    @property
    def seconds_computed(self) -> float:
        """The seconds that functions took in this block."""
        return sum(call.computed for call in self._calls)

    @property
    def seconds_saved(self) -> float:
        """The seconds that the hits had taken when they were computed."""
        return sum(call.saved for call in self._calls)

    def __enter__(self) -> Self:
        if self._is_live:
            self._redraw = _notebook_display(self)
            if self._redraw is None:
                self._start_live()
        self._open.enter_context(subscribe(self._receive))
        return self

    def _start_live(self) -> None:
        """Show the end of the table on a terminal, if rich is installed."""
        file = self._file or sys.stderr
        if not file.isatty():
            return
        try:
            from rich.console import Console
            from rich.live import Live
            from rich.text import Text
        except ImportError:
            return

        console = Console(file=file, markup=False, highlight=False, emoji=False)

        def draw() -> Text:
            lines = repr(self).splitlines()[-max(console.size.height - 1, 1) :]
            return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")

        shown = Live(get_renderable=draw, console=console, transient=True)
        shown.start()
        self._open.callback(shown.stop)

    def __exit__(self, *_: object) -> None:
        self._open.close()
        if self._redraw is not None:
            self._redraw()
        else:
            print(self, file=self._file or sys.stderr)

    def _receive(self, event: Event) -> None:
        call = _call_of(event)
        if call is None:
            return
        with self._guard.lock:
            if isinstance(event, Recovered) and event.replaced_hit is not None:
                replaced = _call_of(event.replaced_hit)
                if replaced in self._calls:
                    self._calls.remove(replaced)
            self._calls.append(call)
        if not self._place:
            self._place = _where()
        if self._redraw is not None and (self.calls <= MOST_CALLS or not self.calls % MOST_CALLS):
            self._redraw()

    def _rows(self) -> list[Row]:
        """Return the cells of the table: a row for each call, or for those of a function and outcome."""
        calls = [*self._calls]
        if len(calls) <= MOST_CALLS:
            return [_row(call, 1) for call in calls]
        groups: dict[tuple[str, str], list[_Call]] = {}
        for call in calls:
            groups.setdefault((call.name, call.outcome), []).append(call)
        rows: list[Row] = []
        for (name, outcome), some in groups.items():
            computed, saved = sum(call.computed for call in some), sum(call.saved for call in some)
            rows.append(_row(_Call(name, "", outcome, computed, saved), len(some)))
        return rows

    def _sums(self) -> str:
        other = self.calls - self.hits
        return (
            f"{_count(self.calls, 'call')}: {_count(self.hits, 'hit')}, {other:,} computed; "
            f"{duration(self.seconds_computed)} of computing, {duration(self.seconds_saved)} saved"
        )

    def __repr__(self) -> str:
        if not self._calls:
            return "<provenance.Report: no calls>"
        lines = [*text_table(_TITLES, self._rows(), right=_NUMBERS), self._sums()]
        return "\n".join([self._place, *lines] if self._place else lines)

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        note = "; ".join(filter(None, (self._sums(), self._place)))
        return html_table(_TITLES, self._rows(), note)


def _row(call: _Call, number: int) -> Row:
    is_hit = call.outcome == "hit"
    return (
        call.name + (f" ({number:,} calls)" if number > 1 else ""),
        call.artifact_id[:SHORT],
        call.outcome,
        "" if is_hit else duration(call.computed),
        duration(call.saved) if is_hit else "",
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _where() -> str:
    """Return the line that says where results go."""
    with suppress(ProvenanceError):
        place = current().repository()
        return f"results go to {escape_invisible(place.records_at)} (repository {place.name!r})"
    return ""


def _notebook_display(report: Report) -> Callable[[], None] | None:
    """Show *report* in the notebook whose cell runs; return what updates it; None if there is none."""
    ipython = sys.modules.get("IPython")
    shell: Any = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    handle: Any = import_module("IPython.display").display(report, display_id=True)
    return lambda: handle.update(report)


def report(*, file: TextIO | None = None, live: bool = True) -> Report:
    """Return a context manager that prints the calls of its block: hit or miss, seconds, saved.

    Calls of all threads count. The environment variable `PROVENANCE_REPORT=1` does the same for a
    whole process, without a line of code; `PROVENANCE_REPORT=live` shows its table while it runs.

    Args:
        file: Where the table is printed at the end, by default the standard error.
        live: Show the table while the block runs: in a notebook, or on a terminal if `rich` is
            installed.

    Returns:
        The context manager.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> import sys
        >>> with p.report(file=sys.stdout, live=False):
        ...     _ = squares(3)
        results go to memory (repository 'memory')
        CALL                             ARTIFACT  OUTCOME  COMPUTED  SAVED
        provenance.calls.report.squares  ...       miss     ...
        1 call: 0 hits, 1 computed; ...
    """
    return Report(file, live=live)


def report_process(*, live: bool) -> None:
    """Print a report of this process when it ends, unless it is a worker or makes no calls."""
    if multiprocessing.parent_process() is not None:
        return
    whole = Report(live=live)
    _ = whole.__enter__()

    def finish() -> None:
        if whole.calls:
            whole.__exit__(None, None, None)

    atexit.register(finish)

"""What is printed: lines of figures, each with what it must and aims to reach, and the machine they were taken on."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from attrs import field, frozen

OURS = "provenance"
PROCESS = "process"
POWER = "power"
NONE = "-"


@frozen
class Goal:
    """The figure of the library over that of *beside* is at most *must*, better *aim*."""

    beside: str
    must: float
    aim: float


@frozen
class Line:
    """A measured figure of each contender, in *unit*; *durability* is what the library's store ran with."""

    what: str
    durability: str
    figures: Mapping[str, float]
    goals: tuple[Goal, ...] = ()
    unit: str = "s"
    note: str = ""

    def ratio(self, beside: str) -> float:
        """How the library's figure relates to another one."""
        return self.figures[OURS] / self.figures[beside]


@frozen
class Limit:
    """A figure that has no peer: at most *must*."""

    what: str
    durability: str
    figure: float
    must: float
    unit: str = "s"
    note: str = field(default="")


HEADINGS = ("what", "durability", OURS, "beside", "", "ratio", "must", "aim", "verdict")


def rows(measured: Iterable[Line | Limit]) -> list[tuple[str, ...]]:
    """The table's rows: one for each peer of a line."""
    made: list[tuple[str, ...]] = []
    for each in measured:
        made += [_limit_row(each)] if isinstance(each, Limit) else _line_rows(each)
        if each.note:
            made.append((f"    {each.note}",))
    return made


def _line_rows(line: Line) -> list[tuple[str, ...]]:
    goals = {goal.beside: goal for goal in line.goals}
    made: list[tuple[str, ...]] = []
    for name in line.figures:
        if name != OURS:
            goal, ratio = goals.get(name), line.ratio(name)
            shown = (
                ("", "", "")
                if goal is None
                else (f"{goal.must:g}", f"{goal.aim:g}", verdict(ratio, goal))
            )
            ours, theirs = (shown_as(line.figures[each], line.unit) for each in (OURS, name))
            made.append((line.what, line.durability, ours, name, theirs, f"{ratio:.3g}", *shown))
    return made


def _limit_row(limit: Limit) -> tuple[str, ...]:
    must = shown_as(limit.must, limit.unit)
    met = "met" if limit.figure <= limit.must else "MISSED"
    return (
        limit.what,
        limit.durability,
        shown_as(limit.figure, limit.unit),
        "",
        "",
        "",
        must,
        "",
        met,
    )


def verdict(ratio: float, goal: Goal) -> str:
    """How *ratio* stands to *goal*.

    >>> [verdict(ratio, Goal("joblib", 0.4, 0.1)) for ratio in (0.1, 0.3, 0.5)]
    ['aim', 'must', 'MISSED']
    """
    return "aim" if ratio <= goal.aim else "must" if ratio <= goal.must else "MISSED"


def shown_as(figure: float, unit: str) -> str:
    """A figure for people.

    >>> shown_as(0.000012, "s"), shown_as(0.0123, "s"), shown_as(1.5, "s"), shown_as(2_500_000, "B")
    ('12.0 us', '12.3 ms', '1.50 s', '2.5 MB')
    """
    if unit == "B":
        return f"{figure / 1e6:.1f} MB" if figure >= 1e6 else f"{figure / 1e3:.1f} kB"
    if figure < 1e-3:
        return f"{figure * 1e6:.1f} us"
    return f"{figure * 1e3:.1f} ms" if figure < 1 else f"{figure:.2f} s"


def table(shown: Iterable[tuple[str, ...]]) -> str:
    """Rows as aligned text; a row of a single cell runs across."""
    all_ = [HEADINGS, *shown]
    whole = [row for row in all_ if len(row) > 1]
    widths = [max(len(row[i]) for row in whole) for i in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in all_
    )


def machine() -> dict[str, str | int]:
    """What the figures depend on."""
    names = ("joblib", "diskcache", "numpy")
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        "load": _load(),
        "optimised": sys.flags.optimize,
        **{name: version(name) for name in names},
    }


def _load() -> str:
    """How many processes want a core already: figures taken beside others say little."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _processor() -> str:
    try:
        facts = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        facts = []
    named = [line.partition(":")[2].strip() for line in facts if line.startswith("model name")]
    return named[0] if named else platform.processor() or "unknown"

"""How two runs differ: Python, packages, host, git."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from provenance.hashing.explain import Change, Difference
from provenance.model.records import Json, Run
from provenance.util.formatting import truncate

_COMPARED: Final[Mapping[str, tuple[str, ...]]] = {
    "python": ("version", "implementation"),
    "host": ("nodename", "system", "machine", "release"),
    "git": ("commit", "branch", "dirty"),
}
"""Facts by part that are compared; a process has more, which differ each time."""


def compare_runs(first: Run, second: Run) -> tuple[Difference, ...]:
    """Return the facts in which two runs differ that may explain different results."""
    found: list[Difference] = []
    for part, facts in _COMPARED.items():
        found += _compare(part, facts, _part(first, part), _part(second, part))
    names = sorted(first.packages.keys() | second.packages.keys())
    found += _compare("packages", tuple(names), first.packages, second.packages)
    extra = sorted(first.extra.keys() | second.extra.keys())
    found += _compare("extra", tuple(extra), first.extra, second.extra)
    return tuple(found)


def _part(run: Run, name: str) -> Mapping[str, Json]:
    found: Mapping[str, Json] | None = getattr(run, name)
    return {} if found is None else found


def _compare(
    part: str, names: tuple[str, ...], first: Mapping[str, Json], second: Mapping[str, Json]
) -> list[Difference]:
    found: list[Difference] = []
    for name in names:
        if first.get(name) == second.get(name):
            continue
        change = Change.CONTENT
        if name not in first or name not in second:
            change = Change.ADDED if name in second else Change.REMOVED
        ours, theirs = (truncate(run[name]) if name in run else "-" for run in (first, second))
        found.append(Difference(f"{part}.{name}", change, ours, theirs))
    return found

"""Hits and misses in a warm process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import provenance as p
from benchmarks import caches, settings
from benchmarks.functions import add, shift
from benchmarks.lines import NONE, OURS, POWER, PROCESS, Goal, Line
from benchmarks.timing import Sizes, interleaved

HIT_GOALS = (Goal("joblib", 0.16, 0.10), Goal("diskcache", 1.0, 0.4))
MISS_GOALS = (Goal("joblib", 0.5, 0.35), Goal("diskcache", 1.0, 0.7))
_IN_MEMORY = "in memory"


def _all_three(function: Callable[..., Any], folder: Path) -> dict[str, Callable[..., Any]]:
    return {
        OURS: p.provenance()(function),
        "joblib": caches.with_joblib(function, folder),
        "diskcache": caches.with_diskcache(function, folder),
    }


def hits(folder: Path, sizes: Sizes) -> Iterator[Line]:
    """A call that is in the store; joblib and diskcache read the value at once, the library when it is used."""
    cached = _all_three(add, folder)
    for each in cached.values():
        each(1, 2)
    alone = {name: lambda _, f=f: f(1, 2) for name, f in cached.items()}
    used = {name: lambda _, f=f: f(1, 2) + 1 for name, f in cached.items()}
    yield Line(
        "hit, two ints, value used",
        PROCESS,
        interleaved(used, sizes.rounds, sizes.calls),
        HIT_GOALS,
    )
    yield Line(
        "hit, two ints, call alone",
        PROCESS,
        interleaved(alone, sizes.rounds, sizes.calls),
        HIT_GOALS,
    )


def arrays(folder: Path, sizes: Sizes) -> Iterator[Line]:
    """A hit with 1 MB in and 1 MB out."""
    cached = _all_three(shift, folder)
    values = np.random.default_rng(0).random(1 << 17)
    for each in cached.values():
        each(values, 1.0)
    used = {name: lambda _, f=f: f(values, 1.0)[0] for name, f in cached.items()}
    figures = interleaved(used, sizes.rounds, max(2, sizes.calls // 10))
    yield Line(
        "hit, 1 MB array in and out, value used", PROCESS, figures, (Goal("joblib", 0.21, 0.14),)
    )


def misses(folder: Path, sizes: Sizes) -> Iterator[Line]:
    """A call of a trivial function with arguments never seen: computed, stored and recorded; and all that but the store."""
    cached = _all_three(add, folder) | {_IN_MEMORY: p.provenance(repo=settings.FEW)(add)}
    figures = interleaved(_new_each_time(cached, 1), sizes.rounds, sizes.calls)
    in_memory = figures.pop(_IN_MEMORY)
    yield Line("miss, trivial function", PROCESS, figures, MISS_GOALS)
    yield Line("the same, kept in memory only", NONE, {**figures, OURS: in_memory})


def safe_misses(folder: Path, sizes: Sizes) -> Iterator[Line]:
    """The same, each waiting for the device; joblib has no such setting and stays as it is."""
    cached: dict[str, Callable[..., Any]] = {
        OURS: p.provenance(repo=settings.POWER)(add),
        "diskcache": caches.with_diskcache(add, folder, power=True),
        "joblib": caches.with_joblib(add, folder),
    }
    figures = interleaved(_new_each_time(cached, 2), sizes.rounds, max(2, sizes.calls // 10))
    note = "diskcache with sqlite_synchronous=2; joblib never waits for the device"
    yield Line("miss, trivial function, safe from power cuts", POWER, figures, note=note)


def _new_each_time(
    cached: dict[str, Callable[..., Any]], series: int
) -> dict[str, Callable[[int], object]]:
    for each in cached.values():
        each(-1, series)
    return {name: partial(_called, each, series) for name, each in cached.items()}


def _called(cached: Callable[..., Any], series: int, number: int) -> object:
    return cached(number, series)


def memory(_: Path, sizes: Sizes) -> Iterator[Line]:
    """A hit does not depend on how much is stored."""
    few, many = (p.provenance(repo=name)(add) for name in (settings.FEW, settings.MANY))
    few(1, 2)
    for i in range(sizes.many):
        many(i, 2)
    beside = "with 1"
    contenders = {OURS: lambda _: many(1, 2) + 1, beside: lambda _: few(1, 2) + 1}
    figures = interleaved(contenders, sizes.rounds, sizes.calls)
    yield Line(
        f"hit in memory, {sizes.many:,} artifacts", NONE, figures, (Goal(beside, 1.25, 1.1),)
    )

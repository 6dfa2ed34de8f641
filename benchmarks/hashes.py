"""The hash of a value beside `joblib.hash`, and that of a large array beside BLAKE3 alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import blake3
import joblib
import numpy as np
import pandas as pd

import provenance as p
from benchmarks import shapes
from benchmarks.caches import with_joblib
from benchmarks.lines import NONE, OURS, PROCESS, Goal, Line
from benchmarks.timing import Sizes, Timed, interleaved

SHAPE = Goal("joblib", 1 / 5, 1 / 10)


def hashes(folder: Path, sizes: Sizes) -> Iterator[Line]:
    """Small, many, structured and large values."""
    few = max(2, sizes.rounds // 5)
    yield _line("hash of two ints", (1, 2), (), sizes.rounds, sizes.calls)
    yield _line(
        "hash of (1, 2.0, 'abc')",
        (1, 2.0, "abc"),
        (Goal("joblib", 1 / 2.5, 1 / 4),),
        sizes.rounds,
        sizes.calls,
    )
    yield _line(
        "hash of (1, 'a', {'lr': 0.1})",
        (1, "a", {"lr": 0.1}),
        (Goal("joblib", 1 / 2, 1 / 4),),
        sizes.rounds,
        sizes.calls,
    )
    for what, value, goal in _many(sizes):
        yield _line(f"hash of {what}", value, (goal,), few, 1)
    for what, values in shapes.many(sizes.objects):
        yield _line(f"hash of {len(values):,} {what}", values, (SHAPE,), few, 1)
    columns = min(shapes.COLUMNS, 2 * sizes.objects)
    for what, value in shapes.wide(columns):
        goal = Goal("joblib", 1.0, 1 / 4)
        yield _line(f"hash of {columns:,} columns of {what}", value, (goal,), few, 1)
    yield _stored(folder, sizes, columns)
    array = np.random.default_rng(0).random(sizes.megabytes * 125_000)
    raw = {
        "blake3": lambda _: blake3.blake3(
            array.data.cast("B"), max_threads=blake3.blake3.AUTO
        ).digest()
    }
    yield _line(
        f"hash of a {sizes.megabytes} MB array",
        array,
        (Goal("blake3", 1 / 0.95, 1.0),),
        few,
        1,
        raw,
    )


def _many(sizes: Sizes) -> Iterator[tuple[str, object, Goal]]:
    texts = [f"string{i}" for i in range(sizes.members // 5)]
    points = [shapes.Point(i, i / 7, str(i)) for i in range(sizes.objects)]
    names = {f"key{i}": i for i in range(sizes.members // 10)}
    tree = [shapes.record(i) for i in range(sizes.members // 50)]
    rows = sizes.megabytes * 7_500
    yield f"{sizes.members:,} ints", list(range(sizes.members)), Goal("joblib", 1 / 18, 1 / 27)
    yield f"{len(texts):,} short strings", texts, Goal("joblib", 1 / 18, 1 / 27)
    yield f"JSON-like data of {10 * len(tree):,} leaves", tree, Goal("joblib", 1 / 4, 1 / 7)
    yield "a tree of small containers", shapes.tree(5), Goal("joblib", 1 / 2.5, 1 / 4)
    yield f"a dict of {len(names):,} str to int", names, Goal("joblib", 1 / 4.5, 1 / 6)
    yield f"{len(points):,} frozen dataclasses", points, Goal("joblib", 1 / 11, 1 / 20)
    yield (
        f"a frame of {rows:,} rows, Arrow strings",
        _frame(rows, "str"),
        Goal("joblib", 1 / 7, 1 / 9),
    )
    yield (
        f"a frame of {rows:,} rows, object strings",
        _frame(rows, "object"),
        Goal("joblib", 1 / 12, 1 / 20),
    )


_frames: list[pd.DataFrame] = []
"""What `_made` returns; a global, because what a function captures would be hashed."""


def _made(number: int) -> pd.DataFrame:
    return _frames[number]


def _stored(folder: Path, sizes: Sizes, columns: int) -> Line:
    """Return what it takes to store a new frame of very many columns."""
    rounds = max(2, sizes.rounds // 5)
    _frames[:] = [shapes.wide_frame(columns, seed) for seed in range(rounds + 1)]
    contenders = {OURS: p.provenance(name="wide")(_made), "joblib": with_joblib(_made, folder)}
    for cached in contenders.values():
        cached(rounds)
    figures = interleaved(contenders, rounds, 1)
    what = f"miss that stores a frame of {columns:,} columns"
    return Line(what, PROCESS, figures, (Goal("joblib", 2.0, 1.0),))


def _frame(rows: int, strings: str) -> pd.DataFrame:
    """Eight columns of several kinds: about 50 MB for 750,000 rows."""
    numbers = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "count": np.arange(rows),
            "even": np.arange(rows) % 2 == 0,
            "when": pd.date_range("2020", periods=rows, freq="s"),
            "text": pd.Series([f"text number {i}" for i in range(rows)], dtype=strings),
            "kind": pd.Categorical.from_codes(np.arange(rows) % 5, list("abcde")),
            **{name: numbers.random(rows) for name in ("x", "y", "z")},
        }
    )


def _line(
    what: str,
    value: object,
    goals: tuple[Goal, ...],
    rounds: int,
    calls: int,
    others: dict[str, Timed] | None = None,
) -> Line:
    contenders = {
        OURS: lambda _: p.hash(value),
        "joblib": lambda _: joblib.hash(value),
        **(others or {}),
    }
    return Line(what, NONE, interleaved(contenders, rounds, calls), goals)

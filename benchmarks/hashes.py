"""The hash of a value beside `joblib.hash`, and that of a large array beside BLAKE3 alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import blake3
import joblib
import numpy as np
import pandas as pd

import provenance as p
from benchmarks.lines import NONE, OURS, Goal, Line
from benchmarks.timing import Sizes, Timed, interleaved


@dataclass(frozen=True)
class Point:
    x: int
    y: float
    label: str


def hashes(_: Path, sizes: Sizes) -> Iterator[Line]:
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
    for what, value, goal in _many(sizes):
        yield _line(f"hash of {what}", value, (goal,), few, 1)
    array = np.random.default_rng(0).random(sizes.megabytes * 125_000)
    raw = {
        "blake3": lambda _: blake3.blake3(
            array.data.cast("B"), max_threads=blake3.blake3.AUTO
        ).digest()
    }
    yield _line(
        f"hash of a {sizes.megabytes} MB array", array, (Goal("blake3", 1 / 0.9, 1.0),), few, 1, raw
    )


def _many(sizes: Sizes) -> Iterator[tuple[str, object, Goal]]:
    texts = [f"string{i}" for i in range(sizes.members // 5)]
    points = [Point(i, i / 7, str(i)) for i in range(sizes.objects)]
    names = {f"key{i}": i for i in range(sizes.members // 10)}
    tree = [_record(i) for i in range(sizes.members // 50)]
    rows = sizes.megabytes * 7_500
    yield f"{sizes.members:,} ints", list(range(sizes.members)), Goal("joblib", 1 / 18, 1 / 27)
    yield f"{len(texts):,} short strings", texts, Goal("joblib", 1 / 18, 1 / 27)
    yield f"JSON-like data of {10 * len(tree):,} leaves", tree, Goal("joblib", 1 / 7, 1 / 10)
    yield f"a dict of {len(names):,} str to int", names, Goal("joblib", 1 / 4.5, 1 / 6)
    yield f"{len(points):,} frozen dataclasses", points, Goal("joblib", 1 / 12, 1 / 20)
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


def _record(i: int) -> dict[str, object]:
    place = {"x": i / 7, "y": -i / 3}
    return {
        "id": i,
        "name": f"user{i}",
        "tags": [f"t{i % 7}", "a", str(i)],
        "pos": place,
        "ok": i % 2 == 0,
        "n": None,
    }


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

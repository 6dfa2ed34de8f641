"""The hash of a value beside `joblib.hash`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np

import provenance as p
from benchmarks.lines import NONE, OURS, Line
from benchmarks.timing import Sizes, interleaved


@dataclass(frozen=True)
class Point:
    x: int
    y: float
    label: str


def hashes(_: Path, sizes: Sizes) -> Iterator[Line]:
    """Small, many, structured and large values."""
    points = [Point(i, i / 7, str(i)) for i in range(sizes.objects)]
    array = np.random.default_rng(0).random(sizes.megabytes * 125_000)
    few = max(2, sizes.rounds // 5)
    yield _line("hash of two ints", (1, 2), sizes.rounds, sizes.calls)
    yield _line(f"hash of {sizes.members:,} ints", list(range(sizes.members)), few, 1)
    yield _line(f"hash of {sizes.objects:,} dataclasses", points, few, 1)
    yield _line(f"hash of a {sizes.megabytes} MB array", array, few, 1)


def _line(what: str, value: object, rounds: int, calls: int) -> Line:
    contenders = {OURS: lambda _: p.hash(value), "joblib": lambda _: joblib.hash(value)}
    return Line(what, NONE, interleaved(contenders, rounds, calls))

"""Values of many shapes, whose hashes are measured beside `joblib.hash`."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from typing import NamedTuple

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

COLUMNS = 20_000
_START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Point:
    """A frozen dataclass."""

    x: int
    y: float
    label: str


@attrs.frozen
class Slotted:
    """An attrs class with slots."""

    x: int
    y: float
    label: str


class Named(NamedTuple):
    """A named tuple."""

    x: int
    y: float
    label: str


class Plain:
    """An object with a dictionary."""

    def __init__(self, x: int, y: float, label: str) -> None:
        self.x, self.y, self.label = x, y, label


def record(i: int) -> dict[str, object]:
    """JSON-like data of ten leaves."""
    place = {"x": i / 7, "y": -i / 3}
    tags = [f"t{i % 7}", "a", str(i)]
    return {
        "id": i,
        "name": f"user{i}",
        "tags": tags,
        "pos": place,
        "ok": i % 2 == 0,
        "n": None,
    }


def many(count: int) -> Iterator[tuple[str, list[object]]]:
    """Yield lists of *count* values of one type, and what they are."""
    numbers = np.random.default_rng(0)
    makers: dict[str, Callable[[int], object]] = {
        "plain objects": lambda i: Plain(i, i / 7, str(i)),
        "objects with slots": lambda i: Slotted(i, i / 7, str(i)),
        "named tuples": lambda i: Named(i, i / 7, str(i)),
        "dicts with keys of their own": lambda i: {f"a{i}": i, f"b{i}": [i]},
        "sets of three": lambda i: {i, -1 - i, str(i)},
        "Decimals": lambda i: Decimal(i) / 7,
        "datetimes": lambda i: _START + dt.timedelta(hours=i),
        "UUIDs": lambda i: uuid.UUID(int=i << 70),
        "paths": lambda i: PurePosixPath(f"/data/{i}.csv"),
        "NumPy scalars": lambda i: np.float64(i / 7),
        "arrays of eight": lambda _: numbers.random(8),
        "rows of five types": lambda i: (
            i,
            Decimal(i),
            _START + dt.timedelta(i),
            np.int64(i),
            Plain(i, i / 7, str(i)),
        ),
    }
    for what, make in makers.items():
        yield what, [make(i) for i in range(count)]


def tree(depth: int) -> dict[str, object]:
    """Return nested dicts, lists and tuples, as a configuration has them."""
    if not depth:
        return {"rate": 0.1, "steps": 3, "name": "adam"}
    pairs = {f"part{i}": tree(depth - 1) for i in range(3)}
    return {**pairs, "sizes": [64, 32, {"last": depth}], "shape": (depth, "x")}


def wide(columns: int = COLUMNS) -> Iterator[tuple[str, object]]:
    """Yield tables of very many columns, and what they are."""
    yield "floats", wide_frame(columns)
    rows = np.arange(10)
    kinds = (rows, rows / 7, rows % 2 == 0)
    yield "numbers of three types", pd.DataFrame({f"c{i}": kinds[i % 3] for i in range(columns)})
    objects = np.array([[1, "a", None, 2.5]] * columns, object).T
    yield "objects", pd.DataFrame(objects, columns=[f"c{i}" for i in range(columns)])
    pairs = pd.MultiIndex.from_product([range(columns // 10), range(10)])
    yield (
        "floats below two levels of names",
        wide_frame(columns).iloc[:, : len(pairs)].set_axis(pairs, axis=1),
    )
    yield "integers, of polars", pl.DataFrame({f"c{i}": rows + i for i in range(columns)})
    yield "integers, of Arrow", pa.table({f"c{i}": rows + i for i in range(columns)})


def wide_frame(columns: int = COLUMNS, seed: int = 0) -> pd.DataFrame:
    """Return a frame of ten rows of floats."""
    values = np.random.default_rng(seed).random((10, columns))
    return pd.DataFrame(values, columns=[f"c{i}" for i in range(columns)])

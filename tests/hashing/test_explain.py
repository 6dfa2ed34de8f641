"""What a hash is made of, and where two values differ."""

import copy
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePosixPath
from threading import Lock
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict
from sklearn.linear_model import Ridge

import provenance as p
from provenance.hashing.comparison import equal_within
from provenance.testing import in_memory
from strategies import nested


@dataclass
class Model:
    rate: float
    weights: object


class Level(Enum):
    LOW = 1
    HIGH = 2


class Settings(BaseModel):
    model_config = ConfigDict(extra="allow")
    window: int = 3
    levels: list[Level] = []


class Log(list[int]):
    """A list with attributes."""


class Registry(dict[str, int]):
    """A dictionary of its own class."""


class Handle:
    """It pickles itself."""

    def __init__(self, path):
        self.path, self.opened = path, object()

    def __getstate__(self):
        return {"path": self.path}


def each(tree):
    """The tree and all trees in it."""
    yield tree
    for part in tree.parts:
        yield from each(part)


@given(nested)
def test_the_root_is_the_hash(value):
    """The digest of the tree is that of the value."""
    assert p.hash(value) == p.explain_hash(value).digest


@given(st.lists(nested, max_size=4))
def test_each_part_has_the_hash_that_it_has_alone(values):
    """What the path of a part leads to has the digest that the tree tells."""
    for tree in each(p.explain_hash(values, limit=4)):
        if ".member(" not in tree.path and "nan" not in tree.path:
            assert tree.digest == p.hash(eval(tree.path, {"value": values}))


@given(nested, nested)
def test_values_differ_exactly_if_their_hashes_do(first, second):
    """There are differences between two values just when they have different hashes."""
    assert bool(p.hash_differences(first, second)) == (p.hash(first) != p.hash(second))
    assert () == p.hash_differences(first, copy.deepcopy(first))


@given(st.lists(nested, min_size=1, max_size=4), st.data())
def test_one_changed_part_is_named(values, data):
    """The path leads to the one leaf that was changed, and to nothing else."""
    at = data.draw(st.integers(0, len(values) - 1))
    other = [*values[:at], Model(0, values[at]), *values[at + 1 :]]
    (found,) = p.hash_differences(values, other)
    assert f"value[{at}]" == found.path


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"b": [1, 2]}, {"b": [1, 3]}, ["value['b'][1] differs: 2 and 3"]),
        ({"a": 1}, {"a": 1, "b": 2}, ["value['b'] is only in the second: - and 2"]),
        ([1, 2], [1], ["value[1] is only in the first: 2 and -"]),
        (
            {1, 2},
            {1, 3},
            [
                "value.member(2) is only in the first: 2 and -",
                "value.member(3) is only in the second: - and 3",
            ],
        ),
        ([1], [True], ["value[0] is of another type: 1 (builtins:int) and True (builtins:bool)"]),
        (Model(0.5, [1]), Model(0.5, [2]), ["value.weights[0] differs: 1 and 2"]),
        (
            {"x": np.zeros(2)},
            {"x": np.zeros(2, "f4")},
            ["value['x'].dtype differs: 'float64' and 'float32'"],
        ),
        (
            np.zeros((2, 3)),
            np.zeros((3, 2)),
            ["value.shape[0] differs: 2 and 3", "value.shape[1] differs: 3 and 2"],
        ),
        (
            np.zeros((2, 2)),
            np.eye(2)[:, ::-1] * [[0, 1], [0, 0]],
            ["value[0][1] differs: np.float64(0.0) and np.float64(1.0)"],
        ),
        (
            pd.DataFrame({"a": [1, 2]}),
            pd.DataFrame({"a": [1, 3]}),
            ["value['a'].array[1] differs: np.int64(2) and np.int64(3)"],
        ),
        (
            pd.Series(["x"], name="a"),
            pd.Series(["x"], name="b"),
            ["value.name differs: 'a' and 'b'"],
        ),
        (lambda x: x + 1, lambda x: x + 2, ["value.__code__ differs: a code and a code"]),
        (lambda x=1: x, lambda x=2: x, ["value.__defaults__[0] differs: 1 and 2"]),
    ],
)
def test_differences_are_named_as_python_would(first, second, expected):
    """Each difference reads as the way to it, and what is there."""
    assert expected == [str(each) for each in p.hash_differences(first, second)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (date(2026, 11, 27), date(2026, 11, 28)),
        (timedelta(1), timedelta(2)),
        (pd.Timestamp("2026-11-27"), pd.Timestamp("2026-11-27", tz="UTC")),
        (Decimal("1.0"), Decimal("1.00")),
        (Fraction(1, 2), Fraction(1, 3)),
        (UUID(int=1), UUID(int=2)),
        (PurePosixPath("a"), PurePosixPath("b")),
        (Level.LOW, Level.HIGH),
        (re.compile("a"), re.compile("b")),
        (range(3), range(4)),
        (slice(1), slice(2)),
        (int, str),
    ],
    ids=lambda value: type(value).__name__,
)
def test_small_values_are_shown(first, second):
    """A day, an amount or a path is shown, and not only called by its type."""
    (found,) = p.hash_differences(first, second)
    assert f"value differs: {first!r} and {second!r}" == str(found)


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        (Settings(window=3), Settings(window=4), "value.window"),
        (Settings(levels=[Level.LOW]), Settings(levels=[Level.HIGH]), "value.levels[0]"),
        (Settings(depth=1), Settings(depth=2), "value.__pydantic_extra__['depth']"),
        (Settings(), Settings(window=3), "value.__pydantic_fields_set__.member('window')"),
        (Ridge(), Ridge(alpha=2.0), "value.alpha"),
        (Log([1, 2]), Log([1, 3]), "value[1]"),
        (Registry(a=1), Registry(a=2), "value['a']"),
        (Handle("a"), Handle("b"), "value.path"),
        (ValueError("a", 1), ValueError("a", 2), "value.args[1]"),
        (pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [1, 3]}), "value['a'][1]"),
        (pl.Series([1, 2]), pl.Series([1.0, 2.0]), "value.dtype"),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"b": [1]}), "value.columns[0]"),
        (pa.table({"a": [1], "b": [2]}), pa.table({"a": [1], "b": [3]}), "value['b'][0]"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_place_in_objects_and_tables_is_named(first, second, path):
    """Models of pydantic, estimators, collections of own classes and tables differ by place."""
    assert path == p.hash_differences(first, second)[0].path
    assert () == p.hash_differences(first, copy.deepcopy(first))


def test_a_captured_variable_is_named():
    """Two closures of one code differ in what they captured."""

    def make(rate):
        return lambda x: x * rate

    (found,) = p.hash_differences(make(1), make(2))
    assert "value.__closure__['rate']" == found.path


def test_proxies_are_transparent():
    """A result explains itself as its value does."""
    with in_memory():
        made = p.provenance(lambda: {"a": [1]}, name="made")()
        assert p.explain_hash({"a": [1]}) == p.explain_hash(made)
        assert ["value['x']['a'][0]"] == [
            one.path for one in p.hash_differences({"x": made}, {"x": {"a": [2]}})
        ]


def test_shared_parts_are_compared_once():
    """Sixty levels of a list with two references to the one below take no time."""
    first, second = [1], [2]
    for _ in range(60):
        first, second = [first, first], [second, second]
    assert ["value" + "[0]" * 61] == [one.path for one in p.hash_differences(first, second)]


def test_large_values_are_shown_in_part():
    """Of many parts a few are shown, and the number of the others."""
    tree = p.explain_hash(list(range(1000)), limit=3)
    assert (3, 997) == (len(tree.parts), tree.omitted)
    assert "… 997 more" in str(tree)
    assert 5 == len(p.hash_differences([0] * 100, [1] * 100, limit=5))


class Tracked(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    rate: float
    guard: object

    def value_repr(self):
        return self.rate


@dataclass
class Guarded:
    rate: float
    guard: object


def test_parts_that_do_not_count_are_no_differences():
    """They may even have no hash."""
    p.register_hasher(Guarded, lambda guarded: guarded.rate)
    for kind in (Tracked, Guarded):
        first, second = (kind(rate=rate, guard=Lock()) for rate in (1.0, 2.0))
        assert () == p.explain_hash(first).parts
        shown = f"a {kind.__name__}"
        assert p.hash_differences(first, second) == (
            p.Difference("value", p.Change.CONTENT, shown, shown),
        )
        near = [[kind(rate=1.0, guard=guard), floating] for guard, floating in ((1, 1.0), (2, 1.1))]
        assert equal_within(*near, tolerance=0.2)

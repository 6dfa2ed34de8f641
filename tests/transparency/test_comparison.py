"""The comparison of outcomes sees each difference of type or value."""

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import provenance as p
from provenance.testing import in_memory
from transparency.case import Case, each_expression
from transparency.comparison import equal
from transparency.values import VALUES, Account, Config, Point

DIFFERENT = [
    (1, True),
    (1, 1.0),
    (0.0, -0.0),
    (1.0, np.float64(1.0)),
    ("a", b"a"),
    ("a", np.str_("a")),
    (None, False),
    ([1], (1,)),
    ([1], [1, 2]),
    ([1, [2]], [1, [2.0]]),
    ({1}, {True}),
    ({1}, frozenset({1})),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({"a": 1}, {"a": 1.0}),
    (Point(1, 2), (1, 2)),
    (Account("a", 1), Account("a", 2)),
    (Config(0.1), Config(0.2)),
    (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
    (VALUES["datetime"](), VALUES["datetime"]().replace(tzinfo=dt.UTC)),
    (VALUES["date"](), VALUES["datetime"]()),
    (dt.timedelta(1), pd.Timedelta(1, "D")),
    (np.array([1]), np.array([1.0])),
    (np.array([1]), np.array([[1]])),
    (np.array([1, 2]), np.array([1, 3])),
    (np.array(["a"]), np.array(["a"], dtype=object)),
    (np.array([1], dtype=object), np.array([1.0], dtype=object)),
    (np.float32(1), np.float64(1)),
    (np.ma.masked_array([1, 2], [True, False]), np.ma.masked_array([1, 2])),
    (np.ma.masked_array([1, 2], [True, False]), np.array([1, 2])),
    (VALUES["units"](), np.arange(3.0)),
    (pd.Series([1]), pd.Series([1.0])),
    (pd.Series([1]), pd.Series([1], dtype=object)),
    (pd.Series([1], name="a"), pd.Series([1], name="b")),
    (pd.Series([1], index=["a"]), pd.Series([1], index=["b"])),
    (pd.Series([1, None], dtype=object), pd.Series([1, float("nan")], dtype=object)),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1.0]})),
    (pd.Index([1]), pd.Index([1], name="a")),
    (pd.MultiIndex.from_tuples([(1, "a")]), pd.MultiIndex.from_tuples([(1, "b")])),
    (pd.date_range("2024", periods=2), pd.DatetimeIndex(["2024-01-01", "2024-01-02"])),
    (pl.Series([1]), pl.Series([1.0])),
    (pl.Series([1]), pl.Series("a", [1])),
    (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2]})),
    (pa.array([1]), pa.array([1], pa.int8())),
    (pa.table({"a": [1]}), pa.table({"a": [2]})),
    (VALUES["csr"](), VALUES["csr"]() * 2),
    (VALUES["csr"](), VALUES["csr"]().tocoo()),
    (int, float),
    (len, max),
]


@pytest.mark.parametrize(("plain", "other"), DIFFERENT, ids=range(len(DIFFERENT)))
def test_values_that_differ_in_type_or_value_are_not_equal(plain, other):
    """A value is not equal to one of another type, or with another value anywhere within."""
    assert not equal(plain, other)
    assert not equal([{"a": plain}], [{"a": other}])


@pytest.mark.parametrize("name", VALUES)
def test_each_value_is_equal_to_one_that_is_made_again(name):
    """Values that are made in the same way are equal, so that what differs is a difference."""
    assert equal(VALUES[name](), VALUES[name]())


def test_results_are_compared_by_their_values():
    """A result is equal to its value, alone and inside other values, and to no other value."""
    with in_memory():
        seven = p.provenance(lambda: 7, name="seven")()
    assert equal(7, seven)
    assert equal([{"a": 7}], [{"a": seven}])
    assert not equal(7.0, seven)
    assert not equal([8], [seven])


def test_expressions_between_commas_are_cases_of_their_own():
    """A line of expressions becomes one case each; tuples in parentheses and statements stay as they are."""
    cases = [
        Case("int", "x + 1, (x, 2), f(x, 3)"),
        Case("int", "(x, 1)"),
        Case("int", "y = x\ny, 1"),
    ]
    assert [case.code for case in each_expression(cases)] == [
        "x + 1",
        "(x, 2)",
        "f(x, 3)",
        "(x, 1)",
        "y = x\ny, 1",
    ]

"""Values differ in their own terms: arrays by elements, tables by columns, others by parts."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import provenance as p
from provenance.hashing.comparison import ArrayDifference, compare_values, equal_within

FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "z"], "c": [1, 2, 3]})
VALUES = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES, VALUES)
def test_values_differ_if_their_hashes_do(first, second):
    """There is a difference exactly then, and the order of the two does not decide."""
    differ = p.hash(first) != p.hash(second)
    assert differ == bool(compare_values(first, second)) == bool(compare_values(second, first))


@given(VALUES)
def test_a_value_is_equal_within_any_tolerance(value):
    """To itself."""
    assert equal_within(value, value, 0.0)


def test_arrays_are_compared_by_elements():
    """How many differ, and by how much at most."""
    first = np.arange(10.0)
    second = first.copy()
    second[3] += 0.5
    assert (ArrayDifference("value", ("float64 of shape (10,)",) * 2, 0.5, 0.1),) == compare_values(
        first, second
    )
    assert "value: 0.1 of the elements differ, by at most 0.5" == str(
        compare_values(first, second)[0]
    )
    assert "value is float64 of shape (10,) and float64 of shape (9,)" == str(
        compare_values(first, first[1:])[0]
    )


@pytest.mark.parametrize(
    ("first", "second", "largest", "share"),
    [
        (np.array([np.nan, 1.0]), np.array([np.nan, 2.0]), 1.0, 0.5),
        (np.array([1j, 2.0]), np.array([1j, 2.0 + 1j]), 1.0, 0.5),
        (np.array([True, False]), np.array([True, True]), 1.0, 0.5),
        (np.array(["a", "b"]), np.array(["a", "c"]), None, 0.5),
        (np.array([1, 2]), np.array([1.0, 2.0]), None, 0.0),
        (np.array([0.0]), np.array([-0.0]), None, 0.0),
    ],
)
def test_arrays_of_any_element_type(first, second, largest, share):
    """Missing numbers are equal to each other."""
    (difference,) = compare_values(first, second)
    assert (largest, share) == (difference.max_difference, difference.share)


@pytest.mark.parametrize("make", [lambda frame: frame, pl.from_pandas, pa.Table.from_pandas])
def test_tables_are_compared_by_columns(make):
    """Rows, names, types and contents."""
    changed = FRAME.assign(a=[1.0, 2.0, 3.5], c=[1.0, 2.0, 3.0], d=0).drop(columns="b")
    (difference,) = compare_values({"t": make(FRAME)}, {"t": make(changed)})
    assert ("value['t']", (3, 3), ("b",), ("d",)) == (
        difference.path,
        difference.rows,
        difference.removed,
        difference.added,
    )
    assert ["column 'a'"] == [each.path for each in difference.columns]
    assert 0.5 == difference.columns[0].max_difference
    assert "only in the first: b; only in the second: d; column 'c' is " in str(difference)
    (shorter,) = compare_values(make(FRAME), make(FRAME.iloc[:2]))
    assert (3, 2) == shorter.rows
    assert "3 and 2 rows" in str(shorter)


def test_an_index_may_differ_alone():
    """Then no column does."""
    (difference,) = compare_values(FRAME, FRAME.set_index(pd.Index([5, 6, 7])))
    assert "its index or order differs" in str(difference)


def test_tables_with_columns_of_one_name_are_compared_by_parts():
    """There is no telling them apart by name."""
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert compare_values(twice, twice + 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda noise: 1.0 + noise,
        lambda noise: 1j + noise,
        lambda noise: [np.ones(3) + noise, {"a": (1, 2.0 + noise)}],
        lambda noise: pd.DataFrame({"a": [1.0 + noise], "b": ["x"]}),
        lambda noise: pl.DataFrame({"a": [1.0 + noise], "b": ["x"]}),
        lambda noise: pd.DataFrame({"a": ["x"]}, index=[1.0 + noise]),
        lambda noise: pl.Series("a", np.ones(20_000) + noise),
        lambda noise: pa.chunked_array([np.ones(20_000) + noise]),
        lambda noise: 1e9 * (1 + noise),
    ],
)
def test_floats_may_differ_within_a_tolerance(make):
    """At any depth, and nothing else may."""
    assert equal_within(make(0.0), make(1e-12), 1e-9)
    assert not equal_within(make(0.0), make(1e-3), 1e-9)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (1, 1.0),
        ("a", "b"),
        ([1.0], [1.0, 2.0]),
        (np.ones(2), np.ones(3)),
        ({"a": 1.0}, {"b": 1.0}),
        (pd.DataFrame({"a": [1.0]}, index=["x"]), pd.DataFrame({"a": [1.0]}, index=["y"])),
        (pl.Series("a", [1.0]), pl.Series("b", [1.0])),
        (pa.chunked_array([[1.0]]), pa.chunked_array([[1]])),
        (pl.DataFrame({"a": [1.0, None]}), pl.DataFrame({"a": [1.0, float("nan")]})),
        (pa.table({"a": [1.0, None]}), pa.table({"a": [1.0, float("nan")]})),
    ],
)
def test_other_differences_are_not_tolerated(first, second):
    """Types, texts, lengths, keys, the index of a table, and what is missing."""
    assert not equal_within(first, second, 1e9)

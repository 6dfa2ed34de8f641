"""The forms of values: how many there are counts, and members have the item that they have alone."""

import datetime as dt
import fractions
import re

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from numpy._core._rational_tests import rational

import provenance as p
from provenance.hashing.digest import combine
from provenance.hashing.encoding import child_item


class Empty:
    pass


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize("make", [dict, list, tuple, set, frozenset, Empty, lambda: np.zeros(0)])
def test_many_without_content_are_counted(make):
    """Of many values without content, each counts."""
    hashes = {p.hash([make() for _ in range(count)]) for count in (0, 1, 4, 31, 32, 33, 64)}
    assert len(hashes) == 7
    assert p.hash([*(make() for _ in range(40)), 1]) != p.hash([*(make() for _ in range(39)), 1])


NANOSECONDS = [
    lambda count: pa.array([count], pa.time64("ns")),
    lambda count: pa.array([count], pa.time64("ns")).dictionary_encode(),
    lambda count: pa.array([[count]], pa.list_(pa.time64("ns"))),
    lambda count: pa.array([[count]], pa.list_(pa.time64("ns"), 1)),
    lambda count: pa.array([[("a", count)]], pa.map_(pa.string(), pa.time64("ns"))),
    lambda count: pa.array([{"a": [count]}], pa.struct([("a", pa.large_list(pa.time64("ns")))])),
    lambda count: pa.array([count], pa.int64()).view(pa.date64()),
    lambda count: pa.array([count], pa.timestamp("ns", "Europe/Paris")),
    lambda count: pa.array([count + 2**62], pa.timestamp("s")),
    lambda count: pa.scalar(count, pa.time64("ns")),
    lambda count: pa.table({"a": pa.array([count], pa.duration("ns"))}),
    lambda count: pl.Series([count]).cast(pl.Time),
    lambda count: pl.Series([[count]]).cast(pl.List(pl.Time)),
    lambda count: pl.DataFrame({"a": pl.Series([count]).cast(pl.Datetime("ns", "UTC"))}),
]


@pytest.mark.parametrize("make", NANOSECONDS)
def test_every_nanosecond_counts(make):
    """Columns of times differ if their times do, by however little and wherever the times are."""
    assert p.hash(make(1)) == p.hash(make(1))
    assert len({p.hash(make(count)) for count in range(3)}) == 3


def test_times_that_arrow_cannot_read_exactly_are_refused():
    """A layout whose times Arrow cannot turn into numbers is refused, so that none is taken for another."""
    column = pa.array([[1]], pa.list_view(pa.time64("ns")))
    with pytest.raises(p.UnhashableValueError, match="cast it"):
        p.hash(column)


def test_tensors_of_arrow_count_by_their_elements():
    """With shape, type and names of the dimensions, and whatever their order in memory is."""
    numbers = np.arange(6).reshape(2, 3)
    made = pa.Tensor.from_numpy
    assert p.hash(made(numbers)) == p.hash(made(np.asfortranarray(numbers)))
    others = (numbers.T, numbers.reshape(3, 2), numbers + 1, numbers.astype("f8"))
    named = made(numbers, dim_names=["a", "b"])
    hashes = {p.hash(value) for value in (named, made(numbers), *map(made, others))}
    assert len(hashes) == 6


def test_dtypes_of_strings_count():
    """Arrays of strings of any length differ in what stands for a missing one, and whether others become strings."""
    kinds = [
        np.dtypes.StringDType(**options)
        for options in ({}, {"na_object": None}, {"na_object": np.nan}, {"coerce": False})
    ]
    assert len({p.hash(kind) for kind in kinds}) == len(kinds)
    assert len({p.hash(np.array(["a"], kind)) for kind in kinds}) == len(kinds)


def test_dtypes_of_other_libraries_count():
    """Dtypes that NumPy does not have are known by the type of their elements, as they share NumPy's codes."""
    numbers = np.array([rational(1, 2), rational(3)])
    named = "<V8 numpy._core._rational_tests:rational"
    form = combine("ndarray", [named, 2, numbers.tobytes()])
    assert p.hash(numbers) == form.hex()
    assert p.hash([numbers] * 5) == combine("list", [child_item(form)] * 5).hex()


@pytest.mark.parametrize(
    "value",
    [
        fractions.Fraction(np.int64(3)),
        re.compile(Text("a")),
        dt.timezone(dt.timedelta(hours=1), Text("a")),
        memoryview(np.zeros((0, 3), "i4")),
    ],
)
def test_unusual_parts_are_hashed(value):
    """Numbers of NumPy and texts of subclasses may be parts of values of the standard library."""
    assert p.hash(value) == p.hash(value)
    assert p.hash([value] * 5) == p.hash([value] * 5)

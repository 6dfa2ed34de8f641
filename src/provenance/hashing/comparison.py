"""How two values differ, in their own terms: arrays by elements, tables by columns, others by parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias, cast

from attrs import frozen

from provenance.escaping import escape_invisible
from provenance.hashing import hash_value
from provenance.hashing.explain import Difference, hash_differences, parts
from provenance.model.references import unwrap
from provenance.util.naming import exported
from provenance.util.optional import imported_module

MOST: Final = 20
"""Number of differences that are listed."""
_Table: TypeAlias = Any
"""An array or table of a library that may be missing."""
_Columns: TypeAlias = "Mapping[str, tuple[str, _Table]]"
"""The columns of a table by name, with their types."""


@exported
@frozen
class ArrayDifference:
    """How two arrays differ.

    Attributes:
        path: the path to the array in the value.
        shapes: the shapes of both, and their element types.
        max_difference: the largest absolute difference; None if they cannot be subtracted.
        share: the share of unequal elements; None if the shapes differ.

    Example:
        >>> import provenance as p
        >>> import numpy as np
        >>> zeros = p.provenance(lambda n: np.array([0.0, n]), name="zeros")
        >>> [difference] = p.diff(zeros(1), zeros(3)).value
        >>> difference.share, difference.max_difference
        (0.5, 2.0)
    """

    path: str
    shapes: tuple[str, str]
    max_difference: float | None
    share: float | None

    def __str__(self) -> str:
        if self.share is None:
            return f"{self.path} is {self.shapes[0]} and {self.shapes[1]}"
        share = "all" if self.share == 1 else f"{self.share:.3g}"
        text = f"{self.path}: {share} of the elements differ"
        return (
            text if self.max_difference is None else f"{text}, by at most {self.max_difference:.3g}"
        )


@exported
@frozen
class TableDifference:
    """How two tables differ.

    Attributes:
        path: the path to the table in the value.
        rows: the numbers of rows of both.
        removed: names of columns that only the first has.
        added: names of columns that only the second has.
        retyped: names of columns whose types differ, with both types.
        columns: how columns of one name and type differ, if the numbers of rows are equal.

    Example:
        >>> import provenance as p
        >>> import pandas as pd
        >>> table = p.provenance(lambda name: pd.DataFrame({name: [1, 2]}), name="table")
        >>> [difference] = p.diff(table("price"), table("cost")).value
        >>> difference.removed, difference.added
        (('price',), ('cost',))
    """

    path: str
    rows: tuple[int, int]
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()
    columns: tuple[ArrayDifference | Difference, ...] = ()

    def __str__(self) -> str:
        facts = [f"{self.rows[0]:,} and {self.rows[1]:,} rows"] if len({*self.rows}) > 1 else []
        for what, names in (
            ("only in the first", self.removed),
            ("only in the second", self.added),
        ):
            facts += [f"{what}: {', '.join(names)}"] if names else []
        facts += self.retyped
        facts += map(str, self.columns)
        return escape_invisible(f"{self.path}: {'; '.join(facts) or 'its index or order differs'}")


ValueDifference: TypeAlias = ArrayDifference | TableDifference | Difference


def compare_values(
    first: object, second: object, path: str = "value"
) -> tuple[ValueDifference, ...]:
    """Return where two values differ, at most 20 places; none if their hashes are equal.

    >>> [str(each) for each in compare_values({"a": [1, 2]}, {"a": [1, 3]})]
    ["value['a'][1] differs: 2 and 3"]
    """
    found = _compare(unwrap(first), unwrap(second), path)
    return tuple(difference for _, difference in zip(range(MOST), found, strict=False))


def _compare(first: object, second: object, path: str) -> Iterator[ValueDifference]:
    if hash_value(first, path) == hash_value(second, path):
        return
    columns = _columns(first), _columns(second)
    if columns[0] is not None and columns[1] is not None:
        yield _compare_tables(columns[0], columns[1], path)
    elif _is_array(first) and _is_array(second):
        yield _compare_arrays(first, second, path)
    elif type(first) is type(second) and type(first) in (list, tuple, dict):
        yield from _compare_members(first, second, path)
    else:
        yield from hash_differences(first, second, path, limit=MOST)


def _compare_members(first: object, second: object, path: str) -> Iterator[ValueDifference]:
    ours, theirs = ({part.key: part for part in parts(value)} for value in (first, second))
    if ours.keys() != theirs.keys():
        yield from hash_differences(first, second, path, limit=MOST)
        return
    for key, part in ours.items():
        yield from _compare(unwrap(part.value), unwrap(theirs[key].value), path + part.step)


def _is_array(value: object) -> bool:
    numpy = imported_module("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _compare_arrays(first: _Table, second: _Table, path: str) -> ArrayDifference:
    numpy: Any = imported_module("numpy")
    ours, theirs = (f"{one.dtype} of shape {one.shape}" for one in (first, second))
    shapes = ours, theirs
    if first.shape != second.shape:
        return ArrayDifference(path, shapes, None, None)
    numbers = all(one.dtype.kind in "biufc" for one in (first, second))
    unequal = numpy.asarray(first != second)
    if numbers:
        unequal &= ~(numpy.isnan(first) & numpy.isnan(second))
    share = float(unequal.mean()) if unequal.size else 0.0
    largest = None
    if numbers and share:
        kind = complex if "c" in first.dtype.kind + second.dtype.kind else float
        largest = float(numpy.abs(first.astype(kind) - second.astype(kind))[unequal].max())
    return ArrayDifference(path, shapes, largest, share)


def _columns(value: _Table) -> _Columns | None:
    """Return the columns of a table by name, with their types; None if it is not one."""
    kinds = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "Table"}
    for library, kind in kinds.items():
        module = imported_module(library)
        if module is None or not isinstance(value, getattr(module, kind)):
            continue
        names = value.column_names if library == "pyarrow" else list(value.columns)
        if len(set(names)) < len(names):
            return None
        return {str(name): (str(_type_of(value[name])), value[name]) for name in names}
    return None


def _is_column(value: object) -> bool:
    """Tell whether *value* is a column of polars or Arrow by itself; one of pandas has an index, too."""
    for library, kind in (("polars", "Series"), ("pyarrow", "ChunkedArray")):
        module = imported_module(library)
        if module is not None and isinstance(value, getattr(module, kind)):
            return True
    return False


def _type_of(column: _Table) -> object:
    return column.dtype if hasattr(column, "dtype") else column.type


def _compare_tables(first: _Columns, second: _Columns, path: str) -> TableDifference:
    shared = [name for name in first if name in second]
    retyped = [name for name in shared if first[name][0] != second[name][0]]
    rows = _length(first), _length(second)
    columns: list[ArrayDifference | Difference] = []
    for name in shared:
        ours, theirs = first[name][1], second[name][1]
        if rows[0] == rows[1] and name not in retyped and hash_value(ours) != hash_value(theirs):
            columns += _compare_columns(ours, theirs, f"column {name!r}")
    return TableDifference(
        path,
        rows,
        tuple(name for name in first if name not in second),
        tuple(name for name in second if name not in first),
        tuple(f"column {name!r} is {first[name][0]} and {second[name][0]}" for name in retyped),
        tuple(columns[:MOST]),
    )


def _length(columns: _Columns) -> int:
    return next((len(column) for _, column in columns.values()), 0)


def _compare_columns(
    first: _Table, second: _Table, path: str
) -> tuple[ArrayDifference | Difference, ...]:
    before, after = first.to_numpy(), second.to_numpy()
    if hash_value(before) == hash_value(after):
        pandas = imported_module("pandas")
        if pandas is not None and isinstance(first, pandas.Series):
            return ()  # the index of the table differs
        # NumPy has NaN both for missing values and for NaN.
        return hash_differences(first, second, path, limit=1)
    return (_compare_arrays(before, after, path),)


def equal_within(first: object, second: object, tolerance: float) -> bool:
    """Return whether two values are equal, apart from floats that differ by at most *tolerance*, relative to their size or to 1.

    >>> equal_within({"a": [1.0, 2]}, {"a": [1.0 + 1e-12, 2]}, 1e-9), equal_within(1, 2, 1e-9)
    (True, False)
    """
    first, second = unwrap(first), unwrap(second)
    if type(first) is not type(second):
        return False
    if isinstance(first, float | complex):
        return _are_close(first, cast("complex", second), tolerance)
    if _is_array(first):
        return _close_arrays(first, second, tolerance)
    if _is_column(first):
        kinds = [(getattr(one, "name", None), str(_type_of(one))) for one in (first, second)]
        return kinds[0] == kinds[1] and _close_columns(first, second, tolerance)
    columns, others = _columns(first), _columns(second)
    if columns is not None and others is not None:
        one, other = (getattr(table, "index", None) for table in (first, second))
        is_close = hash_value(one) == hash_value(other) or equal_within(one, other, tolerance)
        return (
            is_close
            and list(columns) == list(others)
            and all(
                columns[name][0] == others[name][0]
                and _close_columns(column, others[name][1], tolerance)
                for name, (_, column) in columns.items()
            )
        )
    ours, theirs = ({part.key: part.value for part in parts(value)} for value in (first, second))
    if not ours or ours.keys() != theirs.keys():
        return hash_value(first) == hash_value(second)
    return all(equal_within(ours[key], theirs[key], tolerance) for key in ours)


def _are_close(first: complex, second: complex, tolerance: float) -> bool:
    if hash_value(first) == hash_value(second):  # both may be NaN
        return True
    return abs(first - second) <= tolerance * max(1.0, abs(first), abs(second))


def _close_columns(first: _Table, second: _Table, tolerance: float) -> bool:
    # NumPy has NaN both for missing values and for NaN.
    missing = [column.is_null() for column in (first, second) if hasattr(column, "is_null")]
    are_same = not missing or hash_value(missing[0]) == hash_value(missing[1])
    return are_same and _close_arrays(first.to_numpy(), second.to_numpy(), tolerance)


def _close_arrays(first: _Table, second: _Table, tolerance: float) -> bool:
    numpy: Any = imported_module("numpy")
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    if first.dtype.kind not in "fc":
        return hash_value(first) == hash_value(second)
    return bool(numpy.allclose(first, second, rtol=tolerance, atol=tolerance, equal_nan=True))

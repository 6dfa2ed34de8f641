"""Whether two outcomes are equal by type and value, as deep as they go.

Results of `provenance` are unwrapped wherever they stand: a list that holds a result is equal to
the list that holds its value.
"""

import datetime as dt
import decimal
import enum
import math
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse

import provenance as p

_BY_IDENTITY = (
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.ModuleType,
    enum.Enum,
    np.ufunc,
)
_BY_TEXT = (BaseException, decimal.Decimal, pd.offsets.BaseOffset, types.GenericAlias)


def equal(plain: Any, got: Any) -> bool:
    """Return whether *got* has the type and the value of *plain*."""
    got = unwrapped(got)
    if plain is got:
        return True
    if type(plain) is not type(got):
        return False
    for kinds, compare in (*_COMPARISONS, *_optional()):
        if isinstance(plain, kinds):
            return compare(plain, got)
    return _equal_objects(plain, got)


def unwrapped(value: Any) -> Any:
    """Return the value of a result, and any other value as it is."""
    return p.unwrap(value) if p.is_proxy(value) else value


def _equal_floats(plain: float, got: float) -> bool:
    return (math.isnan(plain) and math.isnan(got)) or (
        plain == got and math.copysign(1, plain) == math.copysign(1, got)
    )


def _equal_times(plain: Any, got: Any) -> bool:
    return (pd.isna(plain) and pd.isna(got)) or (plain == got and str(plain) == str(got))


def _equal_sequences(plain: Any, got: Any) -> bool:
    return len(plain) == len(got) and all(map(equal, plain, got)) and _equal_attributes(plain, got)


def _equal_mappings(plain: Mapping[Any, Any], got: Mapping[Any, Any]) -> bool:
    return _equal_sequences(list(plain.items()), list(got.items())) and _equal_attributes(
        plain, got
    )


def _equal_sets(plain: Any, got: Any) -> bool:
    return _equal_sequences(sorted(plain, key=repr), sorted(map(unwrapped, got), key=repr))


def _equal_arrays(plain: np.ndarray, got: np.ndarray) -> bool:
    if (plain.dtype, plain.shape) != (got.dtype, got.shape) or not _equal_attributes(plain, got):
        return False
    if plain.dtype.hasobject:
        return (
            _equal_sequences(plain.tolist(), got.tolist())
            if plain.ndim
            else equal(plain.item(), got.item())
        )
    return plain.tobytes() == got.tobytes()


def _equal_masked(plain: np.ma.MaskedArray, got: np.ma.MaskedArray) -> bool:
    if plain is np.ma.masked or got is np.ma.masked:
        return False
    masks = np.ma.getmaskarray(plain), np.ma.getmaskarray(got)
    return equal(*masks) and equal(plain.filled(), got.filled())


def _equal_scalars(plain: np.generic, got: np.generic) -> bool:
    return _equal_arrays(np.asarray(plain), np.asarray(got))


def _equal_frames(plain: pd.DataFrame, got: pd.DataFrame) -> bool:
    return (
        equal(plain.index, got.index)
        and equal(plain.columns, got.columns)
        and all(_equal_columns(plain.iloc[:, i], got.iloc[:, i]) for i in range(plain.shape[1]))
    )


def _equal_columns(plain: pd.Series | pd.Index, got: pd.Series | pd.Index) -> bool:
    return plain.dtype == got.dtype and equal(plain.array, got.array)


def _equal_series(plain: pd.Series, got: pd.Series) -> bool:
    return (
        equal(plain.index, got.index) and equal(plain.name, got.name) and _equal_columns(plain, got)
    )


def _equal_indexes(plain: pd.Index, got: pd.Index) -> bool:
    if isinstance(plain, pd.MultiIndex):
        return equal(list(plain.names), list(got.names)) and equal(plain.tolist(), got.tolist())
    frequencies = getattr(plain, "freq", None), getattr(got, "freq", None)
    return (
        equal(list(plain.names), list(got.names))
        and equal(*frequencies)
        and _equal_columns(plain, got)
    )


def _equal_extension_arrays(plain: Any, got: Any) -> bool:
    return plain.dtype == got.dtype and _equal_sequences(list(plain), list(got))


def _equal_polars(plain: Any, got: Any) -> bool:
    if isinstance(plain, pl.Series):
        return (
            plain.name == got.name
            and plain.dtype == got.dtype
            and plain.equals(got, null_equal=True)
        )
    return plain.schema == got.schema and plain.equals(got, null_equal=True)


def _equal_arrow(plain: Any, got: Any) -> bool:
    schemas = ("schema", "type")
    return all(
        equal(getattr(plain, a, None), getattr(got, a, None)) for a in schemas
    ) and plain.equals(got)


def _equal_sparse(plain: Any, got: Any) -> bool:
    return plain.format == got.format and equal(plain.toarray(), got.toarray())


def _optional() -> Iterator[tuple[tuple[type, ...], Any]]:
    """Yield the comparisons of libraries that not every environment has, where they are loaded."""
    if torch := sys.modules.get("torch"):
        yield (torch.Tensor,), _equal_tensors
    if xarray := sys.modules.get("xarray"):
        yield (xarray.DataArray, xarray.Variable), _equal_labeled_arrays
        yield (xarray.Dataset,), _equal_datasets


def _equal_tensors(plain: Any, got: Any) -> bool:
    details = ("dtype", "shape", "layout", "requires_grad")
    if any(getattr(plain, name) != getattr(got, name) for name in details):
        return False
    return plain.equal(got) or equal(plain.detach().cpu().numpy(), got.detach().cpu().numpy())


def _equal_labeled_arrays(plain: Any, got: Any) -> bool:
    return plain.identical(got) and equal(plain.values, got.values)


def _equal_datasets(plain: Any, got: Any) -> bool:
    names = list(plain.variables)
    return plain.identical(got) and all(
        equal(plain[name].values, got[name].values) for name in names
    )


def _equal_objects(plain: Any, got: Any) -> bool:
    if type(plain).__eq__ is not object.__eq__:
        try:
            return bool(plain == got) and _equal_attributes(plain, got)
        except (TypeError, ValueError):
            pass
    try:
        state, other = plain.__reduce_ex__(4), got.__reduce_ex__(4)
    except TypeError:
        return repr(plain) == repr(got)
    return equal(state[1:3], other[1:3])


def _equal_attributes(plain: Any, got: Any) -> bool:
    mine, its = getattr(plain, "__dict__", {}), getattr(got, "__dict__", {})
    return mine.keys() == its.keys() and all(equal(mine[name], its[name]) for name in mine)


_COMPARISONS = (
    (_BY_IDENTITY, lambda plain, got: plain is got),
    (_BY_TEXT, lambda plain, got: str(plain) == str(got)),
    ((np.generic,), _equal_scalars),
    ((float,), _equal_floats),
    ((dt.date, dt.time, dt.timedelta, pd.Period), _equal_times),
    ((Mapping,), _equal_mappings),
    ((set, frozenset), _equal_sets),
    ((np.ma.MaskedArray,), _equal_masked),
    ((np.ndarray,), _equal_arrays),
    ((pd.DataFrame,), _equal_frames),
    ((pd.Series,), _equal_series),
    ((pd.Index,), _equal_indexes),
    ((pd.api.extensions.ExtensionArray,), _equal_extension_arrays),
    ((pl.DataFrame, pl.Series), _equal_polars),
    ((pa.Array, pa.ChunkedArray, pa.Table, pa.RecordBatch, pa.Scalar), _equal_arrow),
    ((scipy.sparse.sparray, scipy.sparse.spmatrix), _equal_sparse),
    ((list, tuple), _equal_sequences),
)

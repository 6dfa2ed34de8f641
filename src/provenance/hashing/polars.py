"""polars: eager frames and series by their columns, regardless of chunks; queries are refused."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import inherited, name_of
from provenance.hashing.walk import UnhashablePart, Walk

# The type hints of polars are incomplete.
pl: Any = import_module("polars")

_FRAME, _SERIES, _DTYPE = map(prefix, ("polars frame", "polars series", "polars dtype"))
_WIDE = tuple(getattr(pl, name) for name in ("Int128", "UInt128") if hasattr(pl, name))
"""Integer types that Arrow lacks."""


@inherited(pl.DataFrame)
def _frame(value: Any, walk: Walk) -> Item:
    columns = [walk.labeled(f"[{column.name!r}]", column) for column in value.get_columns()]
    return node(_FRAME, (name_of(value), value.height, *columns))


@inherited(pl.Series)
def _series(value: Any, walk: Walk) -> Item:
    return node(
        _SERIES, (name_of(value), value.name, _dtype_name(value.dtype), _content(value, walk))
    )


def _content(value: Any, walk: Walk) -> Item:
    if value.dtype == pl.Object:
        return walk.item(value.to_list())
    # The codes of categories depend on which categories were used before.
    if isinstance(value.dtype, pl.Categorical | pl.Enum):
        value = value.cast(pl.String)
    if isinstance(value.dtype, _WIDE):
        return walk.item(value.to_list())
    if find_spec("pyarrow") is None:
        raise UnhashablePart("hashing polars columns needs pyarrow: pip install pyarrow")
    try:
        column = value.to_arrow()
    except (import_module("pyarrow").ArrowException, pl.exceptions.PolarsError) as error:
        raise UnhashablePart(
            f"Arrow has no type for a polars column of type {value.dtype}; cast it"
        ) from error
    item: Item = import_module("provenance.hashing.pyarrow").column_item(column, walk)
    return item


def _dtype_name(dtype: Any) -> str:
    """Return the name of a column's type, with the categories of an Enum."""
    return f"Enum{dtype.categories.to_list()!r}" if isinstance(dtype, pl.Enum) else str(dtype)


@inherited(pl.DataType)
def _dtype(value: Any, _: Walk) -> Item:
    return node(_DTYPE, (_dtype_name(value),))


@inherited(pl.LazyFrame)
def _query(_: Any, __: Walk) -> NoReturn:
    raise UnhashablePart("a LazyFrame is a query, not a value; call collect() first")


@inherited(pl.Expr)
def _expression(_: Any, __: Walk) -> NoReturn:
    raise UnhashablePart(
        "an Expr is a part of a query, not a value",
        "the names of columns, and make the expression inside the function",
    )

"""polars: eager frames and series by their columns, regardless of chunks; queries are refused."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, NoReturn

from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import inherited, name_of
from provenance.hashing.walk import UnhashablePart, Walk

# The type hints of polars are incomplete.
pl: Any = import_module("polars")

_FRAME, _SERIES, _DTYPE = map(prefix, ("polars frame", "polars series", "polars dtype"))
_WIDE = tuple(getattr(pl, name) for name in ("Int128", "UInt128") if hasattr(pl, name))
"""Integer types that Arrow lacks."""
_PLAIN = frozenset(
    {
        *(getattr(pl, f"{sign}Int{bits}") for sign in ("", "U") for bits in (8, 16, 32, 64)),
        pl.Float32,
        pl.Float64,
        pl.Boolean,
        pl.String,
    }
)
"""Dtypes of which all columns count as one."""
_MANY: Final = 8
_FEW: Final = 1 << 20
"""Elements up to which columns are copied into one."""


@inherited(pl.DataFrame)
def _frame(value: Any, walk: Walk) -> Item:
    # Columns of one plain dtype count as one, so that very many are as quick as one that is as long.
    names, dtypes = value.columns, value.dtypes
    kinds: list[Any] = list(map(type, dtypes))
    groups: dict[Any, list[str]] = {}
    for name, kind in zip(names, kinds, strict=True):
        groups.setdefault(kind if kind in _PLAIN else name, []).append(name)
    shown = [
        kind.__name__ if kind in _PLAIN else _dtype_name(dtype)
        for kind, dtype in zip(kinds, dtypes, strict=True)
    ]
    contents = [
        walk.labeled(f"[{key!r}]", value.get_column(key))
        if isinstance(key, str)
        else _arrow_item(_stacked(value[group]), walk)
        for key, group in groups.items()
    ]
    return node(_FRAME, (name_of(value), value.height, *walk.items((names, shown)), *contents))


def _stacked(frame: Any) -> list[Any]:
    """Return the columns of a frame, which have one dtype: as one, if they are many and have few elements."""
    if frame.width < _MANY or frame.height * frame.width > _FEW:
        columns: list[Any] = frame.get_columns()
        return columns
    return [frame.unpivot().get_column("value")]


@inherited(pl.Series)
def _series(value: Any, walk: Walk) -> Item:
    facts = (name_of(value), value.name, _dtype_name(value.dtype))
    return node(_SERIES, (*facts, _content(value, walk)))


def _content(value: Any, walk: Walk) -> Item:
    if value.dtype == pl.Object or isinstance(value.dtype, _WIDE):
        return walk.item(value.to_list())
    # The codes of categories depend on which categories were used before.
    if isinstance(value.dtype, pl.Categorical | pl.Enum):
        value = value.cast(pl.String)
    return _arrow_item([value], walk)


def _arrow_item(columns: list[Any], walk: Walk) -> Item:
    """Return the item of columns of one dtype, one after the other."""
    if find_spec("pyarrow") is None:
        raise UnhashablePart("hashing polars columns needs pyarrow: pip install pyarrow")
    pa = import_module("pyarrow")
    try:
        arrays = [column.to_arrow() for column in columns]
    except (pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise UnhashablePart(
            f"Arrow has no type for a polars column of type {columns[0].dtype}; cast it"
        ) from error
    whole = pa.chunked_array(arrays)
    item: Item = import_module("provenance.hashing.pyarrow").column_item(whole, walk)
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

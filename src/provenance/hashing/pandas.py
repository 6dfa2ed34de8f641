"""pandas: frames by their columns, regardless of memory layout."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final, NoReturn, TypeAlias

import numpy as np

from provenance.hashing.attributes import attributes_beside
from provenance.hashing.containers import LIST, with_attributes
from provenance.hashing.encoding import Buffer, Item, node, prefix
from provenance.hashing.numpy import array_item, bytes_item, elements, python_strings
from provenance.hashing.objects import reduced_item
from provenance.hashing.registry import inherited, name_of
from provenance.hashing.walk import Step, UnhashablePart, Walk

# The type hints of pandas are incomplete.
pd: Any = import_module("pandas")

_FRAME, _SERIES, _INDEX, _RANGE, _LEVELS = (
    prefix(f"pandas {kind}") for kind in ("frame", "series", "index", "range", "levels")
)
_COLUMN, _CATEGORIES, _INSTANT, _MISSING, _SPAN, _DTYPE = (
    prefix(f"pandas {kind}")
    for kind in ("column", "categories", "instant", "missing", "span", "dtype")
)
_BLOCK = prefix("pandas block")
_OBJECT: Final = np.dtype(object).str
_Columns: TypeAlias = "tuple[Any, Any]"
"""Numbers of columns, and their values: an array with a row for each."""
_GATHERED: Final = 1 << 24
"""Bytes up to which columns are copied into one array, as there may be very many."""


@inherited(pd.DataFrame)
def _frame(value: Any, walk: Walk) -> Item:
    head = (name_of(value), walk.item(value.index), walk.item(value.columns), _extra(value, walk))
    return node(_FRAME, (*head, *_columns(value, walk)))


def _columns(value: Any, walk: Walk) -> Iterator[Item]:
    """Yield an item for all columns of each NumPy dtype, and one for each other column.

    A frame of many columns is as quick as an array of this size.
    """
    groups: dict[str, list[_Columns]] = {}
    others: list[int] = []
    manager = value._mgr  # noqa: SLF001 - no public way
    for block in manager.blocks:
        kind, places = block.dtype, block.mgr_locs.as_array
        is_plain = isinstance(kind, np.dtype) and kind.kind in "biufcmMO" and kind.metadata is None
        if is_plain and kind.char not in "gG":
            groups.setdefault(kind.str, []).append((places, np.asarray(block.values)))
        else:
            others += places.tolist()
    for kind, parts in sorted(groups.items()):
        places = np.concatenate([places for places, _ in parts])
        order = np.argsort(places)
        numbers = None if len(places) == value.shape[1] else bytes_item(places[order].astype("<i8"))
        content = _objects(parts, walk) if kind == _OBJECT else _in_order(parts, order)
        yield node(_BLOCK, (kind, numbers, content))
    for at in sorted(others):
        yield at
        yield walk.labeled(f".iloc[:, {at}]", manager.iget_values(at))


def _objects(parts: list[_Columns], walk: Walk) -> Item:
    """Return the item of the elements of columns of objects, one column after the other."""
    columns = {
        at: column
        for places, data in parts
        for at, column in zip(places.tolist(), data, strict=True)
    }
    items: list[Item] = []
    for at in sorted(columns):
        elements = columns[at].tolist()
        try:
            items += walk.items(elements)
        except BaseException:
            walk.trail += (elements, Step(f".iloc[:, {at}]"))
            raise
    return node(LIST, items)


def _in_order(parts: list[_Columns], order: Any) -> Item:
    """Return the item of the bytes of columns, one after the other, in *order*."""
    if len(parts) > 1 and sum(data.nbytes for _, data in parts) <= _GATHERED:
        parts = [(order, np.concatenate([data for _, data in parts]))]
    if len(parts) == 1:
        data = parts[0][1]
        is_sorted = bool((order[1:] > order[:-1]).all())
        return bytes_item(data if is_sorted else data[order])
    columns = [column for _, data in parts for column in data]
    buffer = Buffer()
    for at in order.tolist():
        buffer.add(elements(np.ascontiguousarray(columns[at])))
    return buffer.item()


@inherited(pd.Series)
def _series(value: Any, walk: Walk) -> Item:
    content = walk.labeled(".array", value.array)
    head = (name_of(value), walk.item(value.name), walk.item(value.index), _extra(value, walk))
    return node(_SERIES, (*head, content))


def _extra(value: Any, walk: Walk) -> Item:
    """Return the item of what a frame or series has besides its values.

    It is what a subclass declares, what users set as attributes and in `attrs`, and flags.
    """
    names = set(value._metadata) - {"_name", "name"}  # noqa: SLF001 - documented by pandas
    extra = {name: getattr(value, name, None) for name in names}
    extra.update(attributes_beside(value))
    # Not the properties, which would make what they return.
    attrs, flags = value._attrs, value._flags  # noqa: SLF001
    if attrs:
        extra["attrs"] = attrs
    if not flags.allows_duplicate_labels:
        extra["flags"] = False
    return walk.item(extra)


@inherited(pd.Index)
def _index(value: Any, walk: Walk) -> Item:
    item = node(_INDEX, (name_of(value), walk.item(value.name), walk.item(value.array)))
    # That of periods is part of their dtype.
    frequency = None if isinstance(value, pd.PeriodIndex) else getattr(value, "freq", None)
    return with_attributes(item, {} if frequency is None else {"freq": frequency}, walk)


@inherited(pd.RangeIndex)
def _range_index(value: Any, walk: Walk) -> Item:
    numbers = range(value.start, value.stop, value.step)
    return node(_RANGE, walk.items((value.name, numbers)))


@inherited(pd.MultiIndex)
def _multi_index(value: Any, walk: Walk) -> Item:
    # By the values of each level: which ones a level lists, and in what order, does not count.
    levels = [walk.item(value.get_level_values(at).array) for at in range(value.nlevels)]
    return node(_LEVELS, (walk.item(list(value.names)), *levels))


@inherited(pd.api.extensions.ExtensionArray)
def _extension(value: Any, walk: Walk) -> Item:
    arrow, is_text = getattr(value, "_pa_array", None), isinstance(value.dtype, pd.StringDtype)
    if isinstance(value, pd.arrays.NumpyExtensionArray) and not is_text:
        return array_item(value.to_numpy(), walk)
    if not is_text:
        if arrow is None:
            return reduced_item(value, walk)
        content = walk.item(arrow)
    elif arrow is None:
        content = python_strings(value)
    else:
        content = import_module("provenance.hashing.pyarrow").arrow_strings(arrow)
    return node(_COLUMN, (str(value.dtype), content))


@inherited(pd.Categorical)
def _categorical(value: Any, walk: Walk) -> Item:
    categories, codes = walk.item(value.categories.array), np.asarray(value.codes)
    return node(_CATEGORIES, (bool(value.ordered), categories, array_item(codes, walk)))


@inherited(pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray, pd.arrays.PeriodArray)
def _instants(value: Any, walk: Walk) -> Item:
    return node(_COLUMN, (str(value.dtype), array_item(np.asarray(value.asi8), walk)))


@inherited(pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray)
def _nullable(value: Any, walk: Walk) -> Item:
    missing = np.asarray(value.isna())
    data = np.array(value._data)  # noqa: SLF001 - no public way
    data[missing] = 0
    return node(_COLUMN, (str(value.dtype), array_item(missing, walk), array_item(data, walk)))


@inherited(pd.arrays.IntervalArray)
def _intervals(value: Any, walk: Walk) -> Item:
    return node(_SPAN, (value.closed, walk.item(value.left.array), walk.item(value.right.array)))


@inherited(pd.arrays.SparseArray)
def _sparse(value: Any, walk: Walk) -> Item:
    dense = walk.item(np.asarray(value))
    return node(_COLUMN, (str(value.dtype), walk.item(value.fill_value), dense))


@inherited(pd.Timestamp, pd.Timedelta)
def _instant(value: Any, walk: Walk) -> Item:
    zone = walk.item(getattr(value, "tzinfo", None))
    fold: int = getattr(value, "fold", 0)
    return node(_INSTANT, (name_of(value), value.unit, value.asm8.view("i8").item(), fold, zone))


@inherited(*map(type, (pd.NaT, pd.NA)))
def _missing(value: Any, _: Walk) -> Item:
    return node(_MISSING, (str(value),))


@inherited(pd.api.extensions.ExtensionDtype)
def _dtype(value: Any, walk: Walk) -> Item:
    if isinstance(value, pd.CategoricalDtype):
        categories = None if value.categories is None else value.categories.array
        return node(_DTYPE, (str(value), bool(value.ordered), walk.item(categories)))
    return node(_DTYPE, (name_of(value), str(value)))


_typing: Any = pd.api.typing


@inherited(
    _typing.DataFrameGroupBy,
    _typing.SeriesGroupBy,
    _typing.Resampler,
    _typing.Rolling,
    _typing.Window,
    _typing.Expanding,
    _typing.ExponentialMovingWindow,
)
def _refuse_grouped(value: Any, _: Walk) -> NoReturn:
    reason = f"a {type(value).__name__} caches results, so its state changes with use"
    raise UnhashablePart(reason, "the table and the keys or sizes")


@inherited("pandas.io.formats.style:Styler")
def _refuse_styler(_: object, __: Walk) -> NoReturn:
    reason = "a Styler has a random name, and keeps what it has shown"
    raise UnhashablePart(reason, "the table or its HTML as text")

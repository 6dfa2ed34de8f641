"""Arrow: columns by type and content, however they are cut into chunks."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from provenance.hashing.arrays import bytes_item
from provenance.hashing.format import Buffer, Item, node, prefix
from provenance.hashing.registry import exact, inherited, name_of
from provenance.hashing.strings import strings_item
from provenance.hashing.walk import Walk

pa: Any = import_module("pyarrow")  # without types of its own
pc: Any = import_module("pyarrow.compute")

_COLUMN, _TABLE, _SCHEMA, _TYPE, _SCALAR = (
    prefix(f"arrow {kind}") for kind in ("column", "table", "schema", "type", "scalar")
)


@inherited(pa.Array, pa.ChunkedArray)
def column_item(value: Any, walk: Walk) -> Item:
    """Return the item of a column: its type and its elements."""
    return node(_COLUMN, (str(value.type), _content(_whole(value), walk)))


def _whole(value: Any) -> Any:
    """Return a column as one array; one that is in one piece is not copied."""
    if not isinstance(value, pa.ChunkedArray):
        return value
    return value.chunk(0) if value.num_chunks == 1 else value.combine_chunks()


def _content(value: Any, walk: Walk) -> Item:
    if _is_text(value.type):
        return arrow_strings(value)
    if _is_fixed(value.type):
        return node(_COLUMN, (len(value), bytes_item(_missing(value)), bytes_item(_numbers(value))))
    return walk.item(value.to_pylist())


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or _is_view(kind))


def _is_view(kind: Any) -> bool:
    return bool(hasattr(pa.types, "is_string_view") and pa.types.is_string_view(kind))


def _is_fixed(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _missing(value: Any) -> Any:
    if not value.null_count:
        return np.zeros(len(value), "|b1")
    return pc.is_null(value).to_numpy(zero_copy_only=False)


def _numbers(value: Any) -> Any:
    """Return the elements as an array with zero where one is missing."""
    whole = value if not value.null_count else pc.fill_null(value, pa.scalar(0).cast(value.type))
    return np.asarray(whole.to_numpy(zero_copy_only=False))


def arrow_strings(value: Any) -> Item:
    """Return the item of a column of strings, the same as that of equal strings in Python objects."""
    missing = _missing(value)
    whole = _whole((pc.fill_null(value, "") if value.null_count else value).cast(pa.large_string()))
    _, offsets, text = whole.buffers()
    bounds = np.frombuffer(offsets, "<i8")[whole.offset : whole.offset + len(whole) + 1] if len(whole) else [0]
    first, last = int(bounds[0]), int(bounds[-1])
    data = memoryview(text)[first:last] if last > first else b""
    ends = np.asarray(bounds[1:], "<i8")
    return strings_item(len(whole), ends - first if first else ends, missing, Buffer(data))


@exact("pyarrow.lib:Table", "pyarrow.lib:RecordBatch")
def _table(value: Any, walk: Walk) -> Item:
    columns = [column_item(column, walk) for column in value.columns]
    return node(_TABLE, (name_of(value), value.num_rows, _schema(value.schema, walk), *columns))


@exact("pyarrow.lib:Schema")
def _schema(value: Any, walk: Walk) -> Item:
    """The metadata count, but for what pandas adds: it repeats the columns, and names library versions."""
    metadata: dict[bytes, bytes] = dict(value.metadata or {})
    metadata.pop(b"pandas", None)
    fields = [(field.name, str(field.type), field.nullable) for field in value]
    return node(_SCHEMA, (walk.item(fields), walk.item(metadata)))


@inherited(pa.DataType)
def _type(value: Any, _: Walk) -> Item:
    return node(_TYPE, (str(value),))


@inherited(pa.Scalar)
def _scalar(value: Any, walk: Walk) -> Item:
    return node(_SCALAR, (str(value.type), walk.item(value.as_py())))

"""Arrow: columns by type and content, regardless of chunks."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from provenance.hashing.encoding import Buffer, Item, node, prefix
from provenance.hashing.numpy import bytes_item, strings_item
from provenance.hashing.registry import exact, inherited, name_of
from provenance.hashing.walk import Walk

# pyarrow has no type hints.
pa: Any = import_module("pyarrow")
pc: Any = import_module("pyarrow.compute")

_COLUMN, _TABLE, _SCHEMA, _TYPE, _SCALAR = (
    prefix(f"arrow {kind}") for kind in ("column", "table", "schema", "type", "scalar")
)
# Older versions of pyarrow have no string views.
_STRING_VIEW = (pa.types.is_string_view,) if hasattr(pa.types, "is_string_view") else ()
_IS_TEXT = (pa.types.is_string, pa.types.is_large_string, *_STRING_VIEW)
_IS_FIXED_WIDTH = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)


@inherited(pa.Array, pa.ChunkedArray)
def column_item(value: Any, walk: Walk) -> Item:
    """Return the item of a column: its type and its elements."""
    kind, whole = value.type, _single_array(value)
    if any(is_text(kind) for is_text in _IS_TEXT):
        content = arrow_strings(whole)
    elif any(is_fixed(kind) for is_fixed in _IS_FIXED_WIDTH):
        zero = pa.scalar(0).cast(kind)
        filled = pc.fill_null(whole, zero) if whole.null_count else whole
        numbers = np.asarray(filled.to_numpy(zero_copy_only=False))
        content = node(_COLUMN, (len(whole), bytes_item(_null_mask(whole)), bytes_item(numbers)))
    else:
        content = walk.item(whole.to_pylist())
    return node(_COLUMN, (_type(kind, walk) if kind.num_fields else str(kind), content))


def _single_array(value: Any) -> Any:
    """Return a column as one array, without a copy if it has one chunk."""
    if not isinstance(value, pa.ChunkedArray):
        return value
    return value.chunk(0) if value.num_chunks == 1 else value.combine_chunks()


def _null_mask(value: Any) -> Any:
    if not value.null_count:
        return np.zeros(len(value), "|b1")
    return pc.is_null(value).to_numpy(zero_copy_only=False)


def arrow_strings(value: Any) -> Item:
    """Return the item of a column of strings, equal to that of the same strings in Python."""
    missing = _null_mask(value)
    filled = pc.fill_null(value, "") if value.null_count else value
    whole = _single_array(filled.cast(pa.large_string()))
    _, offsets, text = whole.buffers()
    bounds: Any = [0]
    if len(whole):
        bounds = np.frombuffer(offsets, "<i8")[whole.offset : whole.offset + len(whole) + 1]
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
    # What pandas adds to the metadata repeats the columns and names versions of libraries.
    metadata: dict[bytes, bytes] = dict(value.metadata or {})
    metadata.pop(b"pandas", None)
    return node(_SCHEMA, (walk.item([_field(field) for field in value]), walk.item(metadata)))


def _field(value: Any) -> tuple[object, ...]:
    """Return what a field of a schema is: also the metadata of the fields in its type."""
    metadata = dict(value.metadata or {})
    inner = [_field(value.type.field(at)) for at in range(value.type.num_fields)]
    return (value.name, str(value.type), value.nullable, metadata, inner)


@inherited(pa.DataType)
def _type(value: Any, walk: Walk) -> Item:
    fields = [_field(value.field(at)) for at in range(value.num_fields)]
    return node(_TYPE, (str(value), *walk.items(fields)))


@exact("pyarrow.lib:Field")
def _single_field(value: Any, walk: Walk) -> Item:
    return node(_TYPE, walk.items(_field(value)))


@inherited(pa.Scalar)
def _scalar(value: Any, walk: Walk) -> Item:
    return node(_SCALAR, (str(value.type), walk.item(value.as_py())))

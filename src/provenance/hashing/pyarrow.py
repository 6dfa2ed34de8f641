"""Arrow: columns by type and content, regardless of chunks."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import numpy as np

from provenance.hashing.encoding import Buffer, Item, node, prefix
from provenance.hashing.numpy import Strings, elements
from provenance.hashing.registry import exact, inherited, name_of
from provenance.hashing.walk import UnhashablePart, Walk

# pyarrow has no type hints.
pa: Any = import_module("pyarrow")
pc: Any = import_module("pyarrow.compute")

_COLUMN, _TABLE, _SCHEMA, _TYPE, _SCALAR, _TENSOR = (
    prefix(f"arrow {kind}") for kind in ("column", "table", "schema", "type", "scalar", "tensor")
)
_IS_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_IS_FIXED_WIDTH = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
_HALF: Final = 32
"""Bits of the shorter times and dates."""
_GATHERED: Final = 1 << 24
"""Bytes up to which chunks are copied into one array, as there may be very many."""


@inherited(pa.Array, pa.ChunkedArray)
def column_item(value: Any, walk: Walk) -> Item:
    """Return the item of a column: its type and its elements."""
    kind = value.type
    value = _plain(value)
    if any(is_text(value.type) for is_text in _IS_TEXT):
        content = arrow_strings(value)
    elif any(is_fixed(value.type) for is_fixed in _IS_FIXED_WIDTH):
        content = _numbers(value)
    else:
        content = walk.item(value.to_pylist())
    return node(_COLUMN, (_type(kind, walk) if kind.num_fields else str(kind), content))


def _plain(value: Any) -> Any:
    """Return a column without a dictionary, and with whole numbers in place of times.

    Those of Python have no nanoseconds, and others come in their place if pandas is installed.
    """
    kind = value.type
    if pa.types.is_run_end_encoded(kind):
        value = pc.run_end_decode(value)
    elif pa.types.is_dictionary(kind):
        value = value.cast(kind.value_type)
    plain = _plain_type(value.type)
    return value if plain is value.type or plain == value.type else value.cast(plain)


def _plain_type(kind: Any) -> Any:
    """Return the type that has a whole number in place of each time in *kind*."""
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        return pa.int32() if kind.bit_width == _HALF else pa.int64()
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    fields = [kind.field(at) for at in range(kind.num_fields)]
    plain = [_plain_type(field.type) for field in fields]
    if all(made == field.type for made, field in zip(plain, fields, strict=True)):
        return kind
    inner = [field.with_type(made) for made, field in zip(plain, fields, strict=True)]
    if pa.types.is_struct(kind):
        return pa.struct(inner)
    if pa.types.is_map(kind):
        return pa.map_(_plain_type(kind.key_type), _plain_type(kind.item_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(inner[0], kind.list_size)
    if pa.types.is_list(kind):
        return pa.list_(inner[0])
    if pa.types.is_large_list(kind):
        return pa.large_list(inner[0])
    raise UnhashablePart(
        f"Arrow cannot turn the times in a column of type {kind} into numbers; cast it"
    )


def _pieces(value: Any) -> Iterator[Any]:
    """Yield the elements of a column in arrays: small ones as one, large ones without a copy."""
    if not isinstance(value, pa.ChunkedArray):
        yield value
    elif value.nbytes <= _GATHERED:
        yield value.combine_chunks()
    else:
        half = value.num_chunks // 2
        for chunks in (value.chunks[:half], value.chunks[half:]) if half else ():
            yield from _pieces(pa.chunked_array(chunks, value.type))
        if not half:
            yield value.chunk(0)


def _numbers(value: Any) -> Item:
    missing, numbers = Buffer(), Buffer()
    zero = pa.scalar(0).cast(value.type)
    for piece in _pieces(value):
        filled = pc.fill_null(piece, zero) if piece.null_count else piece
        missing.add(elements(_null_mask(piece)))
        numbers.add(elements(np.ascontiguousarray(filled.to_numpy(zero_copy_only=False))))
    return node(_COLUMN, (len(value), missing.item(), numbers.item()))


def _null_mask(value: Any) -> Any:
    if not value.null_count:
        return np.zeros(len(value), "|b1")
    return pc.is_null(value).to_numpy(zero_copy_only=False)


def arrow_strings(value: Any) -> Item:
    """Return the item of a column of strings, equal to that of the same strings in Python."""
    column = Strings()
    for piece in _pieces(value):
        filled = pc.fill_null(piece, "") if piece.null_count else piece
        whole = filled.cast(pa.large_string())
        _, offsets, text = whole.buffers()
        bounds: Any = np.zeros(1, "<i8")
        if len(whole):
            bounds = np.frombuffer(offsets, "<i8")[whole.offset : whole.offset + len(whole) + 1]
        first, last = int(bounds[0]), int(bounds[-1])
        data = memoryview(text)[first:last] if last > first else b""
        column.add(bounds[1:] - first, _null_mask(piece), data)
    return column.item()


@exact("pyarrow.lib:Table", "pyarrow.lib:RecordBatch")
def _table(value: Any, walk: Walk) -> Item:
    # Columns of one type count as one, so that very many are as quick as one that is as long.
    chunks: dict[Any, list[Any]] = {kind: [] for kind in value.schema.types}
    for kind, column in zip(value.schema.types, value.columns, strict=True):
        chunks[kind] += column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    columns = [column_item(pa.chunked_array(group, kind), walk) for kind, group in chunks.items()]
    return node(_TABLE, (name_of(value), value.num_rows, _schema(value.schema, walk), *columns))


@exact("pyarrow.lib:Schema")
def _schema(value: Any, walk: Walk) -> Item:
    # What pandas adds to the metadata repeats the columns and names versions of libraries.
    metadata: dict[bytes, bytes] = dict(value.metadata or {})
    metadata.pop(b"pandas", None)
    return node(_SCHEMA, (walk.item([_field(field) for field in value]), walk.item(metadata)))


def _field(value: Any) -> tuple[object, ...]:
    """Return what a field of a schema is: also the metadata of the fields in its type."""
    kind = value.type
    metadata = dict(value.metadata) if value.metadata else None
    inner = [_field(kind.field(at)) for at in range(kind.num_fields)] if kind.num_fields else None
    return (value.name, str(kind), value.nullable, metadata, inner)


@inherited(pa.DataType)
def _type(value: Any, walk: Walk) -> Item:
    fields = [_field(value.field(at)) for at in range(value.num_fields)]
    return node(_TYPE, (str(value), *walk.items(fields)))


@exact("pyarrow.lib:Field")
def _single_field(value: Any, walk: Walk) -> Item:
    return node(_TYPE, walk.items(_field(value)))


@inherited(pa.Scalar)
def _scalar(value: Any, walk: Walk) -> Item:
    return node(_SCALAR, (column_item(pa.repeat(value, 1), walk),))


@exact("pyarrow.lib:Tensor")
def _tensor(value: Any, walk: Walk) -> Item:
    # Tensors are equal whatever the order of their elements in memory is.
    return node(_TENSOR, (str(value.type), *walk.items((value.dim_names, value.to_numpy()))))

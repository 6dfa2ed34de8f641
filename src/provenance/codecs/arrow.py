"""Arrow: tables, batches and columns as an IPC stream, which keeps types, metadata and missing values as they are.

Format: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
"""

from __future__ import annotations

from typing import Any, BinaryIO, Final

from provenance.codecs.libraries import imported, needed

_NAME: Final = "arrow_ipc"
_KIND: Final = b"provenance.kind"
"""Key of the schema's metadata that says what the stream was: `table`, `batch`, `chunked` or `array`."""
_BARE: Final = "bare "
"""Before the kind of what had rows and no columns: a stream counts only the rows of columns."""
_COLUMN: Final = "value"


def is_arrow(value: object) -> bool:
    """Tell whether *value* is a table, batch or column."""
    pa = imported("pyarrow")
    return pa is not None and isinstance(value, pa.Table | pa.RecordBatch | pa.ChunkedArray | pa.Array)


def dump_arrow(value: object, sink: BinaryIO) -> None:
    """Write a table, batch or column.

    Raises:
        TypeError: for anything else, and for columns of extension types: who reads them may not know these.
    """
    pa = _library()
    kind, table = _as_table(value, pa)
    metadata: dict[bytes, bytes] = dict(table.schema.metadata or {})
    if _KIND in metadata or any(_is_foreign(field.type, pa) for field in table.schema):
        raise TypeError(f"serializer {_NAME!r} does not write extension types, or its own metadata")
    if table.num_rows and not table.num_columns:
        kind, table = _BARE + kind, table.append_column(_COLUMN, pa.nulls(table.num_rows))
    marked = table.replace_schema_metadata({**metadata, _KIND: kind.encode()})
    stream = pa.ipc.new_stream(sink, marked.schema)
    with stream:
        stream.write_table(marked)


def load_arrow(source: BinaryIO) -> object:
    """Read what `dump_arrow` wrote; ArrowInvalid where offsets lead outside of the stream."""
    pa = _library()
    with pa.ipc.open_stream(source) as stream:
        table = stream.read_all()
    # Offsets, indices and lengths are taken as the stream has them: forged ones lead anywhere in memory.
    table.validate(full=True)
    metadata: dict[bytes, bytes] = dict(table.schema.metadata)
    kind = metadata.pop(_KIND).decode()
    loaded = _from_table(table.replace_schema_metadata(metadata or None), kind.removeprefix(_BARE), pa)
    bare: object = loaded.select([]) if kind.startswith(_BARE) else loaded
    return bare


def _as_table(value: Any, pa: Any) -> tuple[str, Any]:  # noqa: ANN401 - Arrow has no types of its own
    if type(value) is pa.Table:
        return "table", value
    if type(value) is pa.RecordBatch:
        return "batch", pa.Table.from_batches([value], value.schema)
    if isinstance(value, pa.ChunkedArray):
        return "chunked", pa.table({_COLUMN: value})
    if isinstance(value, pa.Array):
        return "array", pa.table({_COLUMN: value})
    raise TypeError(f"serializer {_NAME!r} writes Arrow tables, batches and columns, not {type(value).__qualname__}")


def _from_table(table: Any, kind: str, pa: Any) -> Any:  # noqa: ANN401 - Arrow has no types of its own
    if kind == "table":
        return table
    if kind == "batch":
        (batch,) = table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
        return batch
    column = table.column(0)
    if kind == "chunked":
        return column
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _is_foreign(kind: Any, pa: Any) -> bool:  # noqa: ANN401 - Arrow has no types of its own
    """Tell whether a type is an extension type, or has one inside."""
    if isinstance(kind, pa.BaseExtensionType):
        return True
    inside = [kind.value_type] if hasattr(kind, "value_type") else []
    inside += [kind.field(at).type for at in range(kind.num_fields)]
    return any(_is_foreign(each, pa) for each in inside)


def _library() -> Any:  # noqa: ANN401 - as above
    pa = needed("pyarrow", f"serializer {_NAME!r}", "pandas")
    needed("pyarrow.ipc", f"serializer {_NAME!r}", "pandas")
    return pa

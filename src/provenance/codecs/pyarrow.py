"""Arrow tables in the IPC format, and the helpers of all serializers that write Parquet."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, BinaryIO, Final

from provenance.codecs.limits import check_decoded_size, decoded_limit
from provenance.codecs.parquet import bound_fixed_lists, bound_pages
from provenance.util.optional import imported_module, require_library

_NAME: Final = "arrow_ipc"
_KIND: Final = b"provenance.kind"
"""Key in the schema's metadata for the kind of value: `table`, `batch`, `chunked` or `array`."""
_BARE: Final = "bare "
"""Prefix of the kind of a table without columns, whose number of rows needs an extra column."""
_COLUMN: Final = "value"


def is_arrow(value: object) -> bool:
    """Tell whether *value* is a table, batch or column."""
    pa = imported_module("pyarrow")
    return pa is not None and isinstance(
        value, pa.Table | pa.RecordBatch | pa.ChunkedArray | pa.Array
    )


def dump_arrow(value: object, sink: BinaryIO) -> None:
    """Write a table, batch or column.

    Raises:
        TypeError: for anything else, and for extension types, which a reader may not have
            registered.
    """
    pa = _library()
    table: Any = value
    match value:
        case pa.RecordBatch():
            kind, table = "batch", pa.Table.from_batches([table], table.schema)
        case pa.ChunkedArray():
            kind, table = "chunked", pa.table({_COLUMN: table})
        case pa.Array():
            kind, table = "array", pa.table({_COLUMN: table})
        case _ if type(value) is pa.Table:
            kind = "table"
        case _:
            kinds = "Arrow tables, batches and columns"
            raise TypeError(f"serializer {_NAME!r} writes {kinds}, not {type(value).__qualname__}")
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
        table = _table_of(stream, stream.schema)
    # Offsets, indices and lengths are taken as the stream has them: forged ones lead anywhere in memory.
    table.validate(full=True)
    metadata: dict[bytes, bytes] = dict(table.schema.metadata)
    kind = metadata.pop(_KIND).decode()
    loaded: Any = table.replace_schema_metadata(metadata or None)
    match kind.removeprefix(_BARE):
        case "batch":
            (loaded,) = loaded.to_batches() or [pa.RecordBatch.from_pylist([], loaded.schema)]
        case "chunked":
            loaded = loaded.column(0)
        case "array":
            column = loaded.column(0)
            loaded = column.chunk(0) if column.num_chunks else pa.array([], column.type)
        case _:
            pass
    bare: object = loaded.select([]) if kind.startswith(_BARE) else loaded
    return bare


def _table_of(batches: Iterable[Any], schema: Any) -> Any:  # noqa: ANN401 - Arrow's
    """Return the table of record batches, which are read as far as their size is allowed."""
    size = 0
    read: list[Any] = []
    for batch in batches:
        size += batch.nbytes
        check_decoded_size(size)
        read.append(batch)
    return require_library("pyarrow", "Arrow tables").Table.from_batches(read, schema)


def _is_foreign(kind: Any, pa: Any) -> bool:  # noqa: ANN401 - Arrow's types are Any
    """Tell whether a type is an extension type or contains one."""
    if isinstance(kind, pa.BaseExtensionType):
        return True
    inner = [kind.value_type] if hasattr(kind, "value_type") else []
    inner += [kind.field(i).type for i in range(kind.num_fields)]
    return any(_is_foreign(part, pa) for part in inner)


def _library() -> Any:  # noqa: ANN401 - Arrow has types of Any
    pa = require_library("pyarrow", f"serializer {_NAME!r}")
    require_library("pyarrow.ipc", f"serializer {_NAME!r}")
    return pa


COMPRESSIONS: Final = (None, "zstd", "lz4", "snappy", "gzip")
"""Compressions of Parquet pages; None means no compression."""
_SAMPLE: Final = 1 << 17
"""Bytes of a table that are compressed as a trial."""
_LARGE: Final = 1_000_000
"""Number of cells from which a table is read with several threads."""
_PAYS: Final = 0.9
"""Largest ratio of compressed to plain size that is worth compressing."""


def dump(table: Any, sink: BinaryIO, texts: list[str], compression: str | None) -> None:  # noqa: ANN401 - Arrow's
    """Write an Arrow table, the columns *texts* dictionary-encoded.

    For floats that would merge different NaNs.
    """
    pq = require_library("pyarrow.parquet", "Parquet")

    def write(rows: Any, into: BinaryIO, chosen: str | None) -> None:  # noqa: ANN401 - Arrow's
        pq.write_table(
            rows,
            into,
            use_dictionary=texts or False,
            compression=chosen or "NONE",
            write_statistics=False,
        )

    sample = table.slice(0, sample_rows(table.num_rows, table.nbytes))
    write(table, sink, worthwhile(partial(write, sample), compression))


def load(source: BinaryIO) -> Any:  # noqa: ANN401 - Arrow's
    """Read an Arrow table.

    Raises:
        ValueError: if the file may not be decoded.
    """
    pq = require_library("pyarrow.parquet", "Parquet")
    limit = decoded_limit()
    if limit is None:
        with pq.ParquetFile(source) as file:
            facts = file.metadata
            return file.read(use_threads=is_large(facts.num_rows, facts.num_columns))
    size, dictionary = bound_pages(source)
    check_decoded_size(size)
    with pq.ParquetFile(source) as file:
        schema = file.schema_arrow
        check_decoded_size(bound_fixed_lists(schema, file.metadata.num_rows, size))
        # Texts of a dictionary, which the headers of pages name once, are repeated in Arrow's columns.
        rows = max(1, min(_BATCH, limit // max(1, dictionary)))
        return _table_of(file.iter_batches(batch_size=rows), schema).combine_chunks()


_BATCH: Final = 65_536
"""Rows that are decoded before their size is looked at."""


def is_large(rows: int, columns: int) -> bool:
    """Tell whether a table is worth several threads.

    Waking them takes longer than reading a small one.
    """
    return rows * columns > _LARGE


def sample_rows(rows: int, size: int) -> int:
    """Return how many of *rows* rows, *size* bytes in all, are enough for a trial of compression.

    >>> sample_rows(10, 80), sample_rows(1_000_000, 8_000_000)
    (10, 16384)
    """
    return min(rows, max(1, rows * _SAMPLE // max(1, size)))


def worthwhile(
    write: Callable[[BinaryIO, str | None], None], compression: str | None
) -> str | None:
    """Return *compression* if it makes the sample that *write* writes markedly smaller, else None."""
    if compression is None:
        return None
    plain, compressed = io.BytesIO(), io.BytesIO()
    write(plain, None)
    write(compressed, compression)
    return compression if compressed.tell() < _PAYS * plain.tell() else None

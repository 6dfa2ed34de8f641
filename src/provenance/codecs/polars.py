"""Serializers of polars frames and series as plain Parquet files.

Only types that Parquet preserves are written. Once for each schema, an empty frame is written and
read back to check that.
"""

from __future__ import annotations

import io
from functools import lru_cache, partial
from typing import Any, BinaryIO, Final

from provenance.codecs import pyarrow
from provenance.codecs.limits import check_decoded_size, decoded_limit
from provenance.codecs.parquet import bound_pages
from provenance.util.optional import imported_module, require_library

_FRAME: Final = "pl_df_parquet"
_SERIES: Final = "pl_series_parquet"
_EXACT: Final = frozenset(
    {f"{kind}{bits}" for kind in ("Int", "UInt") for bits in (8, 16, 32, 64)}
    | {"Float32", "Float64", "Boolean", "String", "Binary", "Date", "Datetime", "Duration", "Time"}
)
"""Names of column types that Parquet preserves, alone or inside lists."""


def is_frame(value: object) -> bool:
    """Tell whether *value* is exactly a polars `DataFrame`."""
    polars = imported_module("polars")
    return polars is not None and type(value) is polars.DataFrame


def is_series(value: object) -> bool:
    """Tell whether *value* is exactly a polars `Series`."""
    polars = imported_module("polars")
    return polars is not None and type(value) is polars.Series


def dump_frame(value: object, sink: BinaryIO, *, compression: str | None = None) -> None:
    """Write a frame, compressed with `zstd`, `lz4`, `snappy` or `gzip` if that makes it smaller.

    Raises:
        TypeError: for values that Parquet does not preserve.
    """
    frame: Any = value
    if not is_frame(value) or not frame.width:
        raise TypeError(
            f"serializer {_FRAME!r} writes frames that have columns, not {type(frame).__qualname__}"
        )
    schema = tuple(frame.schema.items())
    for name, kind in schema:
        if not _is_exact(kind):
            raise TypeError(f"Parquet does not preserve columns of type {kind}, such as {name!r}")
    if _survivor(schema) != schema:
        raise TypeError("Parquet does not preserve its schema")

    def write(rows: Any, into: BinaryIO, chosen: str | None) -> None:  # noqa: ANN401 - polars'
        rows.write_parquet(into, compression=chosen or "uncompressed")

    sample = frame.head(pyarrow.sample_rows(frame.height, frame.estimated_size()))
    write(frame, sink, pyarrow.worthwhile(partial(write, sample), compression))


def dump_series(value: object, sink: BinaryIO, *, compression: str | None = None) -> None:
    """Write a series as a frame of one column, as `dump_frame` does."""
    if not is_series(value):
        raise TypeError(f"serializer {_SERIES!r} writes series, not {type(value).__qualname__}")
    series: Any = value
    dump_frame(series.to_frame(), sink, compression=compression)


def load_frame(source: BinaryIO) -> object:
    """Read what `dump_frame` wrote."""
    return _read(source)


def load_series(source: BinaryIO) -> object:
    """Read what `dump_series` wrote."""
    series: object = _read(source).to_series()
    return series


def _read(source: BinaryIO) -> Any:  # noqa: ANN401 - polars'
    """Read a frame, after its schema: of a Python object polars would keep the address that the file says."""
    polars = require_library("polars", f"serializer {_FRAME!r}")
    for name, kind in polars.read_parquet_schema(source).items():
        if not _is_exact(kind):
            raise TypeError(f"column {name!r} is of type {kind}, which is never stored")
    if decoded_limit() is not None:
        # Texts of a dictionary are not repeated in a polars frame.
        check_decoded_size(bound_pages(source)[0])
    source.seek(0)
    return polars.read_parquet(source)


def _is_exact(kind: Any) -> bool:  # noqa: ANN401 - polars'
    inner = getattr(kind, "inner", None)
    name = type(kind).__name__
    return name in _EXACT if inner is None else name == "List" and _is_exact(inner)


@lru_cache(maxsize=256)
def _survivor(schema: tuple[tuple[str, Any], ...]) -> object:
    """Return the schema of an empty frame after writing and reading it."""
    import polars as pl

    sink = io.BytesIO()
    pl.DataFrame(schema=dict(schema)).write_parquet(sink)
    sink.seek(0)
    return tuple(pl.read_parquet(sink).schema.items())

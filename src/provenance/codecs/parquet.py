"""Parquet files by way of Arrow, and whether it pays to compress them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from provenance.codecs.libraries import needed

COMPRESSIONS: Final = (None, "zstd", "lz4", "snappy", "gzip")
"""The names of what Parquet can compress its pages with; None leaves them as they are."""
_SAMPLE: Final = 1 << 17
"""Bytes of a table on which compression is tried."""
_LARGE: Final = 1_000_000
"""Cells of a table."""
_PAYS: Final = 0.9
"""What compressed bytes may take of the space they took before."""


def dump(table: Any, sink: BinaryIO, texts: list[str], compression: str | None) -> None:  # noqa: ANN401 - Arrow's
    """Write an Arrow table; the columns *texts* by dictionary, which for numbers would confuse one NaN with another."""
    pq = needed("pyarrow.parquet", "Parquet", "pandas")

    def write(rows: Any, into: BinaryIO, chosen: str | None) -> None:  # noqa: ANN401 - Arrow's
        dictionary = texts or False
        pq.write_table(rows, into, use_dictionary=dictionary, compression=chosen or "NONE", write_statistics=False)

    rows = sampled(table.num_rows, table.nbytes)
    write(
        table, sink, compression if pays(lambda into, it: write(table.slice(0, rows), into, it), compression) else None
    )


def load(source: BinaryIO) -> Any:  # noqa: ANN401 - Arrow's
    """Read an Arrow table."""
    pq = needed("pyarrow.parquet", "Parquet", "pandas")
    with pq.ParquetFile(source) as file:
        return file.read(use_threads=is_large(file.metadata.num_rows, file.metadata.num_columns))


def is_large(rows: int, columns: int) -> bool:
    """Tell whether a table is worth several threads: waking them takes longer than reading a small one."""
    return rows * columns > _LARGE


def sampled(rows: int, size: int) -> int:
    """How many of *rows* rows, which take *size* bytes, show whether compression pays.

    >>> sampled(10, 80), sampled(1_000_000, 8_000_000)
    (10, 16384)
    """
    return min(rows, max(1, rows * _SAMPLE // max(1, size)))


def pays(write: Callable[[BinaryIO, str | None], None], compression: str | None) -> bool:
    """Tell whether what *write* writes of a sample takes markedly less space with *compression* than without."""
    if compression is None:
        return False
    plain, compressed = io.BytesIO(), io.BytesIO()
    write(plain, None)
    write(compressed, compression)
    return compressed.tell() < _PAYS * plain.tell()

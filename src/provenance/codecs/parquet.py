"""Reading and writing Parquet through Arrow."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from provenance.codecs.libraries import needed

COMPRESSIONS: Final = (None, "zstd", "lz4", "snappy", "gzip")
"""Compressions of Parquet pages; None is no compression."""
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
    pq = needed("pyarrow.parquet", "Parquet", "pandas")

    def write(rows: Any, into: BinaryIO, chosen: str | None) -> None:  # noqa: ANN401 - Arrow's
        pq.write_table(
            rows,
            into,
            use_dictionary=texts or False,
            compression=chosen or "NONE",
            write_statistics=False,
        )

    sample = table.slice(0, sampled(table.num_rows, table.nbytes))
    shrinks = pays(lambda into, chosen: write(sample, into, chosen), compression)
    write(table, sink, compression if shrinks else None)


def load(source: BinaryIO) -> Any:  # noqa: ANN401 - Arrow's
    """Read an Arrow table."""
    pq = needed("pyarrow.parquet", "Parquet", "pandas")
    with pq.ParquetFile(source) as file:
        return file.read(use_threads=is_large(file.metadata.num_rows, file.metadata.num_columns))


def is_large(rows: int, columns: int) -> bool:
    """Tell whether a table is worth several threads.

    Waking them takes longer than reading a small one.
    """
    return rows * columns > _LARGE


def sampled(rows: int, size: int) -> int:
    """Return how many of *rows* rows, *size* bytes in all, are enough for a trial of compression.

    >>> sampled(10, 80), sampled(1_000_000, 8_000_000)
    (10, 16384)
    """
    return min(rows, max(1, rows * _SAMPLE // max(1, size)))


def pays(write: Callable[[BinaryIO, str | None], None], compression: str | None) -> bool:
    """Tell whether *compression* makes the sample that *write* writes markedly smaller."""
    if compression is None:
        return False
    plain, compressed = io.BytesIO(), io.BytesIO()
    write(plain, None)
    write(compressed, compression)
    return compressed.tell() < _PAYS * plain.tell()

"""pandas: frames and series as Parquet files that any other program can read.

Only what Parquet is known to give back as it was is written: columns and indexes of a few kinds, and of each schema an
empty table is sent there and back before. Everything else is refused, and left to the next serializer.
"""

from __future__ import annotations

import io
import json
import sys
from functools import lru_cache
from typing import Any, BinaryIO, Final

from provenance.codecs import parquet
from provenance.codecs.libraries import imported, needed

_FRAME: Final = "pd_df_parquet"
_SERIES: Final = "pd_series_parquet"
_KEY: Final = b"provenance"
"""Key of the file's metadata under which it says what it must look like when it is read."""
_VALUES: Final = "values"
_EXACT: Final = frozenset(
    {f"{kind}{bits}" for kind in ("int", "uint", "Int", "UInt") for bits in (8, 16, 32, 64)}
    | {f"{kind}[{unit}]" for kind in ("datetime64", "timedelta64") for unit in ("ms", "us", "ns")}
    | {"float32", "float64", "bool", "boolean", "str", "string"}
)
"""Types of columns by name, beside datetimes with a time zone of `zoneinfo`: no object, no category, no NaN beside NA."""


def is_frame(value: object) -> bool:
    """Tell whether *value* is exactly a `DataFrame`."""
    pandas = imported("pandas")
    return pandas is not None and type(value) is pandas.DataFrame


def is_series(value: object) -> bool:
    """Tell whether *value* is exactly a `Series`."""
    pandas = imported("pandas")
    return pandas is not None and type(value) is pandas.Series


def dump_frame(value: object, sink: BinaryIO, *, compression: str | None = None) -> None:
    """Write a frame, its pages compressed with `zstd`, `lz4`, `snappy` or `gzip` if that shrinks them.

    Raises:
        TypeError: for what Parquet would not give back as it is.
    """
    if not is_frame(value):
        raise TypeError(f"serializer {_FRAME!r} writes frames, not {type(value).__qualname__}")
    _dump(value, sink, {}, compression)


def dump_series(value: object, sink: BinaryIO, *, compression: str | None = None) -> None:
    """Write a series as a frame of one column; as `dump_frame`."""
    series: Any = value
    if not is_series(value) or not (series.name is None or type(series.name) is str):
        raise TypeError(f"serializer {_SERIES!r} writes series named by a string, not {type(series).__qualname__}")
    _refuse_extras(series)
    _dump(series.to_frame(_VALUES), sink, {"name": series.name}, compression)


def load_frame(source: BinaryIO) -> object:
    """Read what `dump_frame` wrote."""
    frame, _ = _load(source, _FRAME)
    return frame


def load_series(source: BinaryIO) -> object:
    """Read what `dump_series` wrote."""
    frame, facts = _load(source, _SERIES)
    series: object = frame.iloc[:, 0].rename(facts["name"])
    return series


def _dump(frame: Any, sink: BinaryIO, facts: dict[str, object], compression: str | None) -> None:  # noqa: ANN401 - pandas'
    _refuse_extras(frame)
    _refuse_labels(frame)
    pandas: Any = sys.modules["pandas"]
    for kind in (*frame.dtypes, *(() if type(frame.index) is pandas.RangeIndex else (frame.index.dtype,))):
        _refuse_kind(kind)
    table = _table(frame, facts)
    empty = _there_and_back(table.schema)
    if _looks(empty, exactly=True) != _looks(frame.iloc[:0], exactly=True):
        raise TypeError("Parquet gives it back in another form")
    texts = [name for name, kind in zip(frame.columns, frame.dtypes, strict=True) if str(kind) in {"str", "string"}]
    parquet.dump(table, sink, texts, compression)


def _refuse_extras(value: Any) -> None:  # noqa: ANN401 - pandas'
    if value.attrs or not value.flags.allows_duplicate_labels:
        raise TypeError("Parquet has no place for attrs and flags")


def _refuse_labels(frame: Any) -> None:  # noqa: ANN401 - pandas'
    """See that columns and index are told apart by names, and the index is plain or one of Parquet's columns."""
    names = list(frame.columns)
    if not names or not frame.columns.is_unique or any(type(each) is not str for each in names):
        raise TypeError("the columns of a Parquet file have names, each another one")
    index = frame.index
    if index.nlevels > 1 or getattr(index, "freq", None) is not None:
        raise TypeError("Parquet does not keep the levels or the frequency of an index")
    labels = (index.name, frame.columns.name)
    if any(not (each is None or type(each) is str) for each in labels) or index.name in names:
        raise TypeError("the index and the row of column names are named by strings of their own")
    if any(each.startswith("__index_level_") for each in (*names, index.name or "")):
        raise TypeError("this is how Parquet names an index without a name")


def _refuse_kind(kind: Any) -> None:  # noqa: ANN401 - pandas'
    if str(kind) not in _EXACT and _zone(kind) != "zoneinfo":
        raise TypeError(f"Parquet does not give back every column of type {kind}")


def _table(frame: Any, facts: dict[str, object]) -> Any:  # noqa: ANN401 - pandas' and Arrow's
    """*frame* as Arrow; NaN stays the number that it is, of whatever sign, instead of going missing."""
    pa = needed("pyarrow", f"serializer {_FRAME!r}", "pandas")
    table = pa.Table.from_pandas(frame)
    for at, field in enumerate(table.schema):
        if str(field.type) in {"float", "double"} and table.column(at).null_count:
            column = frame[field.name] if field.name in frame.columns else frame.index
            table = table.set_column(at, field, pa.array(column.to_numpy(), from_pandas=False))
    described = json.dumps({**facts, "labels": str(frame.columns.dtype), "looks": _looks(frame)}).encode()
    return table.replace_schema_metadata({**table.schema.metadata, _KEY: described})


def _looks(frame: Any, *, exactly: bool = False) -> list[str]:  # noqa: ANN401 - pandas'
    """What distinguishes frames of the same content; *exactly* tells also how strings and time zones are kept."""
    named = repr if exactly else str
    columns = [named(each) for each in frame.dtypes]
    zones = [_zone(each) for each in (*frame.dtypes, frame.index.dtype)] if exactly else []
    axes = (
        (frame.columns, frame.index) if not exactly or type(frame.index).__name__ != "RangeIndex" else (frame.columns,)
    )
    return [
        *columns,
        *zones,
        *(text for each in axes for text in (type(each).__name__, named(each.dtype), repr(each.name))),
    ]


def _zone(kind: Any) -> str:  # noqa: ANN401 - pandas'
    """The class of a type's time zone: two of them may have one name."""
    zone: object = getattr(kind, "tz", None)
    return type(zone).__module__


def _there_and_back(schema: Any) -> Any:  # noqa: ANN401 - Arrow's and pandas'
    """A frame without rows that was written and read with this schema."""
    return _survivor(schema.serialize().to_pybytes())


@lru_cache(maxsize=256)
def _survivor(schema: bytes) -> Any:  # noqa: ANN401 - pandas'
    pa = needed("pyarrow", "Parquet", "pandas")
    empty: Any = pa.ipc.read_schema(pa.py_buffer(schema)).empty_table()
    sink = io.BytesIO()
    parquet.dump(empty, sink, [], None)
    sink.seek(0)
    return parquet.load(sink).to_pandas()


def _load(source: BinaryIO, name: str) -> tuple[Any, dict[str, Any]]:
    for library in ("pandas", "pyarrow"):
        needed(library, f"serializer {name!r}", "pandas")
    table = parquet.load(source)
    facts: dict[str, Any] = json.loads(table.schema.metadata[_KEY])
    frame = table.to_pandas(use_threads=parquet.is_large(table.num_rows, table.num_columns))
    if facts["labels"] == "object":  # written by pandas 2, where strings were objects
        frame.columns = frame.columns.astype(object)
    if _looks(frame) != facts["looks"]:
        raise TypeError(f"this version of pandas reads another form than was written: {_looks(frame)}")
    return frame, facts

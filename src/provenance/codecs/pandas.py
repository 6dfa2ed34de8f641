"""Serializers of pandas frames and series as plain Parquet files.

Only columns and indexes of types that Parquet preserves are written. Once for each schema, an empty
table is written and read back to check that. Everything else is left to the next serializer.
"""

from __future__ import annotations

import io
import json
import sys
from functools import lru_cache
from typing import Any, BinaryIO, Final, cast

from provenance.codecs import pyarrow
from provenance.hashing import hash_value
from provenance.hashing.attributes import attributes_beside
from provenance.util.optional import imported_module, require_library

_FRAME: Final = "pd_df_parquet"
_SERIES: Final = "pd_series_parquet"
_KEY: Final = b"provenance"
"""Key in the file's metadata for what the frame must look like when it is read."""
_VALUES: Final = "values"
_BROAD: Final = 1_000
"""Columns of a frame above which Parquet is only chosen for many rows."""
_LONG: Final = 10_000
_EXACT: Final = frozenset(
    {f"{kind}{bits}" for kind in ("int", "uint", "Int", "UInt") for bits in (8, 16, 32, 64)}
    | {f"{kind}[{unit}]" for kind in ("datetime64", "timedelta64") for unit in ("ms", "us", "ns")}
    | {"float32", "float64", "bool", "boolean", "str", "string"}
)
"""Names of column types that Parquet preserves, besides datetimes with a `zoneinfo` time zone.

Missing are object, category, and the nullable floats, which hold both NaN and NA.
"""


def is_frame(value: object) -> bool:
    """Tell whether *value* is exactly a `DataFrame`."""
    pandas = imported_module("pandas")
    return pandas is not None and type(value) is pandas.DataFrame


def is_long_frame(value: object) -> bool:
    """Tell whether *value* is a frame that Parquet suits: it pays for each column, whatever is in it."""
    if not is_frame(value):
        return False
    rows, columns = cast("Any", value).shape
    return bool(columns <= _BROAD or rows >= _LONG)


def is_series(value: object) -> bool:
    """Tell whether *value* is exactly a `Series`."""
    pandas = imported_module("pandas")
    return pandas is not None and type(value) is pandas.Series


def dump_frame(value: object, sink: BinaryIO, *, compression: str | None = None) -> None:
    """Write a frame, compressed with `zstd`, `lz4`, `snappy` or `gzip` if that makes it smaller.

    Raises:
        TypeError: for values that Parquet does not preserve.
    """
    if not is_frame(value):
        raise TypeError(f"serializer {_FRAME!r} writes frames, not {type(value).__qualname__}")
    _dump(value, sink, _extras(value), compression)


def dump_series(value: object, sink: BinaryIO, *, compression: str | None = None) -> None:
    """Write a series as a frame of one column, as `dump_frame` does."""
    series: Any = value
    if not is_series(value) or not (series.name is None or type(series.name) is str):
        raise TypeError(
            f"serializer {_SERIES!r} writes series with a string as name, "
            f"not {type(series).__qualname__}"
        )
    facts = {"name": series.name, **_extras(series)}
    _dump(series.to_frame(_VALUES), sink, facts, compression)


def load_frame(source: BinaryIO) -> object:
    """Read what `dump_frame` wrote."""
    frame, facts = _load(source, _FRAME)
    return _with_extras(frame, facts)


def load_series(source: BinaryIO) -> object:
    """Read what `dump_series` wrote."""
    frame, facts = _load(source, _SERIES)
    return _with_extras(frame.iloc[:, 0].rename(facts["name"]), facts)


def _dump(frame: Any, sink: BinaryIO, facts: dict[str, object], compression: str | None) -> None:  # noqa: ANN401
    _refuse_labels(frame)
    pandas: Any = sys.modules["pandas"]
    index = () if type(frame.index) is pandas.RangeIndex else (frame.index.dtype,)
    for kind in (*frame.dtypes, *index):
        if str(kind) not in _EXACT and _zone(kind) != "zoneinfo":
            raise TypeError(f"Parquet does not preserve columns of type {kind}")
    table = _table(frame, facts)
    empty = _survivor(table.schema.serialize().to_pybytes())
    if _looks(empty, exactly=True) != _looks(frame.iloc[:0], exactly=True):
        raise TypeError("Parquet does not preserve its schema")
    texts = [name for name, kind in frame.dtypes.items() if str(kind) in {"str", "string"}]
    pyarrow.dump(table, sink, texts, compression)


def _extras(value: Any) -> dict[str, object]:  # noqa: ANN401 - pandas'
    """Return what a frame or a series has besides its values, as JSON can keep it.

    Raises:
        TypeError: if it has anything that JSON does not give back.
    """
    if attributes_beside(value):
        raise TypeError("Parquet does not preserve attributes that were set on the table")
    extras: dict[str, object] = {}
    frequency = getattr(value.index, "freq", None)
    if value.attrs:
        extras["attrs"] = value.attrs
    if not value.flags.allows_duplicate_labels:
        extras["unique"] = True
    if frequency is not None:
        extras["freq"] = frequency.freqstr
    try:
        is_kept = hash_value(json.loads(json.dumps(extras))) == hash_value(extras)
    except (TypeError, ValueError):
        is_kept = False
    if not is_kept:
        raise TypeError("Parquet does not preserve attrs that JSON would change")
    return extras


def _with_extras(value: Any, facts: dict[str, Any]) -> object:  # noqa: ANN401 - pandas'
    value.attrs = facts.get("attrs", {})
    if "freq" in facts:
        value.index.freq = facts["freq"]
    return value.set_flags(allows_duplicate_labels=False) if "unique" in facts else value


def _refuse_labels(frame: Any) -> None:  # noqa: ANN401 - pandas'
    names = list(frame.columns)
    if not names or not frame.columns.is_unique or any(type(name) is not str for name in names):
        raise TypeError("the columns of a Parquet file must have unique string names")
    index, to_offset = frame.index, sys.modules["pandas"].tseries.frequencies.to_offset
    if index.nlevels > 1:
        raise TypeError("Parquet does not preserve the levels of an index")
    frequency = getattr(index, "freq", None)
    if frequency is not None and to_offset(frequency.freqstr) != frequency:
        raise TypeError(f"Parquet does not preserve the frequency {frequency!r} of the index")
    labels = (index.name, frame.columns.name)
    if any(label is not None and type(label) is not str for label in labels) or index.name in names:
        raise TypeError(
            "the names of the axes must be strings, and the index must not have a column's name"
        )
    if any(name.startswith("__index_level_") for name in (*names, index.name or "")):
        raise TypeError("names that begin with __index_level_ are reserved by Parquet")


def _table(frame: Any, facts: dict[str, object]) -> Any:  # noqa: ANN401 - pandas' and Arrow's
    """Return *frame* as an Arrow table in which NaN, of either sign, is a number and not null."""
    pa = require_library("pyarrow", f"serializer {_FRAME!r}")
    table = pa.Table.from_pandas(frame)
    for i, field in enumerate(table.schema):
        if str(field.type) in {"float", "double"} and table.column(i).null_count:
            column = frame[field.name] if field.name in frame.columns else frame.index
            table = table.set_column(i, field, pa.array(column.to_numpy(), from_pandas=False))
    described = {**facts, "labels": str(frame.columns.dtype), "looks": _looks(frame)}
    metadata = {**table.schema.metadata, _KEY: json.dumps(described).encode()}
    return table.replace_schema_metadata(metadata)


def _looks(frame: Any, *, exactly: bool = False) -> list[str]:  # noqa: ANN401 - pandas'
    """Return the types and names of a frame.

    *exactly* includes the storage of strings and time zones.
    """
    text = repr if exactly else str
    looks = [text(kind) for kind in frame.dtypes]
    if exactly:
        looks += [_zone(kind) for kind in (*frame.dtypes, frame.index.dtype)]
    axes = [frame.columns, frame.index]
    if exactly and type(frame.index).__name__ == "RangeIndex":
        axes.pop()
    for axis in axes:
        looks += [type(axis).__name__, text(axis.dtype), repr(axis.name)]
    return looks


def _zone(kind: Any) -> str:  # noqa: ANN401 - pandas'
    """Return the module of a type's time zone; zones of different libraries have the same names."""
    zone: object = getattr(kind, "tz", None)
    return type(zone).__module__


@lru_cache(maxsize=256)
def _survivor(schema: bytes) -> Any:  # noqa: ANN401 - pandas'
    """Return an empty frame with this schema after writing and reading it."""
    pa = require_library("pyarrow", "Parquet")
    empty: Any = pa.ipc.read_schema(pa.py_buffer(schema)).empty_table()
    sink = io.BytesIO()
    pyarrow.dump(empty, sink, [], None)
    sink.seek(0)
    return pyarrow.load(sink).to_pandas()


def _load(source: BinaryIO, name: str) -> tuple[Any, dict[str, Any]]:
    for library in ("pandas", "pyarrow"):
        require_library(library, f"serializer {name!r}")
    table = pyarrow.load(source)
    facts: dict[str, Any] = json.loads(table.schema.metadata[_KEY])
    frame = table.to_pandas(use_threads=pyarrow.is_large(table.num_rows, table.num_columns))
    # In pandas 2, strings were objects.
    if facts["labels"] == "object":
        frame.columns = frame.columns.astype(object)
    if _looks(frame) != facts["looks"]:
        raise TypeError(
            f"this version of pandas reads a different form than was written: {_looks(frame)}"
        )
    return frame, facts

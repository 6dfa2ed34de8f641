"""The plain value in a common format, chosen by the extension of the file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, BinaryIO, Final, cast

from provenance.archives import ArchivedFile
from provenance.calls.composite import Composite
from provenance.errors import UnserializableValueError
from provenance.model.references import unwrap
from provenance.streams.stream import Stream
from provenance.util.formatting import type_name
from provenance.util.optional import require_library


def write_plain(value: object, extension: str, sink: BinaryIO) -> None:
    """Write *value* into *sink* in the format of *extension*; an archived file as its bytes, whatever the extension.

    Raises:
        UnserializableValueError: if the format cannot hold the value.
        MissingLibraryError: if the library of the format is not installed.
    """
    if isinstance(value, ArchivedFile):
        value.pour(sink)
    else:
        WRITERS[extension](_without_references(value), sink)


def _without_references(value: object) -> object:
    """Return *value* with the values of results in it, since readers of the file do not have the repository."""
    if isinstance(value, Composite):
        return {key: unwrap(part, deep=True) for key, part in value.items()}
    if isinstance(value, Stream):
        return [unwrap(item, deep=True) for item in cast("Stream[object]", value)]
    return unwrap(value, deep=True)


def _refuse(value: object, extension: str, advice: str) -> UnserializableValueError:
    reason = f"a file {extension} cannot hold {type_name(value)}"
    return UnserializableValueError("the value", reason, value, advice)


def _table(value: object) -> object:
    """Return an Arrow table of a table of pandas, polars or Arrow, or of a list of dictionaries; None for anything else."""
    pa = require_library("pyarrow", "a Parquet file")
    package, kind = type(value).__module__.partition(".")[0], type(value).__name__
    given = cast("Any", value)
    match package, kind:
        case "pyarrow", "Table":
            return value
        case "pyarrow", "RecordBatch":
            return pa.Table.from_batches([given])
        case "pandas", "DataFrame":
            return pa.Table.from_pandas(given)
        case "pandas", "Series":
            return pa.Table.from_pandas(
                given.rename("value" if given.name is None else given.name).to_frame()
            )
        case "polars", "DataFrame":
            return given.to_arrow()
        case "polars", "Series":
            return given.to_frame().to_arrow()
        case "builtins", "list" if _are_rows(value):
            return pa.Table.from_pylist(given)
        case _:
            return None


def _are_rows(value: object) -> bool:
    """Tell whether *value* is a list of dictionaries with string keys, and not empty."""
    rows = cast("list[object]", value)
    return (
        isinstance(value, list)
        and bool(rows)
        and all(
            isinstance(row, dict)
            and all(isinstance(key, str) for key in cast("dict[object, object]", row))
            for row in rows
        )
    )


def _write_parquet(value: object, sink: BinaryIO) -> None:
    table = _table(value)
    if table is None:
        raise _refuse(value, ".parquet", "export a table, or a list of dictionaries")
    require_library("pyarrow.parquet", "a Parquet file").write_table(table, sink)


def _write_csv(value: object, sink: BinaryIO) -> None:
    package, kind = type(value).__module__.partition(".")[0], type(value).__name__
    given = cast("Any", value)
    match package, kind:
        case "pandas", "DataFrame" | "Series":
            text = given.to_csv(index=type(given.index).__name__ != "RangeIndex")
        case "polars", "DataFrame":
            text = given.write_csv()
        case "pyarrow", "Table":
            require_library("pyarrow.csv", "a CSV file").write_csv(given, sink)
            return
        case "numpy", "ndarray" if given.ndim in (1, 2) and given.dtype.kind in "biufUS":
            text = _csv_text(
                given.tolist() if given.ndim == _TWO else [[value] for value in given.tolist()]
            )
        case "builtins", "list" if _are_rows(value):
            text = _csv_of_dictionaries(given)
        case "builtins", "list" | "tuple" if all(isinstance(row, list | tuple) for row in given):
            text = _csv_text(given)
        case _:
            raise _refuse(value, ".csv", "export a table, or a list of dictionaries or lists")
    sink.write(text.encode())


_TWO: Final = 2


def _csv_text(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _csv_of_dictionaries(rows: list[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*dict.fromkeys(key for row in rows for key in row)])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write_json(value: object, sink: BinaryIO) -> None:
    package, kind = type(value).__module__.partition(".")[0], type(value).__name__
    given = cast("Any", value)
    match package, kind:
        case "pandas", "DataFrame":
            text = given.to_json(orient="records", date_format="iso", double_precision=15)
        case "pandas", "Series":
            text = given.to_json(orient="split", date_format="iso", double_precision=15)
        case "polars", "DataFrame":
            text = given.write_json()
        case _:
            text = _json_text(given.tolist() if package == "numpy" else value)
    sink.write(text.encode())


def _json_text(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1)
    except (TypeError, ValueError, RecursionError) as error:
        advice = "export it with another extension, such as .joblib"
        raise UnserializableValueError(
            "the value", f"it has no JSON form ({error})", value, advice
        ) from error


def _write_npy(value: object, sink: BinaryIO) -> None:
    np = require_library("numpy", "a file of an array")
    try:
        np.save(sink, np.asarray(value), allow_pickle=False)
    except ValueError as error:
        raise _refuse(value, ".npy", "export numbers, or another extension") from error


def _write_joblib(value: object, sink: BinaryIO) -> None:
    import joblib

    joblib.dump(value, sink)


def _write_safetensors(value: object, sink: BinaryIO) -> None:
    given = cast("Any", value)
    named: object = given.state_dict() if hasattr(given, "state_dict") else value
    if type(named).__module__.partition(".")[0] in ("numpy", "torch"):
        named = {"value": named}
    kinds: set[str] = set()
    if isinstance(named, Mapping) and all(
        isinstance(key, str) for key in cast("Mapping[object, object]", named)
    ):
        kinds = {
            type(value).__module__.partition(".")[0]
            for value in cast("Mapping[str, object]", named).values()
        }
    if kinds not in ({"numpy"}, {"torch"}):
        raise _refuse(
            value,
            ".safetensors",
            "export an array or tensor, a module, or a dictionary of them by name",
        )
    library = require_library(f"safetensors.{min(kinds)}", "a file of tensors")
    sink.write(library.save(dict(cast("Mapping[str, Any]", named))))


WRITERS: Final[dict[str, Callable[[object, BinaryIO], None]]] = {
    ".csv": _write_csv,
    ".joblib": _write_joblib,
    ".json": _write_json,
    ".npy": _write_npy,
    ".parquet": _write_parquet,
    ".safetensors": _write_safetensors,
}
"""The writers of values by extension."""

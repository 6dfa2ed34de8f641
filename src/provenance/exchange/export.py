"""Export: a result or a set as a file, in a format for people, for programs or for another repository."""

from __future__ import annotations

import csv
import difflib
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, TypeAlias, cast

from attrs import evolve

from provenance import environment
from provenance.archives import ArchivedFile
from provenance.calls.composite import Composite
from provenance.effect import run
from provenance.environment import RepositoryOrName
from provenance.errors import ConfigError, StoreUnavailableError, UnserializableValueError
from provenance.exchange import bundles
from provenance.exchange.closure import Closure, collect_closure, redact
from provenance.exchange.openlineage import open_lineage
from provenance.exchange.prov import prov_json, prov_n
from provenance.exchange.rocrate import ro_crate
from provenance.model.ids import ArtifactId, DerivationId
from provenance.model.records import ArtifactRecord, SetRecord
from provenance.model.references import is_proxy, unwrap
from provenance.ports.machine import ExportFile, Now
from provenance.repository.handles import Repository
from provenance.repository.sets import ArtifactSet
from provenance.streams.stream import Stream
from provenance.util.formatting import type_name, type_name_of
from provenance.util.optional import require_library

ExportFormat: TypeAlias = Literal[
    "value", "bundle", "sqlite", "prov-json", "prov-n", "ro-crate", "openlineage"
]
"""What `export` can write."""


def export(
    what: object,
    path: str | os.PathLike[str],
    format: ExportFormat | None = None,  # noqa: A002 - its public name
    *,
    repo: RepositoryOrName | None = None,
    redacted: bool = True,
) -> Path:
    """Write a result, or all results of a set, to the file *path*; a file that is there is replaced.

    Args:
        what: The result of a decorated function, an artifact, its id or first digits, a list of these, or an `ArtifactSet`.
        path: The file to write.
        format: By default the extension decides. `value`: the plain value, as `.parquet`, `.csv`, `.json`, `.npy`, `.joblib`
            or `.safetensors`; an archived file as its bytes, with any extension. `bundle` (`.zip`): the artifacts with all
            that they were made from, in one file that `open_bundle` reads and that is an RO-Crate. `sqlite` (`.db`): the
            same in one SQLite file. `prov-json` and `prov-n` (`.provn`): W3C PROV. `ro-crate`: the metadata of an RO-Crate.
            `openlineage`: events, one a line.
        repo: The repository of an id, or its name; by default the default one.
        redacted: Leave out host names, users, folders, command lines and what `run_info_fn` added. False keeps them.

    Returns:
        The path that was written.

    Raises:
        TypeError: if *what* is anything else.
        ConfigError: if there is no such format, or the extension does not tell one.
        ArtifactNotFoundError, AmbiguousIdError: if an id does not name one artifact.
        BlobNotFoundError, CorruptBlobError: if bytes are missing or damaged; nothing is written.
        UnserializableValueError: if the format cannot hold the value.
        MissingLibraryError: if the library of the format is not installed.
        StoreUnavailableError: if the file cannot be written.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> import json
        >>> json.loads(p.export(squares(3), "squares.json").read_text())
        [0, 1, 4]
    """
    target = Path(path)
    several = isinstance(what, ArtifactSet) or _members_of(what) is not None
    if format in (None, _VALUE) and not several:
        artifact = environment.artifact_for(what, repo)
        if _format_of(target, format, artifact) == _VALUE:
            source = environment.repository_of(artifact)
            pour = partial(write_plain, artifact.value, target.suffix.lower())
            return _write(source, target, pour)
    chosen = _format_of(target, format, None)
    source, closure = _closure_of(what, repo)
    closure = redact(closure) if redacted else closure
    if chosen in _TEXTS:
        data = _TEXTS[chosen](closure, source.name).encode()
        return _write(source, target, lambda sink: cast("None", sink.write(data)))
    if chosen == _VALUE:
        advice = "export one of its members, or choose format='bundle'"
        raise ConfigError("format", "several results have no value of their own", advice)
    write = bundles.write_bundle if chosen == "bundle" else bundles.write_database
    write(source, closure, str(target), redacted=redacted)
    return target


def _closure_of(what: object, repo: RepositoryOrName | None) -> tuple[Repository, Closure]:
    """Return the repository of what is exported, and its closure."""
    chosen = None if repo is None else environment.current().repository(repo)
    sets: tuple[SetRecord, ...] = ()
    used: dict[ArtifactId, DerivationId] = {}
    if isinstance(what, ArtifactSet):
        known = what.origin if isinstance(what.origin, Repository) else None
        source = chosen or known or environment.current().repository()
        roots = tuple(sorted(what.artifact_ids))
        at = what.created_at or source.interpreter(Now())
        sets = (SetRecord(what.id, what.artifact_ids, what.labels, at),)
    else:
        members = _members_of(what)
        wanted = [what] if members is None else members
        artifacts = [environment.artifact_for(item, repo) for item in wanted]
        if not artifacts:
            raise ConfigError("what", "there is nothing to export", "pass a result")
        source = chosen or environment.repository_of(artifacts[0])
        roots = tuple(artifact.id for artifact in artifacts)
        used = {one.id: one.derivation_id for one in artifacts if one.derivation is not None}
    closure = run(collect_closure(roots, source.name, sets), source.interpreter)
    recorded = {one.id for entry in closure.entries for one in entry.derivations}
    by_call = {root: derivation for root, derivation in used.items() if derivation in recorded}
    return source, evolve(closure, by_call=by_call)


def _members_of(what: object) -> list[object] | None:
    """Return the members of a plain list or tuple; None for anything else, also for a result that is a list."""
    is_plain = isinstance(what, list | tuple) and not is_proxy(cast("object", what))
    return list(cast("list[object]", what)) if is_plain else None


def _write(source: Repository, target: Path, pour: Callable[[BinaryIO], None]) -> Path:
    try:
        source.interpreter(ExportFile(str(target), pour))
    except StoreUnavailableError:
        raise
    except OSError as error:
        advice = "check that the folder exists and that you may write to it"
        raise StoreUnavailableError(str(target), str(error), advice) from error
    return target


def _format_of(target: Path, given: str | None, record: ArtifactRecord | None) -> ExportFormat:
    """Return the format that was *given*, or that the extension of *target* tells.

    Raises:
        ConfigError: if there is none.
    """
    suffix = target.suffix.lower()
    is_file = record is not None and record.value_type == type_name_of(ArchivedFile)
    if given is None:
        found = _BY_EXTENSION.get(suffix) or (_VALUE if is_file else None)
        if found is None:
            problem = f"the extension {suffix!r} tells no format"
            advice = f"use one of {', '.join(_BY_EXTENSION)}, or pass format="
            raise ConfigError("path", problem, advice)
        return found
    if given not in _FORMATS:
        near = difflib.get_close_matches(str(given), _FORMATS, 1)
        advice = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(_FORMATS)}"
        raise ConfigError("format", f"unknown format {given!r}", advice)
    if given == "value" and suffix not in WRITERS and not is_file:
        problem = f"the extension {suffix!r} tells no format of values"
        raise ConfigError("path", problem, f"use one of {', '.join(WRITERS)}")
    return cast("ExportFormat", given)


# ---------------------------------------------------------------- plain values


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


def _kind_of(value: object) -> tuple[str, str]:
    """Return the library and the name of a type."""
    return type(value).__module__.partition(".")[0], type(value).__name__


def _table(value: Any) -> object:  # noqa: ANN401 - a table of any library
    """Return an Arrow table of a table of pandas, polars or Arrow, or of a list of dictionaries; None for anything else."""
    pa = require_library("pyarrow", "a Parquet file")
    match _kind_of(value):
        case "pyarrow", "Table":
            return value
        case "pyarrow", "RecordBatch":
            return pa.Table.from_batches([value])
        case "pandas", "DataFrame":
            return pa.Table.from_pandas(value)
        case "pandas", "Series":
            return pa.Table.from_pandas(
                value.rename("value" if value.name is None else value.name).to_frame()
            )
        case "polars", "DataFrame":
            return value.to_arrow()
        case "polars", "Series":
            return value.to_frame().to_arrow()
        case "builtins", "list" if _are_rows(value):
            return pa.Table.from_pylist(value)
        case _:
            return None


def _are_rows(value: object) -> bool:
    """Tell whether *value* is a list of dictionaries with string keys, and not empty."""
    return (
        isinstance(value, list)
        and bool(cast("list[object]", value))
        and all(
            isinstance(row, dict) and _has_names(cast("object", row))
            for row in cast("list[object]", value)
        )
    )


def _has_names(value: object) -> bool:
    """Tell whether *value* is a mapping whose keys are strings."""
    return isinstance(value, Mapping) and all(
        isinstance(key, str) for key in cast("Mapping[object, object]", value)
    )


def _write_parquet(value: object, sink: BinaryIO) -> None:
    table = _table(value)
    if table is None:
        raise _refuse(value, ".parquet", "export a table, or a list of dictionaries")
    require_library("pyarrow.parquet", "a Parquet file").write_table(table, sink)


def _write_csv(value: Any, sink: BinaryIO) -> None:  # noqa: ANN401 - as above
    match _kind_of(value):
        case "pandas", "DataFrame" | "Series":
            text = value.to_csv(index=type(value.index).__name__ != "RangeIndex")
        case "polars", "DataFrame":
            text = value.write_csv()
        case "pyarrow", "Table":
            require_library("pyarrow.csv", "a CSV file").write_csv(value, sink)
            return
        case "numpy", "ndarray" if value.ndim in (1, 2) and value.dtype.kind in "biufUS":
            text = _csv_text((value[:, None] if value.ndim == 1 else value).tolist())
        case "builtins", "list" if _are_rows(value):
            text = _csv_of_dictionaries(value)
        case "builtins", "list" | "tuple" if all(isinstance(row, list | tuple) for row in value):
            text = _csv_text(value)
        case _:
            raise _refuse(value, ".csv", "export a table, or a list of dictionaries or lists")
    sink.write(text.encode())


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


def _write_json(value: Any, sink: BinaryIO) -> None:  # noqa: ANN401 - as above
    match _kind_of(value):
        case "pandas", "DataFrame":
            text = value.to_json(orient="records", date_format="iso", double_precision=15)
        case "pandas", "Series":
            text = value.to_json(orient="split", date_format="iso", double_precision=15)
        case "polars", "DataFrame":
            text = value.write_json()
        case _:
            text = _json_text(value.tolist() if _kind_of(value)[0] == "numpy" else value)
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
    named: object = cast("Any", value).state_dict() if hasattr(value, "state_dict") else value
    if _kind_of(named)[0] in ("numpy", "torch"):
        named = {"value": named}
    tensors: Mapping[str, object] = {}
    if _has_names(named):
        tensors = cast("Mapping[str, object]", named)
    kinds = {_kind_of(tensor)[0] for tensor in tensors.values()}
    if kinds not in ({"numpy"}, {"torch"}):
        advice = "export an array or tensor, a module, or a dictionary of them by name"
        raise _refuse(value, ".safetensors", advice)
    library = require_library(f"safetensors.{min(kinds)}", "a file of tensors")
    sink.write(library.save({**tensors}))


WRITERS: Final[dict[str, Callable[[object, BinaryIO], None]]] = {
    ".csv": _write_csv,
    ".joblib": _write_joblib,
    ".json": _write_json,
    ".npy": _write_npy,
    ".parquet": _write_parquet,
    ".safetensors": _write_safetensors,
}
"""The writers of values by extension."""

_TEXTS: Final[Mapping[str, Callable[[Closure, str], str]]] = {
    "prov-json": lambda closure, _: prov_json(closure),
    "prov-n": lambda closure, _: prov_n(closure),
    "ro-crate": lambda closure, _: ro_crate(closure),
    "openlineage": open_lineage,
}
_FORMATS: Final = ("value", "bundle", "sqlite", *_TEXTS)
_VALUE: Final[ExportFormat] = "value"
_BY_EXTENSION: Final[Mapping[str, ExportFormat]] = {
    ".zip": "bundle",
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".provn": "prov-n",
    **dict.fromkeys(WRITERS, _VALUE),
}

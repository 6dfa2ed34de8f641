"""Records as they travel: rows of primitives for a table, and JSON text.

A row holds nothing but text, numbers and None, so that any database takes it as it is. `COLUMNS` is the one place that
says which column comes where.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Final, TypeAlias, cast, get_args, get_origin

from pyrsistent import pmap

from provenance.ids import NO_IDS, ArtifactId, BlobId, RunId, ValueId
from provenance.records import NO_OPTIONS, ArtifactRecord, Blob, Json, Options, Run

if TYPE_CHECKING:
    from cattrs import Converter

Row: TypeAlias = "tuple[str, str, str, str, int, str, str, int, float, float, float, str, str, str, str, str, str, str, str, str, int, str | None, int | None, str, str, str, str, str]"
"""An artifact's record; the columns are `COLUMNS`."""

COLUMNS: Final = (
    "id",
    "value_id",
    "run_id",
    "name",
    "version",
    "fn_module",
    "fn_name",
    "composite",
    "value_id_duration",
    "compute_duration",
    "hash_duration",
    "computed_at",
    "added_at",
    "input_artifact_ids",
    "serializer",
    "load_kwargs",
    "dump_kwargs",
    "custom_fields",
    "tags",
    "content_digest",
    "size_bytes",
    "inputs_digest",
    "inputs_size",
    "value_type",
    "interface",
    "code",
    "value_artifact_ids",
    "signature",
)

_EMPTY_LIST: Final = "[]"
_EMPTY_OBJECT: Final = "{}"


def json_text(value: object) -> str:
    """*value* as compact JSON text that every database's UTF-8 can hold; ValueError or TypeError if JSON cannot say it.

    >>> json_text({"größe": [1, None]})
    '{"größe":[1,null]}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text if _is_utf8(text) else json.dumps(value, allow_nan=False, separators=(",", ":"))


def _is_utf8(text: str) -> bool:
    """Lone surrogates are text to Python, but not to a database: escaped, they pass."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def jsonable(value: object) -> Json:
    """*value* as JSON can say it, as near as may be: what has no JSON form becomes its `str`.

    >>> jsonable({1: {"a", }, "x": float("nan"), "t": (1, 2j)})
    {'1': ['a'], 'x': 'nan', 't': [1, '2j']}
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if isfinite(value) else str(value)
        case Mapping():
            items = cast("Mapping[object, object]", value).items()
            return {str(key): jsonable(each) for key, each in items}
        case list() | tuple() | set() | frozenset():
            return [jsonable(each) for each in cast("Iterable[object]", value)]
        case _:
            return str(value)


def time_text(moment: datetime) -> str:
    """An aware *moment* as UTC text that sorts by time and that SQL's date functions read; ValueError if it is naive.

    >>> time_text(datetime(2024, 5, 17, 12, tzinfo=UTC))
    '2024-05-17 12:00:00.000000+00:00'
    """
    if moment.tzinfo is not UTC:
        if moment.utcoffset() is None:
            msg = f"{moment!r} has no time zone"
            raise ValueError(msg)
        moment = moment.astimezone(UTC)
    return moment.isoformat(" ", "microseconds")


def moment_from(text: str) -> datetime:
    """The moment that `time_text` wrote."""
    return datetime.fromisoformat(text)


def to_row(record: ArtifactRecord) -> Row:
    """*record* as a row; ValueError or TypeError when its options or fields have no JSON form.

    The inverse is `from_row`, up to what JSON forgets: a tuple inside an option comes back as a list.
    """
    value, inputs = record.value_blob, record.inputs_blob
    return (
        record.id,
        record.value_id,
        record.run_id,
        record.name,
        record.version,
        record.fn_module,
        record.fn_name,
        int(record.composite),
        record.value_id_duration,
        record.compute_duration,
        record.hash_duration,
        time_text(record.computed_at),
        time_text(record.added_at),
        _ids_text(record.input_artifact_ids) if record.input_artifact_ids else _EMPTY_LIST,
        record.serializer,
        _EMPTY_OBJECT if record.load_kwargs is NO_OPTIONS else _options_text(record.load_kwargs),
        _EMPTY_OBJECT if record.dump_kwargs is NO_OPTIONS else _options_text(record.dump_kwargs),
        _EMPTY_OBJECT if record.custom_fields is NO_OPTIONS else _options_text(record.custom_fields),
        json_text(record.tags) if record.tags else _EMPTY_LIST,
        value.id,
        value.size,
        None if inputs is None else inputs.id,
        None if inputs is None else inputs.size,
        record.value_type,
        " ".join(record.interface),
        record.code,
        _ids_text(record.value_artifact_ids) if record.value_artifact_ids else _EMPTY_LIST,
        record.signature,
    )


def from_row(row: Row) -> ArtifactRecord:
    """The record that `to_row` made *row* from; positional throughout, for a look-up's time is spent here.

    What is empty, as it mostly is, is told from its text.
    """
    return ArtifactRecord(
        ArtifactId(row[0]),
        ValueId(row[1]),
        row[3],
        row[4],
        row[5],
        row[6],
        row[7] == 1,
        row[14],
        NO_OPTIONS if row[15] == _EMPTY_OBJECT else _options(row[15]),
        NO_OPTIONS if row[16] == _EMPTY_OBJECT else _options(row[16]),
        NO_IDS if row[13] == _EMPTY_LIST else _ids(row[13]),
        NO_OPTIONS if row[17] == _EMPTY_OBJECT else _options(row[17]),
        () if row[18] == _EMPTY_LIST else tuple(cast("list[str]", json.loads(row[18]))),
        datetime.fromisoformat(row[11]),
        datetime.fromisoformat(row[12]),
        row[9],
        row[10],
        row[8],
        RunId(row[2]),
        Blob(BlobId(row[19]), row[20]),
        None if row[21] is None else Blob(BlobId(row[21]), row[22] or 0),
        row[23],
        tuple(row[24].split()),
        row[25],
        NO_IDS if row[26] == _EMPTY_LIST else _ids(row[26]),
        signature=row[27],
    )


def _options_text(options: Options) -> str:
    return json_text(dict(options))


def _options(text: str) -> Options:
    return pmap(cast("dict[str, object]", json.loads(text)))


def _ids_text(ids: frozenset[ArtifactId]) -> str:
    return json_text(sorted(ids))


def _ids(text: str) -> frozenset[ArtifactId]:
    return frozenset(cast("list[ArtifactId]", json.loads(text)))


def labels_text(labels: Mapping[str, object]) -> str:
    """*labels* as JSON text, the same for equal ones; ValueError or TypeError where they have no JSON form.

    >>> labels_text({"name": "production", "build": 7})
    '{"build":7,"name":"production"}'
    """
    return json.dumps(dict(labels), allow_nan=False, separators=(",", ":"), sort_keys=True)


def labels_from(text: str) -> Options:
    """The labels that `labels_text` wrote."""
    return _options(text)


def run_to_json(run: Run) -> str:
    """*run* as JSON text, from which `run_from_json` makes it again."""
    return json_text(_converter().unstructure(run))


def run_from_json(text: str) -> Run:
    """The run that *text* tells of; cattrs' errors where it tells of none."""
    return _converter().structure(json.loads(text), Run)


_made: list[Converter] = []


def _converter() -> Converter:
    """The one converter, made at its first use because cattrs takes a while to import."""
    if not _made:
        from cattrs import Converter  # noqa: PLC0415 - see above

        _made.append(_configured(Converter()))
    return _made[0]


def _configured(converter: Converter) -> Converter:
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    converter.register_unstructure_hook(datetime, time_text)
    # JSON parsed is JSON already; cattrs would want a hook for the recursive union that `Json` is.
    converter.register_structure_hook_func(_is_json_object, lambda value, _: value)
    converter.register_unstructure_hook_func(_is_json_object, jsonable)
    return converter


def _is_json_object(wanted: object) -> bool:
    """Whether *wanted* is the type `Mapping[str, Json]`, or that or None."""
    return any(get_origin(each) is Mapping for each in (wanted, *get_args(wanted)))

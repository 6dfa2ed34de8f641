"""Conversion of records to rows of a table and to JSON text, and back.

A row holds only text, numbers and None, which every database can store. `COLUMNS` defines the order
of the columns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from operator import itemgetter
from typing import Any, Final, TypeAlias, cast

from attrs import field, fields, make_class

from provenance.model.ids import NO_IDS, ArtifactId, BlobId, DerivationId, RunId, ValueId
from provenance.model.records import (
    NO_EDGES,
    NO_OPTIONS,
    ArtifactRecord,
    Blob,
    DerivedInput,
    FrozenDict,
    Json,
    Options,
    Run,
)

# fmt: off
Row: TypeAlias = tuple[
    ArtifactId, ValueId, RunId, str, int, str, str, str, int, float, float, float, str, str, str, str, str, str, str,
    str, BlobId, int, BlobId | None, int | None, str, str, str, str, str, str, str,
]
# fmt: on
"""The record of an artifact; its columns are `COLUMNS`."""
# fmt: off
OwnColumns: TypeAlias = tuple[
    ArtifactId, ValueId, RunId, float, float, float, str, str, str, BlobId, int, BlobId | None, int | None, str, str,
]
# fmt: on
"""What belongs to one record alone; its columns are `OWN_COLUMNS`."""

COLUMNS: Final = (
    "id",
    "value_id",
    "run_id",
    "name",
    "version",
    "fn_module",
    "fn_name",
    "fn_qualname",
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
    "input_hashes",
    "input_derivations",
    "signature",
)

OWN_COLUMNS: Final = (
    "id",
    "value_id",
    "run_id",
    "value_id_duration",
    "compute_duration",
    "hash_duration",
    "computed_at",
    "added_at",
    "input_artifact_ids",
    "content_digest",
    "size_bytes",
    "inputs_digest",
    "inputs_size",
    "input_hashes",
    "signature",
)
"""The columns in which the records of one function usually differ."""
SHARED_COLUMNS: Final = tuple([name for name in COLUMNS if name not in OWN_COLUMNS])
_shared: Final[Callable[[Row], tuple[str | int, ...]]] = itemgetter(
    *map(COLUMNS.index, SHARED_COLUMNS)
)
_FIRST_SHARED_FIELDS: Final = (
    "name",
    "version",
    "fn_module",
    "fn_name",
    "fn_qualname",
    "composite",
    "serializer",
)

_EMPTY_LIST: Final = "[]"
_EMPTY_OBJECT: Final = "{}"


def json_text(value: object) -> str:
    """Return *value* as compact JSON text, valid UTF-8.

    Raises:
        ValueError, TypeError: if it has no JSON form.

    >>> json_text({"größe": [1, None]})
    '{"größe":[1,null]}'
    """
    text = _dumps(value, ensure_ascii=False)
    return text if is_utf8(text) else _dumps(value)


def _dumps(value: object, *, ensure_ascii: bool = True, sort_keys: bool = False) -> str:
    try:
        return json.dumps(
            value,
            ensure_ascii=ensure_ascii,
            allow_nan=False,
            separators=(",", ":"),
            sort_keys=sort_keys,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def is_utf8(text: str) -> bool:
    """Return whether *text* has no lone surrogates, which a database cannot store."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def jsonable(value: object) -> Json:
    """Return *value* as JSON; what has no JSON form becomes its `str`.

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
            return {str(key): jsonable(entry) for key, entry in items}
        case list() | tuple() | set() | frozenset():
            return [jsonable(member) for member in cast("Iterable[object]", value)]
        case _:
            return str(value)


def time_text(moment: datetime) -> str:
    """Return *moment* as text in UTC, which sorts by time and suits SQL's date functions.

    Raises:
        ValueError: if *moment* has no time zone.

    >>> time_text(datetime(2024, 5, 17, 12, tzinfo=UTC))
    '2024-05-17 12:00:00.000000+00:00'
    """
    if moment.tzinfo is not UTC:
        if moment.utcoffset() is None:
            msg = f"{moment!r} has no time zone"
            raise ValueError(msg)
        moment = moment.astimezone(UTC)
    return moment.isoformat(" ", "microseconds")


def parse_time(text: str) -> datetime:
    """Return the inverse of `time_text`."""
    return datetime.fromisoformat(text)


def to_row(record: ArtifactRecord) -> Row:
    """Return *record* as a row.

    `from_row` is the inverse, except that a tuple in an option becomes a list.

    Raises:
        ValueError, TypeError: if its options or fields have no JSON form.
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
        record.fn_qualname,
        int(record.composite),
        record.value_id_duration,
        record.compute_duration,
        record.hash_duration,
        time_text(record.computed_at),
        time_text(record.added_at),
        ids_text(record.input_artifact_ids) if record.input_artifact_ids else _EMPTY_LIST,
        record.serializer,
        _options_text(record.load_kwargs),
        _options_text(record.dump_kwargs),
        _options_text(record.custom_fields),
        json_text(record.tags) if record.tags else _EMPTY_LIST,
        value.id,
        value.size,
        None if inputs is None else inputs.id,
        None if inputs is None else inputs.size,
        record.value_type,
        " ".join(record.interface),
        record.code,
        ids_text(record.value_artifact_ids) if record.value_artifact_ids else _EMPTY_LIST,
        record.input_hashes,
        edges_text(record.input_derivations) if record.input_derivations else _EMPTY_LIST,
        record.signature,
    )


def from_row(row: Row) -> ArtifactRecord:
    """Return the record of *row*.

    On the path of every lookup: arguments are positional, and empty values are known by their text.
    """
    record = _FilledRecord(
        row[0],
        row[1],
        row[3],
        row[4],
        row[5],
        row[6],
        row[7],
        row[8] == 1,
        row[15],
        NO_OPTIONS if row[16] == _EMPTY_OBJECT else _options(row[16]),
        NO_OPTIONS if row[17] == _EMPTY_OBJECT else _options(row[17]),
        NO_IDS if row[14] == _EMPTY_LIST else parse_ids(row[14]),
        NO_OPTIONS if row[18] == _EMPTY_OBJECT else _options(row[18]),
        () if row[19] == _EMPTY_LIST else tuple(cast("list[str]", json.loads(row[19]))),
        datetime.fromisoformat(row[12]),
        datetime.fromisoformat(row[13]),
        row[10],
        row[11],
        row[9],
        row[2],
        Blob(row[20], row[21]),
        None if row[22] is None else Blob(row[22], row[23] or 0),
        row[24],
        _interface(row[25]),
        row[26],
        NO_IDS if row[27] == _EMPTY_LIST else parse_ids(row[27]),
        row[28],
        NO_EDGES if row[29] == _EMPTY_LIST else parse_edges(row[29]),
        signature=row[30],
    )
    record.__class__ = ArtifactRecord
    return cast("ArtifactRecord", record)


# A frozen class takes four times as long to make: it sets each field by a call. An instance of this one has the same
# fields at the same places, and becomes a frozen record when they are filled.
_FilledRecord: Final = make_class(
    "_FilledRecord",
    {
        given.name: field(default=given.default, kw_only=given.kw_only)
        for given in fields(ArtifactRecord)
    },
    eq=False,
    slots=True,
    weakref_slot=False,
)


class SharedColumns:
    """What records of a function have in common, taken from the *row* of one; makes others of what is their own.

    Attributes:
        values: The `SHARED_COLUMNS` of the row.
    """

    def __init__(self, row: Row) -> None:
        one = from_row(row)
        self.values = _shared(row)
        # In the order of the columns, and in that of the fields.
        self._cells = row[3:9], row[15:20], row[24:28], row[29]
        self._options: tuple[str, str, str] = row[16:19]
        self._has_options = any(text != _EMPTY_OBJECT for text in self._options)
        self._fields: tuple[Any, Any, Any, Any] = (
            tuple([getattr(one, name) for name in _FIRST_SHARED_FIELDS]),
            one.tags,
            (one.value_type, one.interface, one.code, one.value_artifact_ids),
            one.input_derivations,
        )

    @classmethod
    def of(cls, rows: Sequence[Row]) -> SharedColumns | None:
        """Return what *rows* share if the first agrees with the last, else None; more columns may follow in them."""
        if not rows or _shared(rows[0]) != _shared(rows[-1]):
            return None
        return cls(rows[-1])

    def facts(self, own: OwnColumns) -> tuple[str | int | float | None, ...]:
        """Return the row of the record with these columns, without its signature."""
        function, options, value, edges = self._cells
        return *own[:3], *function, *own[3:9], *options, *own[9:13], *value, own[13], edges

    def record(self, own: OwnColumns) -> ArtifactRecord:
        """Return the record with these columns, as `from_row` makes it of the whole row."""
        function, tags, value, edges = self._fields
        load_kwargs = dump_kwargs = custom_fields = NO_OPTIONS
        if self._has_options:
            # Each record has its own: one who gets it may change the lists in them.
            load_kwargs, dump_kwargs, custom_fields = map(_options, self._options)
        # fmt: off
        (
            key, value_id, run_id, value_id_duration, compute_duration, hash_duration, computed_at, added_at,
            input_ids, digest, size, inputs_digest, inputs_size, input_hashes, signature, *_,
        ) = own
        # fmt: on
        record = _FilledRecord(
            key,
            value_id,
            *function,
            load_kwargs,
            dump_kwargs,
            NO_IDS if input_ids == _EMPTY_LIST else parse_ids(input_ids),
            custom_fields,
            tags,
            datetime.fromisoformat(computed_at),
            datetime.fromisoformat(added_at),
            compute_duration,
            hash_duration,
            value_id_duration,
            run_id,
            Blob(digest, size),
            None if inputs_digest is None else Blob(inputs_digest, inputs_size or 0),
            *value,
            input_hashes,
            edges,
            signature=signature,
        )
        record.__class__ = ArtifactRecord
        return cast("ArtifactRecord", record)


@lru_cache(maxsize=1_000)
def _interface(text: str) -> tuple[str, ...]:
    """Return the names in *text*; the records of all values of a type share the tuple."""
    return tuple(text.split())


def _options_text(options: Options) -> str:
    return _EMPTY_OBJECT if options is NO_OPTIONS else json_text(dict(options))


def _options(text: str) -> Options:
    parsed = json.loads(text)
    if not isinstance(parsed, dict):
        raise TypeError(f"expected a JSON object, got {text[:20]!r}")
    return FrozenDict(cast("dict[str, object]", parsed))


def ids_text(ids: frozenset[ArtifactId]) -> str:
    """Return ids as JSON text, the same for equal sets."""
    return json_text(sorted(ids))


def parse_ids(text: str) -> frozenset[ArtifactId]:
    """Return the inverse of `ids_text`."""
    return frozenset(cast("list[ArtifactId]", json.loads(text)))


def edges_text(edges: frozenset[DerivedInput]) -> str:
    """Return pairs of ids as JSON text, the same for equal sets."""
    return json_text(sorted(edges))


def parse_edges(text: str) -> frozenset[DerivedInput]:
    """Return the inverse of `edges_text`."""
    pairs = cast("list[tuple[ArtifactId, DerivationId]]", json.loads(text))
    return frozenset([(artifact_id, derivation_id) for artifact_id, derivation_id in pairs])


def labels_text(labels: Mapping[str, object]) -> str:
    """Return *labels* as JSON text, the same for equal labels.

    Raises:
        ValueError, TypeError: if they have no JSON form.

    >>> labels_text({"name": "production", "build": 7})
    '{"build":7,"name":"production"}'
    """
    return _dumps(dict(labels), sort_keys=True)


def parse_labels(text: str) -> Options:
    """Return the inverse of `labels_text`."""
    return _options(text)


def run_to_json(run: Run) -> str:
    """Return *run* as JSON text."""
    facts = {field.name: jsonable(getattr(run, field.name)) for field in fields(Run)}
    return json_text({**facts, "created_at": time_text(run.created_at)})


def run_from_json(text: str) -> Run:
    """Return the run of *text*, which `run_to_json` wrote; raise KeyError, TypeError or ValueError for other text."""
    facts = json.loads(text)
    # Later versions may record more.
    known: dict[str, Any] = {
        field.name: facts[field.name] for field in fields(Run) if field.name in facts
    }
    known["id"], known["created_at"] = str(facts["id"]), parse_time(facts["created_at"])
    return Run(**known)

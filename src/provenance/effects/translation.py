"""The statements for PostgreSQL, compiled from what those of SQLite were compiled from, when each is first used.

They take the same values and answer the same rows, so that whoever asks need not know which database it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ClauseElement

from provenance.effects import postgres_tables as shown_as
from provenance.effects import schema, statements
from provenance.effects.compiling import Insertion, Place
from provenance.effects.database import Values
from provenance.effects.postgres_tables import EXACT, EXTRAS, Value, shown
from provenance.wire import COLUMNS, json_text, time_text

Bound: TypeAlias = "Mapping[str, Value] | Values"
_Select: TypeAlias = "sa.Select[*tuple[Any, ...]]"
_Bind: TypeAlias = "Callable[[Values], Bound]"

_DIALECT: Final[Dialect] = psycopg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own is untyped
_SEARCH: Final = schema.sources()[statements.FIND_RECORDS]


@frozen(eq=False)
class Translation:
    """A statement as PostgreSQL takes it; `record_at` is where the columns of a record are, in one, if they are."""

    text: str
    bind: _Bind
    record_at: int | None = None

    def rows(self, found: Iterable[Sequence[object]]) -> list[tuple[object, ...]]:
        """The rows as SQLite would answer them."""
        at = self.record_at
        if at is None:
            return [tuple(map(_plain, row)) for row in found]
        return [(*row[:at], *_record(row[at]), *map(_plain, row[at + 1 :])) for row in found]


def _record(exact: object) -> list[object]:
    return cast("list[object]", json.loads(cast("str", exact)))


def _plain(cell: object) -> object:
    """What SQLite would answer for *cell*."""
    if cell is None or isinstance(cell, str | int | float | bytes):
        return cell
    if isinstance(cell, datetime):
        return time_text(cell)
    if isinstance(cell, Decimal):  # a sum of whole numbers
        return int(cell)
    return json_text(cell)


def translated(statement: str, values: Values) -> Translation:
    """*statement*, one of `statements` or text with `?` for its parameters, as it is to be asked with *values*."""
    if statement != statements.FIND_RECORDS:
        return _translated(statement)
    given = dict(zip(_SEARCH.names, values, strict=True))
    name = cast("str | None", given["name"])
    present = frozenset(each for each, value in given.items() if value is not None)
    return _searching(present, is_glob=name is not None and any(each in name for each in "*?"))


@lru_cache(maxsize=256)
def _translated(statement: str) -> Translation:
    source = schema.sources().get(statement)
    if source is None:
        return Translation(statement.replace("%", "%%").replace("?", "%s"), lambda values: values)
    if statement == statements.FIND_LABELLED:
        return _selection(_labelled, (), _labels_bound)
    if isinstance(source.expression, Insertion):
        return _insertion(source.expression)
    if isinstance(source.expression, sa.Select):
        return _selection(source.expression, source.names)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - whatever it selects
    return Translation(_text(source.expression), _by_name(source.names))


def _text(expression: ClauseElement) -> str:
    return str(expression.compile(dialect=_DIALECT))


def _by_name(names: tuple[str, ...]) -> _Bind:
    """How values get their names; text is shown as everywhere, so that what was shown is found."""
    return lambda values: {name: shown(_TEXT, value) for name, value in zip(names, values, strict=True)}


_TEXT: Final = sa.Text()


def _selection(query: _Select, names: tuple[str, ...], bind: _Bind | None = None) -> Translation:
    """*query* with the exact columns in place of those for show, and the columns of a record in one."""
    columns: list[sa.ColumnElement[Any]] = list(query.selected_columns)
    labels = [f"{getattr(each, 'table', None)}.{getattr(each, 'name', None)}" for each in columns]
    record = [f"artifacts.{name}" for name in COLUMNS]
    at = next((i for i in range(len(labels)) if labels[i : i + len(record)] == record), None)
    if at is not None:
        columns[at : at + len(record)] = [sa.literal_column("artifacts.exact", sa.Text)]
        labels[at : at + len(record)] = ["exact"]
    exact = [
        sa.literal_column(f"{label.partition('.')[0]}.{EXACT[label]}", sa.Text) if label in EXACT else column
        for label, column in zip(labels, columns, strict=True)
    ]
    chosen = query.with_only_columns(*exact, maintain_column_froms=True)
    return Translation(_text(chosen), bind or _by_name(names), at)


def _insertion(source: Insertion) -> Translation:
    """A row for a table, with what is written beside it."""
    table = shown_as.tables.tables[source.table.name]
    extras = EXTRAS.get(table.name, {})
    names = tuple(column.name for column in source.table.columns if column.name in source.columns)
    insert = postgresql.insert(table).values({name: sa.bindparam(name) for name in (*names, *extras)})
    keys = [column.name for column in table.primary_key.columns]
    changed: dict[str, object] = {n: insert.excluded[n] for n in (*names, *extras) if n not in keys}
    if source.otherwise == "REPLACE" and "place" in table.c:
        changed["place"] = sa.text("DEFAULT")  # as if it had been deleted before
    is_kept = source.otherwise == "IGNORE" or not changed
    upsert = (
        insert.on_conflict_do_nothing() if is_kept else insert.on_conflict_do_update(index_elements=keys, set_=changed)
    )

    def bind(values: Values) -> Mapping[str, Value]:
        given = dict(zip(names, values, strict=True))
        row = {name: shown(table.c[name].type, value) for name, value in given.items()}
        return {**row, **{name: make(given) for name, make in extras.items()}}

    return Translation(_text(upsert), bind)


# ---------------------------------------------------------------- what SQLite says in a way of its own

_artifacts: Final = shown_as.tables.tables["artifacts"]
_sets: Final = shown_as.tables.tables["artifact_sets"]
_uses: Final = shown_as.tables.tables["artifact_inputs"]


def _param(name: str, kind: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=kind)


def _carrying(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """Whether the JSON of *column* has all that the parameter has; an index is used."""
    return column.op("@>", is_comparison=True)(_param(name, postgresql.JSONB()))


_CONDITIONS: Final[Mapping[str, sa.ColumnElement[bool]]] = {
    "after": Place("artifacts") < _param("after", sa.BigInteger()),
    "name": _artifacts.c.name == _param("name", sa.Text()),
    "glob": _artifacts.c.name.like(_param("name", sa.Text())),
    "version": _artifacts.c.version == _param("version", sa.BigInteger()),
    "run_id": _artifacts.c.run_id == _param("run_id", sa.Text()),
    "since": _artifacts.c.computed_at >= _param("since", sa.DateTime(timezone=True)),
    "until": _artifacts.c.computed_at < _param("until", sa.DateTime(timezone=True)),
    "user": _artifacts.c.id.in_(sa.select(_uses.c.artifact_id).where(_uses.c.input_id == _param("user", sa.Text()))),
    "tags": _carrying(_artifacts.c.tags, "tags"),
    "fields": _carrying(_artifacts.c.custom_fields, "fields"),
    "inputs": _carrying(_artifacts.c.inputs_json, "inputs"),
}
_JSON: Final = frozenset({"tags", "fields", "inputs"})
_LIKE: Final = str.maketrans({"*": "%", "?": "_", "%": r"\%", "_": r"\_", "\\": r"\\"})


@lru_cache(maxsize=256)
def _searching(present: frozenset[str], *, is_glob: bool) -> Translation:
    """FIND_RECORDS with only those conditions that are given: an index serves no condition that may be none."""
    asked = [
        _CONDITIONS["glob" if name == "name" and is_glob else name] for name in sorted(present & _CONDITIONS.keys())
    ]
    columns = [_artifacts.c[name] for name in COLUMNS]
    place = Place("artifacts")
    query = sa.select(place.label("place"), *columns, _artifacts.c.inputs_json).where(*asked).order_by(place.desc())
    limits = (_param(name, sa.Integer()) for name in ("limit", "offset"))

    def bind(values: Values) -> Mapping[str, Value]:
        given = {name: value for name, value in zip(_SEARCH.names, values, strict=True) if value is not None}
        if is_glob:
            given["name"] = cast("str", given["name"]).translate(_LIKE)
        return {name: shown(_JSONB if name in _JSON else _TEXT, value) for name, value in given.items()}

    return _selection(query.limit(next(limits)).offset(next(limits)), (), bind)


_JSONB: Final = postgresql.JSONB()
_wanted: Final = sa.func.jsonb_each(_param("labels", _JSONB)).table_valued("key", "value", name="wanted")
_differs: Final = _sets.c.labels.op("->")(_wanted.c.key).is_distinct_from(_wanted.c.value)
_lacks: Final = sa.exists(sa.select(sa.literal_column("1", sa.Integer)).select_from(_wanted).where(_differs))
_labelled: Final = (
    sa.select(_sets.c.id, _sets.c.labels, _sets.c.created_at)
    .where(_carrying(_sets.c.labels, "labels"), ~_lacks)
    .order_by(_sets.c.created_at.desc(), Place("artifact_sets").desc())
    .limit(_param("limit", sa.Integer()))
    .offset(_param("offset", sa.Integer()))
)


def _labels_bound(values: Values) -> Mapping[str, Value]:
    labels, limit, offset = values
    return {"labels": shown(_JSONB, labels), "limit": shown(_TEXT, limit), "offset": shown(_TEXT, offset)}

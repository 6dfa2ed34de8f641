"""Columns, indexes and statements as PostgreSQL takes them."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ClauseElement

from provenance.effects.io import digest
from provenance.effects.sql import queries, statements
from provenance.effects.sql import tables as common
from provenance.effects.sql.compiler import InsertSource, RowPosition, Select, paged, text_param
from provenance.effects.sql.database import Values
from provenance.model.ids import ID_BYTES
from provenance.model.rows import COLUMNS, json_text, time_text

Value: TypeAlias = "str | int | float | bytes | list[str] | None"
Row: TypeAlias = Mapping[str, "str | int | float | bytes | None"]

_INDEXED: Final = 200
"""Letters of a name, from its beginning and from its end, that patterns find by an index."""
EXTRAS: Final[Mapping[str, Mapping[str, Callable[[Row], str]]]] = {
    "artifacts": {
        "exact": lambda row: json_text([row[name] for name in COLUMNS]),
        "inputs_text": lambda row: cast("str", row["inputs_json"]),
    },
    "artifact_sets": {
        "exact": lambda row: cast("str", row["labels"]),
        "labels_digest": lambda row: digest(cast("str", row["labels"]).encode()),
    },
    "runs": {"exact": lambda row: cast("str", row["info"])},
}
"""By table: the columns written in addition to those of `tables`, and how to make each."""


def _make_tables() -> sa.MetaData:
    """Return the tables; the column `place` is what rowid is in SQLite."""
    metadata = sa.MetaData()
    for source in common.tables.sorted_tables:
        if source.info == common.ONLY_SQLITE:
            continue
        table = source.to_metadata(metadata)
        for column in table.columns:
            if isinstance(column.type, sa.JSON):
                column.type = JSONB()
        if table.name == "artifacts":
            _identify_by_id(table)
        if table.name in ("artifacts", "artifact_sets"):
            place = sa.Column("place", sa.BigInteger, sa.Identity(), nullable=False, unique=True)
            table.append_column(place, replace_existing=True)
        for name in EXTRAS.get(table.name, ()):
            table.append_column(sa.Column(name, sa.Text, nullable=False))
    _extend_artifacts(metadata.tables["artifacts"])
    _extend_sets(metadata.tables["artifact_sets"])
    return metadata


def _identify_by_id(table: sa.Table) -> None:
    """Make the id the primary key, which in SQLite is the place, because rowids are quicker there."""
    (unique,) = (c for c in table.constraints if isinstance(c, sa.UniqueConstraint))
    table.constraints.discard(unique)
    table.c.place.primary_key = table.c.id.unique = False
    table.append_constraint(sa.PrimaryKeyConstraint("id", name="artifacts_pkey"))


def _extend_artifacts(table: sa.Table) -> None:
    columns = table.c
    columns.input_artifact_ids.type = ARRAY(sa.Text)
    for name in ("value_id", "content_digest", "inputs_digest", "run_id", "computed_at"):
        sa.Index(f"ix_artifacts_{name}", columns[name])
    # A hash index takes names of any length, a B-tree does not.
    sa.Index("ix_artifacts_name", columns.name, postgresql_using="hash")
    for side, text in (("name_begin", "name"), ("name_end", "reverse(name)")):
        # The beginning, because a B-tree takes no long texts.
        begin = sa.literal_column(f"left({text}, {_INDEXED})", sa.Text).label("begin")
        operators = {"begin": "text_pattern_ops"}
        table.append_constraint(sa.Index(f"ix_artifacts_{side}", begin, postgresql_ops=operators))
    sa.Index("ix_artifacts_input_artifact_ids", columns.input_artifact_ids, postgresql_using="gin")
    for name in ("inputs_json", "custom_fields", "tags"):
        _index_paths(columns[name])


def _extend_sets(table: sa.Table) -> None:
    """Make the text of labels unique, because JSONB finds some labels equal that differ."""
    table.c.id.primary_key = table.c.labels.primary_key = False
    key = sa.PrimaryKeyConstraint("id", "labels_digest", name="artifact_sets_pkey")
    table.append_constraint(key)
    _index_paths(table.c.labels)


def _index_paths(column: sa.Column[object]) -> None:
    """Index the entries of a JSON column."""
    name = f"ix_{column.table.name}_{column.name}"
    sa.Index(name, column, postgresql_using="gin", postgresql_ops={column.name: "jsonb_path_ops"})


tables: Final = _make_tables()


def create_tables(connection: sa.Connection) -> None:
    """Create the tables, and the id of the repository."""
    tables.create_all(connection, checkfirst=False)
    row = {"id": secrets.token_hex(ID_BYTES), "created_at": datetime.now(UTC)}
    connection.execute(tables.tables["repository"].insert(), row)


EXACT: Final = {
    "artifacts.inputs_json": "inputs_text",
    "artifact_sets.labels": "exact",
    "runs.info": "exact",
}
"""By column: the exact one that is read instead."""

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def encode_cell(kind: object, value: str | float | bytes | None) -> Value:
    r"""Return *value* as a column of this type can store it, for queries.

    >>> encode_cell(sa.Text(), "a\0b"), encode_cell(ARRAY(sa.Text), '["x"]'), encode_cell(JSONB(), '{"a":"\\u0000"}')
    ('a�b', ['x'], '{"a": "�"}')
    """
    if isinstance(kind, sa.Boolean):
        return bool(value)
    if not isinstance(value, str):
        return value
    if isinstance(kind, ARRAY):
        return cast("list[str]", json.loads(value))
    if not isinstance(kind, JSONB):
        return _UNSTORABLE.sub("�", value)
    if value.startswith(("{", "[")) and "\\u" not in value and "\0" not in value:
        return value
    try:
        return json.dumps(_storable(json.loads(value)), ensure_ascii=False)
    except ValueError:
        # Not JSON; the exact text is stored, too.
        return json.dumps(_UNSTORABLE.sub("�", value))


def _storable(value: object) -> object:
    """Return a JSON value whose texts PostgreSQL can store."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("�", value)
    if isinstance(value, list):
        return [_storable(member) for member in cast("list[object]", value)]
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        return {_UNSTORABLE.sub("�", name): _storable(entry) for name, entry in entries.items()}
    return value


Bound: TypeAlias = "Mapping[str, Value] | Values"
_Bind: TypeAlias = "Callable[[Values], Bound]"

_DIALECT: Final[Dialect] = psycopg.dialect()  # type: ignore[no-untyped-call]  # untyped
_SEARCH: Final = queries.sources()[statements.SEARCH_RECORDS]
_TEXT: Final = sa.Text()
_JSONB: Final = postgresql.JSONB()


@frozen(eq=False)
class Translation:
    """A statement for PostgreSQL.

    `record_at` is the index of the column with the exact text of a record, if it selects one.
    `is_search` says that the best plan depends on the values.
    """

    text: str
    bind: _Bind
    record_at: int | None = None
    is_search: bool = False

    def rows(self, found: Iterable[Sequence[object]]) -> list[tuple[object, ...]]:
        """Return the rows as SQLite would."""
        at = self.record_at
        if at is None:
            return [tuple(map(_plain, row)) for row in found]
        return [
            (*row[:at], *json.loads(cast("str", row[at])), *map(_plain, row[at + 1 :]))
            for row in found
        ]


def _plain(cell: object) -> object:
    """Return *cell* as SQLite would."""
    if cell is None or isinstance(cell, str | int | float | bytes):
        return cell
    if isinstance(cell, datetime):
        return time_text(cell)
    if isinstance(cell, Decimal):
        # A sum of integers.
        return int(cell)
    return json_text(cell)


def translate(statement: str, values: Values) -> Translation:
    """Return the translation for *values* of one of `statements`, or of text with `?`."""
    if statement != statements.SEARCH_RECORDS:
        return _translate(statement)
    given = dict(zip(_SEARCH.names, values, strict=True))
    name = cast("str", given["name"] or "")
    present = {parameter for parameter, value in given.items() if value is not None}
    return _search(frozenset(present | _sides(name).keys()), is_glob="*" in name or "?" in name)


def _sides(glob: str) -> dict[str, str]:
    """Return patterns of how the name, and the name from its end, begin, as far as *glob* says.

    >>> _sides("churn.*"), _sides("*.train"), _sides("*a*")
    ({'begin': 'churn.%'}, {'end': 'niart.%'}, {})
    """
    sides: dict[str, str] = {}
    for side, text in (("begin", glob), ("end", glob[::-1])):
        literal = re.split("[*?]", text, maxsplit=1)[0][:_INDEXED]
        if literal:
            sides[side] = literal.translate(_LIKE) + "%"
    return sides


@lru_cache(maxsize=256)
def _translate(statement: str) -> Translation:
    source = queries.sources().get(statement)
    if source is None:
        return Translation(statement.replace("%", "%%").replace("?", "%s"), lambda values: values)
    if statement == statements.FIND_SET_BY_LABELS:
        bind = _by_name(source.names, frozenset({"labels"}))
        return _translate_select(_labels_condition, (), bind)
    if isinstance(source.expression, InsertSource):
        return _translate_insertion(source.expression)
    if isinstance(source.expression, sa.SelectBase):
        return _translate_select(cast("Select", source.expression), source.names)
    return Translation(_compile(source.expression), _by_name(source.names))


def _compile(expression: ClauseElement) -> str:
    return str(expression.compile(dialect=_DIALECT))


def _by_name(names: tuple[str, ...], of_json: frozenset[str] = frozenset()) -> _Bind:
    """Return a function that names the values; texts are changed as stored ones are."""
    return lambda values: {
        name: encode_cell(_JSONB if name in of_json else _TEXT, value)
        for name, value in zip(names, values, strict=True)
    }


def _translate_select(
    query: Select, names: tuple[str, ...], bind: _Bind | None = None
) -> Translation:
    """Return *query* with the exact columns, and one column for all those of a record.

    A search has a *bind* of its own.
    """
    columns: list[sa.ColumnElement[Any]] = list(query.selected_columns)
    labels = [f"{getattr(c, 'table', None)}.{getattr(c, 'name', None)}" for c in columns]
    record = [f"artifacts.{name}" for name in COLUMNS]
    at = next((i for i in range(len(labels)) if labels[i : i + len(record)] == record), None)
    if at is not None:
        columns[at : at + len(record)] = [sa.literal_column("artifacts.exact", sa.Text)]
        labels[at : at + len(record)] = ["exact"]
    exact = [
        sa.literal_column(f"{label.partition('.')[0]}.{EXACT[label]}", sa.Text)
        if label in EXACT
        else column
        for label, column in zip(labels, columns, strict=True)
    ]
    chosen = query.with_only_columns(*exact, maintain_column_froms=True)
    return Translation(_compile(chosen), bind or _by_name(names), at, is_search=bind is not None)


def _translate_insertion(source: InsertSource) -> Translation:
    """Return the statement that inserts a row with its additional columns."""
    table = tables.tables[source.table.name]
    extras = EXTRAS.get(table.name, {})
    names = tuple(column.name for column in source.table.columns if column.name in source.columns)
    insert = postgresql.insert(table).values(
        {name: sa.bindparam(name) for name in (*names, *extras)}
    )
    keys = [column.name for column in table.primary_key.columns]
    changed: dict[str, object] = {
        name: insert.excluded[name] for name in (*names, *extras) if name not in keys
    }
    if source.otherwise == "REPLACE" and "place" in table.c:
        # As if the row had been deleted before.
        changed["place"] = sa.text("DEFAULT")
    if source.otherwise == "IGNORE" or not changed:
        upsert = insert.on_conflict_do_nothing()
    else:
        upsert = insert.on_conflict_do_update(index_elements=keys, set_=changed)

    def bind(values: Values) -> Mapping[str, Value]:
        given = dict(zip(names, values, strict=True))
        row = {name: encode_cell(table.c[name].type, value) for name, value in given.items()}
        return {**row, **{name: make(given) for name, make in extras.items()}}

    return Translation(_compile(upsert), bind)


# The statements that have no common source: a search, and one for sets with labels.
_artifacts: Final = tables.tables["artifacts"]
_sets: Final = tables.tables["artifact_sets"]
_uses: Final = tables.tables["artifact_inputs"]


def _param(name: str, kind: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=kind)


def _contains(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """Return the condition that the JSON of *column* contains the parameter, by an index."""
    return column.op("@>", is_comparison=True)(_param(name, _JSONB))


def _begin(text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    return sa.type_coerce(sa.func.left(text, sa.literal_column(str(_INDEXED))), sa.Text)


_users: Final = sa.select(_uses.c.artifact_id).where(_uses.c.input_id == text_param("user"))
_CONDITIONS: Final[Mapping[str, sa.ColumnElement[bool]]] = {
    "low": RowPosition("artifacts") > _param("low", sa.BigInteger()),
    "after": RowPosition("artifacts") < _param("after", sa.BigInteger()),
    "name": _artifacts.c.name == text_param("name"),
    "glob": _artifacts.c.name.like(text_param("name")),
    # For the indexes; the condition on the whole name is there too.
    "begin": _begin(_artifacts.c.name).like(text_param("begin")),
    "end": _begin(sa.func.reverse(_artifacts.c.name)).like(text_param("end")),
    "version": _artifacts.c.version == _param("version", sa.BigInteger()),
    "run_id": _artifacts.c.run_id == text_param("run_id"),
    "code": _artifacts.c.code == text_param("code"),
    "since": _artifacts.c.computed_at >= _param("since", sa.DateTime(timezone=True)),
    "until": _artifacts.c.computed_at < _param("until", sa.DateTime(timezone=True)),
    "user": _artifacts.c.id.in_(_users),
    "tags": _contains(_artifacts.c.tags, "tags"),
    "fields": _contains(_artifacts.c.custom_fields, "fields"),
    "inputs": _contains(_artifacts.c.inputs_json, "inputs"),
}
_JSON: Final = frozenset({"tags", "fields", "inputs"})
_LIKE: Final = str.maketrans({"*": "%", "?": "_", "%": r"\%", "_": r"\_", "\\": r"\\"})


@lru_cache(maxsize=256)
def _search(present: frozenset[str], *, is_glob: bool) -> Translation:
    """Return SEARCH_RECORDS with the conditions in *present* only, so that indexes can be used."""
    names = sorted(present & _CONDITIONS.keys())
    conditions = [_CONDITIONS["glob" if name == "name" and is_glob else name] for name in names]
    columns = [_artifacts.c[name] for name in COLUMNS]
    place = RowPosition("artifacts")
    query = sa.select(place.label("place"), *columns, _artifacts.c.inputs_json)

    def bind(values: Values) -> Mapping[str, Value]:
        given = dict(zip(_SEARCH.names, values, strict=True))
        given |= _sides(cast("str", given["name"] or ""))
        if is_glob:
            given["name"] = cast("str", given["name"]).translate(_LIKE)
        return {
            name: encode_cell(_JSONB if name in _JSON else _TEXT, value)
            for name, value in given.items()
            if value is not None
        }

    return _translate_select(paged(query.where(*conditions).order_by(place.desc())), (), bind)


_wanted_value: Final = sa.func.jsonb_each(_param("labels", _JSONB)).table_valued(
    "key", "value", name="wanted"
)
_differs: Final = _sets.c.labels.op("->")(_wanted_value.c.key).is_distinct_from(
    _wanted_value.c.value
)
_lacks: Final = sa.exists(
    sa.select(sa.literal_column("1", sa.Integer)).select_from(_wanted_value).where(_differs)
)
_labels_condition: Final = paged(
    sa.select(_sets.c.id, _sets.c.labels, _sets.c.created_at)
    .where(_contains(_sets.c.labels, "labels"), ~_lacks)
    .order_by(_sets.c.created_at.desc(), RowPosition("artifact_sets").desc())
)

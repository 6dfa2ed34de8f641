"""The statements on the tables of `provenance.effects.tables`.

SQLAlchemy Core defines both. Importing it takes longer than thousands of look-ups, and executing through it several
times what SQLite itself takes for one by key. So the statements are compiled once and for all, to text for the driver's
own cursor: `provenance.effects.statements` is what `rendered` here renders (`make statements`; a test compares).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.elements import ClauseElement

from provenance.effects import care_statements, lease_statements
from provenance.effects.compiling import (
    DIALECT,
    SOURCES,
    Place,
    Source,
    compiled,
    inserting,
    replacing,
    trimmed,
)
from provenance.effects.tables import (
    BESIDES,
    VERSION,
    artifact_inputs,
    artifact_set_members,
    artifact_sets,
    artifacts,
    runs,
    tables,
)
from provenance.effects.tables import STAMP as _STAMP
from provenance.wire import COLUMNS

PREFETCHED_BYTES: Final = 4_096
"""Up to this size a value comes along with its record; longer ones are read when they are asked for."""


def creating() -> tuple[str, ...]:
    """What makes the tables and their indexes where they are not there yet."""
    made: list[ClauseElement] = []
    for table in tables.sorted_tables:
        made.append(CreateTable(table, if_not_exists=True))
        made.extend(
            CreateIndex(index, if_not_exists=True) for index in sorted(table.indexes, key=lambda i: str(i.name))
        )
    return (*(str(each.compile(dialect=DIALECT)) for each in made), *_stamping())


def _stamping() -> tuple[str, str]:
    """What Alembic would have noted, had it made the tables."""
    key = f"CONSTRAINT {_STAMP}_pkc PRIMARY KEY"
    return (
        f"CREATE TABLE IF NOT EXISTS {_STAMP} (\n\tversion_num VARCHAR(32) NOT NULL, \n\t{key} (version_num)\n)",
        f"INSERT OR IGNORE INTO {_STAMP} (version_num) VALUES ('{VERSION}')",  # noqa: S608 - of constants
    )


def _param(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=sa.Text)


def _first(query: sa.Select[*tuple[Any, ...]]) -> ClauseElement:
    """The first rows of *query*, as many as the parameter `limit` says; SQLite's dialect wants `offset` beside it."""
    count, skipped = (sa.bindparam(name, type_=sa.Integer) for name in ("limit", "offset"))
    return query.limit(count).offset(skipped)


_RECORD: Final[Sequence[sa.Column[object]]] = tuple(artifacts.c[name] for name in COLUMNS)

_IS_SHORT: Final = artifacts.c.size_bytes <= sa.literal_column(str(PREFETCHED_BYTES))

FIND_RECORD: Final = compiled(
    sa.select(*_RECORD, sa.case((_IS_SHORT, artifacts.c.value_data)).label("short_value")).where(
        artifacts.c.id == _param("key")
    ),
    "key",
)
FIND_BY_VALUE: Final = compiled(
    sa.select(*_RECORD).where(artifacts.c.value_id == _param("key")).order_by(artifacts.c.added_at, artifacts.c.id),
    "key",
)
FIND_IDS: Final = compiled(
    _first(
        sa.select(artifacts.c.id)
        .where(artifacts.c.id >= _param("low"), artifacts.c.id < _param("high"))
        .order_by(artifacts.c.id)
    ),
    *("low", "high", "limit", "offset"),
)
FIND_PROGENY: Final = compiled(
    sa.select(artifact_inputs.c.artifact_id)
    .where(artifact_inputs.c.input_id == _param("key"))
    .order_by(artifact_inputs.c.artifact_id),
    "key",
)
_PLACE: Final = Place("artifacts")


def _unless_given(name: str, column: sa.ColumnElement[Any], operator: str) -> sa.ColumnElement[bool]:
    """Whether the parameter is NULL, or *column* compares with it so."""
    value = sa.bindparam(name, type_=sa.Text)
    return sa.or_(value.is_(sa.null()), sa.type_coerce(column, sa.Text).op(operator, is_comparison=True)(value))


def _unless_lacking(name: str, column: sa.ColumnElement[Any], *, plain_only: bool) -> sa.ColumnElement[bool]:
    """Whether the parameter, JSON text, is NULL, or *column* has all that is in it.

    With *plain_only* it is only looked for what has one way to be written: plain values under plain names.
    """
    wanted = sa.func.json_each(_param(name)).table_valued("key", "value", "type", name=f"wanted_{name}")
    carried = sa.func.json_each(column).table_valued("key", "value", "type", name=f"carried_{name}")
    is_carried = sa.exists().where(carried.c.type == wanted.c.type, carried.c.value.is_(wanted.c.value))
    lacks = sa.select(sa.literal_column("1", sa.Integer)).select_from(wanted)
    if plain_only:
        is_carried = is_carried.where(carried.c.key == wanted.c.key)
        is_special = wanted.c.key.op("GLOB", is_comparison=True)(sa.literal_column("'*[^A-Za-z0-9_]*'", sa.Text))
        is_deep = wanted.c.type.in_([sa.literal_column(each, sa.Text) for each in ("'object'", "'array'")])
        lacks = lacks.where(~is_special, ~is_deep)
    return sa.or_(_param(name).is_(sa.null()), ~sa.exists(lacks.where(~is_carried)))


FIND_RECORDS: Final = compiled(
    _first(
        sa.select(_PLACE.label("place"), *_RECORD, artifacts.c.inputs_json)
        .where(
            _unless_given("after", _PLACE, "<"),
            _unless_given("name", artifacts.c.name, "GLOB"),
            _unless_given("version", artifacts.c.version, "="),
            _unless_given("run_id", artifacts.c.run_id, "="),
            _unless_given("since", artifacts.c.computed_at, ">="),
            _unless_given("until", artifacts.c.computed_at, "<"),
            sa.or_(
                _param("user").is_(sa.null()),
                artifacts.c.id.in_(
                    sa.select(artifact_inputs.c.artifact_id).where(artifact_inputs.c.input_id == _param("user"))
                ),
            ),
            _unless_lacking("tags", artifacts.c.tags, plain_only=False),
            _unless_lacking("fields", artifacts.c.custom_fields, plain_only=True),
            _unless_lacking("inputs", artifacts.c.inputs_json, plain_only=True),
        )
        .order_by(_PLACE.desc())
    ),
    *(
        name
        for each in ("after", "name", "version", "run_id", "since", "until", "user", "tags", "fields", "inputs")
        for name in (each, each)
    ),
    *("limit", "offset"),
)
FIND_RUN: Final = compiled(sa.select(runs.c.info).where(runs.c.id == _param("key")), "key")
HAS_RUN: Final = compiled(sa.select(runs.c.id).where(runs.c.id == _param("key")), "key")
NAMES_BLOB: Final = compiled(
    sa.select(
        sa.or_(
            sa.exists().where(artifacts.c.content_digest == _param("value")),
            sa.exists().where(artifacts.c.inputs_digest == _param("inputs")),
        )
    ),
    *("value", "inputs"),
)

PUT_RECORD: Final = inserting(artifacts, (*COLUMNS, *BESIDES), "IGNORE")
REPLACE_RECORD: Final = replacing(artifacts, (*COLUMNS, *BESIDES))
PUT_EDGE: Final = inserting(artifact_inputs, ("artifact_id", "input_id"), "IGNORE")
PUT_RUN: Final = inserting(runs, ("id", "created_at", "info"), "IGNORE")
DROP_RECORD: Final = compiled(sa.delete(artifacts).where(artifacts.c.id == _param("key")), "key")
DROP_EDGES: Final = compiled(sa.delete(artifact_inputs).where(artifact_inputs.c.artifact_id == _param("key")), "key")

_SET: Final = (artifact_sets.c.id, artifact_sets.c.labels, artifact_sets.c.created_at)
_NEWEST: Final[tuple[sa.UnaryExpression[Any], ...]] = (
    artifact_sets.c.created_at.desc(),
    Place("artifact_sets").desc(),
)
_wanted = sa.func.json_each(_param("labels")).table_valued("key", "value", "type", name="wanted")
_carried = sa.func.json_each(artifact_sets.c.labels).table_valued("key", "value", "type", name="carried")
_is_carried = sa.exists().where(
    _carried.c.key == _wanted.c.key, _carried.c.type == _wanted.c.type, _carried.c.value.is_(_wanted.c.value)
)
FIND_SET: Final = compiled(
    _first(sa.select(*_SET).where(artifact_sets.c.id == _param("key")).order_by(*_NEWEST)), "key", "limit", "offset"
)
FIND_LABELLED: Final = compiled(
    _first(
        sa.select(*_SET)
        .where(~sa.exists(sa.select(sa.literal_column("1", sa.Integer)).select_from(_wanted).where(~_is_carried)))
        .order_by(*_NEWEST)
    ),
    *("labels", "limit", "offset"),
)
FIND_SET_IDS: Final = compiled(
    _first(
        sa.select(artifact_sets.c.id)
        .where(artifact_sets.c.id >= _param("low"), artifact_sets.c.id < _param("high"))
        .order_by(artifact_sets.c.id)
        .distinct()
    ),
    *("low", "high", "limit", "offset"),
)
FIND_MEMBERS: Final = compiled(
    sa.select(artifact_set_members.c.artifact_id).where(artifact_set_members.c.set_id == _param("key")), "key"
)
PUT_SET: Final = inserting(artifact_sets, ("id", "labels", "created_at", "name"), "REPLACE")
PUT_MEMBER: Final = inserting(artifact_set_members, ("set_id", "artifact_id"), "IGNORE")
DROP_SET: Final = compiled(sa.delete(artifact_sets).where(artifact_sets.c.id == _param("key")), "key")
DROP_MEMBERS: Final = compiled(
    sa.delete(artifact_set_members).where(artifact_set_members.c.set_id == _param("key")), "key"
)

_value_data, _inputs_data = artifacts.c.value_data, artifacts.c.inputs_data
_is_value = sa.and_(artifacts.c.content_digest == _param("key"), _value_data.is_not(sa.null()))
_are_inputs = sa.and_(artifacts.c.inputs_digest == _param("key"), _inputs_data.is_not(sa.null()))

READ_VALUE: Final = compiled(_first(sa.select(_value_data).where(_is_value)), "key", "limit", "offset")
READ_INPUTS: Final = compiled(_first(sa.select(_inputs_data).where(_are_inputs)), "key", "limit", "offset")
FIND_INPUTS: Final = compiled(
    sa.select(artifacts.c.inputs_json, artifacts.c.signature).where(artifacts.c.id == _param("key")), "key"
)
FILL_VALUE: Final = compiled(
    sa.update(artifacts)
    .values(value_data=sa.bindparam("data", type_=sa.LargeBinary))
    .where(artifacts.c.content_digest == _param("key"), _value_data.is_(sa.null())),
    *("data", "key"),
)
FILL_INPUTS: Final = compiled(
    sa.update(artifacts)
    .values(inputs_data=sa.bindparam("data", type_=sa.LargeBinary))
    .where(artifacts.c.inputs_digest == _param("key"), _inputs_data.is_(sa.null())),
    *("data", "key"),
)
DROP_VALUE: Final = compiled(sa.update(artifacts).values(value_data=sa.null()).where(_is_value), "key")
DROP_INPUTS: Final = compiled(sa.update(artifacts).values(inputs_data=sa.null()).where(_are_inputs), "key")


def sources() -> Mapping[str, Source]:
    """What each statement was compiled from, by its text."""
    return SOURCES


def rendered() -> str:
    """The module `provenance.effects.statements`."""
    named = {**globals(), **vars(care_statements), **vars(lease_statements)}
    texts = {name: value for name, value in named.items() if name.isupper() and isinstance(value, str)}
    lines = [
        '"""The statements of `provenance.effects.schema` as SQLite takes them; written by `make statements`."""',
        "",
        f"VERSION = {VERSION}",
        *(f'{name} = """\\\n{trimmed(text)}"""' for name, text in texts.items()),
        "CREATE = (",
        *(f'    """\\\n{trimmed(text)}""",' for text in creating()),
        ")",
    ]
    return "\n".join(lines) + "\n"

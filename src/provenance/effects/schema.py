"""The statements on the tables of `provenance.effects.tables`.

SQLAlchemy Core defines both. Importing it takes longer than thousands of look-ups, and executing through it several
times what SQLite itself takes for one by key. So the statements are compiled once and for all, to text for the driver's
own cursor: `provenance.effects.statements` is what `rendered` here renders (`make statements`; a test compares).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.elements import ClauseElement

from provenance.effects.tables import (
    BESIDES,
    UPGRADES,
    VERSION,
    artifact_inputs,
    artifact_set_members,
    artifact_sets,
    artifacts,
    evictions,
    quarantined_blobs,
    runs,
    tables,
)
from provenance.wire import COLUMNS

PREFETCHED_BYTES: Final = 4_096
"""Up to this size a value comes along with its record; longer ones are read when they are asked for."""
_DIALECT: Final = sqlite.dialect(paramstyle="qmark")


def compiled(statement: ClauseElement, *names: str) -> str:
    """*statement* as SQLite's text, whose parameters are *names* in this order; ValueError if they are others."""
    result = statement.compile(dialect=_DIALECT)
    found = tuple(result.positiontup or ())  # type: ignore[attr-defined]  # a positional dialect's compiler has it
    if found != names:
        msg = f"the parameters of {result} are {found}, not {names}"
        raise ValueError(msg)
    return str(result)


def inserting(table: sa.Table, columns: tuple[str, ...], otherwise: str) -> str:
    """Insert a row of *columns*; *otherwise* says what happens where its key is taken: IGNORE or REPLACE."""
    statement = sa.insert(table).values({name: sa.bindparam(name) for name in columns})
    return compiled(statement.prefix_with(f"OR {otherwise}"), *(c.name for c in table.columns if c.name in columns))


def replacing(table: sa.Table, columns: tuple[str, ...]) -> str:
    """Insert a row of *columns*, or give those to the row of this id, which keeps its place among the others."""
    statement = sqlite.insert(table).values({name: sa.bindparam(name) for name in columns})
    changed = {name: statement.excluded[name] for name in columns if name != "id"}
    upsert = statement.on_conflict_do_update(index_elements=["id"], set_=changed)
    return compiled(upsert, *(c.name for c in table.columns if c.name in columns))


def creating() -> tuple[str, ...]:
    """What makes the tables and their indexes where they are not there yet."""
    made: list[ClauseElement] = []
    for table in tables.sorted_tables:
        made.append(CreateTable(table, if_not_exists=True))
        made.extend(
            CreateIndex(index, if_not_exists=True) for index in sorted(table.indexes, key=lambda i: str(i.name))
        )
    return tuple(str(each.compile(dialect=_DIALECT)) for each in made)


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
_PLACE: Final = sa.literal_column("artifacts.rowid", sa.BigInteger)


def _unless_given(name: str, column: sa.ColumnElement[Any], operator: str) -> sa.ColumnElement[bool]:
    """Whether the parameter is NULL, or *column* compares with it so."""
    value = sa.bindparam(name, type_=sa.Text)
    return sa.or_(value.is_(sa.null()), sa.type_coerce(column, sa.Text).op(operator, is_comparison=True)(value))


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
        )
        .order_by(_PLACE.desc())
    ),
    *(name for each in ("after", "name", "version", "run_id", "since", "until", "user") for name in (each, each)),
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
    sa.literal_column("artifact_sets.rowid", sa.BigInteger).desc(),
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
FIND_INPUTS: Final = compiled(sa.select(artifacts.c.inputs_json).where(artifacts.c.id == _param("key")), "key")
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
SET_ASIDE: Final = inserting(quarantined_blobs, ("id", "data", "set_aside_at"), "REPLACE")
_size = sa.func.length(quarantined_blobs.c.data)
LIST_ASIDE: Final = compiled(
    _first(
        sa.select(quarantined_blobs.c.id, _size, quarantined_blobs.c.set_aside_at)
        .where(quarantined_blobs.c.id > _param("after"))
        .order_by(quarantined_blobs.c.id)
    ),
    *("after", "limit", "offset"),
)
DROP_ASIDE: Final = compiled(
    sa.delete(quarantined_blobs).where(
        quarantined_blobs.c.id == _param("key"),
        sa.type_coerce(quarantined_blobs.c.set_aside_at, sa.Text) < _param("before"),
    ),
    *("key", "before"),
)
FIND_PINS: Final = compiled(
    sa.select(artifact_set_members.c.set_id)
    .where(artifact_set_members.c.artifact_id == _param("key"))
    .order_by(artifact_set_members.c.set_id),
    "key",
)
PUT_EVICTION: Final = inserting(evictions, ("artifact_id", "evicted_at"), "REPLACE")
FIND_EVICTION: Final = compiled(
    sa.select(evictions.c.evicted_at).where(evictions.c.artifact_id == _param("key")), "key"
)
DROP_EVICTION: Final = compiled(sa.delete(evictions).where(evictions.c.artifact_id == _param("key")), "key")
EMPTY_VALUE: Final = compiled(
    sa.update(artifacts)
    .values(value_data=sa.null())
    .where(artifacts.c.id == _param("key"), artifacts.c.content_digest == _param("blob")),
    *("key", "blob"),
)
NEEDS_BLOB: Final = compiled(
    sa.select(
        sa.or_(
            sa.exists().where(
                artifacts.c.content_digest == _param("value"),
                ~sa.exists().where(evictions.c.artifact_id == artifacts.c.id).correlate(artifacts),
            ),
            sa.exists().where(artifacts.c.inputs_digest == _param("inputs")),
        )
    ),
    *("value", "inputs"),
)


def rendered() -> str:
    """The module `provenance.effects.statements`."""
    texts = {name: value for name, value in globals().items() if name.isupper() and isinstance(value, str)}
    lines = [
        '"""The statements of `provenance.effects.schema` as SQLite takes them; written by `make statements`."""',
        "",
        f"VERSION = {VERSION}",
        f"UPGRADES = {UPGRADES!r}",
        *(f'{name} = """\\\n{_trimmed(text)}"""' for name, text in texts.items()),
        "CREATE = (",
        *(f'    """\\\n{_trimmed(text)}""",' for text in creating()),
        ")",
    ]
    return "\n".join(lines) + "\n"


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().expandtabs(4).splitlines())

"""The tables, which users may query as they like, and the statements on them.

SQLAlchemy Core defines both. Importing it takes longer than thousands of look-ups, and executing through it several
times what SQLite itself takes for one by key. So the statements are compiled once and for all, to text for the driver's
own cursor: `provenance.effects.statements` is what `rendered` here renders (`make statements`; a test compares).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.elements import ClauseElement

from provenance.wire import COLUMNS

T = TypeVar("T", bound=tuple[object, ...])
BESIDES: Final = ("inputs_json", "value_data", "inputs_data")
"""The columns of `artifacts` that hold what a record brings along, after those of the record itself."""
PREFETCHED_BYTES: Final = 4_096
"""Up to this size a value comes along with its record; longer ones are read when they are asked for."""
VERSION: Final = 1
"""Of the tables below; kept in the database as `user_version`."""

tables: Final = sa.MetaData()

artifacts: Final = sa.Table(
    "artifacts",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("value_id", sa.Text, nullable=False, index=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("fn_module", sa.Text, nullable=False),
    sa.Column("fn_name", sa.Text, nullable=False),
    sa.Column("composite", sa.Boolean, nullable=False),
    sa.Column("value_id_duration", sa.Float, nullable=False),
    sa.Column("compute_duration", sa.Float, nullable=False),
    sa.Column("hash_duration", sa.Float, nullable=False),
    sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("input_artifact_ids", sa.JSON, nullable=False),
    sa.Column("serializer", sa.Text, nullable=False),
    sa.Column("load_kwargs", sa.JSON, nullable=False),
    sa.Column("dump_kwargs", sa.JSON, nullable=False),
    sa.Column("custom_fields", sa.JSON, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("content_digest", sa.Text, nullable=False, index=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("inputs_digest", sa.Text),
    sa.Column("inputs_size", sa.BigInteger),
    sa.Column("value_type", sa.Text, nullable=False),
    sa.Column("interface", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("inputs_json", sa.JSON, nullable=False),
    sa.Column("value_data", sa.LargeBinary),  # last, because SQLite reads a row from its beginning
    sa.Column("inputs_data", sa.LargeBinary),
)
sa.Index(
    "ix_artifacts_inputs_digest", artifacts.c.inputs_digest, sqlite_where=artifacts.c.inputs_digest.is_not(sa.null())
)
artifact_inputs: Final = sa.Table(
    "artifact_inputs",
    tables,
    sa.Column("artifact_id", sa.Text, primary_key=True),
    sa.Column("input_id", sa.Text, primary_key=True),
    sa.Index("ix_artifact_inputs_input_id", "input_id", "artifact_id"),
    sqlite_with_rowid=False,
)
runs: Final = sa.Table(
    "runs",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("info", sa.JSON, nullable=False),
)
artifact_sets: Final = sa.Table(  # one set of members may be put several times, under other labels
    "artifact_sets",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("labels", sa.JSON, primary_key=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("name", sa.Text, index=True),
)
artifact_set_members: Final = sa.Table(
    "artifact_set_members",
    tables,
    sa.Column("set_id", sa.Text, primary_key=True),
    sa.Column("artifact_id", sa.Text, primary_key=True, index=True),
    sqlite_with_rowid=False,
)
quarantined_blobs: Final = sa.Table(
    "quarantined_blobs",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

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


def _first(query: sa.Select[T]) -> sa.Select[T]:
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
REPLACE_RECORD: Final = inserting(artifacts, (*COLUMNS, *BESIDES), "REPLACE")
PUT_EDGE: Final = inserting(artifact_inputs, ("artifact_id", "input_id"), "IGNORE")
PUT_RUN: Final = inserting(runs, ("id", "created_at", "info"), "IGNORE")
DROP_RECORD: Final = compiled(sa.delete(artifacts).where(artifacts.c.id == _param("key")), "key")
DROP_EDGES: Final = compiled(sa.delete(artifact_inputs).where(artifact_inputs.c.artifact_id == _param("key")), "key")

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
SET_ASIDE: Final = inserting(quarantined_blobs, ("id", "data"), "REPLACE")


def rendered() -> str:
    """The module `provenance.effects.statements`."""
    texts = {name: value for name, value in globals().items() if name.isupper() and isinstance(value, str)}
    lines = [
        '"""The statements of `provenance.effects.schema` as SQLite takes them; written by `make statements`."""',
        "",
        f"VERSION = {VERSION}",
        *(f'{name} = """\\\n{_trimmed(text)}"""' for name, text in texts.items()),
        "CREATE = (",
        *(f'    """\\\n{_trimmed(text)}""",' for text in creating()),
        ")",
    ]
    return "\n".join(lines) + "\n"


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().expandtabs(4).splitlines())

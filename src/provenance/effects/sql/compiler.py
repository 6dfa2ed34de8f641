"""How statements are compiled from SQLAlchemy Core to text, and what each was compiled from."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

Select: TypeAlias = "sa.Select[*tuple[Any, ...]]"

DIALECT: Final = sqlite.dialect(paramstyle="qmark")


@frozen(eq=False)
class InsertSource:
    """A row of *columns* to insert into *table*.

    *otherwise* says what it does on a conflict: IGNORE, REPLACE or UPDATE.
    """

    table: sa.Table
    columns: tuple[str, ...]
    otherwise: str


@frozen(eq=False)
class Source:
    """The expression that a statement was compiled from, and its parameters in order."""

    expression: ClauseElement | InsertSource
    names: tuple[str, ...]


SOURCES: Final[dict[str, Source]] = {}
"""The source of each statement by its text; other databases compile their own."""


class _PerDatabase(sa.ColumnElement[Any]):
    """An expression that SQLite and PostgreSQL write differently."""

    inherit_cache = False

    def __init__(self, kind: sa.types.TypeEngine[Any], sqlite: str, postgresql: str) -> None:
        self.type = kind
        self.sqlite = sqlite
        self.postgresql = postgresql


@compiles(_PerDatabase)
def _in_sqlite(expression: _PerDatabase, _: SQLCompiler, **__: object) -> str:
    return expression.sqlite


@compiles(_PerDatabase, "postgresql")
def _in_postgresql(expression: _PerDatabase, _: SQLCompiler, **__: object) -> str:
    return expression.postgresql


class RowPosition(_PerDatabase):
    """The position of a row of the table *name* in order of insertion."""

    def __init__(self, name: str) -> None:
        super().__init__(sa.BigInteger(), f"{name}.rowid", f"{name}.place")


class DatabaseTime(_PerDatabase):
    """The time of the database's clock, common to its clients, in seconds since the epoch."""

    def __init__(self) -> None:
        in_sqlite = "((julianday('now') - 2440587.5) * 86400.0)"
        in_postgresql = "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"
        super().__init__(sa.Float(), in_sqlite, in_postgresql)


def compile_statement(statement: ClauseElement, *names: str) -> str:
    """Return *statement* as text for SQLite; its parameters are *names*, in this order.

    Raises:
        ValueError: if the statement has other parameters, or in another order.
    """
    result = statement.compile(dialect=DIALECT)
    found = tuple(result.positiontup or ())  # type: ignore[attr-defined]  # positional dialects have it
    if found != names:
        msg = f"the parameters of {result} are {found}, not {names}"
        raise ValueError(msg)
    return _register(str(result), Source(statement, names))


def compile_for_both(for_sqlite: ClauseElement, for_others: ClauseElement, *names: str) -> str:
    """Return *for_sqlite* as `compile_statement` does; other databases compile *for_others* instead."""
    return _register(compile_statement(for_sqlite, *names), Source(for_others, names))


def _register(text: str, source: Source) -> str:
    SOURCES[strip_line_ends(text)] = source
    return text


def text_param(name: str) -> sa.BindParameter[str]:
    """Return a parameter that holds text."""
    return sa.bindparam(name, type_=sa.Text)


def paged(query: Select) -> Select:
    """Return *query* with the parameters `limit` and `offset`; SQLite's dialect needs both."""
    limit, offset = (sa.bindparam(name, type_=sa.Integer) for name in ("limit", "offset"))
    return query.limit(limit).offset(offset)


def selecting(
    *columns: sa.ColumnElement[Any], by: sa.Column[Any], order: tuple[Any, ...] = ()
) -> str:
    """Return the statement that selects *columns* where column *by* is the parameter."""
    return compile_statement(
        sa.select(*columns).where(by == text_param("key")).order_by(*order), "key"
    )


def deleting(by: sa.Column[Any]) -> str:
    """Return the statement that deletes the rows whose column *by* is the parameter."""
    return compile_statement(sa.delete(by.table).where(by == text_param("key")), "key")


def insert_statement(table: sa.Table, columns: tuple[str, ...], otherwise: str) -> str:
    """Return the statement that inserts a row; on a conflict it does *otherwise*."""
    statement = sa.insert(table).values({name: sa.bindparam(name) for name in columns})
    names = tuple(c.name for c in table.columns if c.name in columns)
    text = compile_statement(statement.prefix_with(f"OR {otherwise}"), *names)
    return _register(text, Source(InsertSource(table, names, otherwise), names))


def upsert_statement(table: sa.Table, columns: tuple[str, ...]) -> str:
    """Return the statement that inserts a row, or updates the row of the same id in its place."""
    statement = sqlite.insert(table).values({name: sa.bindparam(name) for name in columns})
    changed = {name: statement.excluded[name] for name in columns if name != "id"}
    upsert = statement.on_conflict_do_update(index_elements=["id"], set_=changed)
    names = tuple(c.name for c in table.columns if c.name in columns)
    text = compile_statement(upsert, *names)
    return _register(text, Source(InsertSource(table, names, "UPDATE"), names))


def strip_line_ends(text: str) -> str:
    """Return *text* without blanks at the ends of its lines."""
    return "\n".join(line.rstrip() for line in text.strip().expandtabs(4).splitlines())

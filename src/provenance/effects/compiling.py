"""From SQLAlchemy Core to text: how statements are compiled, and what is remembered of each for other databases."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

DIALECT: Final = sqlite.dialect(paramstyle="qmark")


@frozen(eq=False)
class Insertion:
    """A row of *columns* for *table*; *otherwise* says what happens where its key is taken: IGNORE, REPLACE or UPDATE."""

    table: sa.Table
    columns: tuple[str, ...]
    otherwise: str


@frozen(eq=False)
class Source:
    """What a statement was compiled from, and the names of its parameters in their order."""

    expression: ClauseElement | Insertion
    names: tuple[str, ...]


SOURCES: Final[dict[str, Source]] = {}
"""By the text of each statement; databases that speak another SQL compile it anew."""


class Place(sa.ColumnElement[int]):
    """Where a row of the table *name* stands among the others, in the order in which they came."""

    inherit_cache = False
    type = sa.BigInteger()

    def __init__(self, name: str) -> None:
        self.name = name


@compiles(Place)
def _place_in_sqlite(place: Place, _: SQLCompiler, **__: object) -> str:
    return f"{place.name}.rowid"


@compiles(Place, "postgresql")
def _place_in_postgresql(place: Place, _: SQLCompiler, **__: object) -> str:
    return f"{place.name}.place"


class Moment(sa.ColumnElement[float]):
    """The time, in seconds since the epoch, by the clock of the database, which is one for all who use it."""

    inherit_cache = False
    type = sa.Float()


@compiles(Moment)
def _moment_in_sqlite(_: Moment, __: SQLCompiler, **___: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(Moment, "postgresql")
def _moment_in_postgresql(_: Moment, __: SQLCompiler, **___: object) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"


def compiled(statement: ClauseElement, *names: str) -> str:
    """*statement* as SQLite's text, whose parameters are *names* in this order; ValueError if they are others."""
    result = statement.compile(dialect=DIALECT)
    found = tuple(result.positiontup or ())  # type: ignore[attr-defined]  # a positional dialect's compiler has it
    if found != names:
        msg = f"the parameters of {result} are {found}, not {names}"
        raise ValueError(msg)
    return _noted(str(result), Source(statement, names))


def compiled_twice(here: ClauseElement, elsewhere: ClauseElement, *names: str) -> str:
    """As `compiled`, of *here*; databases that speak another SQL compile *elsewhere*."""
    return _noted(compiled(here, *names), Source(elsewhere, names))


def _noted(text: str, source: Source) -> str:
    SOURCES[trimmed(text)] = source
    return text


def inserting(table: sa.Table, columns: tuple[str, ...], otherwise: str) -> str:
    """Insert a row of *columns*; *otherwise* says what happens where its key is taken: IGNORE or REPLACE."""
    statement = sa.insert(table).values({name: sa.bindparam(name) for name in columns})
    names = tuple(c.name for c in table.columns if c.name in columns)
    text = compiled(statement.prefix_with(f"OR {otherwise}"), *names)
    return _noted(text, Source(Insertion(table, names, otherwise), names))


def replacing(table: sa.Table, columns: tuple[str, ...]) -> str:
    """Insert a row of *columns*, or give those to the row of this id, which keeps its place among the others."""
    statement = sqlite.insert(table).values({name: sa.bindparam(name) for name in columns})
    changed = {name: statement.excluded[name] for name in columns if name != "id"}
    upsert = statement.on_conflict_do_update(index_elements=["id"], set_=changed)
    names = tuple(c.name for c in table.columns if c.name in columns)
    return _noted(compiled(upsert, *names), Source(Insertion(table, names, "UPDATE"), names))


def trimmed(text: str) -> str:
    """*text* without blanks at the ends of its lines."""
    return "\n".join(line.rstrip() for line in text.strip().expandtabs(4).splitlines())

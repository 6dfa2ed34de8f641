"""Whether look-ups, searches and sums take longer the more artifacts there are: in SQLite, and in PostgreSQL 18."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from attrs import frozen
from tests.servers.postgres import server

import provenance as p
from benchmarks.lines import NONE, OURS, PROCESS, Goal, Limit, Line
from benchmarks.timing import Sizes, Timed, interleaved
from provenance.documents.items import artifact_item, stats_item
from provenance.effects.sql import statements
from provenance.effects.sql.postgres import PostgresDatabase
from provenance.effects.sql.postgres_connection import ConnectionSettings
from provenance.effects.sql.postgres_dialect import translate
from provenance.effects.sql.records import SqlRecords
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.effects.sql.terms import fill_terms
from provenance.model.queries import Query
from provenance.model.records import NO_OPTIONS, ArtifactRecord, Blob, freeze_options
from provenance.model.rows import to_row
from provenance.ui import pages

DEPTH = 1_000
"""Artifacts that were made one from the other."""
ALIKE = 10
"""Artifacts that have a tag, and a value of an argument, in common."""
_MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
_LOOK_UPS = Goal("fewer", 1.3, 1.1)
_LOOKING = Goal("fewer", 2.0, 1.2)
BYTES = 700.0
"""Size of an artifact, whose value has 9 bytes, with all indexes."""
INDEXING = 100e-6
"""Seconds that terms of an artifact may take."""
TRAIN = "churn.train"
"""Name of every tenth artifact."""


@frozen
class Filled:
    """A repository with *count* artifacts in it."""

    count: int
    records: SqlRecords
    opened: Callable[[], p.Repository]
    size: int = 0
    indexed_in: float = 0.0


def scales(folder: Path, sizes: Sizes) -> Iterator[Line | Limit]:
    """The same questions to many artifacts and to fewer, by turns."""
    for name, fill in (("SQLite", _in_sqlite), ("PostgreSQL", _in_postgres)):
        few, many = (fill(folder / f"{count}", count) for count in sizes.stored)
        durability = PROCESS if name == "SQLite" else NONE
        if many.size:
            what = f"{name}, {many.count:,} artifacts: size of one"
            yield Limit(what, durability, many.size / many.count, BYTES, "B")
            what = f"{name}, {many.count:,} artifacts: index of terms, once, for one"
            yield Limit(what, durability, many.indexed_in / many.count, INDEXING)
        for what, (ask, calls, goals) in QUESTIONS.items():
            number = max(1, calls * sizes.calls // 100)
            asked = {OURS: ask(many), "fewer": ask(few)}
            taken = interleaved(asked, sizes.rounds, number)
            yield Line(
                f"{name}, {many.count:,} artifacts (beside {few.count:,}): {what}",
                durability,
                taken,
                goals,
            )


# ---------------------------------------------------------------- questions


def _by_id(filled: Filled) -> Timed:
    return lambda i: filled.records.find_record(_id(_any(filled, i)))


def _by_value(filled: Filled) -> Timed:
    return lambda i: filled.records.find_records_by_value(_value_id(_any(filled, i)))


def _progeny(filled: Filled) -> Timed:
    return lambda i: filled.records.list_dependents(_id(_any(filled, i)))


def _lineage(filled: Filled) -> Timed:
    """Each time by a handle of its own, which remembers no record."""

    def trace(i: int) -> object:
        chains = max(1, filled.count // DEPTH)
        last = min(filled.count, (i % chains + 1) * DEPTH) - 1
        return p.lineage(filled.opened()[_id(last)])

    return trace


def _searching(query: Callable[[int], Query]) -> Callable[[Filled], Timed]:
    def ask(filled: Filled) -> Timed:
        return lambda i: filled.records.search_records(query(_any(filled, i) // ALIKE), None, 100)

    return ask


@p.provenance(name="bench.step")
def _step(group: int) -> int:
    """Never run: it has the name of what is stored."""
    return group


def _why(filled: Filled) -> Timed:
    repo = filled.opened()

    def ask(i: int) -> object:
        with p.using_repo(repo):
            return _step.why(-1 - i)

    return ask


def _listing(filled: Filled) -> Timed:
    repo = filled.opened()
    return lambda _: [artifact_item(one, repo) for one in p.search(repo=repo).page(50)[0]]


def _on(ask: Callable[[p.Repository], object]) -> Callable[[Filled], Timed]:
    """Ask one handle, which has been asked before: the first sums count everything, once."""

    def timed(filled: Filled) -> Timed:
        repo = filled.opened()
        ask(repo)
        return lambda _: ask(repo)

    return timed


_du = _on(lambda repo: p.disk_usage(repo=repo))
_stats = _on(lambda repo: stats_item(repo, p.functions(repo), p.disk_usage("run", repo)))
_front_page = _on(pages.overview)
_storage_page = _on(pages.storage)


def _artifact_page(filled: Filled) -> Timed:
    repo = filled.opened()
    return lambda i: pages.artifact(repo, {"id": _id(_any(filled, i) // DEPTH * DEPTH)})


QUESTIONS: Mapping[str, tuple[Callable[[Filled], Timed], int, tuple[Goal, ...]]] = {
    "look-up by id": (_by_id, 100, (_LOOK_UPS,)),
    "look-up by value id": (_by_value, 100, (_LOOK_UPS,)),
    "progeny": (_progeny, 100, ()),
    f"lineage, {DEPTH:,} deep": (_lineage, 1, ()),
    "search by tag": (_searching(lambda n: Query(tags=frozenset({f"tag {n}"}))), 1, (_LOOKING,)),
    "search by input": (
        _searching(lambda n: Query(inputs=freeze_options({"group": n}))),
        1,
        (_LOOKING,),
    ),
    "search by field": (
        _searching(lambda n: Query(custom_fields=freeze_options({"n": n}))),
        1,
        (_LOOKING,),
    ),
    "why a call is a miss": (_why, 1, (Goal("fewer", 1.5, 1.1),)),
    "search by name, the newest 100": (
        _searching(lambda _: Query(name="bench.step")),
        1,
        (_LOOKING,),
    ),
    "search by short name": (_searching(lambda _: Query(name="train")), 1, (_LOOKING,)),
    "search by prefix": (_searching(lambda _: Query(name="churn.*")), 1, (_LOOKING,)),
    "search for a name that nothing has": (
        _searching(lambda _: Query(name="nothing.*")),
        1,
        (_LOOKING,),
    ),
    "search since a time after all": (
        _searching(lambda _: Query(since=_MOMENT + timedelta(1))),
        1,
        (_LOOKING,),
    ),
    "ls (the newest 50)": (_listing, 1, (_LOOKING,)),
    "du": (_du, 1, (_LOOKING,)),
    "stats": (_stats, 1, (_LOOKING,)),
    "the front page": (_front_page, 1, (_LOOKING,)),
    "the page of an artifact": (_artifact_page, 1, (_LOOKING,)),
    "the page of storage": (_storage_page, 1, (_LOOKING,)),
}


def _any(filled: Filled, i: int) -> int:
    """The number of an artifact that is far from the last one."""
    return i * 2_654_435_761 % filled.count


# ---------------------------------------------------------------- artifacts


def _id(i: int) -> str:
    return hashlib.sha1(b"%d" % i, usedforsecurity=False).hexdigest()


def _value_id(i: int) -> str:
    return hashlib.sha1(b"value %d" % i, usedforsecurity=False).hexdigest()


def _records(count: int) -> Iterator[tuple[object, ...]]:
    """Rows as PUT_RECORD takes them."""
    for i in range(count):
        made = ArtifactRecord(
            *(
                _id(i),
                _value_id(i),
                TRAIN if i % 10 == 9 else "bench.step",
                0,
                "bench",
                "step",
                "step",
                False,
                "pickle",
                NO_OPTIONS,
                NO_OPTIONS,
            ),  # type: ignore[arg-type]  # ids are text
            frozenset(_sources(i)),
            *(
                freeze_options({"n": i}),
                (f"tag {i // ALIKE}", "all"),
                _MOMENT,
                _MOMENT,
                0.1,
                0.01,
                0.01,
                "5" * 40,
            ),
            *(Blob(_value_id(i), 9), None, "builtins:int", (), "", frozenset(), "{}", frozenset()),  # type: ignore[arg-type]  # as above
        )
        yield (
            *to_row(made),
            f'{{"n":{i},"group":{i // ALIKE},"__varargs":[]}}',
            b"\x80\x05K\x01.....",
            None,
        )


def _sources(i: int) -> list[str]:
    return [_id(i - 1)] if i % DEPTH else []


def _edges(count: int) -> Iterator[tuple[str, str]]:
    return ((_id(i), source) for i in range(count) for source in _sources(i))


def _in_sqlite(folder: Path, count: int) -> Filled:
    path = folder / "scale.db"
    database = SqliteDatabase(path)
    database.migrate()
    connection = sqlite3.connect(path)
    with connection:
        connection.executemany(statements.PUT_RECORD, _records(count))
        connection.executemany(statements.PUT_EDGE, _edges(count))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    began = time.perf_counter()
    fill_terms(database, 1)
    took = time.perf_counter() - began
    database.close()
    size = path.stat().st_size
    return Filled(count, SqlRecords(database), lambda: p.SqliteRepo(db=path), size, took)


@contextmanager
def _without_indexes(connection: psycopg.Connection) -> Iterator[None]:
    """Make the indexes when the rows are there, which takes a tenth of the time."""
    query = "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'ix_artifact%'"
    indexes = connection.execute(query).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    yield
    connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
    for _, definition in indexes:
        connection.execute(definition)


def _in_postgres(folder: Path, count: int) -> Filled:
    url = server(18).database_for(folder)
    database = PostgresDatabase(ConnectionSettings(url=url))
    put = translate(statements.PUT_RECORD, ())
    with psycopg.connect(url) as connection, _without_indexes(connection):
        bound = map(dict, map(put.bind, _records(count)))  # type: ignore[arg-type]  # rows of the right types
        first = next(bound)
        copy = f"COPY artifacts ({', '.join(first)}) FROM STDIN"
        with connection.cursor().copy(copy) as rows:
            for each in itertools.chain([first], bound):
                rows.write_row(list(each.values()))
        with connection.cursor().copy(
            "COPY artifact_inputs (artifact_id, input_id) FROM STDIN"
        ) as rows:
            for edge in _edges(count):
                rows.write_row(edge)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")  # as the server does by itself after a while
    return Filled(count, SqlRecords(database), lambda: p.PostgresRepo(db=url))

"""What the artifacts amount to, in groups, in a SQLite file without adding all of them up each time.

The sums of the artifacts up to some place are kept, and those of later artifacts are added. A replaced or
deleted artifact, and an evicted or restored value, makes what is kept invalid: the next summary adds up
everything once. Triggers see to that.
"""

# SQL is put together from constants here.
# ruff: noqa: S608

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias, cast

from provenance.effects.sql.database import Database, Execute
from provenance.effects.sql.terms import END, blob_term, fill_terms, refresh_terms
from provenance.errors import StoreUnavailableError
from provenance.model.queries import Grouping

_log: Final = logging.getLogger("provenance")

_MANY: Final = 500
"""Artifacts that are added up each time; more of them are added to what is kept."""
_KEYS: Final[dict[Grouping, str]] = {
    "function": "name",
    "run": "run_id",
    "month": "substr(computed_at, 1, 7)",
    "serializer": "serializer",
    "type": "value_type",
}
_MONTH_IN_POSTGRESQL: Final = "to_char(computed_at AT TIME ZONE 'UTC', 'YYYY-MM')"
_IS_EVICTED: Final = "EXISTS (SELECT 1 FROM evictions WHERE artifact_id = artifacts.id)"
_PARTS: Final = f"""\
SELECT {{key}} AS item, content_digest AS digest, count(*) AS artifacts,
max(CASE WHEN {_IS_EVICTED} THEN 0 ELSE size_bytes END) AS bytes, sum(compute_duration) AS seconds,
min(computed_at) AS oldest, max(computed_at) AS newest
FROM artifacts WHERE place > ? AND place <= ? GROUP BY 1, 2"""
_ALL: Final = f"""\
SELECT item, sum(artifacts), sum(bytes), sum(seconds), min(oldest), max(newest)
FROM ({_PARTS}) AS parts GROUP BY item"""
_IS_COUNTED: Final = f"""\
SELECT 1 FROM terms CROSS JOIN artifacts ON artifacts.place = terms.place
WHERE terms.term = ? AND terms.place <= ? AND content_digest = ? AND {{key}} = ?
AND NOT {_IS_EVICTED} ORDER BY terms.place DESC LIMIT 1"""
_FIND_PLACE: Final = "SELECT place FROM totals_filled WHERE grouping = ?"
_FIND_FILLED: Final = "SELECT place FROM terms_filled"
_FIND: Final = """\
SELECT key, artifacts, bytes, seconds, oldest, newest FROM totals WHERE grouping = ?"""
_FORGET: Final = "DELETE FROM totals WHERE grouping = ?"
_ADD: Final = """\
INSERT INTO totals (grouping, key, artifacts, bytes, seconds, oldest, newest) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (grouping, key) DO UPDATE SET artifacts = artifacts + excluded.artifacts,
bytes = bytes + excluded.bytes, seconds = seconds + excluded.seconds,
oldest = min(oldest, excluded.oldest), newest = max(newest, excluded.newest)"""
_SET_PLACE: Final = "INSERT OR REPLACE INTO totals_filled (grouping, place) VALUES (?, ?)"

_Rows: TypeAlias = "list[Any]"
_Ask: TypeAlias = Callable[..., _Rows]
"""A query: the text of a statement, and its values."""


def find_totals(database: Database, by: Grouping) -> _Rows:
    """Return for each group its key, artifacts, bytes, seconds, and the first and last time."""
    ask: _Ask = database.query
    if not database.keeps_terms:
        key = _MONTH_IN_POSTGRESQL if by == "month" else _KEYS[by]
        return ask(_ALL.format(key=key), -1, END)
    filled = fill_terms(database)
    place = _place(ask, by)
    if (place is None or filled - place >= _MANY) and not database.is_read_only:
        try:
            _count(database, ask, by)
        except StoreUnavailableError as error:
            _log.warning(
                "adding up without keeping the sums of repository %r: %s", database.name, error
            )
    while True:
        place = _place(ask, by)
        if place is None:
            return ask(_ALL.format(key=_KEYS[by]), -1, END)
        groups: dict[str, _Rows] = {}
        for row in (*ask(_FIND, by), *_later(ask, by, place, END)):
            groups.setdefault(row[0], []).append(row)
        # Otherwise another process has changed what is kept.
        if place == _place(ask, by):
            return [_add(rows) for rows in groups.values()]


def _place(ask: _Ask, by: Grouping) -> int | None:
    """Return the last place that is counted; None if nothing is kept that holds."""
    rows = ask(_FIND_PLACE, by)
    return cast("int", rows[0][0]) if rows and rows[0][0] >= 0 else None


def _count(database: Database, ask: _Ask, by: Grouping) -> None:
    """Count the artifacts that have terms in what is kept."""
    # A number of its own, so that it is not taken for that of another process.
    mark = -1 - int.from_bytes(os.urandom(7), "little")
    filled = database.transaction(lambda execute: _begin(execute, by, mark))
    if _place(ask, by) is None:
        # Takes seconds for a million artifacts, so not in a transaction, which others wait for.
        rows = ask(_ALL.format(key=_KEYS[by]), -1, filled)
        database.transaction(lambda execute: _store(execute, by, rows, (mark, filled)))


def _begin(execute: Execute, by: Grouping, mark: int) -> int:
    """Add later artifacts to what is kept; leave *mark* as the place if nothing is kept that holds."""

    def ask(statement: str, *values: str | int) -> _Rows:
        return list(execute(statement, values).fetchall())

    refresh_terms(execute)
    filled = cast("int", ask(_FIND_FILLED)[0][0])
    place = _place(ask, by)
    rows = [] if place is None else list(_later(ask, by, place, filled))
    for row in rows:
        execute(_ADD, (by, *row))
    execute(_SET_PLACE, (by, mark if place is None else filled))
    return filled


def _store(execute: Execute, by: Grouping, rows: _Rows, places: tuple[int, int]) -> None:
    """Keep sums, unless what they count has changed meanwhile, which takes the mark away.

    The *places* are the mark, and the last one that is counted.
    """
    mark, filled = places
    if execute(_FIND_PLACE, (by,)).fetchall() == [(mark,)]:
        execute(_FORGET, (by,))
        for row in rows:
            execute(_ADD, (by, *row))
        execute(_SET_PLACE, (by, filled))


def _later(ask: _Ask, by: Grouping, place: int, end: int) -> Iterator[Any]:
    """Yield what the artifacts after *place* add to groups; a value that is counted there adds no bytes."""
    key = _KEYS[by]
    is_counted = _IS_COUNTED.format(key=key)
    for item, digest, count, size, *rest in ask(_PARTS.format(key=key), place, end):
        known = size and ask(is_counted, blob_term(digest), place, digest, item)
        yield (item, count, 0 if known else size, *rest)


def _add(rows: _Rows) -> Any:  # noqa: ANN401 - a row
    """Return the sum of the *rows* of one group."""
    (key, *_), (_, artifacts, sizes, seconds, oldest, newest) = rows[0], zip(*rows, strict=True)
    return key, sum(artifacts), sum(sizes), sum(seconds), min(oldest), max(newest)

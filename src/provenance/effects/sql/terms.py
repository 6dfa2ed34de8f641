"""The table `terms` of SQLite: where the artifacts are that have a tag, a field, an argument, a name or a blob.

A term is a 64-bit hash of a kind and what is searched for. The table is filled when somebody searches and
many artifacts are new: storing one costs nothing. It only proposes. What it proposes is compared with the
record, and artifacts whose terms are not known yet are looked through. So an answer is complete and right
however far the table is filled, and also where it cannot be.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from heapq import merge
from itertools import groupby, islice
from typing import Any, Final, cast

import msgspec
from attrs import frozen
from blake3 import blake3

from provenance.effects.sql.database import Database, Execute
from provenance.errors import StoreUnavailableError
from provenance.model.ids import BlobId, ValueId
from provenance.model.queries import Query, matches_name, split_condition
from provenance.model.rows import json_text, time_text

_log: Final = logging.getLogger("provenance")

_UNKNOWN: Final = 500
"""Artifacts without terms that a search looks through; more of them are given terms first."""
_PIECE: Final = 50_000
"""Artifacts that are given terms in one transaction."""
_LONG: Final = 100_000
"""Artifacts from which on it is logged that they are given terms."""
_ENOUGH: Final = 1_000
"""Artifacts of a term up to which they are counted to find the rarest term."""
_MOST_NAMES: Final = 200
"""Names with versions that a pattern may match for their terms to be used."""
_FIRST: Final = 100
"""Places of a term that are read first; later ones are read in larger pages."""
_BLOCK: Final = 10
"""Binary digits of a place that count within a block."""
END: Final = (1 << 63) - 1
"""After the last place."""

_encode: Final = msgspec.msgpack.Encoder(order="sorted").encode


def make_term(kind: str, *parts: object) -> int:
    """Return the hash of what is searched for: a name, the digest of a blob, an argument.

    >>> make_term("tag", "a") == make_term("tag", "a"), make_term("tag", "a") == make_term("tag", "b")
    (True, False)
    """
    try:
        data = _encode((kind, *parts))
    except (OverflowError, UnicodeEncodeError):
        # Integers beyond 64 bits, and lone surrogates.
        data = json.dumps((kind, *parts), sort_keys=True).encode()
    return int.from_bytes(blake3(data).digest(8), "little", signed=True)


def blob_term(blob_id: BlobId) -> int:
    """Return the term of the artifacts whose value or inputs are this blob."""
    return make_term("blob", blob_id)


def value_term(value_id: ValueId) -> int:
    """Return the term of the artifacts with this value."""
    return make_term("value", value_id)


_DAMAGED: Final = make_term("damaged")
"""The term of artifacts whose JSON cannot be read: every search finds them, and reports them."""


def _plain(value: object) -> object:
    """Return a JSON value in the form that equal ones share."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, object]", value)
        return {key: _plain(entry) for key, entry in entries.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in cast("list[object]", value)]
    return 0.0 if value == 0 and isinstance(value, float) else value


def _arguments(document: Mapping[str, object], path: str = "") -> Iterator[tuple[str, object]]:
    """Yield the arguments that have terms, each with its dotted path.

    >>> list(_arguments({"a": {"b": 1, "c": {}}, "d": [1], "e": [{}], "__varargs": []}))
    [('a.b', 1), ('a.c', {}), ('d', [1])]
    """
    for key, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from _arguments(cast("Mapping[str, object]", value), f"{path}{key}.")
        elif isinstance(value, list | tuple):
            members = cast("list[object]", value)
            is_flat = not any(isinstance(member, Mapping | list | tuple) for member in members)
            # What a list holds may have further keys where a search names some.
            if is_flat and (members or path or key != "__varargs"):
                yield f"{path}{key}", value
        else:
            yield f"{path}{key}", value


def _argument_terms(document: Mapping[str, object]) -> Iterator[int]:
    return (make_term("input", path, _plain(value)) for path, value in _arguments(document))


def _field_terms(fields: Mapping[str, object]) -> Iterator[int]:
    return (make_term("field", key, _plain(value)) for key, value in fields.items())


def terms_of(row: Any) -> set[int]:  # noqa: ANN401 - a row of READ_UNKNOWN
    """Return the terms of an artifact."""
    _, name, version, run_id, code, value_id, digest, inputs_digest, tags, fields, inputs, _ = row
    found = {
        make_term("name", name, version),
        make_term("run", run_id),
        value_term(value_id),
        blob_term(digest),
    }
    if code:
        found.add(make_term("code", code))
    if inputs_digest is not None:
        found.add(blob_term(inputs_digest))
    try:
        if tags != "[]":
            found |= {make_term("tag", tag) for tag in json.loads(tags)}
        if fields != "{}":
            found.update(_field_terms(json.loads(fields)))
        found.update(_argument_terms(json.loads(inputs)))
    except (AttributeError, RecursionError, TypeError, ValueError):
        found.add(_DAMAGED)
    return found


def wanted_terms(query: Query) -> list[int]:
    """Return terms that all matching artifacts have; names are not among them."""
    found = [make_term("tag", tag) for tag in sorted(query.tags)]
    if query.run_id is not None:
        found.append(make_term("run", query.run_id))
    if query.code:
        found.append(make_term("code", query.code))
    # What has no JSON form has no term, and no artifact has it.
    with suppress(RecursionError, TypeError, ValueError):
        found += _field_terms(query.custom_fields)
        for key, value in query.inputs.items():
            if split_condition(key) == (key, "="):
                found += _argument_terms({key: value})
    return found


# ---------------------------------------------------------------- filling

_FIND_STATE: Final = """\
SELECT place, coalesce((SELECT max(place) FROM artifacts), 0), (SELECT count(*) FROM terms_outdated)
FROM terms_filled"""
_COLUMNS: Final = """\
SELECT place, name, version, run_id, code, value_id, content_digest, inputs_digest, tags,
custom_fields, inputs_json, computed_at FROM artifacts WHERE place """
_READ_UNKNOWN: Final = f"{_COLUMNS} > ? ORDER BY place LIMIT ?"
_IS_SURE: Final = "(place = ? OR place NOT IN (SELECT place FROM terms_outdated))"
_READ_AGAIN: Final = f"{_COLUMNS} > ? AND place <= ? AND {_IS_SURE} ORDER BY place"
_OUTDATED: Final = "SELECT place FROM terms_outdated WHERE place <= ? ORDER BY place LIMIT ?"
_READ_OUTDATED: Final = f"{_COLUMNS} IN ({_OUTDATED})"
_DELETE_OUTDATED: Final = f"DELETE FROM terms_outdated WHERE place IN ({_OUTDATED})"  # noqa: S608 - constants
_PUT_TERM: Final = "INSERT OR IGNORE INTO terms (term, place) VALUES "
_PUT_NAME: Final = "INSERT OR IGNORE INTO term_names (name, version) VALUES (?, ?)"
_PUT_TIMES: Final = """\
INSERT INTO term_times (block, oldest, newest) VALUES (?, ?, ?) ON CONFLICT (block) DO UPDATE
SET oldest = min(oldest, excluded.oldest), newest = max(newest, excluded.newest)"""
_SET_FILLED: Final = "UPDATE terms_filled SET place = ? WHERE place = ?"
_FORGET_GONE: Final = """\
DELETE FROM terms_outdated WHERE place > coalesce((SELECT max(place) FROM artifacts), 0)"""
_LOWER_FILLED: Final = """\
UPDATE terms_filled SET place = min(place, coalesce((SELECT max(place) FROM artifacts), 0))"""
_AT_ONCE: Final = 250
"""Terms that one statement stores."""


def fill_terms(database: Database, least: int = _UNKNOWN) -> int:
    """Give terms to artifacts if at least *least* have none; return the place up to which all have them.

    Several processes may do this at once. Where nothing can be written, nothing changes.
    """
    filled, last, outdated = _state(database)
    waiting = max(last - filled, 0) + outdated
    if waiting < least or database.is_read_only:
        return filled
    is_long = waiting >= _LONG
    if is_long:
        text = "indexing %d artifacts of repository %r for searches; later searches are quick"
        _log.info(text, waiting, database.name)
    try:
        while last > filled:
            filled = _fill_next(database, filled)
            if is_long:
                _log.info("indexed artifacts up to %d of %d", min(filled, last), last)
        database.transaction(refresh_terms)
    except StoreUnavailableError as error:
        _log.warning("searching without the index of repository %r: %s", database.name, error)
    return _state(database)[0]


def _state(database: Database) -> tuple[int, int, int]:
    """Return the last place with terms, the last place, and the number of outdated places."""
    return cast("tuple[int, int, int]", database.query(_FIND_STATE)[0])


def _fill_next(database: Database, filled: int) -> int:
    """Give terms to the artifacts after *filled*; return the last place that has terms then."""
    rows: list[Any] = database.query(_READ_UNKNOWN, filled, _PIECE)
    # Before the transaction, which others wait for. What changes meanwhile is outdated then.
    entries = _entries(rows)
    end: int = rows[-1][0] if rows else filled

    def work(execute: Execute) -> int:
        # All may have been deleted, and forgotten, and others have their places now, even of all but the last one.
        now: Any = execute(_READ_AGAIN, (filled, end, end)).fetchall()
        is_there = now[-1:] == rows[-1:] and set(now) <= set(rows)
        if is_there and execute(_SET_FILLED, (end, filled)).rowcount:
            _put(execute, entries, rows)
            return end
        # Or another process was first.
        return cast("int", execute(_FIND_STATE, ()).fetchall()[0][0])

    return database.transaction(work) if rows else END


def refresh_terms(execute: Execute) -> None:
    """Give terms to all artifacts that were replaced."""
    filled, done = cast("int", execute(_FIND_STATE, ()).fetchall()[0][0]), _PIECE
    while done == _PIECE:
        rows: Any = execute(_READ_OUTDATED, (filled, _PIECE)).fetchall()
        _put(execute, _entries(rows), rows)
        done = execute(_DELETE_OUTDATED, (filled, _PIECE)).rowcount
    # The next artifact may get a place that a deleted one had, and has no terms then.
    execute(_FORGET_GONE, ())
    execute(_LOWER_FILLED, ())


def _entries(rows: Iterable[Any]) -> list[int]:
    """Return the terms and places of artifacts, in the order of the table, one after the other."""
    entries = sorted([(term, row[0]) for row in rows for term in terms_of(row)])
    return [number for entry in entries for number in entry]


def _put(execute: Execute, entries: list[int], rows: list[Any]) -> None:
    for at in range(0, len(entries), 2 * _AT_ONCE):
        some = entries[at : at + 2 * _AT_ONCE]
        execute(_PUT_TERM + ", ".join(["(?, ?)"] * (len(some) // 2)), some)
    for name in {(row[1], row[2]) for row in rows}:
        execute(_PUT_NAME, name)
    blocks: dict[int, list[str]] = {}
    for row in rows:
        blocks.setdefault(row[0] >> _BLOCK, []).append(row[-1])
    for block, times in blocks.items():
        execute(_PUT_TIMES, (block, min(times), max(times)))


# ---------------------------------------------------------------- searching

_COUNT: Final = """\
SELECT count(*) FROM (SELECT 1 FROM terms WHERE term = ? AND place > ? AND place < ? LIMIT ?)"""
_FIND_PLACES: Final = """\
SELECT place FROM terms AS found WHERE term = ? AND place > ? AND place < ?
AND NOT EXISTS (SELECT 1 FROM json_each(?) AS other WHERE NOT EXISTS (
SELECT 1 FROM terms WHERE term = other.value AND place = found.place))
ORDER BY place DESC LIMIT ?"""
_FIND_OUTDATED: Final = "SELECT place FROM terms_outdated WHERE place < ? ORDER BY place DESC"
_FIND_USERS: Final = """\
SELECT artifacts.place FROM artifact_inputs JOIN artifacts ON artifacts.id = artifact_inputs.artifact_id
WHERE artifact_inputs.input_id = ? ORDER BY artifacts.place DESC"""
_FIND_NAMES: Final = """\
SELECT name, version FROM term_names WHERE (? IS NULL OR name GLOB ?) AND (? IS NULL OR version = ?)"""
_FIND_BLOCKS: Final = """\
SELECT min(block), max(block) FROM term_times
WHERE (? IS NULL OR newest >= ?) AND (? IS NULL OR oldest < ?)"""


@frozen
class Candidates:
    """Where the artifacts are that a query may find.

    Attributes:
        places: places in question, the last first.
        ranges: the places before and after ranges of the table that are in question.
    """

    places: Iterator[int]
    ranges: tuple[tuple[int, int], ...]


def find_candidates(database: Database, query: Query, glob: str | None, after: int) -> Candidates:
    """Return where to look for artifacts that match *query*.

    Args:
        database: where they are.
        query: what they match.
        glob: the pattern that the database compares names with.
        after: the place before which they are.
    """
    filled = fill_terms(database)
    # First, because another process may give these terms before those are read.
    outdated = cast("list[tuple[int]]", database.query(_FIND_OUTDATED, after))
    known = _known_range(database, query, min(after, filled + 1))
    chosen = _choose(database, query, glob, known)
    if chosen is None and query.since is None and query.until is None:
        return Candidates(iter(()), ((-1, after),))
    changed = iter([place for (place,) in outdated])
    if chosen is None:
        return Candidates(changed, ((filled, after), known))
    damaged = _places(database, _DAMAGED, [], known)
    return Candidates(merge(changed, damaged, *chosen, reverse=True), ((filled, after),))


def _known_range(database: Database, query: Query, after: int) -> tuple[int, int]:
    """Return the range, up to *after*, where artifacts were computed at the time in question."""
    if query.since is None and query.until is None:
        return -1, after
    since = None if query.since is None else time_text(query.since)
    until = None if query.until is None else time_text(query.until)
    ((first, last),) = cast(
        "list[tuple[int | None, int]]", database.query(_FIND_BLOCKS, since, since, until, until)
    )
    return (-1, 0) if first is None else ((first << _BLOCK) - 1, min(after, last + 1 << _BLOCK))


def _choose(
    database: Database, query: Query, glob: str | None, known: tuple[int, int]
) -> list[Iterator[int]] | None:
    """Return the places of the rarest term of the query; None if no term can help."""
    if query.uses:
        rows = cast("list[tuple[int]]", database.query(_FIND_USERS, min(query.uses)))
        users = [place for (place,) in rows if known[0] < place < known[1]]
        if len(users) < _ENOUGH:
            return [iter(users)]
    choices = [[term] for term in wanted_terms(query)]
    names = _name_terms(database, query, glob)
    choices += [] if names is None else [names]
    if not choices:
        return None
    counts = [sum(_count(database, term, known) for term in terms) for terms in choices]
    rarest = choices.pop(counts.index(min(counts))) if len(choices) > 1 else choices.pop()
    others = [terms[0] for terms in choices if len(terms) == 1]
    return [_places(database, term, others, known) for term in rarest]


def _name_terms(database: Database, query: Query, glob: str | None) -> list[int] | None:
    """Return a term for each name and version that the query asks for; None if it asks for too many."""
    if query.name is None and query.version is None:
        return None
    version = query.version
    rows: list[Any] = database.query(_FIND_NAMES, glob, glob, version, version)
    found = [row for row in rows if query.name is None or matches_name(query.name, row[0])]
    return [make_term("name", *row) for row in found] if len(found) <= _MOST_NAMES else None


def _count(database: Database, term: int, known: tuple[int, int]) -> int:
    """Return the number of artifacts with the term, up to a limit."""
    return cast("int", database.query(_COUNT, term, *known, _ENOUGH)[0][0])


def _places(
    database: Database, term: int, others: list[int], known: tuple[int, int]
) -> Iterator[int]:
    """Yield the places of a term that have the *others* too, the last first."""
    (low, after), count, text = known, _FIRST, json_text(others)
    while True:
        rows = cast("list[tuple[int]]", database.query(_FIND_PLACES, term, low, after, text, count))
        yield from (place for (place,) in rows)
        if len(rows) < count:
            return
        after, count = rows[-1][0], _ENOUGH


def batched(places: Iterator[int], first: int, size: int) -> Iterator[list[int]]:
    """Yield different places in lists, the first one of at most *first* of them."""
    different = (place for place, _ in groupby(places))
    while some := list(islice(different, first)):
        yield some
        first = size

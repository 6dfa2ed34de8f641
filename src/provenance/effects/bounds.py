"""Parameters of statements, ranges of ids and the conditions of a search, and ids in their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from provenance.queries import Query
from provenance.wire import json_text, time_text


def between(prefix: str, after: str) -> tuple[str, str]:
    """Return the bounds of the ids that begin with *prefix* and follow *after*.

    Ids are hexadecimal and have the same length.

    >>> between("ab", ""), between("ab", "ab12")
    (('ab', 'abg'), ('ab120', 'abg'))
    """
    return max(prefix, after + "0" if after else ""), prefix + "g"


def first_column(rows: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
    """Return the first column of *rows*: ids."""
    return tuple(row[0] for row in rows)


def sifting(query: Query, after: int | None) -> list[str | int | None]:
    """Return the parameters of FIND_RECORDS, each twice; None if the database cannot decide."""
    # SQLite reads brackets in another way than `fnmatch`.
    glob = None if query.name is None or "[" in query.name else query.name
    parameters = (
        after,
        glob,
        query.version,
        query.run_id,
        None if query.since is None else time_text(query.since),
        None if query.until is None else time_text(query.until),
        min(query.uses, default=None),
        _json_or_none(sorted(query.tags)),
        _json_or_none(dict(query.custom_fields)),
        _json_or_none(dict(query.inputs)),
    )
    return [parameter for parameter in parameters for _ in range(2)]


def _json_or_none(wanted: object) -> str | None:
    """Return *wanted* as JSON text; None if it is empty or has no JSON form."""
    try:
        return json_text(wanted) if wanted else None
    except (TypeError, ValueError):
        return None

"""What is asked of a database, as parameters of its statements: ranges of ids, and conditions of a search."""

from __future__ import annotations

from collections.abc import Iterator

from provenance.queries import Query
from provenance.wire import json_text, time_text


def between(prefix: str, after: str) -> tuple[str, str]:
    """Where to begin and end, so as to find ids with *prefix* after *after*: they are hexadecimal, and of one length.

    >>> between("ab", ""), between("ab", "ab12")
    (('ab', 'abg'), ('ab120', 'abg'))
    """
    return max(prefix, after + "0" if after else ""), prefix + "g"


def sifting(query: Query, after: int | None) -> Iterator[str | int | None]:
    """The parameters of FIND_RECORDS, each twice: as far as the database can tell what fits."""
    glob = None if query.name is None or "[" in query.name else query.name  # its brackets are others than ours
    since, until = (None if each is None else time_text(each) for each in (query.since, query.until))
    tags, fields, inputs = (
        _json_or_none(each) for each in (sorted(query.tags), dict(query.custom_fields), dict(query.inputs))
    )
    for each in (
        after,
        glob,
        query.version,
        query.run_id,
        since,
        until,
        min(query.uses, default=None),
        tags,
        fields,
        inputs,
    ):
        yield each
        yield each


def _json_or_none(wanted: object) -> str | None:
    """What must be there as JSON; None where that is nothing, or nothing that JSON can say."""
    try:
        return json_text(wanted) if wanted else None
    except (TypeError, ValueError):
        return None

"""What taking care of a database asks of it, in statements."""

from __future__ import annotations

from datetime import datetime
from typing import Final, cast

from provenance.chores import Holding
from provenance.effects import statements
from provenance.effects.database import Database, Execute
from provenance.ids import ArtifactId
from provenance.records import Blob
from provenance.wire import moment_from, time_text

_COPIES: Final = 100
"""Rows whose copy of some bytes is checked, if so many have one."""


def named(database: Database, blobs: tuple[Blob, ...]) -> frozenset[Blob]:
    """Those of *blobs* that some record names."""
    return frozenset(each for each in blobs if any(database.query(statements.NAMES_BLOB, each.id, each.id)[0]))


def evict(execute: Execute, artifact_id: ArtifactId, blob: Blob, at: datetime) -> tuple[Blob, ...] | None:
    """Note that the value was let go, and empty its row; the blob if no record needs it any more.

    None if its value is another, or a set pins it.
    """
    if _is_pinned(execute, artifact_id):
        return None
    if execute(statements.EMPTY_VALUE, (artifact_id, blob.id)).rowcount == 0:
        return None
    execute(statements.PUT_EVICTION, (artifact_id, time_text(at)))
    needed = execute(statements.NEEDS_BLOB, (blob.id, blob.id)).fetchall()
    return () if any(needed[0]) else (blob,)


def _is_pinned(execute: Execute, artifact_id: ArtifactId) -> bool:
    """Whether a set has the artifact as a member, or one whose value holds it, at any depth."""
    met, waiting = {artifact_id}, [artifact_id]
    while waiting:
        key = waiting.pop()
        if execute(statements.FIND_PINS, (key,)).fetchall():
            return True
        holders = {cast("ArtifactId", each) for (each,) in execute(statements.HOLDERS, (key, key)).fetchall()}
        waiting += holders - met
        met |= holders
    return False


def evicted_at(database: Database, artifact_id: ArtifactId) -> datetime | None:
    """When the value was let go, or None."""
    rows = database.query(statements.FIND_EVICTION, artifact_id)
    return moment_from(cast("str", rows[0][0])) if rows else None


def copies(database: Database, blob: Blob) -> list[bytes]:
    """The bytes in each row that has them."""
    statements_ = (statements.READ_VALUE, statements.READ_INPUTS)
    return [cast("bytes", data) for each in statements_ for (data,) in database.query(each, blob.id, _COPIES, 0)]


def aside(database: Database, after: str, limit: int) -> tuple[Holding, ...]:
    """What was put aside under keys after *after*."""
    rows = cast("list[tuple[str, int, str]]", database.query(statements.LIST_ASIDE, after, limit, 0))
    return tuple(Holding(key, size, moment_from(since)) for key, size, since in rows)


def discard(database: Database, key: str, before: datetime) -> bool:
    """Delete what was put aside before then; answers whether it was there."""
    return database.change(statements.DROP_ASIDE, (key, time_text(before))) > 0

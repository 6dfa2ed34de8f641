"""Eviction of values from an SQL database."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from provenance.effects import statements
from provenance.effects.database import Execute
from provenance.ids import ArtifactId
from provenance.records import Blob
from provenance.wire import time_text


def evict(
    execute: Execute, artifact_id: ArtifactId, blob: Blob, at: datetime
) -> tuple[Blob, ...] | None:
    """Record the eviction and empty the row; return the blob if no record needs it any longer.

    Return None if the artifact has another value, or a set pins it.
    """
    if _is_pinned(execute, artifact_id):
        return None
    if execute(statements.EMPTY_VALUE, (artifact_id, blob.id)).rowcount == 0:
        return None
    execute(statements.PUT_EVICTION, (artifact_id, time_text(at)))
    needed = execute(statements.NEEDS_BLOB, (blob.id, blob.id)).fetchall()
    return () if any(needed[0]) else (blob,)


def _is_pinned(execute: Execute, artifact_id: ArtifactId) -> bool:
    """Return whether a set contains the artifact, or one whose value holds it, at any depth."""
    visited, pending = {artifact_id}, [artifact_id]
    while pending:
        key = pending.pop()
        if execute(statements.FIND_PINS, (key,)).fetchall():
            return True
        rows = execute(statements.HOLDERS, (key, key)).fetchall()
        holders = {cast("ArtifactId", holder) for (holder,) in rows}
        pending += holders - visited
        visited |= holders
    return False

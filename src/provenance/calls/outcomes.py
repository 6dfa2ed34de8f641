"""What is reported of a call whose result was computed."""

from __future__ import annotations

from provenance.calls.draft import Call, PendingArtifact
from provenance.events import Event, Miss, MissReason, Recomputed, Recovered
from provenance.model.ids import NO_IDS
from provenance.streams.stream import Stream


def outcome_of(call: Call, draft: PendingArtifact, *, stored: bool) -> Event:
    """Return the event of a computed result."""
    name, seconds = call.plan.cache_key.name, draft.computation.compute_duration
    parts = frozenset([part.artifact_id for part in draft.parts]) if draft.parts else NO_IDS
    if call.spec.options.streaming is not None and isinstance(draft.computation.value, Stream):
        parts = draft.computation.holds
    match call.reason:
        case MissReason.ABSENT:
            return Miss(draft.artifact_id, name, seconds, stored, parts=parts)
        case (
            MissReason.CACHE_OFF
            | MissReason.REQUESTED
            | MissReason.CODE_CHANGED
            | MissReason.EXPIRED
            | MissReason.INVALID
            | MissReason.NOT_REPRODUCIBLE
        ):
            return Recomputed(draft.artifact_id, name, seconds, stored, call.reason, parts)
        case (
            MissReason.BLOB_MISSING
            | MissReason.BLOB_CORRUPT
            | MissReason.BLOB_UNREADABLE
            | MissReason.RECORD_CORRUPT
            | MissReason.EVICTED
        ):
            return Recovered(
                draft.artifact_id,
                name,
                seconds,
                call.reason,
                call.detail,
                call.replaced_hit,
                stored,
                parts,
            )

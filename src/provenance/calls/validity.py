"""Whether a stored result is returned, or computed again: its age, its code, and what is known against it."""

from __future__ import annotations

from provenance.calls import shadows
from provenance.calls.code_changes import find_changes, must_recompute
from provenance.calls.draft import Call
from provenance.effect import run
from provenance.errors import CodeChangedError, NotReproducibleError
from provenance.events import CodeChange, MissReason
from provenance.model.records import Artifact, ArtifactRecord


def reason_to_recompute(
    call: Call, record: ArtifactRecord, changes: tuple[CodeChange, ...] = ()
) -> MissReason | None:
    """Return why a stored result is computed again: it is too old, or its code has changed.

    Raises:
        CodeChangedError: if the policy for *changes* of the code demands it.
        NotReproducibleError: if that for results that came out otherwise does.
    """
    lifetime = call.spec.options.expires_after
    if lifetime is not None and call.environment.clock.now() - record.computed_at > lifetime:
        return MissReason.EXPIRED
    if changes and must_recompute(call, record, changes):
        return MissReason.CODE_CHANGED
    shadow = call.shadow
    return None if shadow is None else shadows.reason_to_recompute(call, record, shadow)


def judge(call: Call, record: ArtifactRecord) -> MissReason | None:
    """Return why the function's `valid_if` refuses a stored result; None if it does not."""
    valid_if = call.spec.options.valid_if
    is_valid = valid_if is None or valid_if(Artifact.of(record, call.repo))
    return None if is_valid else MissReason.INVALID


def would_hit(call: Call, record: ArtifactRecord) -> bool:
    """Return whether a call returns what is stored under *record*."""
    changes = run(find_changes(call, record), call.repo.interpreter)
    try:
        reason = reason_to_recompute(call, record, changes)
    except (CodeChangedError, NotReproducibleError):
        return False
    return reason is None and judge(call, record) is None

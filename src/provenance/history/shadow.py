"""Computing a hit again beside a call."""

from __future__ import annotations

from provenance import environment
from provenance.calls.draft import Call
from provenance.events import ShadowAgreed, ShadowDiffered
from provenance.history.reproduce import Differs, Failed, Same, reproduce_call
from provenance.model.records import Artifact, ArtifactRecord
from provenance.telemetry import emit


def check(call: Call, record: ArtifactRecord) -> bool:
    """Compute a hit again from the recorded inputs, and report whether the same value came out."""
    artifact = Artifact.of(record, call.repo)
    with environment.using_environment(call.environment):
        outcome = reproduce_call(call.spec, artifact, call.repo)
    match outcome:
        case Same():
            emit(ShadowAgreed(record.id, record.name))
        case Differs(differences=differences):
            emit(ShadowDiffered(record.id, record.name, tuple(map(str, differences))))
        case Failed(error=error):
            emit(ShadowDiffered(record.id, record.name, (f"it failed: {error}",)))
        case _:  # the call cannot be repeated, so nothing is known
            pass
    return not isinstance(outcome, Differs | Failed)

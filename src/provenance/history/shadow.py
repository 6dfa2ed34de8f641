"""Computing a hit again beside a call."""

from __future__ import annotations

from provenance import environment
from provenance.calls.draft import Call
from provenance.effect import Program, run
from provenance.errors import StorePermissionError, StoreUnavailableError
from provenance.events import ShadowAgreed, ShadowDiffered
from provenance.history.reproduce import Differs, Failed, Same, reproduce_call
from provenance.model.history import ShadowCheck
from provenance.model.ids import ArtifactId
from provenance.model.records import Artifact, ArtifactRecord
from provenance.ports.history import PutShadowCheck
from provenance.ports.machine import Now
from provenance.telemetry import emit, log


def check(call: Call, record: ArtifactRecord) -> bool:
    """Compute a hit again from the recorded inputs; report and record whether the same value came out."""
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
            return True
    agreed = isinstance(outcome, Same)
    if not call.read_only:
        # The hit itself writes nothing, so it does not need a store that can be written.
        try:
            run(_record(record.id, call.spec.receipt.digest, agreed=agreed), call.repo.interpreter)
        except (StorePermissionError, StoreUnavailableError) as error:
            log.info("the outcome of comparing %s was not recorded: %s", record.id, error)
    return agreed


def _record(
    artifact_id: ArtifactId, code: str, *, agreed: bool
) -> Program[PutShadowCheck | Now, None]:
    now = yield from Now()
    yield from PutShadowCheck(ShadowCheck(artifact_id, now, agreed, code))

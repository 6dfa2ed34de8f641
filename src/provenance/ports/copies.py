"""What one store has of an artifact beside its bytes, to be recorded in another."""

from __future__ import annotations

from attrs import frozen

from provenance.effect import Program
from provenance.errors import RunNotFoundError
from provenance.model.history import CodeReceipt
from provenance.model.ids import ArtifactId, RunId
from provenance.model.records import ArtifactRecord, InlineBlob, Run
from provenance.ports.history import FindDerivations, FindReceipt, FindSources, PutDerivation
from provenance.ports.records import FindInputs, FindRun, PutRecord, find_code, find_inputs


@frozen
class RecordWithInputs:
    """All that a store has of an artifact, except the bytes; the *parents* of the run are the nearest first."""

    record: ArtifactRecord
    run: Run
    inputs_json: str
    receipt: CodeReceipt | None = None
    parents: tuple[Run, ...] = ()

    def put(
        self,
        record: ArtifactRecord,
        held: tuple[InlineBlob, ...],
        *,
        replace: bool = False,
        evicted: bool = False,
    ) -> PutRecord:
        """Return the effect that stores it as *record* in another store, which keeps the blobs *held* in its tables."""
        return PutRecord(
            record,
            self.run,
            self.inputs_json,
            held,
            replace,
            receipt=self.receipt,
            parents=self.parents,
            evicted=evicted,
        )


def record_with_inputs(
    record: ArtifactRecord, repo: str
) -> Program[FindRun | FindInputs | FindReceipt | FindSources, RecordWithInputs]:
    """Look up what is stored beside the record; raises `RunNotFoundError` or `ArtifactNotFoundError` if it is missing."""
    run = yield from FindRun(record.run_id)
    if run is None:
        raise RunNotFoundError(record.run_id, record.id, repo)
    inputs = yield from find_inputs(record.id, repo)
    parents = yield from _find_parents(run)
    return RecordWithInputs(record, run, inputs, (yield from find_code(record.code)), parents)


def _find_parents(run: Run) -> Program[FindRun, tuple[Run, ...]]:
    """Return the recorded runs that started *run*, the nearest first."""
    found: dict[RunId, Run] = {run.id: run}
    parent_id = run.parent_id
    while parent_id is not None and parent_id not in found:
        parent = yield from FindRun(parent_id)
        if parent is None:
            break
        found[parent_id], parent_id = parent, parent.parent_id
    return tuple(found.values())[1:]


def derivations_to_copy(
    artifact_id: ArtifactId,
) -> Program[FindDerivations | FindRun, tuple[PutDerivation, ...]]:
    """Return the effects that record the derivations of an artifact in another repository."""
    questions: list[PutDerivation] = []
    for derivation in (yield from FindDerivations(artifact_id)):
        run = yield from FindRun(derivation.run_id)
        if run is not None:
            questions.append(PutDerivation(derivation, run))
    return tuple(questions)

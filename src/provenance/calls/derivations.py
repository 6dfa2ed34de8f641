"""The lineage of a call: a hit may have used other artifacts than those that are recorded, with equal values."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final

from attrs import evolve

from provenance.calls.draft import Call
from provenance.calls.spec import derivation_id
from provenance.effect import Program, run
from provenance.errors import ArtifactNotFoundError, StorePermissionError, StoreUnavailableError
from provenance.model.records import ArtifactRecord, Derivation
from provenance.model.references import Known
from provenance.ports.history import FindDerivations, PutDerivation
from provenance.ports.machine import CurrentRun, Now

_log: Final = logging.getLogger("provenance")


def derived(call: Call, record: ArtifactRecord) -> ArtifactRecord:
    """Return the *record* of a hit with the derivation of the call, if that used other artifacts.

    The derivation is recorded once, where writing is allowed.
    """
    if not call.plan.input_refs or call.plan.edges <= record.edges:
        return record
    found = run(_derive(call, record), call.repo.interpreter)
    return evolve(record, derivation=found)


def derived_part(call: Call, whole: ArtifactRecord, part: Known) -> Known:
    """Return what is known of a part of a composite, with the derivation of the call if the whole has one."""
    if whole.derivation is not None:
        with suppress(ArtifactNotFoundError):
            return derived(call, call.repo.load_record(part.id))
    return part


def _derive(
    call: Call, record: ArtifactRecord
) -> Program[FindDerivations | PutDerivation | CurrentRun | Now, Derivation]:
    wanted = derivation_id(record.id, call.plan.edges)
    for known in (yield from FindDerivations(record.id)):
        if known.id == wanted:
            return known
    process = yield from CurrentRun()
    derivation = Derivation(
        record.id,
        wanted,
        call.plan.input_artifact_ids,
        process.id,
        (yield from Now()),
        call.plan.input_derivations,
    )
    if not call.read_only:
        # A hit does not need to write, so it succeeds where the store cannot be written.
        try:
            yield from PutDerivation(derivation, process)
        except (StorePermissionError, StoreUnavailableError) as error:
            _log.info("did not record which inputs %s was used with: %s", record.id, error)
        else:
            _log.debug("%s was used with other inputs: %s", record.id, sorted(call.plan.edges))
    return derivation

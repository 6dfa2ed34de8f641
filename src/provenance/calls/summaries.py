"""What is recorded of inputs that no serializer writes: their types and hashes."""

from __future__ import annotations

import pickle

from provenance.calls.plan import CallPlan
from provenance.model.references import SCALARS
from provenance.repository.inputs import Summary, plain_only
from provenance.util.formatting import type_name


def summarize(plan: CallPlan) -> dict[str, object]:
    """Return the inputs of a call as they can always be written."""
    inputs, hashes = plan.inputs, plan.input_hashes
    return plain_only(
        {
            name: _input_digest(value, hashes.kargs.get(name))
            for name, value in inputs.kargs.items()
        },
        tuple(_input_digest(value, None) for value in inputs.varargs),
        {
            name: _input_digest(value, hashes.captured.get(name))
            for name, value in inputs.captured.items()
        },
    )


def _input_digest(value: object, digest: str | None) -> object:
    """Return *value* if it is certain to be written, a builtin scalar or an artifact, else a summary of it."""
    if type(value) in SCALARS or (
        hasattr(type(value), "__provenance_sighting__") and _has_own_blob(value)
    ):
        return value
    return Summary(type_name(value), digest)


def _has_own_blob(artifact: object) -> bool:
    """Return whether an artifact can be pickled: as a reference always, but one that is in no store is written as its value."""
    try:
        pickle.dumps(artifact)
    except Exception:  # noqa: BLE001 - the value's own methods may raise anything
        return False
    return True

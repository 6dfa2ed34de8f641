"""Plain calls in a straight line: without the steps that a function with other arguments, or an `async def`, needs.

Most calls get builtin scalars only. Nothing can be read for such a call, mutated by it or known by identity in it, so that
of the steps in `calls.flow` running the function and storing its result are left, and they are taken one after the other.
What is looked up, asked and recorded is the same, by the same functions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from provenance.calls import execute
from provenance.calls.draft import Call, hash_result
from provenance.calls.flow import invoke, store_draft
from provenance.calls.plan import may_change
from provenance.calls.spec import DecoratorOptions
from provenance.codecs.table_parts import PARQUET_PARTS
from provenance.model.references import SCALARS
from provenance.repository.programs import LookupHit, LookupResult
from provenance.results.bodies import close
from provenance.singleflight.coordinate import in_turn
from provenance.singleflight.leases import SingleFlight

Compute: TypeAlias = Callable[[Call, "SingleFlight | None"], object]


def compute_for(options: DecoratorOptions) -> Compute:
    """Return what computes calls of a function with these options that miss."""
    has_steps = options.archive is not None or options.serializer == PARQUET_PARTS
    is_special = has_steps or options.returns_composite or options.streaming is not None
    return execute.compute if is_special else compute


def compute(call: Call, sharing: SingleFlight | None) -> object:
    """As `execute.compute`, in a straight line if the call is plain and stores its result."""
    # Arguments that are left out of the inputs may be results, which have to be read.
    if sharing is None or not call.spec.takes_all or may_change(call.spec, call.plan):
        return execute.compute(call, sharing)
    return in_turn(call.work(sharing), partial(_compute, call))


def _compute(call: Call, found: LookupResult) -> object:
    if isinstance(found, LookupHit):
        return execute.make_hit_proxy(call, found.record)
    function = call.spec.wrapped.function
    value, timing = invoke(call, function, call.args, call.kwargs)
    if type(value) not in SCALARS:
        value = close(value, inside_objects=True)
    draft = hash_result(call, value, timing)
    record = store_draft(call.repo, draft)
    return execute.make_result_proxy(call, draft, record)

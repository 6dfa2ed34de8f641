"""A hit's value, read when it is used; should it be lost, damaged or evicted, one of those who use it computes it anew.

What could not be read may have been stored by another one meanwhile, and so it is read again before it is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias, cast

from attrs import evolve, frozen

from provenance import programs, scalars, session, together
from provenance.composites import Composite
from provenance.drafting import Call
from provenance.effect import run
from provenance.errors import ArtifactNotFoundError, BlobNotFoundError, CorruptBlobError, StorePermissionError
from provenance.events import Hit, Why
from provenance.ids import ArtifactId
from provenance.plan import plan_call
from provenance.programs import Found
from provenance.proxy import artifact_of, proxy_over, unwrap
from provenance.records import ArtifactRecord
from provenance.repository import Recovering
from provenance.sharing import SingleFlight
from provenance.shorthand import sighted
from provenance.together import Compute

Trouble: TypeAlias = BlobNotFoundError | CorruptBlobError | ArtifactNotFoundError


@frozen(eq=False)
class _Loss:
    """What could not be read of the hit *whole*: the bytes of *damaged*, it or a part of it; *read_again* may succeed."""

    call: Call
    compute: Compute
    whole: ArtifactRecord
    trouble: Trouble
    damaged: ArtifactRecord
    read_again: Callable[[], object]


def read_or_heal(call: Call, compute: Compute, record: ArtifactRecord) -> object:
    """The value of a hit; should it be missing or damaged, it is stored anew, as *compute* makes it here or elsewhere.

    Raises:
        BlobNotFoundError, CorruptBlobError: if it cannot be computed anew here, because the arguments have changed
            since the call, or because the function is asynchronous.
    """
    try:
        return _read(call, compute, record)
    except (BlobNotFoundError, CorruptBlobError) as trouble:
        return _healed(_Loss(call, compute, record, trouble, record, partial(_read, call, compute, record)))


def _read(call: Call, compute: Compute, record: ArtifactRecord) -> object:
    current, value = call.repo.read_value(record)
    scalars.remember(current, value)
    if not (record.composite and isinstance(value, Composite)):  # what hands a composite on has no parts of its own
        return value
    anew: list[Composite] = []
    return value.mapped(partial(_healing_part, call, compute, record, anew))


def _healing_part(
    call: Call, compute: Compute, whole: ArtifactRecord, made: list[Composite], key: str, part: object
) -> object:
    """The part of a hit, whose value is computed anew, with the whole, if it is lost."""
    known = cast("Any", part).__provenance_reference__()
    read_again = partial(_with_part, call, whole, key)

    def anew(trouble: Trouble, damaged: ArtifactRecord) -> object:
        loss = _Loss(call, compute, whole, trouble, damaged, read_again)
        return _part_anew(loss, made, key)

    def value(record: ArtifactRecord) -> object:
        try:
            return call.repo.load_value(record)
        except (BlobNotFoundError, CorruptBlobError) as trouble:
            return unwrap(anew(trouble, record))

    def record_of(artifact_id: ArtifactId) -> ArtifactRecord:
        try:
            return call.repo.load_record(artifact_id)
        except ArtifactNotFoundError as trouble:
            return artifact_of(anew(trouble, whole))

    return proxy_over(known, Recovering(call.repo, value, record_of))


def _with_part(call: Call, whole: ArtifactRecord, key: str) -> object:
    """The composite as it is stored now, its part *key* read."""
    parts = cast("Composite", call.repo.load_value(whole))
    if key in parts:
        unwrap(parts[key])
    return parts


def _part_anew(loss: _Loss, made: list[Composite], key: str) -> object:
    parts = made[0] if made else cast("Composite", _healed(loss))
    if key not in parts:
        raise loss.trouble
    if sighted(parts[key]) is None:
        made.append(parts)  # nothing could be stored: other lost parts come from here
    return parts[key]


def _healed(loss: _Loss) -> object:
    """The value, read again if another one has stored it meanwhile, else computed anew."""
    call = loss.call
    again = plan_call(
        call.recipe, call.args, call.kwargs
    )  # with the captured hashes of the plan: the body may change those values
    if again.artifact_id != call.plan.artifact_id or call.recipe.subject.is_async:
        _may_store(loss)  # what is damaged is put aside all the same
        raise loss.trouble
    with session.using_environment(call.environment):  # whatever the current one is by now
        sharing = call.environment.single_flight
        if sharing is None or call.read_only:
            return _anew(loss, may_store=_may_store(loss))
        shared = _healed_once(loss, sharing)
        return _anew(loss, may_store=False) if shared is None else shared[0]


def _healed_once(loss: _Loss, sharing: SingleFlight) -> tuple[object] | None:
    """The value, which one of those who miss it computes; None where it cannot be stored, so that each must compute."""
    call = loss.call

    def mended(*_: object) -> tuple[object] | None:
        with suppress(BlobNotFoundError, CorruptBlobError, ArtifactNotFoundError):
            return (loss.read_again(),)
        return (_anew(loss, may_store=True),) if _may_store(loss) else None

    stale = run(programs.lookup(call.plan.artifact_id, fresh=True), call.repo.interpreter)
    record = stale.record if isinstance(stale, Found) else None
    return cast("tuple[object] | None", together.once(call, sharing, mended, mended, record))


def _anew(loss: _Loss, *, may_store: bool) -> object:
    call, whole = loss.call, loss.whole
    saved = Hit(whole.id, whole.name, whole.compute_duration)
    why, detail = _why(loss), str(loss.trouble)
    return unwrap(loss.compute(evolve(call, why=why, detail=detail, takes_back=saved, may_store=may_store)))


def _why(loss: _Loss) -> Why:
    """Whether the value is damaged, was let go on purpose, or got lost."""
    if isinstance(loss.trouble, CorruptBlobError):
        return Why.BLOB_CORRUPT
    evicted = run(programs.was_evicted(loss.damaged.id), loss.call.repo.interpreter)
    return Why.EVICTED if evicted else Why.BLOB_MISSING


def _may_store(loss: _Loss) -> bool:
    """Put damaged bytes aside; False if nothing may be written to the store, which so cannot be repaired."""
    if loss.call.read_only:
        return False
    if isinstance(loss.trouble, ArtifactNotFoundError):
        return True
    try:
        run(programs.set_aside(loss.damaged.value_blob, loss.trouble), loss.call.repo.interpreter)
    except StorePermissionError:
        return False
    return True

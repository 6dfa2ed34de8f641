"""A call from beginning to end: plan, look up, run the user's function, store; and the recovery of a value that was lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, cast

from attrs import evolve

from provenance import environment as environment_
from provenance import errors
from provenance.archives import with_source
from provenance.calls import commit, flow, hits
from provenance.calls.composite import Composite
from provenance.calls.draft import (
    Call,
    PendingArtifact,
    make_draft,
    unstored_record,
    with_table_parts,
)
from provenance.calls.plan import CallPlan, plan_call, refuse_mutated
from provenance.calls.signature import retains_reference
from provenance.calls.spec import FunctionSpec
from provenance.calls.streaming import Progress, stream_flow
from provenance.codecs.table_parts import PARQUET_PARTS
from provenance.effect import run
from provenance.environment import Environment
from provenance.events import CodeChange, Event, Hit, Miss, MissReason, Recomputed, Recovered
from provenance.model.ids import NO_IDS, ArtifactId
from provenance.model.records import ArtifactRecord
from provenance.model.references import SCALARS, represented_artifact, unwrap
from provenance.model.tracked import tracking
from provenance.ports.records import FindRecord
from provenance.repository import programs
from provenance.repository.handles import RecoveringOrigin
from provenance.results.bodies import close, close_call
from provenance.results.handles import InMemoryOrigin, artifact_of, make_proxy
from provenance.results.kinds import LAZY, is_carriable, is_container, own_copy
from provenance.singleflight.coordinate import in_turn
from provenance.singleflight.leases import SingleFlight, record_duration
from provenance.streams.stream import LOST, Chunk, Items, LossError, StoredItems, Stream, load_chunk
from provenance.telemetry import emit


def prepare(
    environment: Environment,
    spec: FunctionSpec,
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
) -> Call:
    """Plan a call in *environment*.

    Raises:
        TypeError: if the arguments do not fit the function's signature.
        UnhashableValueError: if an argument has no content to hash.
        MutatedArtifactValueError: if mutations are checked, and an artifact's value was changed.
    """
    ticks = environment.clock.monotonic
    began = ticks()
    args, kwargs = close_call(args, kwargs)
    plan = plan_call(spec, args, kwargs)
    return prepare_planned(environment, spec, plan, args, kwargs, ticks() - began)


def prepare_planned(
    environment: Environment,
    spec: FunctionSpec,
    plan: CallPlan,
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
    hash_duration: float,
) -> Call:
    """Return the call of a *plan* in *environment*; raises `MutatedArtifactValueError` as `prepare` does."""
    repo = environment.repository(spec.options.repo)
    if environment.check_mutations:
        refuse_mutated(plan)
    chosen = spec.options.use_cache
    uses_cache = environment.use_cache if chosen is None else chosen
    why = MissReason.ABSENT if uses_cache else MissReason.CACHE_OFF
    return Call(spec, plan, args, kwargs, environment, repo, hash_duration, why)


def call_flow(
    call: Call, sharing: SingleFlight | None = None, progress: Progress | None = None
) -> flow.Flow[object]:
    """Compute, store and record the result of a call that missed; returns a proxy of the value.

    With *sharing* it first waits for others that compute the same; what they have stored then is a hit. A stream goes on after
    what there is of it in *progress*.

    Raises:
        ImpureFunctionError: if the function changed its arguments; nothing is recorded.
        UnserializableValueError: if nothing can hash or store the result, which the error holds.
        StoreUnavailableError, StorePermissionError: if a store cannot or may not take the result; the error holds it.
    """
    if sharing is not None:
        found = yield from flow.TakeTurn(sharing)
        if isinstance(found, programs.LookupHit):
            return make_hit_proxy(call, found.record)
        call = replace_found(call, found)
    streams = call.spec.options.streaming is not None
    computing = stream_flow(call, progress or Progress()) if streams else evaluation_flow(call)
    draft = yield from computing
    if call.read_only:
        return make_unstored_proxy(call, draft)
    record = yield from flow.StoreDraft(draft)
    return make_result_proxy(call, draft, record)


def evaluation_flow(call: Call) -> flow.Flow[PendingArtifact]:
    """Run the user's function; nothing but an archived file is stored. Raises as `call_flow` does."""
    received = call.receive()
    with tracking(received.tracked):
        value, timing = yield from flow.Invoke(received)
        value = close(value, inside_objects=True)
        archiving = call.spec.options.archive
        if archiving is not None:
            value = yield from flow.Ask(
                commit.archive_results(unwrap(value), archiving, call.spec.wrapped.label)
            )
        draft = make_draft(call, value, timing, received)
        in_parts = call.spec.options.serializer == PARQUET_PARTS and not call.read_only
        return with_table_parts(draft) if in_parts else draft


# ---------------------------------------------------------------- look up or compute


def compute(call: Call, sharing: SingleFlight | None) -> object:
    """Compute, store and record the result of a call that missed; see `call_flow`."""
    return flow.drive(call, call_flow(call, sharing))


async def compute_async(call: Call, sharing: SingleFlight | None) -> object:
    """As `compute`, for an asynchronous function."""
    return await flow.drive_async(call, call_flow(call, sharing))


def execute(call: Call, compute: Callable[[Call, SingleFlight | None], object] = compute) -> object:
    """Look *call* up, or *compute*, store and record it; returns a proxy of the value.

    Where the same is computed by another thread or process, it waits for that result.
    """
    if call.reason is not MissReason.ABSENT:
        return compute(call, None)
    found = _look_up(call)
    if call.spec.options.aliases and not isinstance(found, ArtifactRecord):
        hit = run(programs.probe_first(call.alias_ids), call.repo.interpreter)
        found = found if hit is None else hit.record
    if isinstance(found, ArtifactRecord):
        used = use_hit(call, found)
        if not isinstance(used, MissReason):
            return used[0]
        return compute(evolve(call, reason=used), None)
    return compute(call if found is None else replace_found(call, found), call.sharing)


def _look_up(call: Call) -> ArtifactRecord | programs.RecordCorrupt | None:
    """Return what the program `lookup` finds; asking its one question directly takes a third of the time."""
    artifact_id = call.plan.artifact_id
    try:
        return call.repo.interpreter(FindRecord(artifact_id))
    except errors.CorruptRecordError as error:
        return programs.RecordCorrupt(artifact_id, str(error))


def use_hit(call: Call, record: ArtifactRecord) -> tuple[object] | MissReason:
    """Return the result of a hit, or why it is to be computed again."""
    changes: tuple[CodeChange, ...] = ()
    if record.code != call.spec.receipt.digest:
        changes = run(hits.find_changes(call, record), call.repo.interpreter)
    reason = hits.reason_to_recompute(call, record, changes)
    if reason is None and call.spec.options.valid_if is not None:
        reason = hits.judge(call, record)
    return (make_hit_proxy(call, record, changes),) if reason is None else reason


_READ_AT_ONCE: Final = 1 << 16
"""Stored bytes up to which reading takes less time than a thread."""


async def execute_async(
    call: Call,
    compute: Callable[[Call, SingleFlight | None], Awaitable[object]] = compute_async,
) -> object:
    """As `execute`, for an asynchronous function. A hit makes sure that the bytes are there."""
    if call.reason is not MissReason.ABSENT:
        return await compute(call, None)
    found = await flow.probe(call)
    if call.spec.options.aliases and not isinstance(found, programs.LookupHit):
        found = await flow.run_in_thread(call, programs.probe_first(call.alias_ids)) or found
    if isinstance(found, programs.LookupHit):
        record, in_thread = found.record, call.environment.run_in_thread
        changes = await flow.run_in_thread(call, hits.find_changes(call, record))
        reason = hits.reason_to_recompute(call, record, changes)
        if reason is None and call.spec.options.valid_if is not None:
            # It may read the value.
            reason = await in_thread(cast("Any", partial(hits.judge, call)), cast("Any", record))
        if reason is not None:
            return await compute(evolve(call, reason=reason), None)
        if record.value_blob.size <= _READ_AT_ONCE:
            return make_hit_proxy(call, record, changes)
        # A value that is read now is decoded while the event loop goes on.
        make: Any = partial(make_hit_proxy, call, changes=changes)
        return await in_thread(make, cast("Any", record))
    if call.sharing is None:  # else it is looked up again in its turn
        call = replace_found(call, found)
    return await compute(call, call.sharing)


def replace_found(call: Call, found: programs.LookupResult) -> Call:
    """Return *call*, to replace what was *found* if that is of no use."""
    match found:
        case programs.LookupHit() | programs.LookupMiss():
            return call
        case programs.RecordCorrupt():
            return evolve(call, reason=MissReason.RECORD_CORRUPT, detail=found.problem)
        case _:
            why = MissReason.EVICTED if found.evicted else MissReason.BLOB_MISSING
            return evolve(call, reason=why, detail="it was missing when it was looked up")


def make_hit_proxy(
    call: Call, record: ArtifactRecord, changes: tuple[CodeChange, ...] = ()
) -> object:
    """Return a stored result; what stays a proxy is read when it is first used.

    *changes* of the code since it was computed are reported.
    """
    record = hits.derived(call, record)
    parts = record.value_artifact_ids if record.composite else NO_IDS
    emit(Hit(record.id, record.name, record.compute_duration, parts))
    if changes:
        hits.report_changes(record, changes)
    if call.shadow is not None:
        hits.consider_shadow(call, record, call.shadow)
    return make_stored_proxy(call, record, hits.known_value(record))


def make_stored_proxy(call: Call, record: ArtifactRecord, value: object) -> object:
    """Return the result that is recorded, and was read already unless *value* is `UNREAD`."""
    load = partial(read_or_recover, call)
    origin = RecoveringOrigin(call.repo, load)
    return make_proxy(record, origin, value, load=partial(load, record), options=call.results)


def make_result_proxy(call: Call, draft: PendingArtifact, record: ArtifactRecord) -> object:
    """Return the result that is recorded now: another process's value if that was first.

    A value that the function keeps is read again, so that nobody else can change what the caller gets.
    """
    record_duration(call.speed_key, draft.computation.compute_duration)
    emit(_outcome_of(call, draft, stored=True))
    record = hits.derived(call, record)
    value, options = draft.computation.value, call.results
    if record.value_id == draft.computation.value_id:
        if type(value) in SCALARS:
            return make_proxy(record, call.repo, value, options=options)
        if isinstance(value, Stream):
            value = recovering_stream(call, record, cast("Stream[object]", value))
        if is_container(type(value)):
            return make_proxy(record, call.repo, own_copy(value), options=options)
        if not retains_reference(call.spec.wrapped, call.args, value):
            return make_proxy(record, call.repo, with_source(value, call.repo), options=options)
    return make_proxy(record, call.repo, options=options)


_LOSSES: Final = frozenset(
    {
        MissReason.BLOB_MISSING,
        MissReason.BLOB_CORRUPT,
        MissReason.BLOB_UNREADABLE,
        MissReason.RECORD_CORRUPT,
        MissReason.EVICTED,
    }
)


def _outcome_of(call: Call, draft: PendingArtifact, *, stored: bool) -> Event:
    """Return the event of a computed result."""
    artifact_id, name, reason = draft.artifact_id, call.plan.cache_key.name, call.reason
    seconds = draft.computation.compute_duration
    parts = frozenset([part.artifact_id for part in draft.parts]) if draft.parts else NO_IDS
    if call.spec.options.streaming is not None and isinstance(draft.computation.value, Stream):
        parts = draft.computation.holds
    if reason is MissReason.ABSENT:
        return Miss(artifact_id, name, seconds, stored, parts=parts)
    if reason not in _LOSSES:
        return Recomputed(artifact_id, name, seconds, stored, reason, parts)
    saved = call.replaced_hit
    return Recovered(artifact_id, name, seconds, reason, call.detail, saved, stored, parts)


def make_unstored_proxy(call: Call, draft: PendingArtifact) -> object:
    """Return the result of a call that stores nothing."""
    emit(_outcome_of(call, draft, stored=False))
    value = draft.computation.value
    origin = InMemoryOrigin(value, call.plan.inputs)
    handed = own_copy(value) if is_carriable(value) else value
    return make_proxy(unstored_record(draft), origin, handed, tracked=False, options=call.results)


# ---------------------------------------------------------------- recovery


def read_or_recover(call: Call, record: ArtifactRecord) -> object:
    """Read the value of a hit; if it is missing or damaged, one of its readers computes and stores it again.

    Raises:
        BlobNotFoundError, CorruptBlobError: if it cannot be computed here, because the arguments have changed since
            the call, or because the function is asynchronous.
    """
    read = partial(_read, call, record)
    try:
        return read()
    except (errors.BlobNotFoundError, errors.CorruptBlobError) as trouble:
        return _recover(call, record, trouble, record, read)


def _read(call: Call, record: ArtifactRecord) -> object:
    current, value = call.repo.read_value(record)
    hits.remember_value(current, value)
    if not record.composite:  # what hands a composite on has no parts of its own
        return value
    if isinstance(value, Stream):
        return recovering_stream(call, current, cast("Stream[object]", value))
    if not isinstance(value, Composite):
        return value
    again: list[Composite] = []
    return value.mapped(partial(_recovering_part, call, record, again), call.part_results)


def recovering_stream(call: Call, whole: ArtifactRecord, stream: Stream[object]) -> Stream[object]:
    """Return *stream*, which is computed again if a chunk of it is lost."""

    def recover(trouble: LossError, chunk: Chunk) -> Items:
        def read_again() -> object:
            newer = call.repo.load_value(call.repo.load_record(whole.id))
            load_chunk(call.repo, chunk)
            return newer

        try:
            damaged = call.repo.load_record(chunk.id)
        except errors.ArtifactNotFoundError:
            damaged = whole
        again = _recover(call, whole, trouble, damaged, read_again)
        return cast("Stream[object]", again).items()

    items = stream.items()
    if not isinstance(items, StoredItems):
        return stream
    return Stream(StoredItems(items.manifest, call.repo, recover))


def _recovering_part(
    call: Call, whole: ArtifactRecord, again: list[Composite], key: str, part: object
) -> object:
    """Return a proxy of a part of a hit, which is computed again, with the *whole*, if it is lost.

    What could not be stored is kept in *again*, so that other lost parts are not computed once more.
    """
    known = hits.derived_part(call, whole, cast("Any", part).__provenance_reference__())

    def read_again() -> object:
        parts = cast("Composite", call.repo.load_value(whole))
        if key in parts:
            unwrap(parts.proxy(key))
        return parts

    def recover(trouble: LossError, damaged: ArtifactRecord) -> object:
        found = again[0] if again else _recover(call, whole, trouble, damaged, read_again)
        parts = cast("Composite", found)
        if key not in parts:
            raise trouble
        part = parts.proxy(key)
        if represented_artifact(part) is None:
            again.append(parts)
        return part

    def value(record: ArtifactRecord) -> object:
        try:
            return call.repo.load_value(record)
        except (errors.BlobNotFoundError, errors.CorruptBlobError) as trouble:
            return unwrap(recover(trouble, record))

    def record_of(artifact_id: ArtifactId) -> ArtifactRecord:
        try:
            return call.repo.load_record(artifact_id)
        except errors.ArtifactNotFoundError as trouble:
            return artifact_of(recover(trouble, whole))

    return make_proxy(known, RecoveringOrigin(call.repo, value, record_of), options=LAZY)


def _recover(
    call: Call,
    whole: ArtifactRecord,
    trouble: LossError,
    damaged: ArtifactRecord,
    read_again: Callable[[], object],
) -> object:
    """Return the value: read again if another one has stored it meanwhile, else computed again.

    *damaged*, the *whole* hit or a part of it, could not be read.
    """
    # The plan's captured hashes count: the body may change what it captured.
    again = plan_call(call.spec, call.args, call.kwargs)
    if again.artifact_id != call.plan.artifact_id or call.spec.wrapped.is_async:
        _quarantine(call, trouble, damaged)
        raise trouble

    def compute(*, may_store: bool) -> object:
        saved = Hit(whole.id, whole.name, whole.compute_duration)
        why, detail = _loss_reason(call, trouble, damaged), str(trouble)
        missed = evolve(call, reason=why, detail=detail, replaced_hit=saved, may_store=may_store)
        with flow.left_out_of_duration(call):
            return unwrap(flow.drive(missed, call_flow(missed)))

    def read_or_compute(_: programs.LookupResult) -> tuple[object] | None:
        with suppress(*LOST):
            return (read_again(),)
        return (compute(may_store=True),) if _quarantine(call, trouble, damaged) else None

    with environment_.using_environment(call.environment):  # whatever the current one is by now
        sharing = call.environment.single_flight
        if sharing is None or call.read_only:
            return compute(may_store=_quarantine(call, trouble, damaged))
        stale = run(programs.lookup(call.plan.artifact_id, fresh=True), call.repo.interpreter)
        lost = stale.record if isinstance(stale, programs.LookupHit) else None
        shared = in_turn(call.work(sharing, lost), read_or_compute)
        # where nothing can be stored, each reader computes for itself, and not one after the other
        return compute(may_store=False) if shared is None else shared[0]


def _loss_reason(call: Call, trouble: LossError, damaged: ArtifactRecord) -> MissReason:
    """Tell whether the value is damaged, was evicted, or got lost."""
    if isinstance(trouble, errors.CorruptBlobError):
        return MissReason.BLOB_UNREADABLE if trouble.misses_code else MissReason.BLOB_CORRUPT
    evicted = run(programs.was_evicted(damaged.id), call.repo.interpreter)
    return MissReason.EVICTED if evicted else MissReason.BLOB_MISSING


def _quarantine(call: Call, trouble: LossError, damaged: ArtifactRecord) -> bool:
    """Quarantine damaged bytes; False if nothing may be written to the store, which so cannot be repaired."""
    if call.read_only:
        return False
    if isinstance(trouble, errors.ArtifactNotFoundError):
        return True
    try:
        run(programs.quarantine_if_damaged(damaged.value_blob, trouble), call.repo.interpreter)
    except errors.StorePermissionError:
        return False
    return True

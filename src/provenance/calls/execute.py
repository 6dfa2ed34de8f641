"""A call from beginning to end: plan, look up, run the user's function, store; and the recovery of a value that was lost.

The steps of a call are one generator, which a synchronous and an asynchronous driver run. The drivers call the user's
function, so that its traceback is its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar, assert_never, cast

from attrs import evolve, frozen

from provenance import environment as environment_
from provenance.archives import kept_by
from provenance.calls import commit
from provenance.calls.composite import Composite
from provenance.calls.draft import Call, Draft, Timing, drafted, unstored
from provenance.calls.plan import CallPlan, plan_call, refuse_mutated
from provenance.calls.signature import keeps
from provenance.calls.spec import IMMUTABLE, Recipe
from provenance.effect import Effect, Program, in_threads, run, run_async
from provenance.environment import Environment
from provenance.errors import (
    ArtifactNotFoundError,
    BlobNotFoundError,
    CorruptBlobError,
    ProvenanceError,
    StorePermissionError,
    UnserializableValueError,
)
from provenance.events import CodeChanged, Event, Healed, Hit, Miss, Recomputed, Why
from provenance.model.ids import NO_IDS, ArtifactId, BlobId
from provenance.model.records import ArtifactRecord
from provenance.model.references import UNREAD, sighted, unwrap
from provenance.repository import programs
from provenance.repository.handles import Recovering, Repository
from provenance.repository.programs import Absent, Found, LookedUp, Unsound
from provenance.results.handles import Ephemeral, artifact_of, proxy_over
from provenance.results.origin import resolved_in, resolving_in
from provenance.singleflight.coordinate import in_turn, in_turn_async
from provenance.singleflight.leases import SingleFlight, note_pace
from provenance.telemetry import tell
from provenance.util.formatting import said

A = TypeVar("A")
R = TypeVar("R")


def begin(
    environment: Environment, recipe: Recipe, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> Call:
    """Plan a call in *environment*.

    Raises:
        TypeError: if the arguments do not fit the function's signature.
        UnhashableValueError: if an argument has no content to hash.
        MutatedArtifactValueError: if mutations are checked, and an artifact's value was changed.
    """
    ticks = environment.clock.ticks
    began = ticks()
    plan = plan_call(recipe, args, kwargs)
    return planned(environment, recipe, plan, args, kwargs, ticks() - began)


def planned(
    environment: Environment,
    recipe: Recipe,
    plan: CallPlan,
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
    hash_duration: float,
) -> Call:
    """Return the call of a *plan* in *environment*; raises `MutatedArtifactValueError` as `begin` does."""
    repo = environment.repository(recipe.options.repo)
    if environment.check_mutations:
        refuse_mutated(plan)
    chosen = recipe.options.use_cache
    uses_cache = environment.use_cache if chosen is None else chosen
    why = Why.ABSENT if uses_cache else Why.CACHE_OFF
    return Call(recipe, plan, args, kwargs, environment, repo, hash_duration, why)


# ---------------------------------------------------------------- the steps of a call


@frozen
class Ask(Effect[A], Generic[A]):
    """Run a program against the call's repository."""

    program: Program[Any, A]


@frozen
class TakeTurn(Effect[LookedUp]):
    """Wait until nobody else computes the artifact; the turn lasts until the call has ended."""

    sharing: SingleFlight


@frozen
class Invoke(Effect["tuple[object, Timing]"]):
    """Call the user's function."""


@frozen
class Store(Effect[ArtifactRecord]):
    """Store and record a result; the answer is what is recorded now, which may be another process's."""

    draft: Draft


Step: TypeAlias = Ask[Any] | TakeTurn | Invoke | Store
Flow: TypeAlias = Generator[Step, Any, R]


def call_flow(call: Call, sharing: SingleFlight | None = None) -> Flow[object]:
    """Compute, store and record the result of a call that missed; returns a proxy of the value.

    With *sharing* it first waits for others that compute the same; what they have stored then is a hit.

    Raises:
        ImpureFunctionError: if the function changed its arguments; nothing is recorded.
        UnserializableValueError: if nothing can hash or store the result, which the error holds.
        StoreUnavailableError, StorePermissionError: if a store cannot or may not take the result; the error holds it.
    """
    if sharing is not None:
        found = yield from TakeTurn(sharing)
        if isinstance(found, Found):
            return hit(call, found.record)
        call = replacing(call, found)
    draft = yield from evaluation_flow(call)
    if call.read_only:
        return ephemeral(call, draft)
    record = yield from Store(draft)
    return committed(call, draft, record)


def evaluation_flow(call: Call) -> Flow[Draft]:
    """Run the user's function; nothing but an archived file is stored. Raises as `call_flow` does."""
    value, timing = yield from Invoke()
    archiving = call.recipe.options.archive
    if archiving is not None:
        value = yield from Ask(commit.taken(unwrap(value), archiving, call.recipe.subject.label))
    return drafted(call, value, timing)


def drive(call: Call, flow: Flow[R], answer: object = None) -> R:
    """Take the steps of *flow* to its end, the first of them with this *answer*."""
    while True:
        try:
            step = flow.send(answer)
        except StopIteration as stop:
            return cast("R", stop.value)
        match step:
            case Ask(program):
                answer = run(program, call.repo.interpreter)
            case TakeTurn(sharing):
                rest: Callable[[LookedUp], R] = partial(drive, call, flow)
                return in_turn(call.work(sharing), rest)
            case Invoke():
                clock = call.environment.clock
                at, began = clock.now(), clock.ticks()
                value = call.invoke()
                answer = value, Timing(at, began, clock.ticks())
            case Store(draft):
                answer = store(call.repo, draft)
            case _:
                assert_never(step)


async def drive_async(call: Call, flow: Flow[R], answer: object = None) -> R:
    """As `drive`, for an asynchronous function: the event loop is not blocked."""
    while True:
        try:
            step = flow.send(answer)
        except StopIteration as stop:
            return cast("R", stop.value)
        match step:
            case Ask(program):
                answer = await _run_beside(call, program)
            case TakeTurn(sharing):
                return await in_turn_async(
                    call.work(sharing), partial(_probe, call), partial(drive_async, call, flow)
                )
            case Invoke():
                clock = call.environment.clock
                at, began = clock.now(), clock.ticks()
                value = await cast("Awaitable[object]", call.invoke())
                answer = value, Timing(at, began, clock.ticks())
            case Store(draft):
                with _holding_result(draft), resolved_in(call.repo):
                    answer = await _run_beside(call, commit.commit(draft))
            case _:
                assert_never(step)


async def _run_beside(call: Call, program: Program[Any, A]) -> A:
    return await run_async(program, in_threads(call.repo.interpreter, call.environment.beside))


async def _probe(call: Call) -> LookedUp:
    """Look *call* up, and whether its bytes are there: a lazy read could not await their recomputation."""
    return await _run_beside(call, programs.probe(call.plan.artifact_id))


# ---------------------------------------------------------------- look up or compute


def execute(call: Call) -> object:
    """Look *call* up, or compute, store and record it; returns a proxy of the value.

    Where the same is computed by another thread or process, it waits for that result.
    """
    if call.why is not Why.ABSENT:
        return drive(call, call_flow(call))
    found = run(programs.lookup(call.plan.artifact_id), call.repo.interpreter)
    if isinstance(found, Found):
        return hit(call, found.record)
    call = replacing(call, found)
    return drive(call, call_flow(call, call.sharing))


async def execute_async(call: Call) -> object:
    """As `execute`, for an asynchronous function. A hit makes sure that the bytes are there."""
    if call.why is not Why.ABSENT:
        return await drive_async(call, call_flow(call))
    found = await _probe(call)
    if isinstance(found, Found):
        return hit(call, found.record)
    if call.sharing is None:  # else it is looked up again in its turn
        call = replacing(call, found)
    return await drive_async(call, call_flow(call, call.sharing))


def replacing(call: Call, found: LookedUp) -> Call:
    """Return *call*, to replace what was *found* if that is of no use."""
    match found:
        case Found() | Absent():
            return call
        case Unsound():
            return evolve(call, why=Why.RECORD_CORRUPT, detail=found.problem)
        case _:
            why = Why.EVICTED if found.evicted else Why.BLOB_MISSING
            return evolve(call, why=why, detail="it was missing when it was looked up")


def hit(call: Call, record: ArtifactRecord) -> object:
    """Return a proxy of a stored value, which is read when it is first used."""
    parts = record.value_artifact_ids if record.composite else NO_IDS
    tell(Hit(record.id, record.name, record.compute_duration, parts))
    if record.code != call.recipe.code and (record.name, record.version) not in _told:
        _report_changed_code(call, record)
    load = partial(read_or_recover, call)
    return proxy_over(
        record, Recovering(call.repo, load), known_value(record), load=partial(load, record)
    )


_told: Final[set[tuple[str, int]]] = set()


def _report_changed_code(call: Call, record: ArtifactRecord) -> None:
    """Report once for a function that its code has changed; the code of other Python versions cannot be compared."""
    python, _, digest = call.recipe.code.partition(":")
    if digest and record.code.startswith(python + ":"):
        _told.add((record.name, record.version))
        tell(CodeChanged(record.id, record.name, record.version))


def store(repo: Repository, draft: Draft) -> ArtifactRecord:
    """Store and record *draft* in *repo*; returns the record that is stored now, which may be another process's."""
    with _holding_result(draft):
        return resolving_in(repo, lambda: run(commit.commit(draft), repo.interpreter))


@contextmanager
def _holding_result(draft: Draft) -> Generator[None]:
    """Make an error of recording hold the result, so that the work is not lost.

    Raises:
        UnserializableValueError: in place of an error that is not the library's.
    """
    try:
        yield
    except Exception as error:
        value = draft.computation.value
        if not isinstance(error, ProvenanceError):
            what, reason = f"the result of {draft.plan.identity.name}", said(error)
            advice = "see what raised it, and call again; `value` of this error holds the result"
            raise UnserializableValueError(
                what, f"recording it failed: {reason}", value, advice
            ) from error
        error.value = value
        raise


def committed(call: Call, draft: Draft, record: ArtifactRecord) -> object:
    """Return a proxy of what is recorded now: another process's value if that was first.

    A value that the function keeps is read again, so that nobody else can change what the caller gets.
    """
    note_pace(call.speed_key, draft.computation.compute_duration)
    tell(_outcome(call, draft, stored=True))
    value = draft.computation.value
    is_ours = record.value_id == draft.computation.value_id
    if is_ours and (type(value) in IMMUTABLE or not keeps(call.recipe.subject, call.args, value)):
        return proxy_over(record, call.repo, kept_by(value, call.repo))
    return proxy_over(record, call.repo)


def ephemeral(call: Call, draft: Draft) -> object:
    """Return a proxy of a value that is in no store."""
    tell(_outcome(call, draft, stored=False))
    value = draft.computation.value
    return proxy_over(unstored(draft), Ephemeral(value, call.plan.inputs), value, tracked=False)


def _outcome(call: Call, draft: Draft, *, stored: bool) -> Event:
    name, seconds = call.plan.identity.name, draft.computation.compute_duration
    parts = frozenset([part.artifact_id for part in draft.parts]) if draft.parts else NO_IDS
    match call.why:
        case Why.ABSENT:
            return Miss(draft.artifact_id, name, seconds, stored, parts=parts)
        case Why.CACHE_OFF | Why.ASKED:
            return Recomputed(draft.artifact_id, name, seconds, stored, call.why, parts)
        case Why.BLOB_MISSING | Why.BLOB_CORRUPT | Why.RECORD_CORRUPT | Why.EVICTED:
            return Healed(
                draft.artifact_id,
                name,
                seconds,
                call.why,
                call.detail,
                call.takes_back,
                stored,
                parts,
            )


# ---------------------------------------------------------------- recovery


Trouble: TypeAlias = BlobNotFoundError | CorruptBlobError | ArtifactNotFoundError


def read_or_recover(call: Call, record: ArtifactRecord) -> object:
    """Read the value of a hit; if it is missing or damaged, one of its readers computes and stores it again.

    Raises:
        BlobNotFoundError, CorruptBlobError: if it cannot be computed here, because the arguments have changed since
            the call, or because the function is asynchronous.
    """
    read = partial(_read, call, record)
    try:
        return read()
    except (BlobNotFoundError, CorruptBlobError) as trouble:
        return _recover(call, record, trouble, record, read)


def _read(call: Call, record: ArtifactRecord) -> object:
    current, value = call.repo.read_value(record)
    remember_value(current, value)
    if not (
        record.composite and isinstance(value, Composite)
    ):  # what hands a composite on has no parts of its own
        return value
    again: list[Composite] = []
    return value.mapped(partial(_recovering_part, call, record, again))


def _recovering_part(
    call: Call, whole: ArtifactRecord, again: list[Composite], key: str, part: object
) -> object:
    """Return a proxy of a part of a hit, which is computed again, with the *whole*, if it is lost.

    What could not be stored is kept in *again*, so that other lost parts are not computed once more.
    """
    known = cast("Any", part).__provenance_reference__()

    def read_again() -> object:
        parts = cast("Composite", call.repo.load_value(whole))
        if key in parts:
            unwrap(parts[key])
        return parts

    def recover(trouble: Trouble, damaged: ArtifactRecord) -> object:
        parts = (
            again[0]
            if again
            else cast("Composite", _recover(call, whole, trouble, damaged, read_again))
        )
        if key not in parts:
            raise trouble
        if sighted(parts[key]) is None:
            again.append(parts)
        return parts[key]

    def value(record: ArtifactRecord) -> object:
        try:
            return call.repo.load_value(record)
        except (BlobNotFoundError, CorruptBlobError) as trouble:
            return unwrap(recover(trouble, record))

    def record_of(artifact_id: ArtifactId) -> ArtifactRecord:
        try:
            return call.repo.load_record(artifact_id)
        except ArtifactNotFoundError as trouble:
            return artifact_of(recover(trouble, whole))

    return proxy_over(known, Recovering(call.repo, value, record_of))


def _recover(
    call: Call,
    whole: ArtifactRecord,
    trouble: Trouble,
    damaged: ArtifactRecord,
    read_again: Callable[[], object],
) -> object:
    """Return the value: read again if another one has stored it meanwhile, else computed again.

    *damaged*, the *whole* hit or a part of it, could not be read.
    """
    # The plan's captured hashes count: the body may change what it captured.
    again = plan_call(call.recipe, call.args, call.kwargs)
    if again.artifact_id != call.plan.artifact_id or call.recipe.subject.is_async:
        _quarantine(call, trouble, damaged)
        raise trouble

    def compute(*, may_store: bool) -> object:
        saved = Hit(whole.id, whole.name, whole.compute_duration)
        why = _why(call, trouble, damaged)
        missed = evolve(call, why=why, detail=str(trouble), takes_back=saved, may_store=may_store)
        return unwrap(drive(missed, call_flow(missed)))

    def read_or_compute(_: LookedUp) -> tuple[object] | None:
        with suppress(BlobNotFoundError, CorruptBlobError, ArtifactNotFoundError):
            return (read_again(),)
        return (compute(may_store=True),) if _quarantine(call, trouble, damaged) else None

    with environment_.using_environment(call.environment):  # whatever the current one is by now
        sharing = call.environment.single_flight
        if sharing is None or call.read_only:
            return compute(may_store=_quarantine(call, trouble, damaged))
        stale = run(programs.lookup(call.plan.artifact_id, fresh=True), call.repo.interpreter)
        shared = in_turn(
            call.work(sharing, stale.record if isinstance(stale, Found) else None), read_or_compute
        )
        # where nothing can be stored, each reader computes for itself, and not one after the other
        return compute(may_store=False) if shared is None else shared[0]


def _why(call: Call, trouble: Trouble, damaged: ArtifactRecord) -> Why:
    """Tell whether the value is damaged, was evicted, or got lost."""
    if isinstance(trouble, CorruptBlobError):
        return Why.BLOB_CORRUPT
    evicted = run(programs.was_evicted(damaged.id), call.repo.interpreter)
    return Why.EVICTED if evicted else Why.BLOB_MISSING


def _quarantine(call: Call, trouble: Trouble, damaged: ArtifactRecord) -> bool:
    """Quarantine damaged bytes; False if nothing may be written to the store, which so cannot be repaired."""
    if call.read_only:
        return False
    if isinstance(trouble, ArtifactNotFoundError):
        return True
    try:
        run(programs.set_aside(damaged.value_blob, trouble), call.repo.interpreter)
    except StorePermissionError:
        return False
    return True


# ---------------------------------------------------------------- small values


_MOST_VALUES: Final = 10_000
_LONGEST_TEXT: Final = 64
_values: Final[dict[BlobId, object]] = {}
"""Small immutable values that this process has read: nobody can change them, so every hit may have the same object."""


def known_value(record: ArtifactRecord) -> object:
    """Return the value of *record* if it is a small scalar that was read before, else `UNREAD`."""
    return _values.get(record.value_blob.id, UNREAD) if record.serializer == "pickle" else UNREAD


def remember_value(record: ArtifactRecord, value: object) -> None:
    """Keep *value*, which was read for *record*, if it is a small scalar."""
    kind = type(value)
    small = kind in (int, float, bool) or (kind is str and len(cast("str", value)) <= _LONGEST_TEXT)
    if (
        small and record.serializer == "pickle"
    ):  # what other serializers make of the same bytes is theirs to say
        if len(_values) >= _MOST_VALUES:
            _values.clear()
        _values[record.value_blob.id] = value

"""A call from beginning to end: plan, look up, run the user's function, commit.

The user's function runs here, between two programs and inside none, so that its traceback is its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from attrs import evolve

from provenance import filing, programs, scalars, together
from provenance.archives import kept_by
from provenance.captures import keeps
from provenance.draft import Draft
from provenance.drafting import Call, Timing, drafted, unstored
from provenance.effect import run
from provenance.errors import ProvenanceError, UnserializableValueError
from provenance.events import CodeChanged, Event, Healed, Hit, Miss, Recomputed, Why
from provenance.healing import read_or_heal
from provenance.ids import NO_IDS
from provenance.journal import tell
from provenance.plan import CallPlan, plan_call, refuse_mutated
from provenance.programs import Absent, Found, Gone, Unsound
from provenance.proxy import Ephemeral, proxy_over, resolving_in, unwrap
from provenance.recipe import IMMUTABLE, Recipe
from provenance.records import ArtifactRecord
from provenance.repository import Recovering, Repository
from provenance.session import Environment
from provenance.sharing import note_pace
from provenance.showing import said


def begin(environment: Environment, recipe: Recipe, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Call:
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
    """The call of a *plan* in *environment*; raises `MutatedArtifactValueError` as `begin` does."""
    repo = environment.repository(recipe.options.repo)
    if environment.check_mutations:
        refuse_mutated(plan)
    chosen = recipe.options.use_cache
    uses_cache = environment.use_cache if chosen is None else chosen
    why = Why.ABSENT if uses_cache else Why.CACHE_OFF
    return Call(recipe, plan, args, kwargs, environment, repo, hash_duration, why)


def perform(call: Call) -> object:
    """Look *call* up, or compute, store and record it; answers a proxy of the value.

    Where the same is under way elsewhere, it waits and finds what is stored then.
    """
    if call.why is Why.ABSENT:
        found = run(programs.lookup(call.plan.artifact_id), call.repo.interpreter)
        if isinstance(found, Found):
            return hit(call, found.record)
        call = replacing(call, found)
        sharing = call.environment.single_flight
        if sharing is not None and not call.read_only:
            return together.once(call, sharing, hit, compute)
    return compute(call)


def replacing(call: Call, found: Absent | Gone | Unsound) -> Call:
    """*call*, to take the place of what was found, if that is of no use."""
    if isinstance(found, Absent):
        return call
    if isinstance(found, Unsound):
        return evolve(call, why=Why.RECORD_CORRUPT, detail=found.problem)
    why = Why.EVICTED if found.evicted else Why.BLOB_MISSING
    return evolve(call, why=why, detail="it was gone when it was looked up")


def hit(call: Call, record: ArtifactRecord) -> object:
    """Proxy of a stored value, which is read when it is first used."""
    parts = record.value_artifact_ids if record.composite else NO_IDS
    tell(Hit(record.id, record.name, record.compute_duration, parts))
    if record.code != call.recipe.code and (record.name, record.version) not in _told:
        _tell_of_changed_code(call, record)
    recover = partial(read_or_heal, call, compute)
    origin = Recovering(call.repo, recover)
    return proxy_over(record, origin, scalars.known(record), load=partial(recover, record))


_told: Final[set[tuple[str, int]]] = set()


def _tell_of_changed_code(call: Call, record: ArtifactRecord) -> None:
    """Say, once for a function, that it has changed since; the code of other Pythons cannot be compared."""
    python, _, digest = call.recipe.code.partition(":")
    if digest and record.code.startswith(python + ":"):
        _told.add((record.name, record.version))
        tell(CodeChanged(record.id, record.name, record.version))


def compute(call: Call) -> object:
    """Run the user's function, store and record the result; answers a proxy of it.

    Raises:
        ImpureFunctionError: if the function changed its arguments; nothing is recorded.
        UnserializableValueError: if nothing can hash or store the result, which the error holds.
        StoreUnavailableError, StorePermissionError: if a store cannot or may not take the result; the error holds it.
    """
    draft = evaluate(call)
    if call.read_only:
        return ephemeral(call, draft)
    return committed(call, draft, recorded(call.repo, draft))


def evaluate(call: Call) -> Draft:
    """Run the user's function; nothing is stored. Raises as `compute` does, but nothing of a store."""
    clock = call.environment.clock
    at, began = clock.now(), clock.ticks()
    value = call.invoke()
    timing = Timing(at, began, clock.ticks())
    if call.recipe.options.archive is not None:
        taking = filing.taken(unwrap(value), call.recipe.options.archive, call.recipe.subject.label)
        value = run(taking, call.repo.interpreter)
    return drafted(call, value, timing)


def recorded(repo: Repository, draft: Draft) -> ArtifactRecord:
    """Store and record *draft* in *repo*; answers the record that is now stored, which may be another process's."""
    try:
        return resolving_in(repo, lambda: run(filing.commit(draft), repo.interpreter))
    except Exception as error:
        in_hand(error, draft)
        raise


def in_hand(error: Exception, draft: Draft) -> None:
    """Let *error*, for which recording failed, hold the result: the work is not lost.

    Raises:
        UnserializableValueError: in place of what is no error of the library.
    """
    value = draft.computation.value
    if not isinstance(error, ProvenanceError):
        what, reason = f"the result of {draft.plan.identity.name}", said(error)
        advice = "see what raised it, and call again; `value` of this error holds the result"
        raise UnserializableValueError(what, f"recording it failed: {reason}", value, advice) from error
    error.value = value


def committed(call: Call, draft: Draft, record: ArtifactRecord) -> object:
    """Proxy of what is now recorded: where another process was quicker with another value, that one's.

    What the function holds on to is read anew, so that the caller's is nobody else's.
    """
    note_pace(call.recipe.identity, draft.computation.compute_duration)
    tell(_outcome(call, draft, stored=True))
    value = draft.computation.value
    is_ours = record.value_id == draft.computation.value_id
    if is_ours and (type(value) in IMMUTABLE or not keeps(call.recipe.subject, call.args, value)):
        return proxy_over(record, call.repo, kept_by(value, call.repo))
    return proxy_over(record, call.repo)


def ephemeral(call: Call, draft: Draft) -> object:
    """Proxy of a value that is in no store."""
    tell(_outcome(call, draft, stored=False))
    value = draft.computation.value
    return proxy_over(unstored(draft), Ephemeral(value, call.plan.inputs), value, tracked=False)


def _outcome(call: Call, draft: Draft, *, stored: bool) -> Event:
    name, seconds = call.plan.identity.name, draft.computation.compute_duration
    parts = frozenset([each.artifact_id for each in draft.parts]) if draft.parts else NO_IDS
    match call.why:
        case Why.ABSENT:
            return Miss(draft.artifact_id, name, seconds, stored, parts=parts)
        case Why.CACHE_OFF | Why.ASKED:
            return Recomputed(draft.artifact_id, name, seconds, stored, call.why, parts)
        case Why.BLOB_MISSING | Why.BLOB_CORRUPT | Why.RECORD_CORRUPT | Why.EVICTED:
            return Healed(draft.artifact_id, name, seconds, call.why, call.detail, call.takes_back, stored, parts)

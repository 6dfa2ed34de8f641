"""A call from beginning to end: plan, look up, run the user's function, commit; and a hit's value, read when used.

The user's function runs here, between two programs and inside none, so that its traceback is its own.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeAlias, cast

from attrs import evolve, field, frozen

from provenance import programs, scalars, session
from provenance.binding import completed_call
from provenance.draft import Computation, Draft
from provenance.effect import run
from provenance.errors import (
    BlobNotFoundError,
    CorruptBlobError,
    ImpureFunctionError,
    ProvenanceError,
    StorePermissionError,
    UnserializableValueError,
)
from provenance.events import CodeChanged, Event, Healed, Hit, Miss, Recomputed, Why
from provenance.hashing import hash_value
from provenance.identity import uncached_id
from provenance.ids import BlobId, RunId
from provenance.journal import tell
from provenance.plan import CallPlan, changed_inputs, hashes_now, may_change, plan_call, refuse_mutated
from provenance.programs import Found
from provenance.proxy import Ephemeral, proxy_over, resolving_in, unwrap
from provenance.recipe import Recipe, captures_of
from provenance.records import ArtifactRecord, Blob
from provenance.repository import Recovering, Repository
from provenance.session import Environment

BlobTrouble: TypeAlias = BlobNotFoundError | CorruptBlobError


@frozen(eq=False)
class Call:
    """A planned call in its environment, ready to be looked up or computed."""

    recipe: Recipe
    plan: CallPlan
    args: tuple[object, ...] = field(repr=False)
    kwargs: Mapping[str, object] = field(repr=False)
    environment: Environment
    repo: Repository
    hash_duration: float
    why: Why = Why.ABSENT
    detail: str = ""
    takes_back: Hit | None = None
    may_store: bool = True

    @property
    def label(self) -> str:
        """How messages call the function."""
        return self.recipe.subject.label

    @property
    def replaces(self) -> bool:
        """Whether what is computed takes the place of what may be stored."""
        return self.why in (Why.ASKED, Why.BLOB_MISSING, Why.BLOB_CORRUPT)

    @property
    def read_only(self) -> bool:
        """Whether nothing is to be stored."""
        chosen = self.recipe.options.read_only
        return not self.may_store or (self.environment.read_only if chosen is None else chosen)

    def invoke(self) -> object:
        """Call the user's function with the arguments as they were given."""
        subject = self.recipe.subject
        chosen = self.recipe.options.merge_defaults
        if chosen:
            args, kwargs = completed_call(subject, chosen, self.args, self.kwargs)
            return subject.function(*args, **kwargs)
        return subject.function(*subject.args, *self.args, **{**subject.keywords, **self.kwargs})


@frozen
class Timing:
    """When a computation began (UTC), and on the measuring clock when it began and ended."""

    at: datetime
    began: float
    ended: float


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
    repo = environment.repository(cast("Any", recipe.options.repo))
    if environment.check_mutations:
        refuse_mutated(plan)
    chosen = recipe.options.use_cache
    uses_cache = environment.use_cache if chosen is None else chosen
    why = Why.ABSENT if uses_cache else Why.CACHE_OFF
    return Call(recipe, plan, args, kwargs, environment, repo, hash_duration, why)


def perform(call: Call) -> object:
    """Look *call* up, or compute, store and record it; answers a proxy of the value."""
    if call.why is Why.ABSENT:
        found = run(programs.lookup(call.plan.artifact_id), call.repo.interpreter)
        if isinstance(found, Found):
            return hit(call, found.record)
    return compute(call)


def hit(call: Call, record: ArtifactRecord) -> object:
    """Proxy of a stored value, which is read when it is first used."""
    tell(Hit(record.id, record.name, record.compute_duration))
    if record.code != call.recipe.code and (record.name, record.version) not in _told:
        _tell_of_changed_code(call, record)
    origin = Recovering(call.repo, partial(read_or_heal, call))
    return proxy_over(record, origin, scalars.known(record))


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
    return drafted(call, value, Timing(at, began, clock.ticks()))


def recorded(repo: Repository, draft: Draft) -> ArtifactRecord:
    """Store and record *draft* in *repo*; answers the record that is now stored, which may be another process's."""
    with in_hand(draft):
        return resolving_in(repo, lambda: run(programs.commit(draft), repo.interpreter))


@contextmanager
def in_hand(draft: Draft) -> Generator[None]:
    """Let the error hold the result, if recording fails: the work is not lost."""
    value = draft.computation.value
    try:
        yield
    except ProvenanceError as error:
        error.value = value
        raise
    except Exception as error:
        what = f"the result of {draft.plan.identity.name}"
        raise UnserializableValueError(what, f"recording it failed: {type(error).__name__}: {error}", value) from error


def drafted(call: Call, value: object, timing: Timing) -> Draft:
    """Check that the function was pure, hash its result, and put together what is to be stored."""
    value = unwrap(value)
    if may_change(call.recipe, call.plan):
        changed = changed_inputs(call.plan.input_hashes, hashes_now(call.recipe, call.plan, call.args, call.kwargs))
        if changed:
            raise ImpureFunctionError(call.label, changed)
    ticks = call.environment.clock.ticks
    began = ticks()
    try:
        value_id = hash_value(value, f"the result of {call.label}")
    except Exception as error:  # the value's own methods may raise anything
        raise UnserializableValueError(
            f"the result of {call.label}", f"{type(error).__name__}: {error}", value
        ) from error
    computation = Computation(
        value, value_id, timing.at, timing.ended - timing.began, call.hash_duration, ticks() - began
    )
    uncached = call.why is Why.CACHE_OFF
    artifact_id = uncached_id(call.plan.artifact_id, value_id) if uncached else call.plan.artifact_id
    return Draft(artifact_id, call.recipe, call.plan, computation, replace=call.replaces)


def committed(call: Call, draft: Draft, record: ArtifactRecord) -> object:
    """Proxy of what is now recorded: where another process was quicker with another value, that one's."""
    tell(_outcome(call, draft, stored=True))
    if record.value_id == draft.computation.value_id:
        return proxy_over(record, call.repo, draft.computation.value)
    return proxy_over(record, call.repo)


def ephemeral(call: Call, draft: Draft) -> object:
    """Proxy of a value that is in no store."""
    tell(_outcome(call, draft, stored=False))
    nowhere = Blob(BlobId(""), 0)
    record = draft.record(nowhere, nowhere, "", RunId(""), draft.computation.computed_at)
    value = draft.computation.value
    return proxy_over(record, Ephemeral(value, call.plan.inputs), value, tracked=False)


def _outcome(call: Call, draft: Draft, *, stored: bool) -> Event:
    name, seconds = call.plan.identity.name, draft.computation.compute_duration
    match call.why:
        case Why.ABSENT:
            return Miss(draft.artifact_id, name, seconds, stored)
        case Why.CACHE_OFF | Why.ASKED:
            return Recomputed(draft.artifact_id, name, seconds, stored, call.why)
        case Why.BLOB_MISSING | Why.BLOB_CORRUPT:
            return Healed(draft.artifact_id, name, seconds, call.why, call.detail, call.takes_back)


def read_or_heal(call: Call, record: ArtifactRecord) -> object:
    """The value of a hit; should it be missing or damaged, it is computed and stored anew.

    Raises:
        BlobNotFoundError, CorruptBlobError: if it cannot be computed anew here, because the arguments have changed
            since the call, or because the function is asynchronous.
    """
    try:
        value = call.repo.load_value(record)
    except (BlobNotFoundError, CorruptBlobError) as trouble:
        return _healed(call, record, trouble)
    scalars.remember(record, value)
    return value


def _healed(call: Call, record: ArtifactRecord, trouble: BlobTrouble) -> object:
    captured = captures_of(call.recipe.subject, call.recipe.options, call.recipe.itself).hashes
    again = plan_call(evolve(call.recipe, captured_hashes=captured), call.args, call.kwargs)
    why = Why.BLOB_MISSING if isinstance(trouble, BlobNotFoundError) else Why.BLOB_CORRUPT
    may_store = not call.read_only and _set_aside(call, record, trouble)
    if again.artifact_id != call.plan.artifact_id or call.recipe.subject.is_async:
        raise trouble
    saved = Hit(record.id, record.name, record.compute_duration)
    with session.using_environment(call.environment):  # whatever the current one is by now
        return unwrap(compute(evolve(call, why=why, detail=str(trouble), takes_back=saved, may_store=may_store)))


def _set_aside(call: Call, record: ArtifactRecord, trouble: BlobTrouble) -> bool:
    """Put damaged bytes aside; False if the store may not be written to, and so cannot be repaired."""
    try:
        run(programs.set_aside(record.value_blob, trouble), call.repo.interpreter)
    except StorePermissionError:
        return False
    return True

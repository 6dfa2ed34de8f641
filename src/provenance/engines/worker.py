"""What runs where the calls run: in a thread of the driver, or in a worker process that opens the driver's stores.

A worker plans each call again and compares the id with the planned one before it runs anything. It keeps the records of
new results for a moment, and puts them together: whatever else is asked of the stores comes after what was put before.
"""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from typing import Any, Final, TypeAlias, TypeVar, cast

from attrs import evolve, field, frozen

from provenance.calls import execute, straight
from provenance.calls.draft import Call
from provenance.calls.function import CachedFunction, spec_of
from provenance.calls.spec import FunctionSpec
from provenance.config import wiring
from provenance.effect import Effect, Interpreter, overlay, with_layer
from provenance.engines.outboxes import Outboxes
from provenance.engines.outcomes import Done, Outcome, failure_of, portable
from provenance.engines.shipping import (
    LARGEST_RESULT,
    OWN,
    Arrival,
    Copy,
    Description,
    Shipment,
    ShippedCall,
    dump,
    library_version,
    open_description,
    seal,
    unseal,
)
from provenance.environment import Environment, Opener, using_environment
from provenance.errors import EngineError, ProvenanceError
from provenance.events import Event
from provenance.hashing import hash_value
from provenance.model.ids import ArtifactId, RunId
from provenance.model.records import ArtifactRecord, Run
from provenance.model.references import unwrap
from provenance.ports.blobs import WriteBlob, WriteBlobs
from provenance.ports.capabilities import AllEffects
from provenance.ports.leases import AcquireLease, ReleaseLease, RenewLease
from provenance.ports.machine import CurrentRun, Now, Sleep
from provenance.ports.records import (
    FindRecord,
    PutRecord,
    PutRecords,
)
from provenance.repository.handles import Repository
from provenance.repository.stores import is_in_memory
from provenance.results.kinds import FORMS
from provenance.telemetry import collecting
from provenance.util.formatting import describe_error

A = TypeVar("A")
E = TypeVar("E", bound=Effect[Any])
RepositoryLayer: TypeAlias = Callable[[Interpreter[AllEffects]], Interpreter[AllEffects]]

_SMALL: Final = 4_096
"""Size in bytes up to which a builtin value travels with its record."""


def perform(call: Call) -> object:
    """Execute *call* in this thread, whether its function is asynchronous or not."""
    if not call.spec.wrapped.is_async:
        return execute.execute(call, straight.compute_for(call.spec.options))
    import asyncio

    return asyncio.run(cast("Any", execute.execute_async(call)))


def run_here(calls: Sequence[Call]) -> Arrival:
    """Execute calls in a thread of the driver."""
    events: list[Event] = []

    def work() -> tuple[Outcome, ...]:
        outcomes: list[Outcome] = []
        for call in calls:
            try:
                with using_environment(call.environment):
                    outcomes.append(Done(result=perform(call)))
            except Exception as error:  # noqa: BLE001 - the function may raise anything
                outcomes.append(failure_of(error, call.plan.artifact_id))
        return tuple(outcomes)

    return Arrival(collecting(events, work), tuple(events), same_process=True)


def work(payload: bytes) -> bytes:
    """Run a shipment, and return its arrival. Engines name this function in what they send."""
    problem, content = unseal(payload)
    if problem:
        return seal(Arrival(refused=problem), library_version())
    shipment: Shipment = pickle.loads(content)
    return seal(run_shipment(shipment), library_version())


@frozen(eq=False)
class _Place:
    """Where a worker runs calls: an environment; the driver commits what is in the outboxes.

    That is everything, or what belongs to repositories that are in the memory of the driver.
    """

    environment: Environment
    is_driver: bool
    by_driver: bool = False
    outboxes: Outboxes = field(factory=Outboxes)


def run_shipment(shipment: Shipment) -> Arrival:
    """Run a shipment in this process."""
    by_driver = shipment.commit == "driver"
    try:
        place = _open_place(
            shipment.environment, by_driver, shipment.parents, shipment.map, os.getpid()
        )
    except ProvenanceError as error:
        return Arrival(unreached=report(describe_error(error)))
    with using_environment(place.environment):
        try:
            function = _load_function(*shipment.function)
            calls: tuple[ShippedCall, ...] = pickle.loads(shipment.calls)
        except Exception as error:  # noqa: BLE001 - what they need may be missing here, in any way
            return Arrival(refused=f"it cannot load the calls: {describe_error(error)}")
        if not place.by_driver:
            repo = _repository_of(function, place.environment)
            try:
                found = repo.repository_id
            except ProvenanceError as error:
                return Arrival(unreached=report(describe_error(error)))
            if found != shipment.expected:
                return Arrival(unreached=report(f"it uses another repository, {repo.records_at}"))
        events: list[Event] = []
        batch = _Batch(shipment, place, function)
        outcomes = collecting(events, lambda: batch.run(calls))
        outcomes, copies = _export(place.outboxes, outcomes)
    return Arrival(
        outcomes,
        tuple(events),
        copies=copies,
        derivations=place.outboxes.take_derivations(),
        same_process=place.is_driver,
    )


def _repository_of(function: CachedFunction[..., object], environment: Environment) -> Repository:
    return environment.repository(spec_of(function).options.repo)


def report(problem: str) -> str:
    """Return *problem* after the name of this worker."""
    here: Run = wiring.system_interpreter()(CurrentRun())
    return f"worker {here.process.get('pid')} on host {here.host.get('nodename')}: {problem}"


# ---------------------------------------------------------------- what a worker keeps

_MOST_FUNCTIONS: Final = 64
_functions: Final[OrderedDict[tuple[str, int], CachedFunction[..., object]]] = OrderedDict()


@lru_cache(maxsize=4)
def _open_stores(description: bytes, process: int) -> Environment:
    """Return the driver's environment, with its stores opened in this *process*."""
    del process
    return open_description(pickle.loads(description))


@lru_cache(maxsize=4)
def _open_place(
    description: bytes, by_driver: bool, parents: bytes, map_number: int, process: int
) -> _Place:
    """Return where to run: the driver's stores, and repositories in memory that are emptied to the driver.

    The number of a map is unique among those of the driver, the first of *parents*.
    """
    del parents, map_number
    given: Description = pickle.loads(description)
    is_driver, outboxes = given.process == process, Outboxes()
    if is_driver and not by_driver:
        return _Place(_open_stores(description, process), is_driver)
    if not by_driver:
        environment = _open_stores(description, process)
        reached = {
            name: cache(partial(_open_reached, name, opener, outboxes))
            for name, opener in environment.openers.items()
        }
        return _Place(evolve(environment, openers=reached), is_driver, outboxes=outboxes)
    openers = {name: partial(outboxes.open, name) for name in given.names}
    default = given.default if isinstance(given.default, str) else outboxes.open(None)
    environment = evolve(
        open_description(evolve(given, config=None, default=None, process=-1)),
        openers=openers,
        default=default,
        single_flight=None,
    )
    return _Place(environment, is_driver, by_driver, outboxes)


def _open_reached(name: str, opener: Opener, outboxes: Outboxes) -> Repository:
    """Return the repository of this name, or an outbox if it would be in the memory of this process."""
    repo = opener()
    return outboxes.open(name) if is_in_memory(repo) else repo


def _load_function(digest: str, data: bytes) -> CachedFunction[..., object]:
    key = digest, os.getpid()
    if key not in _functions:
        _functions[key] = pickle.loads(data)
        if len(_functions) > _MOST_FUNCTIONS:
            _functions.popitem(last=False)
    return _functions[key]


# ---------------------------------------------------------------- what waits to be committed

_LONGEST: Final = 0.25
"""Seconds of computing that may wait to be committed."""
_LEASES: Final = (AcquireLease, RenewLease, ReleaseLease)
_UNAFFECTED: Final = (FindRecord, WriteBlob, WriteBlobs, Now, CurrentRun, Sleep, *_LEASES)
"""What may be asked while records wait: a look-up of another artifact, and what a commit begins with."""


_parents: Final[dict[RunId, tuple[Run, ...]]] = {}
"""The runs that started those of this process, by their ids, the nearest first."""


def parents_of(run: Run) -> tuple[Run, ...]:
    """Return the runs that started *run*, if it is one of this worker's."""
    return _parents.get(run.id, ())


def naming_parents(parents: tuple[Run, ...], base: Interpreter[E]) -> Interpreter[E]:
    """Return *base*, in which the run of this process is one that the first of *parents* started.

    The process works for other runs, too: so its run has another id for each. The parents are recorded with it.
    """
    parent = parents[0].id

    def answer(_: CurrentRun) -> Run:
        run = base.answer_to(CurrentRun)(CurrentRun())
        if run.id == parent:
            return run
        named = evolve(run, id=RunId(hash_value([run.id, parent])), parent_id=parent)
        _parents[named.id] = parents
        return named

    def complete(put: PutRecord) -> PutRecord:
        return evolve(put, parents=parents) if put.run.parent_id == parent else put

    def put(ask: PutRecord) -> ArtifactRecord:
        return base.answer_to(PutRecord)(complete(ask))

    def put_all(ask: PutRecords) -> tuple[ArtifactRecord, ...]:
        return base.answer_to(PutRecords)(PutRecords(tuple(map(complete, ask.records))))

    naming: Interpreter[Any] = CurrentRun.on(answer) | PutRecord.on(put) | PutRecords.on(put_all)
    return overlay(base, naming)


class Deferral:
    """A repository whose records wait until `flush`, until they took long to compute, or until something else is asked.

    `lost` are the artifacts whose commit has failed.
    """

    def __init__(self, repo: Repository) -> None:
        self._put_all = repo.interpreter.answer_to(PutRecords)
        self._waiting: dict[ArtifactId, PutRecord] = {}
        self._seconds = 0.0
        self._stored: dict[ArtifactId, ArtifactRecord] = {}
        self.lost: frozenset[ArtifactId] = frozenset()
        layered = repo.with_layer(lambda stores: with_layer(stores, self._answer))
        # A pool of the worker opens the same repository: asking for its id puts what waits.
        self.repo = evolve(layered, blueprint=repo.blueprint)

    def _answer(self, effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        asked: object = effect
        if isinstance(asked, PutRecord) and not (asked.replace or asked.besides):
            self._waiting[asked.record.id] = asked
            self._seconds += asked.record.compute_duration
            if self._seconds >= _LONGEST:
                self.flush()
            return cast("A", self._stored.get(asked.record.id, asked.record))
        if isinstance(asked, FindRecord) and asked.id in self._waiting:
            return cast("A", self._waiting[asked.id].record)
        if self._waiting and not isinstance(asked, _UNAFFECTED):
            self.flush()
        return inner(effect)

    def flush(self) -> dict[ArtifactId, ArtifactRecord]:
        """Put what waits, in one transaction; returns all records that are stored by now, by id."""
        waiting, self._waiting, self._seconds = self._waiting, {}, 0.0
        if waiting:
            try:
                stored = self._put_all(PutRecords(tuple(waiting.values())))
            except BaseException:
                self.lost |= waiting.keys()
                raise
            self._stored.update(zip(waiting, stored, strict=True))
        return self._stored


# ---------------------------------------------------------------- the calls of a shipment


def _open_layered(open_repository: Opener, layer: RepositoryLayer) -> Repository:
    return _layered(open_repository(), layer)


def _layered(repo: Repository, layer: RepositoryLayer) -> Repository:
    """Return *repo* with a layer that only names the parents of its run: a pool of the worker may open it without."""
    return evolve(repo.with_layer(layer), blueprint=repo.blueprint)


class _Batch:
    """The calls of a shipment, whose quick results are committed together."""

    def __init__(
        self, shipment: Shipment, place: _Place, function: CachedFunction[..., object]
    ) -> None:
        self._shipment = shipment
        self._deferral: Deferral | None = None
        parents: tuple[Run, ...] = pickle.loads(shipment.parents)
        # Inner calls may use the same repository by its name, or others.
        self._layer = partial(naming_parents, parents)
        self._environment: Environment = self._name_parents(place.environment)
        self._spec: FunctionSpec = spec_of(function)
        own = self._spec.options.repo
        if not place.by_driver:
            self._defer(_layered(_repository_of(function, place.environment), self._layer))
        elif shipment.returns_values or isinstance(own, Repository):
            self._use(place.outboxes.open(OWN).with_layer(self._layer))
        if shipment.take_over:
            # The worker that died may still hold a lease.
            self._environment = evolve(self._environment, single_flight=None)

    def _name_parents(self, environment: Environment) -> Environment:
        openers: dict[str, Opener] = {
            name: cache(partial(_open_layered, opener, self._layer))
            for name, opener in environment.openers.items()
        }
        default = environment.default
        if isinstance(default, Repository):
            default = _layered(default, self._layer)
        return evolve(environment, openers=openers, default=default)

    def _defer(self, repo: Repository) -> None:
        """Let the calls use *repo* in a way that commits their records together."""
        self._deferral = Deferral(repo)
        deferring, environment = self._deferral.repo, self._environment
        own, default = self._spec.options.repo, environment.default
        chosen = default if own is None else own
        openers = environment.openers
        if isinstance(chosen, str):
            openers = {**openers, chosen: lambda: deferring}
        if own is None:
            default = deferring
        else:
            self._use(deferring)
        self._environment = evolve(environment, openers=openers, default=default)

    def _use(self, repo: Repository) -> None:
        """Let the function store in *repo*, whatever its options say."""
        options = evolve(self._spec.options, read_only=False, repo=repo)
        self._spec = evolve(self._spec, options=options)

    def run(self, calls: tuple[ShippedCall, ...]) -> tuple[Outcome, ...]:
        """Run the calls, one after the other; then commit what is still to be committed."""
        with using_environment(self._environment):
            outcomes = [self._run_one(call) for call in calls]
        if self._deferral is None:
            return tuple(outcomes)
        try:
            winners = self._deferral.flush()
        except Exception as error:  # noqa: BLE001 - a store may raise anything
            lost = self._deferral.lost
            return tuple([_lose(outcome, lost, error) for outcome in outcomes])
        return tuple([_recorded(outcome, winners) for outcome in outcomes])

    def _run_one(self, shipped: ShippedCall) -> Outcome:
        try:
            call = execute.prepare(self._environment, self._spec, shipped.args, shipped.kwargs)
        except Exception as error:  # noqa: BLE001 - hashing runs methods of the arguments
            return portable(failure_of(error, shipped.artifact_id, "refused"))
        if call.plan.artifact_id != shipped.artifact_id:
            problem = (
                f"the worker derives the id {call.plan.artifact_id} for this call of "
                f"{call.spec.wrapped.label}, and the driver {shipped.artifact_id}"
            )
            differs = EngineError(problem, "install the same code and libraries on both")
            return failure_of(differs, shipped.artifact_id, "plan differs")
        try:
            result: Any = perform(evolve(call, as_proxy=True))
            record: ArtifactRecord = result.__provenance_record__()
            # The driver need not read a small builtin value then.
            is_small = FORMS.intersection(record.interface) and record.value_blob.size <= _SMALL
            travels = self._shipment.returns_values or is_small
            return Done(record, dump(unwrap(result), None) if travels else None)
        except Exception as error:  # noqa: BLE001 - the function may raise anything
            return portable(failure_of(error, shipped.artifact_id))


def _lose(outcome: Outcome, lost: frozenset[ArtifactId], error: Exception) -> Outcome:
    if isinstance(outcome, Done) and outcome.record is not None and outcome.record.id in lost:
        return portable(failure_of(error, outcome.record.id))
    return outcome


def _recorded(outcome: Outcome, winners: dict[ArtifactId, ArtifactRecord]) -> Outcome:
    """Return *outcome* with what is recorded now: another process's record if that was first."""
    if not isinstance(outcome, Done) or outcome.record is None:
        return outcome
    stored = winners.get(outcome.record.id, outcome.record)
    same = stored.value_id == outcome.record.value_id
    return evolve(outcome, record=stored, value=outcome.value if same else None)


# ---------------------------------------------------------------- what the driver is to commit


def _export(
    outboxes: Outboxes, outcomes: tuple[Outcome, ...]
) -> tuple[tuple[Outcome, ...], tuple[Copy, ...]]:
    """Return the outcomes, and copies of all artifacts that this worker has made for the driver to commit."""
    copies = outboxes.take_copies()
    too_large = {copy.record.id: copy for copy in copies if _size(copy) > LARGEST_RESULT}
    if too_large:
        outcomes = tuple([_refuse_large(outcome, too_large) for outcome in outcomes])
        copies = [copy for copy in copies if copy.record.id not in too_large]
    return outcomes, tuple(copies)


def _size(copy: Copy) -> int:
    return sum(map(len, copy.blobs.values()))


def _refuse_large(outcome: Outcome, too_large: dict[ArtifactId, Copy]) -> Outcome:
    if not (
        isinstance(outcome, Done) and outcome.record is not None and outcome.record.id in too_large
    ):
        return outcome
    size = _size(too_large[outcome.record.id])
    problem = f"the result has {size} bytes, and the driver commits at most {LARGEST_RESULT}"
    error = EngineError(problem, "use a repository that the workers reach, too")
    return failure_of(error, outcome.record.id, "refused")

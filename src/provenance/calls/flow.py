"""The steps of a call, and the two drivers that take them: a synchronous and an asynchronous one.

A flow is a generator that yields steps. The drivers call the user's function, so that its traceback is its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, Generic, Self, TypeAlias, TypeVar, assert_never, cast

from attrs import frozen

from provenance.calls import commit
from provenance.calls.draft import Call, PendingArtifact, Received, Timing
from provenance.calls.pickling import refuse_copied_memory
from provenance.effect import Effect, Program, in_threads, run, run_async
from provenance.errors import ProvenanceError, UnserializableValueError
from provenance.events import Raised
from provenance.model.records import ArtifactRecord
from provenance.repository import programs
from provenance.repository.handles import Repository
from provenance.results.origin import resolving_in, resolving_in_async
from provenance.singleflight.coordinate import in_turn, in_turn_async
from provenance.singleflight.leases import SingleFlight
from provenance.telemetry import emit
from provenance.util.formatting import describe_error

A = TypeVar("A")
R = TypeVar("R")


@frozen(eq=False, repr=False)
class Ask(Effect[A], Generic[A]):
    """Run a program against the call's repository."""

    program: Program[Any, A]


@frozen(eq=False, repr=False)
class TakeTurn(Effect[programs.LookupResult]):
    """Wait until nobody else computes the artifact; the turn lasts until the call has ended."""

    sharing: SingleFlight


@frozen(eq=False, repr=False)
class Invoke(Effect["tuple[object, Timing]"]):
    """Call the user's function with what it receives."""

    received: Received


@frozen(eq=False, repr=False)
class StoreDraft(Effect[ArtifactRecord]):
    """Store and record a result; the answer is what is recorded now, which may be another process's."""

    draft: PendingArtifact


@frozen(eq=False, repr=False)
class Begin(Effect[object]):
    """Call the user's generator function; the answer is the generator, of which nothing has run."""

    received: Received


@frozen(eq=False, repr=False)
class Pull(Effect["tuple[object, Timing] | None"]):
    """Run the user's *generator* to its next item, and tell how that went; None at its end."""

    generator: object


@frozen(eq=False, repr=False)
class HandOver(Effect[None]):
    """Give an item to the loop over the stream; the flow goes on when more is wanted."""

    item: object


OwnStep: TypeAlias = Ask[Any] | Invoke | StoreDraft | Begin | Pull | HandOver
"""What a call does by itself."""
Step: TypeAlias = OwnStep | TakeTurn
Flow: TypeAlias = Generator[Step, Any, R]


def drive(call: Call, flow: Flow[R], answer: object = None) -> R:
    """Take the steps of *flow* to its end, the first of them with this *answer*."""
    while True:
        try:
            step = flow.send(answer)
        except StopIteration as stop:
            return cast("R", stop.value)
        if isinstance(step, TakeTurn):
            rest: Callable[[programs.LookupResult], R] = partial(drive, call, flow)
            return in_turn(call.work(step.sharing), rest)
        with closing_on_error(flow):
            answer = take_step(call, step)


def take_step(call: Call, step: OwnStep) -> object:
    """Do what *step* asks for; the items of a stream are handed to nobody."""
    function = call.spec.wrapped.function
    match step:
        case Ask(program):
            return cast("object", run(program, call.repo.interpreter))
        case Invoke(Received(args, kwargs)):
            return invoke(call, function, args, kwargs)
        case StoreDraft(draft):
            return store_draft(call.repo, draft)
        case Begin(Received(args, kwargs)):
            refuse_copied_memory(call)
            return cast("object", function(*args, **kwargs))
        case Pull(generator):
            with _Running(call) as running:
                item = next(cast("Iterator[object]", generator), _END)
            return None if item is _END else (item, running.timing())
        case HandOver():
            return None
        case _:
            assert_never(step)


_END: Final = object()


def invoke(
    call: Call,
    function: Callable[..., object],
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
) -> tuple[object, Timing]:
    """Call the user's function, and tell when it began and how long it took; its failure is reported."""
    refuse_copied_memory(call)
    with _Running(call) as running:
        value = function(*args, **kwargs)
    return value, running.timing()


async def drive_async(call: Call, flow: Flow[R], answer: object = None) -> R:
    """As `drive`, for an asynchronous function: the event loop is not blocked."""
    while True:
        try:
            step = flow.send(answer)
        except StopIteration as stop:
            return cast("R", stop.value)
        if isinstance(step, TakeTurn):
            return await in_turn_async(
                call.work(step.sharing), partial(probe, call), partial(drive_async, call, flow)
            )
        with closing_on_error(flow):
            answer = await take_step_async(call, step)


async def take_step_async(call: Call, step: OwnStep) -> object:
    """As `take_step`, for an asynchronous function."""
    match step:
        case Ask(program):
            return cast("object", await run_in_thread(call, program))
        case Invoke(Received(args, kwargs)):
            refuse_copied_memory(call)
            with _Running(call) as running:
                value = await cast("Awaitable[object]", call.spec.wrapped.function(*args, **kwargs))
            return value, running.timing()
        case StoreDraft(draft):
            with _holding_result(draft), resolving_in_async(call.repo):
                return await run_in_thread(call, commit.commit(draft))
        case Pull(generator):
            with _Running(call) as running:
                item = await anext(cast("AsyncIterator[object]", generator), _END)
            return None if item is _END else (item, running.timing())
        case Begin() | HandOver():
            return take_step(call, step)
        case _:
            assert_never(step)


_recovery: Final[ContextVar[list[float] | None]] = ContextVar("provenance_recovery", default=None)
"""Seconds that the function which is being run has spent on computing lost arguments again."""


class _Running:
    """A block that runs the user's function, whose failure is reported."""

    __slots__ = ("_at", "_began", "_call", "_clock", "_recovered", "_token")

    def __init__(self, call: Call) -> None:
        self._call, self._clock = call, call.environment.clock
        self._recovered: list[float] = []

    def __enter__(self) -> Self:
        self._at, self._began = self._clock.now(), self._clock.monotonic()
        self._token = _recovery.set(self._recovered)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        _recovery.reset(self._token)
        if isinstance(error, Exception):
            plan, seconds = self._call.plan, self._clock.monotonic() - self._began
            name, inputs = plan.cache_key.name, plan.input_artifact_ids
            reason = describe_error(error)
            emit(Raised(plan.artifact_id, name, seconds, reason, self._at, inputs))

    def timing(self) -> Timing:
        """Tell when it began, and how long ago, less the seconds that recovery took."""
        return Timing(self._at, self._began + sum(self._recovered), self._clock.monotonic())


@contextmanager
def left_out_of_duration(call: Call) -> Generator[None]:
    """Keep what this block takes out of the duration of the function that is waiting for it."""
    began = call.environment.clock.monotonic()
    try:
        yield
    finally:
        waiting = _recovery.get()
        if waiting is not None:
            waiting.append(call.environment.clock.monotonic() - began)


@contextmanager
def closing_on_error(flow: Flow[object]) -> Generator[None]:
    """End *flow* when a step fails: what the user's function received is no longer known by identity."""
    try:
        yield
    except BaseException:
        flow.close()
        raise


async def run_in_thread(call: Call, program: Program[Any, A]) -> A:
    """Run *program* against the call's repository without blocking the event loop."""
    return await run_async(
        program, in_threads(call.repo.interpreter, call.environment.run_in_thread)
    )


async def probe(call: Call) -> programs.LookupResult:
    """Look *call* up, and whether its bytes are there: a lazy read could not await their recomputation."""
    return await run_in_thread(call, programs.probe(call.plan.artifact_id))


def store_draft(repo: Repository, draft: PendingArtifact) -> ArtifactRecord:
    """Store and record *draft* in *repo*; returns the record that is stored now, which may be another process's."""
    with _holding_result(draft):
        return resolving_in(repo, partial(run, commit.commit(draft), repo.interpreter))


class _holding_result:  # noqa: N801 - used like `contextlib.suppress`
    """A block in which an error of recording gets the result, so that the work is not lost.

    An error that is not the library's becomes an `UnserializableValueError`.
    """

    __slots__ = ("_draft",)

    def __init__(self, draft: PendingArtifact) -> None:
        self._draft = draft

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, Exception):
            return
        value = self._draft.computation.value
        if not isinstance(error, ProvenanceError):
            what = f"the result of {self._draft.plan.cache_key.name}"
            reason = f"recording it failed: {describe_error(error)}"
            advice = "see what raised it, and call again; `value` of this error holds the result"
            raise UnserializableValueError(what, reason, value, advice) from error
        error.value = value

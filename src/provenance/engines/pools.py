"""Engines: where the misses of a map run. An engine is a value; `open` starts what it needs.

A pool takes batches and gives arrivals back, in any order. Nearly every library offers futures, so
that a new engine is a function that submits one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from importlib import import_module
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, Final, Literal, Protocol, TypeAlias, cast, get_args

from attrs import field, frozen

from provenance.calls.draft import Call
from provenance.engines import worker
from provenance.engines.outcomes import Outcome
from provenance.engines.shipping import Arrival, Committer
from provenance.errors import ConfigError
from provenance.util.formatting import safe_repr
from provenance.util.validation import is_count, require_known

EngineName: TypeAlias = Literal["serial", "threads", "processes"]


@frozen(eq=False)
class Batch:
    """Calls of one function that are run together; `number` tells batches apart."""

    number: int
    calls: tuple[Call, ...] = field(repr=False)
    take_over: bool = False


@frozen(eq=False)
class Landing:
    """What came of a batch: an arrival, or the *error* with which its worker was lost."""

    number: int
    arrival: Arrival | None
    error: BaseException | None = None


Pack: TypeAlias = Callable[[Batch], bytes]
Unpack: TypeAlias = Callable[[bytes], Arrival]


class Pool(Protocol):
    """What runs batches; used by one thread."""

    @property
    def width(self) -> int:
        """The number of batches that run at the same time."""
        ...

    @property
    def is_remote(self) -> bool:
        """Whether calls are pickled, and run together; else they run in this process, one by one."""
        ...

    @property
    def retries(self) -> bool:
        """Whether it runs a batch again by itself when a worker dies, before it gives the batch up."""
        ...

    def ship(self, batch: Batch, pack: Pack, /) -> None:
        """Start to run a batch, of which *pack* makes the bytes for `worker.work`."""
        ...

    def land(self, timeout: float | None, unpack: Unpack, /) -> Landing | None:
        """Wait for a batch that has ended, and return what came of it; None after *timeout* seconds."""
        ...

    def recall(self) -> None:
        """Cancel what has not begun."""
        ...


class Engine(Protocol):
    """Where the misses of a map run."""

    @property
    def name(self) -> str:
        """The name of the engine, for messages."""
        ...

    @property
    def commit(self) -> Committer:
        """Who stores and records the results."""
        ...

    def open(self) -> AbstractContextManager[Pool]:
        """Start the engine for one map; it stops at the end of the block."""
        ...


class FutureLike(Protocol):
    """What `concurrent.futures`, loky and Dask have in common."""

    def result(self) -> Any: ...  # noqa: D102, ANN401 - as in the standard library
    def add_done_callback(self, fn: Callable[[Any], object], /) -> object: ...  # noqa: D102
    def cancel(self) -> object: ...  # noqa: D102


Submit: TypeAlias = Callable[[Callable[[bytes], bytes], bytes], FutureLike]


class FuturePool:
    """A pool whose batches are futures of `worker.work` in other processes."""

    is_remote = True

    def __init__(self, submit: Submit, width: int, *, retries: bool = False) -> None:
        self._submit = submit
        self.width = width
        self.retries = retries
        self._flying: dict[int, FutureLike] = {}
        self._ended: SimpleQueue[tuple[int, FutureLike]] = SimpleQueue()

    def ship(self, batch: Batch, pack: Pack) -> None:
        """Submit a batch."""
        number, payload = batch.number, pack(batch)
        try:
            future = self._submit(worker.work, payload)
        except Exception as error:  # noqa: BLE001 - a broken pool raises errors of its own
            future = Future[bytes]()
            future.set_exception(error)
        self._flying[number] = future
        future.add_done_callback(lambda done: self._ended.put((number, done)))

    def land(self, timeout: float | None, unpack: Unpack) -> Landing | None:
        """Wait for the next future."""
        try:
            number, future = self._ended.get(timeout=timeout)
        except Empty:
            return None
        self._flying.pop(number, None)
        try:
            return Landing(number, unpack(future.result()))
        except Exception as error:  # noqa: BLE001 - a lost worker shows in an error of the library
            return Landing(number, None, error)

    def recall(self) -> None:
        """Cancel what has not begun."""
        for future in self._flying.values():
            future.cancel()


class ThreadPool:
    """A pool of threads of this process; each call runs in a copy of the context of the map."""

    is_remote = retries = False

    def __init__(self, executor: Executor, width: int) -> None:
        self._executor = executor
        self.width = width
        self._flying: set[Future[None]] = set()
        self._ended: SimpleQueue[Landing] = SimpleQueue()

    def ship(self, batch: Batch, _: Pack) -> None:
        """Submit a batch."""
        future = self._executor.submit(copy_context().run, self._run, batch)
        self._flying.add(future)
        future.add_done_callback(self._flying.discard)

    def _run(self, batch: Batch) -> None:
        try:
            self._ended.put(_run_here(batch))
        except BaseException as error:  # noqa: BLE001 - an interrupt is raised where the batch is waited for
            self._ended.put(Landing(batch.number, None, error))

    def land(self, timeout: float | None, _: Unpack) -> Landing | None:
        """Wait for the next batch."""
        try:
            landing = self._ended.get(timeout=timeout)
        except Empty:
            return None
        if landing.error is None or isinstance(landing.error, Exception):
            return landing
        raise landing.error

    def recall(self) -> None:
        """Cancel what has not begun."""
        for future in list(self._flying):
            future.cancel()


class SerialPool:
    """Runs a batch when its result is waited for, in the thread of the caller."""

    is_remote = retries = False
    width = 1

    def __init__(self) -> None:
        self._waiting: list[Batch] = []

    def ship(self, batch: Batch, _: Pack) -> None:
        """Note a batch."""
        self._waiting.append(batch)

    def land(self, timeout: float | None, _: Unpack) -> Landing | None:
        """Run the next batch, unless there is no time."""
        if not self._waiting or timeout == 0:
            return None
        return _run_here(self._waiting.pop(0))

    def recall(self) -> None:
        """Forget what was noted."""
        self._waiting.clear()


def _run_here(batch: Batch) -> Landing:
    try:
        outcomes: tuple[Outcome, ...]
        outcomes, events = worker.run_here(batch.calls)
    except BaseException as error:
        if isinstance(error, Exception):
            return Landing(batch.number, None, error)
        raise
    return Landing(batch.number, Arrival(outcomes, events, same_process=True))


@frozen
class SerialEngine:
    """Runs calls one after the other in the thread of the caller."""

    name = "serial"
    commit: Committer = "worker"

    def open(self) -> AbstractContextManager[Pool]:
        """Return the pool."""
        return nullcontext(SerialPool())


@frozen
class ThreadEngine:
    """Runs calls in *workers* threads of this process."""

    name = "threads"
    workers: int
    commit: Committer = "worker"

    @contextmanager
    def open(self) -> Generator[Pool]:
        """Start the threads; they stop at the end of the block."""
        with ThreadPoolExecutor(self.workers, "provenance-map") as executor:
            pool = ThreadPool(executor, self.workers)
            try:
                yield pool
            finally:
                pool.recall()


@frozen
class ProcessEngine:
    """Runs calls in *workers* processes, which loky keeps for later maps."""

    name = "processes"
    workers: int
    commit: Committer = "auto"

    @contextmanager
    def open(self) -> Generator[Pool]:
        """Start the processes, unless they are there."""

        def submit(work: Callable[[bytes], bytes], payload: bytes) -> FutureLike:
            try:
                return _executor(self.workers).submit(work, payload)
            except BrokenExecutor:  # a worker died: the others are gone, too
                _executors.pop((os.getpid(), self.workers), None)
                return _executor(self.workers).submit(work, payload)

        yield FuturePool(submit, self.workers)


_IDLE: Final = 300.0
"""Seconds after which an idle process ends."""
_executors: Final[dict[tuple[int, int], Executor]] = {}
"""The executors of this process by its id and their size; joblib's own would be in the way of its users."""


def _executor(workers: int) -> Executor:
    key = os.getpid(), workers
    if key not in _executors:
        loky = import_module("joblib.externals.loky")
        executor: Executor = loky.ProcessPoolExecutor(workers, timeout=_IDLE)
        _executors[key] = executor
    return _executors[key]


@frozen
class ExecutorEngine:
    """Runs calls on an executor of the user's, who shuts it down."""

    name = "futures"
    executor: Executor
    width: int
    commit: Committer = "auto"

    @contextmanager
    def open(self) -> Generator[Pool]:
        """Use the executor."""
        if isinstance(self.executor, ThreadPoolExecutor):
            yield ThreadPool(self.executor, self.width)
        else:
            yield FuturePool(cast("Submit", self.executor.submit), self.width)


@frozen
class JoblibEngine:
    """Runs calls on the joblib backend that is configured, in rounds."""

    name = "joblib"
    options: dict[str, object]
    commit: Committer = "auto"

    @contextmanager
    def open(self) -> Generator[Pool]:
        """Configure joblib within the block."""
        library = import_module("joblib")
        with library.parallel_config(**self.options):
            workers: int = library.effective_n_jobs()
        with ThreadPoolExecutor(1, "provenance-joblib") as executor:
            pool = _JoblibPool(library, self.options, workers, executor)
            try:
                yield pool
            finally:
                pool.recall()


class _JoblibPool(FuturePool):
    """Runs what waits as one `Parallel`, then what has come since; joblib takes no single tasks."""

    def __init__(
        self,
        library: Any,  # noqa: ANN401 - a module
        options: dict[str, object],
        width: int,
        executor: Executor,
    ) -> None:
        super().__init__(self._enqueue, width)
        self._library = library
        self._options = options
        self._executor = executor
        self._guard = Lock()
        self._queue: list[tuple[bytes, Future[bytes]]] = []
        self._is_running = False

    def _enqueue(self, _: Callable[[bytes], bytes], payload: bytes) -> FutureLike:
        future = Future[bytes]()
        with self._guard:
            self._queue.append((payload, future))
        return future

    def land(self, timeout: float | None, unpack: Unpack) -> Landing | None:
        """Begin a round, unless one is running, and wait for the next future."""
        with self._guard:
            begins = bool(self._queue) and not self._is_running
            self._is_running = self._is_running or begins
        if begins:
            self._executor.submit(self._run_rounds)
        return super().land(timeout, unpack)

    def _run_rounds(self) -> None:
        while True:
            with self._guard:
                waiting, self._queue = self._queue, []
                if not waiting:
                    self._is_running = False
                    return
            self._run_round([(p, f) for p, f in waiting if f.set_running_or_notify_cancel()])

    def _run_round(self, batches: list[tuple[bytes, Future[bytes]]]) -> None:
        parallel, delayed = self._library.Parallel, self._library.delayed
        try:
            with self._library.parallel_config(**self._options):
                work = [delayed(worker.work)(payload) for payload, _ in batches]
                backend, _ = self._library.parallel.get_active_backend()
                way = "generator" if backend.supports_return_generator else "list"
                answers = parallel(return_as=way, batch_size=1)(work)
                for (_, future), answer in zip(batches, answers, strict=True):
                    future.set_result(answer)
        except BaseException as error:  # noqa: BLE001 - as a broken pool, or an interrupted call, raises
            for _, future in batches:
                if not future.done():
                    future.set_exception(error)


def serial() -> Engine:
    """Return the engine that runs calls one after the other, here: the default."""
    return SerialEngine()


def threads(workers: int | None = None) -> Engine:
    """Return the engine that runs calls in *workers* threads, by default 4 more than there are cores.

    For functions that wait for a disk, a network, or code that releases the interpreter's lock.
    """
    return ThreadEngine(_count(workers, min(32, (os.cpu_count() or 1) + 4), "threads"))


def processes(workers: int | None = None, *, commit: Committer = "auto") -> Engine:
    """Return the engine that runs calls in *workers* processes (loky), by default as many as there are cores.

    Args:
        workers: Number of processes.
        commit: "worker": the processes store and record results; one that does not reach the
            repository is an error. "driver": this process does. "auto": the processes where they
            reach the repository, else this process.
    """
    cores: int = import_module("joblib").cpu_count()
    return ProcessEngine(_count(workers, cores, "processes"), _committer(commit))


def futures(
    executor: Executor, *, workers: int | None = None, commit: Committer = "auto"
) -> Engine:
    """Return the engine that runs calls on an executor, such as `ProcessPoolExecutor`.

    It stays open. Functions that pickle cannot send, such as closures, travel with cloudpickle.

    Args:
        executor: Any `concurrent.futures.Executor`.
        workers: Number of batches that it runs at the same time, by default its own number of
            workers, else the number of cores.
        commit: As for `processes`.
    """
    if not isinstance(cast("object", executor), Executor):
        problem = f"must be an executor, got {safe_repr(executor)}"
        raise ConfigError("engines.futures", problem, "pass a concurrent.futures.Executor")
    known: object = getattr(executor, "_max_workers", None)
    default = known if isinstance(known, int) else os.cpu_count() or 1
    return ExecutorEngine(executor, _count(workers, default, "futures"), _committer(commit))


def joblib(*, commit: Committer = "auto", **options: object) -> Engine:
    """Return the engine that runs calls on a backend of joblib.

    Args:
        commit: As for `processes`.
        **options: As for `joblib.parallel_config`, such as `backend="loky", n_jobs=4`.
    """
    return JoblibEngine({"n_jobs": -1, **options}, _committer(commit))


_BY_NAME: Final[dict[str, Callable[[], Engine]]] = {
    "serial": serial,
    "threads": threads,
    "processes": processes,
}

_BY_OBJECT: Final = frozenset({"dask", "futures", "joblib", "ray", "spark"})


def engine_of(chosen: Engine | str, where: str) -> Engine:
    """Return the engine that is *chosen* by its name, or an engine as it is."""
    if isinstance(chosen, str):
        if chosen in _BY_OBJECT:
            problem = f"{chosen!r} has options and no name"
            raise ConfigError(f"{where}, engine", problem, f"pass provenance.engines.{chosen}(…)")
        return _BY_NAME[require_known(chosen, _BY_NAME, f"{where}, engine", "engine")]()
    if not callable(getattr(chosen, "open", None)):
        problem = f"expected an engine, got {safe_repr(chosen)}"
        raise ConfigError(f"{where}, engine", problem, "pass engines.processes() or its name")
    return chosen


def _count(given: int | None, default: int, where: str) -> int:
    if given is None:
        return default
    if not is_count(given, 1):
        problem = f"must be a positive number of workers, got {safe_repr(given)}"
        raise ConfigError(f"engines.{where}", problem, "pass an integer")
    return given


def _committer(given: str) -> Committer:
    known: tuple[Committer, ...] = get_args(Committer)
    return known[known.index(require_known(given, known, "commit", "committer"))]

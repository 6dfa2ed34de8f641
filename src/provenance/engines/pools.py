"""Engines: where the misses of a map run. An engine is a value; `open` starts what it needs.

A pool takes batches and gives arrivals back, in any order; it is recalled before its engine stops.
Nearly every library offers futures, so that a new engine is a function that submits one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from functools import partial
from importlib import import_module
from multiprocessing.util import Finalize
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, Final, Literal, Protocol, TypeAlias, cast, get_args

from attrs import frozen

from provenance.engines.shipping import Arrival, Committer, arrival_of
from provenance.errors import ConfigError
from provenance.util.formatting import safe_repr
from provenance.util.validation import is_count, require_known

EngineName: TypeAlias = Literal["serial", "threads", "processes"]


class FutureLike(Protocol):
    """What `concurrent.futures`, loky and Dask have in common."""

    def result(self) -> Any: ...  # noqa: D102, ANN401 - as in the standard library
    def add_done_callback(self, fn: Callable[[Any], object], /) -> object: ...  # noqa: D102
    def cancel(self) -> object: ...  # noqa: D102


Landing: TypeAlias = tuple[int, Arrival | Exception]
"""What came of the batch of this number: an arrival, or the error with which its worker was lost."""
Submit: TypeAlias = Callable[[Callable[[Any], Any], Any], FutureLike]
"""Starts to run a function with its argument: `worker.work` with bytes, or `worker.run_here` with calls."""


class Pool:
    """Runs batches as futures; used by one thread.

    Args:
        submit: Starts to run a batch.
        width: Number of batches that run at the same time.
        is_remote: Whether calls are pickled, and run together; else they run in this process, one by one.
        retries: Whether it runs a batch again by itself when a worker dies, before it gives the batch up.
    """

    def __init__(
        self, submit: Submit, width: int, *, is_remote: bool = True, retries: bool = False
    ) -> None:
        self._submit = submit
        self.width = width
        self.is_remote = is_remote
        self.retries = retries
        self._flying: dict[int, FutureLike] = {}
        self._ended: SimpleQueue[tuple[int, FutureLike]] = SimpleQueue()

    def ship(self, number: int, work: Callable[[Any], Any], batch: object) -> None:
        """Start to *work* on a batch, which *number* tells apart from others."""
        try:
            future = self._submit(work, batch)
        except Exception as error:  # noqa: BLE001 - a broken pool raises errors of its own
            future = Future[bytes]()
            future.set_exception(error)
        self._flying[number] = future
        future.add_done_callback(lambda done: self._ended.put((number, done)))

    def land(self, timeout: float | None) -> Landing | None:
        """Wait for a batch that has ended; None after *timeout* seconds."""
        try:
            number, future = self._ended.get(timeout=timeout)
        except Empty:
            return None
        self._flying.pop(number, None)
        try:
            return number, arrival_of(future.result())
        except Exception as error:  # noqa: BLE001 - a lost worker shows in an error of the library
            return number, error

    def recall(self) -> None:
        """Cancel what has not begun."""
        for future in self._flying.values():
            future.cancel()


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


class _Later:
    """A future whose work is done when its result is wanted, in the thread of the caller."""

    def __init__(self, work: Callable[[Any], Any], batch: object) -> None:
        self.result = partial(work, batch)

    def add_done_callback(self, fn: Callable[[Any], object], /) -> None:
        fn(self)

    def cancel(self) -> None:
        """Do nothing: no one asks for the result then."""


class _SerialPool(Pool):
    def land(self, timeout: float | None) -> Landing | None:
        """Run the next batch, unless there is no time."""
        return None if timeout == 0 else super().land(timeout)


def _thread_pool(executor: Executor, width: int) -> Pool:
    """Return a pool of threads of this process; each call runs in a copy of the context of the map."""

    def submit(work: Callable[[Any], Any], batch: object) -> FutureLike:
        return executor.submit(copy_context().run, work, batch)

    return Pool(submit, width, is_remote=False)


@frozen
class SerialEngine:
    """Runs calls one after the other in the thread of the caller."""

    name = "serial"
    commit: Committer = "worker"

    def open(self) -> AbstractContextManager[Pool]:
        """Return the pool."""
        return nullcontext(_SerialPool(_Later, 1, is_remote=False))


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
            yield _thread_pool(executor, self.workers)


@frozen
class ProcessEngine:
    """Runs calls in *workers* processes, which loky keeps for later maps."""

    name = "processes"
    workers: int
    commit: Committer = "auto"

    def open(self) -> AbstractContextManager[Pool]:
        """Start the processes, unless they are there."""

        def submit(work: Callable[[Any], Any], batch: object) -> FutureLike:
            try:
                return _executor(self.workers).submit(work, batch)
            except BrokenExecutor:  # a worker died: the others are gone, too
                _executors.pop((os.getpid(), self.workers), None)
                return _executor(self.workers).submit(work, batch)

        return nullcontext(Pool(submit, self.workers))


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
        # Multiprocessing waits for the children of its own processes before the threads that end these.
        Finalize(None, _shut_down, args=(key,), exitpriority=20)
    return _executors[key]


def _shut_down(key: tuple[int, int]) -> None:
    if executor := _executors.pop(key, None):
        executor.shutdown()


@frozen
class ExecutorEngine:
    """Runs calls on an executor of the user's, who shuts it down."""

    name = "futures"
    executor: Executor
    width: int
    commit: Committer = "auto"

    def open(self) -> AbstractContextManager[Pool]:
        """Use the executor."""
        if isinstance(self.executor, ThreadPoolExecutor):
            return nullcontext(_thread_pool(self.executor, self.width))
        return nullcontext(Pool(cast("Submit", self.executor.submit), self.width))


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
            yield _JoblibPool(library, self.options, workers, executor)


class _JoblibPool(Pool):
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
        self._queue: list[tuple[Any, Future[Any]]] = []
        self._is_running = False

    def _enqueue(self, work: Callable[[Any], Any], batch: object) -> FutureLike:
        future = Future[Any]()
        with self._guard:
            self._queue.append((self._library.delayed(work)(batch), future))
        return future

    def land(self, timeout: float | None) -> Landing | None:
        """Begin a round, unless one is running, and wait for the next future."""
        with self._guard:
            begins = bool(self._queue) and not self._is_running
            self._is_running = self._is_running or begins
        if begins:
            self._executor.submit(self._run_rounds)
        return super().land(timeout)

    def _run_rounds(self) -> None:
        while True:
            with self._guard:
                waiting, self._queue = self._queue, []
                if not waiting:
                    self._is_running = False
                    return
            self._run_round([(t, f) for t, f in waiting if f.set_running_or_notify_cancel()])

    def _run_round(self, tasks: list[tuple[Any, Future[Any]]]) -> None:
        try:
            with self._library.parallel_config(**self._options):
                backend, _ = self._library.parallel.get_active_backend()
                way = "generator" if backend.supports_return_generator else "list"
                parallel = self._library.Parallel(return_as=way, batch_size=1)
                answers = parallel([task for task, _ in tasks])
                for (_, future), answer in zip(tasks, answers, strict=True):
                    future.set_result(answer)
        except BaseException as error:  # noqa: BLE001 - as a broken pool, or an interrupted call, raises
            for _, future in tasks:
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

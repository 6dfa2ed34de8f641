"""A pool of daemon threads in which event loops call stores.

The library has its own because the threads of a loop may all be taken by calls that wait for a
coroutine: if that had to wait for one of them to call its store, it would wait forever. A job calls
a store, and waits for no other job; a call that the user's own code makes in a job, while it
encodes a value, gets one more thread. `ThreadPoolExecutor` has no daemon threads, cannot grow for
nested jobs, and does not survive a fork.
"""

from __future__ import annotations

import os
import threading
from asyncio import wrap_future
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from functools import partial
from operator import methodcaller
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from attrs import field, frozen

from provenance.util.locks import ForkBarrier

A = TypeVar("A")
T = TypeVar("T")

MAX_THREADS: Final = min(32, (os.cpu_count() or 1) + 4)
"""The number of threads that asyncio would have."""
_LINGER: Final = 5.0
"""Seconds that an idle thread stays; its database connections end with it."""
_here: Final[ContextVar[bool]] = ContextVar("provenance_worker", default=False)
"""Whether the running code is part of a job."""


@frozen(eq=False)
class _Job:
    context: Context
    work: Callable[[], Any]
    future: Future[Any] = field(factory=Future)


class Workers(ForkBarrier):
    """Up to *most* threads, started on demand; they end with the process without delaying it."""

    def __init__(self, most: int = MAX_THREADS) -> None:
        super().__init__()
        self._most = most
        self.forget()

    def forget(self) -> None:
        """Start empty in a forked child: the threads and their jobs are the parent's."""
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._unfinished = 0
        self.threads: set[threading.Thread] = set()

    def run_in_thread(self, answer: Callable[[T], A], effect: T, /) -> Awaitable[A]:
        """Answer *effect* in a thread, in a copy of the caller's context."""
        return wrap_future(self.submit(partial(answer, effect)))

    def submit(self, work: Callable[[], A]) -> Future[A]:
        """Do *work* in a thread."""
        is_nested, job = _here.get(), _Job(copy_context(), work)
        job.context.run(_here.set, True)
        with self.lock:
            self._unfinished += 1
            self._jobs.put(job)
            is_busy = self._unfinished > len(self.threads)
            if is_busy and (is_nested or len(self.threads) < self._most):
                self._start_thread()
            is_alone = not self.threads
        if is_alone:  # no thread can be started while the process exits
            self._do(self._jobs.get())
        return job.future

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._serve, name="provenance-store", daemon=True)
        with suppress(RuntimeError):
            thread.start()
            self.threads.add(thread)

    def _serve(self) -> None:
        while True:
            with suppress(Empty):
                while True:
                    self._do(self._jobs.get(timeout=_LINGER))
            with self.lock:
                if self._jobs.empty():
                    self.threads.discard(threading.current_thread())
                    return

    def _do(self, job: _Job) -> None:
        """Do a job unless it was cancelled; when its future is set, this thread counts as free."""
        finish = _run(job) if job.future.set_running_or_notify_cancel() else None
        with self.lock:
            self._unfinished -= 1
        if finish is not None:
            finish(job.future)
        # An error refers to this frame, which must not refer to the error.
        del job, finish


def _run(job: _Job) -> Callable[[Future[Any]], object]:
    """Run a job and return a function that sets the outcome of its future."""
    try:
        result = job.context.run(job.work)
    except BaseException as error:  # noqa: BLE001 - it is the caller's
        del job  # as above
        return methodcaller("set_exception", error)
    return methodcaller("set_result", result)


_workers: Final = Workers()
run_in_thread: Final = _workers.run_in_thread

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_workers.forget)

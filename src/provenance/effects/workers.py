"""Threads in which stores are asked on behalf of event loops.

They are the library's own. The threads of a loop may all be taken by calls that wait for a coroutine, and if that had to
wait for one of them in order to ask its store, it would wait for ever. What runs here asks a store, and waits for
nothing that must run here too; what a user's own code, which encodes a value, asks all the same gets one more thread.
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

from provenance.effects.locks import Shared

A = TypeVar("A")
T = TypeVar("T")

MOST: Final = min(32, (os.cpu_count() or 1) + 4)
"""As many threads as asyncio would have."""
_LINGER: Final = 5.0
"""Seconds that a thread stays when there is nothing to do; its connections to databases end with it."""
_here: Final[ContextVar[bool]] = ContextVar("provenance_worker", default=False)
"""Whether the running code is part of what runs here."""


@frozen(eq=False)
class _Job:
    """What is to be done in a context, and who waits for it."""

    context: Context
    work: Callable[[], Any]
    future: Future[Any] = field(factory=Future)


class Workers(Shared):
    """At most so many threads, begun when they are needed; they end with the process and do not hold it up."""

    def __init__(self, most: int = MOST) -> None:
        super().__init__()
        self._most = most
        self.forget()

    def forget(self) -> None:
        """In a forked child: the threads are the parent's, and so is what they were to do."""
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._unfinished = 0
        self.threads: set[threading.Thread] = set()

    def beside(self, answer: Callable[[T], A], effect: T, /) -> Awaitable[A]:
        """What *answer* answers to *effect*, in a thread and in a copy of the caller's context."""
        return wrap_future(self.submit(partial(answer, effect)))

    def submit(self, work: Callable[[], A]) -> Future[A]:
        """Let a thread do *work*."""
        nested, job = _here.get(), _Job(copy_context(), work)
        job.context.run(_here.set, True)
        with self.lock:
            self._unfinished += 1
            self._jobs.put(job)
            if self._unfinished > len(self.threads) and (nested or len(self.threads) < self._most):
                self._begin()
            alone = not self.threads
        if alone:  # at the exit of the process no more threads can be made
            self._do(self._jobs.get())
        return job.future

    def _begin(self) -> None:
        thread = threading.Thread(target=self._serve, name="provenance-store", daemon=True)
        with suppress(RuntimeError):
            thread.start()
            self.threads.add(thread)

    def _serve(self) -> None:
        serving = True
        while serving:
            with suppress(Empty):
                while True:
                    self._do(self._jobs.get(timeout=_LINGER))
            serving = not self._has_ended()

    def _has_ended(self) -> bool:
        with self.lock:
            if self._jobs.empty():
                self.threads.discard(threading.current_thread())
                return True
        return False

    def _do(self, job: _Job) -> None:
        """Do a job, unless nobody waits for it any more; whoever is told that it is done finds this thread free."""
        wanted = job.future.set_running_or_notify_cancel()
        tell = _tried(job) if wanted else None
        with self.lock:
            self._unfinished -= 1
        if tell is not None:
            tell(job.future)
        del job, tell  # an error knows this frame, and would know itself


def _tried(job: _Job) -> Callable[[Future[Any]], object]:
    """What tells whoever waits what came of a job."""
    try:
        result = job.context.run(job.work)
    except BaseException as error:  # noqa: BLE001 - it is theirs
        del job  # as above
        return methodcaller("set_exception", error)
    return methodcaller("set_result", result)


_workers: Final = Workers()
beside: Final = _workers.beside

if hasattr(os, "register_at_fork"):  # where processes do not fork there is nothing to do
    os.register_at_fork(after_in_child=_workers.forget)

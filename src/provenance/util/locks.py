"""Locks that survive a fork."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Final


class ForkBarrier:
    """Something that threads share under its `lock`; a fork waits until no other thread holds it.

    A thread that holds the lock may do I/O, but must not acquire or create another such lock.
    """

    def __init__(self) -> None:
        self.lock: Final = threading.RLock()
        with _registry:
            _all.add(self)

    def before_fork(self) -> None:
        """Release what a child must not inherit; called under the lock."""


_registry: Final = threading.RLock()
_all: Final[weakref.WeakSet[ForkBarrier]] = weakref.WeakSet()
_acquired: Final[list[ForkBarrier]] = []


def _acquire_all() -> None:
    _registry.acquire()
    for shared in list(_all):
        shared.lock.acquire()
        _acquired.append(shared)
        shared.before_fork()


def _release_all() -> None:
    while _acquired:
        _acquired.pop().lock.release()
    _registry.release()


class ForkSafeLock:
    """A lock that is replaced in a forked child: `with guard.lock: …`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        _guards.add(self)


_guards: Final[weakref.WeakSet[ForkSafeLock]] = weakref.WeakSet()


def _renew_all() -> None:
    for guard in list(_guards):
        guard.lock = threading.RLock()


# Windows does not fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_acquire_all, after_in_parent=_release_all, after_in_child=_release_all
    )
    os.register_at_fork(after_in_child=_renew_all)

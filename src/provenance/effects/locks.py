"""What threads share, and what a fork must find at rest.

A fork copies the memory of a process but only the thread that forks. A lock that another thread held is held for ever in
the child, and what it was changing is half changed. So a fork waits here until every lock is free, and holds them all.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Final


class Shared:
    """Something that threads share under its `lock`; forks happen only while nobody else holds that.

    While it holds the lock, a thread may wait for the world but for no other such lock, and make no new one.
    """

    def __init__(self) -> None:
        self.lock: Final = threading.RLock()
        with _registry:
            _all.add(self)

    def before_fork(self) -> None:
        """Let go of what a child must not inherit; called under the lock."""


_registry: Final = threading.RLock()
_all: Final[weakref.WeakSet[Shared]] = weakref.WeakSet()
_taken: Final[list[Shared]] = []


def _take() -> None:
    _registry.acquire()
    for each in list(_all):
        each.lock.acquire()
        _taken.append(each)
        each.before_fork()


def _free() -> None:
    while _taken:
        _taken.pop().lock.release()
    _registry.release()


if hasattr(os, "register_at_fork"):  # where processes do not fork there is nothing to do
    os.register_at_fork(before=_take, after_in_parent=_free, after_in_child=_free)

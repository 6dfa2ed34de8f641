"""Locks that are free in a forked child, where the thread that held one does not exist."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Final


class Guard:
    """A lock that is replaced in a forked child: `with guard.lock: …`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        _guards.add(self)

    def renew(self) -> None:
        """Replace the lock by a free one."""
        self.lock = threading.RLock()


_guards: Final[weakref.WeakSet[Guard]] = weakref.WeakSet()


def _renew_all() -> None:
    for guard in list(_guards):
        guard.renew()


# Windows does not fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)

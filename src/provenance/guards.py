"""Locks that a forked child finds open: a thread that held one in the parent does not exist in the child."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Final


class Guard:
    """A lock for what threads share, made anew in a forked child: `with guard.lock: …`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        _guards.add(self)

    def renew(self) -> None:
        """Replace the lock by an open one."""
        self.lock = threading.RLock()


_guards: Final[weakref.WeakSet[Guard]] = weakref.WeakSet()


def _renew_all() -> None:
    for each in list(_guards):
        each.renew()


if hasattr(os, "register_at_fork"):  # where processes do not fork there is nothing to do
    os.register_at_fork(after_in_child=_renew_all)

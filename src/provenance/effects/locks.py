"""Locks that a fork finds free, and what they guard whole."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from threading import RLock as Lock  # at run time a function until Python 3.13

_locks: Final[weakref.WeakSet[Lock]] = weakref.WeakSet()
_taken: Final[list[Lock]] = []


def lock() -> Lock:
    """A new lock, which a fork waits for: in the child nobody else holds it, and no change under it is half done.

    Nothing may wait for another lock or for the world while it holds one.
    """
    made = threading.RLock()
    _locks.add(made)
    return made


def _take() -> None:
    for each in list(_locks):
        each.acquire()
        _taken.append(each)


def _free() -> None:
    while _taken:
        _taken.pop().release()


if hasattr(os, "register_at_fork"):  # where processes do not fork there is nothing to do
    os.register_at_fork(before=_take, after_in_parent=_free, after_in_child=_free)

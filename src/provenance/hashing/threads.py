"""How many threads BLAKE3 may use: several for what is large, never in a forked child."""

from __future__ import annotations

import os
from typing import Final

LARGE: Final = 1 << 22
"""Bytes from which on several threads pay: waking other cores costs 0.1 ms when they are idle, and more when not."""
_AUTO = -1
_many: list[int] = [_AUTO]


def threads_for(size: int) -> int:
    """The `max_threads` for about *size* bytes.

    >>> threads_for(100)
    1
    """
    return 1 if size < LARGE else _many[0]


def _alone() -> None:
    """Use one thread: the pool that BLAKE3 shares has no threads in a forked child, and waiting for them never ends."""
    _many[0] = 1


if hasattr(os, "register_at_fork"):  # where processes do not fork there is nothing to do
    os.register_at_fork(after_in_child=_alone)

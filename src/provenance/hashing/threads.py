"""Number of threads for BLAKE3: several for large data, one in a forked child."""

from __future__ import annotations

import os
from typing import Final

LARGE: Final = 1 << 22
"""Size in bytes from which several threads pay off: waking an idle core takes 0.1 ms or more."""
_AUTO = -1
_max_threads: list[int] = [_AUTO]


def threads_for(size: int) -> int:
    """Return the `max_threads` of BLAKE3 for about *size* bytes.

    >>> threads_for(100)
    1
    """
    return 1 if size < LARGE else _max_threads[0]


def _use_one_thread() -> None:
    _max_threads[0] = 1


# BLAKE3's shared pool has no threads in a forked child, which would wait for them forever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_use_one_thread)

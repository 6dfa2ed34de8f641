"""A layer that writes several blobs at a time, where each takes long."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

from provenance.asks import WriteBlob, WriteBlobs
from provenance.effect import Effect, Interpreter, overlaid
from provenance.errors import ProvenanceError
from provenance.ports import Write, attempted
from provenance.records import Written

E = TypeVar("E", bound=Effect[Any])

_AT_ONCE: Final = 8
_WORTHWHILE: Final = 0.01
"""Seconds that a blob takes from which on threads are worth starting: a store that is elsewhere, or much to encode."""


def several_at_once(base: Interpreter[E], worthwhile: float = _WORTHWHILE) -> Interpreter[E]:
    """*base*, which writes up to 8 blobs at a time; the first one alone, to see whether that is *worthwhile* seconds' work.

    Each write runs in a copy of the caller's context.
    """

    def write_blob(write: Write) -> Written:
        effect: Any = WriteBlob(write)
        written: Written = base(effect)
        return written

    def write_all(ask: WriteBlobs) -> tuple[Written | ProvenanceError, ...]:
        begin = time.perf_counter()
        first = tuple([attempted(write_blob, each) for each in ask.writes[:1]])
        rest = ask.writes[1:]
        if len(rest) > 1 and time.perf_counter() - begin >= worthwhile:
            return (*first, *_together(rest))
        return (*first, *[attempted(write_blob, each) for each in rest])

    def _together(writes: Sequence[Write]) -> list[Written | ProvenanceError]:
        with ThreadPoolExecutor(min(_AT_ONCE, len(writes)), "provenance-write") as pool:
            under_way = [
                pool.submit(copy_context().run, attempted, write_blob, each) for each in writes
            ]
            return [each.result() for each in under_way]

    return overlaid(base, WriteBlobs.on(write_all))

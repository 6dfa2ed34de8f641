"""A layer that writes several blobs at a time, when each takes long."""

from __future__ import annotations

import time
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
"""Seconds per blob from which threads pay: in a remote store, or with much to encode."""


def several_at_once(base: Interpreter[E], worthwhile: float = _WORTHWHILE) -> Interpreter[E]:
    """Return *base*, writing up to 8 blobs at a time.

    The first one is written alone; if that takes less than *worthwhile* seconds, so are the others.
    Each write runs in a copy of the caller's context.
    """

    def write_blob(write: Write) -> Written:
        effect: Any = WriteBlob(write)
        written: Written = base(effect)
        return written

    def write_all(ask: WriteBlobs) -> tuple[Written | ProvenanceError, ...]:
        began = time.perf_counter()
        written = [attempted(write_blob, write) for write in ask.writes[:1]]
        rest = ask.writes[1:]
        if len(rest) > 1 and time.perf_counter() - began >= worthwhile:
            with ThreadPoolExecutor(min(_AT_ONCE, len(rest)), "provenance-write") as pool:
                futures = [
                    pool.submit(copy_context().run, attempted, write_blob, write) for write in rest
                ]
                written += [future.result() for future in futures]
        else:
            written += [attempted(write_blob, write) for write in rest]
        return tuple(written)

    return overlaid(base, WriteBlobs.on(write_all))

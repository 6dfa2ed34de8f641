"""Hits that are computed again beside the call, in a thread, to see whether the same value comes out."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from contextvars import copy_context
from threading import Thread
from typing import Final

from provenance.calls.draft import Call
from provenance.errors import NotReproducibleError
from provenance.events import MissReason
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord
from provenance.receipts.policy import Shadow
from provenance.util.locks import ForkSafeLock

_ALL: Final = 1 << 32
_check: Final[list[Callable[[Call, ArtifactRecord], bool]]] = []
_guard: Final = ForkSafeLock()
_turns: Final = ForkSafeLock()
"""Held by the thread that computes, so that they compute one after the other."""
_threads: Final[set[Thread]] = set()
_done: Final[set[ArtifactId]] = set()
"""Artifacts that this process has computed again, or is about to."""
_differing: Final[dict[str, ArtifactId]] = {}
"""An artifact of each function that gave another result, by the function's identity."""


def set_check(check: Callable[[Call, ArtifactRecord], bool]) -> None:
    """Set the function that computes a hit again; it returns whether the same value came out."""
    _check[:] = [check]


def is_chosen(artifact_id: ArtifactId, share: float) -> bool:
    """Return whether an artifact is one of the *share* that is computed again: the same in every process.

    >>> is_chosen(ArtifactId("7f" * 20), 0.5), is_chosen(ArtifactId("80" * 20), 0.5)
    (True, False)
    """
    return int(artifact_id[:8], 16) < share * _ALL


def consider(call: Call, record: ArtifactRecord, policy: Shadow) -> None:
    """Compute the hit again in a thread if it is chosen, at most once in a process."""
    if (
        not is_chosen(record.id, policy.share)
        or record.id in _done
        or record.compute_duration > policy.max_seconds
    ):
        return
    with _guard.lock:
        if len(_done) >= policy.at_most or record.id in _done:
            return
        _done.add(record.id)
        thread = Thread(target=copy_context().run, args=(_run, call, record), daemon=True)
        _threads.add(thread)
    thread.start()


def _run(call: Call, record: ArtifactRecord) -> None:
    with _turns.lock:
        if not _check[0](call, record):
            _differing[call.speed_key] = record.id


def reason_to_recompute(call: Call, record: ArtifactRecord, policy: Shadow) -> MissReason | None:
    """Return why a hit of a function that gave another result is computed again.

    Raises:
        NotReproducibleError: if the policy demands it.
    """
    if policy.on_difference == "warn" or call.speed_key not in _differing:
        return None
    if policy.on_difference == "raise":
        raise NotReproducibleError(record.name, _differing[call.speed_key])
    return MissReason.NOT_REPRODUCIBLE


def accept(identity: str) -> None:
    """Let the results of a function be hits again."""
    _differing.pop(identity, None)


def finish() -> None:
    """Wait until all that is computed again is compared, as a process does before it ends."""
    while _threads:
        with _guard.lock:
            thread = _threads.pop()
        thread.join()


atexit.register(finish)

"""Streams that are being computed: loops over them pull the items, which are stored on the way.

Callers of one process that want the same stream share one production, under its lock. Other processes wait for its lease,
which it holds until it is complete, fails, is closed or forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Final, cast
from weakref import WeakValueDictionary

from attrs import evolve

from provenance.calls import execute as calls
from provenance.calls import streaming
from provenance.calls.draft import Call
from provenance.calls.flow import (
    Flow,
    HandOver,
    OwnStep,
    closing_on_error,
    drive,
    take_step,
)
from provenance.calls.hits import find_changes, must_recompute, report_changes
from provenance.effect import run
from provenance.events import CodeChange, MissReason, Waited
from provenance.model.records import Artifact, ArtifactRecord
from provenance.model.references import unwrap
from provenance.model.tracked import track
from provenance.ports.leases import Lease
from provenance.repository.handles import RecoveringOrigin
from provenance.repository.programs import LookupHit
from provenance.results.handles import InMemoryOrigin, artifact_of
from provenance.results.origin import resolving_in
from provenance.results.transparent import pending
from provenance.singleflight import leases
from provenance.singleflight.leases import Acquisition, SingleFlight
from provenance.streams.stream import Items, Stream, load_chunk
from provenance.telemetry import emit, log
from provenance.util.locks import ForkSafeLock

_POLL: Final = 0.25
"""Seconds between two looks for the chunks of another process."""
live: Final[WeakValueDictionary[object, AnyProduction]] = WeakValueDictionary()
"""Productions of this process, by store, artifact and event loop."""
if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=live.clear)


class AnyProduction:
    """What both kinds of production have in common."""

    def __init__(self, call: Call, sharing: SingleFlight | None) -> None:
        self.call = call
        self.sharing = sharing
        self.progress = streaming.Progress()
        self.result: object = None
        self.items: Items | None = None
        self._flow: Flow[object] | None = None
        self._lease: Lease | None = None
        self._waited = 0.0
        self._batch: tuple[int, list[object]] = (-1, [])

    @property
    def count(self) -> int:
        """The number of items so far."""
        return self.progress.count if self.items is None else self.items.count

    def _ready(self, position: int) -> Sequence[object] | None:
        """Return items from *position* on that are there; None if some are to be computed first."""
        if self.items is not None:
            return self.items.batch(position)
        if position < self.progress.stored:
            return self._stored(position)
        ahead = self.progress.items[position - self.progress.stored :]
        return [streaming.copy_of(item) for item in ahead] or None

    def _stored(self, position: int) -> Sequence[object]:
        """Return the items of a stored chunk from *position* on."""
        first = 0
        for number, chunk in enumerate(self.progress.chunks):
            if position < first + chunk.count:
                if self._batch[0] != number:
                    self._batch = number, load_chunk(self.call.repo, chunk)
                return self._batch[1][position - first :]
            first += chunk.count
        return ()

    def _resumes(self) -> bool:
        """Tell whether the call goes on after chunks that are there already."""
        return self.call.reason is MissReason.ABSENT and not self.call.read_only

    def _drops_outdated(self, record: ArtifactRecord, changes: tuple[CodeChange, ...]) -> bool:
        """Return whether chunks of changed code are to be computed again; else report the change."""
        if must_recompute(self.call, record, changes):
            self.progress = streaming.Progress(must_replace=True)
            return True
        if changes:
            report_changes(record, changes)
        return False

    def _patience(self) -> SingleFlight:
        """Return how long to wait for another process now."""
        sharing = cast("SingleFlight", self.sharing)
        longest = max(sharing.longest_wait - self._waited, 0.0)
        if streaming.streaming_of(self.call).follow:
            longest = min(longest, _POLL)
        return evolve(sharing, longest_wait=longest)

    def _may_start(self, taken: Acquisition) -> bool:
        """Return whether this process computes the stream now, after it has waited for others."""
        self._waited += taken.waited
        if isinstance(taken.turn, Lease):
            self._lease = taken.turn
        elif (
            not isinstance(taken.turn, LookupHit)
            and streaming.streaming_of(self.call).follow
            and taken.waited >= _POLL
            and self._waited < cast("SingleFlight", self.sharing).longest_wait
        ):
            return False
        if self._waited:
            emit(Waited(self.call.plan.artifact_id, self.call.plan.cache_key.name, self._waited))
        return True

    def _start(self) -> None:
        self._flow = calls.call_flow(self.call, None, self.progress)

    def _finish(self, result: object) -> None:
        self.result, self.items = result, cast("Stream[object]", unwrap(result)).items()
        self._flow, self.progress, self._batch = None, streaming.Progress(), (-1, [])

    def _stop(self) -> None:
        """End the flow, and begin again with what is stored if more is wanted."""
        flow, self._flow = self._flow, None
        self.progress, self._waited = streaming.Progress(), 0.0
        if flow is not None:
            flow.close()

    def _keeps_all(self) -> bool:
        return (
            self._flow is not None
            and streaming.streaming_of(self.call).keep == "all"
            and bool(self.progress.items)
            and not self.call.read_only
        )


class Production(AnyProduction):
    """A stream that is being computed in the threads of the loops over it."""

    def __init__(self, call: Call, sharing: SingleFlight | None) -> None:
        super().__init__(call, sharing)
        self._guard = ForkSafeLock()

    def batch(self, position: int, /) -> Sequence[object]:
        """Return items from *position* on, computing them if need be; none after the last one."""
        with self._guard.lock:
            while (ready := self._ready(position)) is None:
                if self._flow is None:
                    self._begin()  # after which some items may be there
                    continue
                item = self._advance()
                if self.items is None and position == self.count - 1:
                    return item
            return ready

    def complete(self) -> Items:
        """Compute and store what is missing."""
        with self._guard.lock:
            while self.items is None:
                if self._flow is None:
                    self._begin()
                else:
                    self._advance()
            return self.items

    def known(self) -> Artifact[object]:
        """Return the artifact, complete."""
        self.complete()
        return artifact_of(self.result)

    def close(self) -> None:
        """Stop computing; chunks that are stored stay."""
        with self._guard.lock:
            try:
                if self._keeps_all():
                    drive(self.call, streaming.store_chunk(self.call, self.progress))
            finally:
                self._stop()
                self._release()

    def __del__(self) -> None:
        if self._flow is not None or self._lease is not None:
            try:
                self.close()
            except Exception as error:  # noqa: BLE001 - nobody could catch it
                log.debug("a stream was not closed: %s", error)

    def _begin(self) -> None:
        """Wait for others that compute the same, then begin; unless all is there by then, or some that can be followed."""
        call, interpreter = self.call, self.call.repo.interpreter
        if self.sharing is not None and self._lease is None:
            taken = run(leases.acquire(call.plan.artifact_id, self._patience()), interpreter)
            may_start = self._may_start(taken)
            if isinstance(taken.turn, LookupHit):
                self._finish(calls.make_hit_proxy(call, taken.turn.record))
                return
            if not may_start:
                run(streaming.find_chunks(call, self.progress), interpreter)
                return
        try:
            if self._resumes():
                self._resume()
        except BaseException:
            self._release()
            raise
        self._start()

    def _resume(self) -> None:
        interpreter = self.call.repo.interpreter
        found = run(streaming.find_chunks(self.call, self.progress), interpreter)
        if found is None and self.progress.chunks:  # followed until its producer ended
            found = self.call.repo.load_record(self.progress.chunks[-1].id)
        if found is None:
            return
        if found.code != self.call.spec.receipt.digest:
            changes = run(find_changes(self.call, found), interpreter)
            if self._drops_outdated(found, changes):
                return
        resolving_in(
            self.call.repo,
            lambda: run(streaming.read_state(self.call, self.progress, found), interpreter),
        )

    def _advance(self) -> list[object]:
        """Run the flow to the next item, and return it; nothing if the stream is complete."""
        flow = cast("Flow[object]", self._flow)
        answer: object = None
        try:
            while True:
                step = cast("OwnStep", flow.send(answer))
                if isinstance(step, HandOver):
                    return [step.item]
                with closing_on_error(flow):
                    answer = take_step(self.call, step)
        except StopIteration as stop:
            self._finish(stop.value)
            self._release()
            return []
        except BaseException:
            self.close()
            raise

    def _release(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            run(leases.release(lease), self.call.repo.interpreter)


def start_stream(call: Call, sharing: SingleFlight | None) -> object:
    """Return the result of a call that missed: a stream that is computed while it is used."""
    shared = sharing is not None
    production: Production | None = None
    key = (call.repo, call.plan.artifact_id)
    if shared:
        production = cast("Production | None", live.get(key))
    if production is None or production.items is not None:
        production = Production(call, sharing)
        if shared:
            live[key] = production
    return _pending(call, production)


def _pending(call: Call, production: Production) -> object:
    stream: Stream[object] = Stream(production)
    known = production.known
    if call.read_only:
        return pending(known, InMemoryOrigin(stream, call.plan.inputs), stream, tracked=False)
    origin = RecoveringOrigin(call.repo, partial(calls.read_or_recover, call))
    represent = partial(pending, known, origin, tracked=True)
    options = call.results
    if options.results == "values" and not options.lazy and track(stream, represent):
        return stream
    return represent(stream)

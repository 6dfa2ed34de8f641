"""Streams of `async def` generators: computed as they are awaited, without blocking the event loop."""

from __future__ import annotations

import pickle
from asyncio import Lock, get_running_loop
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Sequence
from typing import Any, Generic, NoReturn, TypeVar, cast

from provenance.calls import execute as calls
from provenance.calls import flow
from provenance.calls.draft import Call
from provenance.calls.hits import find_changes
from provenance.calls.production import AnyProduction, live
from provenance.calls.streaming import find_chunks, read_state, store_chunk
from provenance.hashing import Walk, register_item
from provenance.hashing.walk import UnhashablePart
from provenance.model.references import unwrap
from provenance.repository.programs import BlobLost, LookupHit
from provenance.results.origin import resolving_in_async
from provenance.singleflight import leases
from provenance.singleflight.coordinate import acquire_async
from provenance.singleflight.leases import SingleFlight
from provenance.streams.stream import LOST, Stream
from provenance.util.naming import exported

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class AsyncProduction(AnyProduction):
    """A stream that is being computed in the tasks of the loops over it."""

    def __init__(self, call: Call, sharing: SingleFlight | None) -> None:
        super().__init__(call, sharing)
        self.users = 0
        self._guard: Lock = Lock()
        self._generator: AsyncGenerator[object] | None = None

    async def batch(self, position: int, /) -> Sequence[object]:
        """Return items from *position* on, computing them if need be; none after the last one."""
        async with self._guard:
            while True:
                ready = await self._in_thread(self._ready, position)
                if ready is not None:
                    return ready
                if self._flow is None:
                    await self._begin()  # after which some items may be there
                    continue
                item = await self._advance()
                if self.items is None and position == self.count - 1:
                    return item

    async def complete(self) -> object:
        """Compute and store what is missing; returns the result."""
        async with self._guard:
            while self.items is None:
                if self._flow is None:
                    await self._begin()
                else:
                    await self._advance()
            return self.result

    async def close(self) -> None:
        """Stop computing; chunks that are stored stay."""
        async with self._guard:
            await self._close()

    async def _close(self) -> None:
        try:
            if self._keeps_all():
                await flow.drive_async(self.call, store_chunk(self.call, self.progress))
        finally:
            generator, self._generator = self._generator, None
            self._stop()
            await self._release()
            if generator is not None:
                await generator.aclose()

    async def _in_thread(self, function: Callable[[Any], T], argument: object) -> T:
        return await self.call.environment.run_in_thread(function, cast("Any", argument))

    async def _begin(self) -> None:
        """As `Production._begin`."""
        call = self.call
        if self.sharing is not None and self._lease is None:
            there = await flow.probe(call)
            stale = there.record if isinstance(there, BlobLost) else None
            taken = await acquire_async(call.work(self._patience(), stale))
            may_start = self._may_start(taken)
            if isinstance(taken.turn, LookupHit):
                found = calls.make_hit_proxy(call, taken.turn.record)
                await self._in_thread(unwrap, found)
                self._finish(found)
                return
            if not may_start:
                await flow.run_in_thread(call, find_chunks(call, self.progress))
                return
            # Something of the stream is lost: it is computed from its start, and replaces what is there.
            self.call = calls.replace_found(call, there)
        try:
            if self._resumes():
                await self._resume()
        except BaseException:
            await self._release()
            raise
        self._start()

    async def _resume(self) -> None:
        call = self.call
        found = await flow.run_in_thread(call, find_chunks(call, self.progress))
        if found is None and self.progress.chunks:
            last = self.progress.chunks[-1].id
            found = await self._in_thread(call.repo.load_record, last)
        if found is None:
            return
        changes = await flow.run_in_thread(call, find_changes(call, found))
        if self._drops_outdated(found, changes):
            return
        with resolving_in_async(call.repo):
            await flow.run_in_thread(call, read_state(call, self.progress, found))

    async def _advance(self) -> list[object]:
        """As `Production._advance`."""
        steps = cast("flow.Flow[object]", self._flow)
        answer: object = None
        try:
            while True:
                step = cast("flow.OwnStep", steps.send(answer))
                if isinstance(step, flow.HandOver):
                    return [step.item]
                with flow.closing_on_error(steps):
                    answer = await flow.take_step_async(self.call, step)
                if isinstance(step, flow.Begin):
                    self._generator = cast("AsyncGenerator[object]", answer)
        except StopIteration as stop:
            self._generator = None
            self._finish(stop.value)
            await self._release()
            return []
        except BaseException:
            await self._close()
            raise

    async def _release(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            await flow.run_in_thread(self.call, leases.release(lease))


@exported
class AsyncStream(Generic[T_co]):
    """The items that an `async def` generator yields: `async for` computes or reads them one after the other.

    Nothing is looked up until it is used. Awaiting it computes what is missing, and gives the `Stream`, a lazy sequence that knows its artifact.

    Example:
        >>> import provenance as p
        >>> import asyncio
        >>> @p.provenance(stream=True)
        ... async def count(n: int):
        ...     for number in range(n):
        ...         yield number
        >>> async def main() -> None:
        ...     print([number async for number in count(3)])
        ...     print(len(await count(3)))
        >>> asyncio.run(main())
        [0, 1, 2]
        3
    """

    __slots__ = ("_call", "_opened")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._opened: object = None

    async def _open(self) -> object:
        """Return what computes the stream, until `_leave`, or its result, whose manifest is read then.

        A loop that computes a lost chunk again replaces it meanwhile.
        """
        opened = self._opened
        if opened is None:
            opened = self._opened = await calls.execute_async(self._call, _start)
        if isinstance(opened, AsyncProduction):
            opened.users += 1
        else:
            await self._call.environment.run_in_thread(unwrap, cast("Any", opened))
        return opened

    async def _enter(self) -> AsyncProduction | Stream[T_co]:
        opened = await self._open()
        if isinstance(opened, AsyncProduction):
            return opened
        return cast("Stream[T_co]", unwrap(opened))

    async def __aiter__(self) -> AsyncIterator[T_co]:
        source, position, lost = await self._enter(), 0, -1
        in_thread = self._call.environment.run_in_thread
        try:
            while True:
                try:
                    batch = (
                        await source.batch(position)
                        if isinstance(source, AsyncProduction)
                        else await in_thread(source.items().batch, cast("Any", position))
                    )
                except LOST:
                    if isinstance(source, AsyncProduction) or lost == position:
                        raise
                    # A new call computes what is lost.
                    self._opened, lost = None, position
                    source = await self._enter()
                    continue
                if not batch:
                    return
                for item in batch:
                    yield cast("T_co", item)
                position += len(batch)
        finally:
            if isinstance(source, AsyncProduction):
                await _leave(source)

    def __await__(self) -> Generator[Any, Any, Stream[T_co]]:
        return self._complete().__await__()

    async def _complete(self) -> Stream[T_co]:
        opened = await self._open()
        if isinstance(opened, AsyncProduction):
            production = opened
            try:
                opened = self._opened = await production.complete()
            finally:
                await _leave(production)
        return cast("Stream[T_co]", opened)

    def __reduce__(self) -> NoReturn:
        advice = "await it, and pickle the stream"
        raise pickle.PicklingError(f"an asynchronous stream cannot be pickled; {advice}")

    def __repr__(self) -> str:
        return f"<provenance.AsyncStream of {self._call.spec.wrapped.label}>"


def _refuse_hash(_: AsyncStream[object], __: Walk) -> NoReturn:
    reason = "an asynchronous stream has a value only when it is awaited"
    raise UnhashablePart(reason, "the awaited stream")


register_item(AsyncStream, _refuse_hash)


async def _leave(production: AsyncProduction) -> None:
    """Stop computing when no loop is left."""
    production.users -= 1
    if not production.users and production.items is None:
        await production.close()


async def _start(call: Call, sharing: SingleFlight | None) -> object:
    """Return the production of a call that missed."""
    if sharing is None:
        return AsyncProduction(call, None)
    key = (call.repo, call.plan.artifact_id, get_running_loop())
    found = cast("AsyncProduction | None", live.get(key))
    if found is None or found.items is not None:
        found = live[key] = AsyncProduction(call, sharing)
    return found

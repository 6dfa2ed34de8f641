"""`amap`: calls of an `async def` as tasks of the running event loop, and other maps beside it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

from returns.result import Failure as Failed
from returns.result import Result, Success

from provenance.calls.function import CachedFunction
from provenance.engines.outcomes import Failure, Progress, failure_of
from provenance.engines.progress import show

T = TypeVar("T")


async def zip_async(
    iterables: tuple[Iterable[object] | AsyncIterable[object], ...],
) -> AsyncIterator[tuple[object, ...]]:
    """Yield tuples of items, as `zip` does, of iterables of both kinds."""
    if not iterables:
        raise TypeError("amap expects at least one iterable of arguments")
    iterators = [_aiter(items) for items in iterables]
    while True:
        items: list[object] = []
        for iterator in iterators:
            try:
                items.append(await anext(iterator))
            except StopAsyncIteration:
                return
        yield tuple(items)


async def _aiter(iterable: Iterable[object] | AsyncIterable[object]) -> AsyncIterator[object]:
    if isinstance(iterable, AsyncIterable):
        async for item in iterable:
            yield item
    else:
        for item in iterable:
            yield item


async def collected(iterable: Iterable[object] | AsyncIterable[object]) -> Iterable[object]:
    """Return an iterable that can be read in a thread: an asynchronous one is read to its end, or its error."""
    if not isinstance(iterable, AsyncIterable):
        return iterable
    errors: list[Exception] = []
    items = [item async for item in _until_error(iterable, errors)]
    return _then_raise(items, errors[0]) if errors else items


async def _until_error(items: AsyncIterable[T], errors: list[Exception]) -> AsyncIterator[T]:
    """Yield items until reading one raises an error, which is noted: what was read before counts."""
    try:
        async for item in items:
            yield item
    except Exception as error:  # noqa: BLE001 - the user's iterator may raise anything
        errors.append(error)


def _then_raise(items: list[object], error: Exception) -> Iterator[object]:
    yield from items
    raise error


async def run_tasks(
    function: CachedFunction[..., object],
    arguments: AsyncIterator[tuple[object, ...]],
    at_once: int,
    *,
    ordered: bool,
    progress: bool | Callable[[Progress], None],
) -> AsyncIterator[Result[Any, Failure]]:
    """Yield the results of calls, of which *at_once* run at the same time.

    What reading the arguments raises is raised after the results of those read before.
    """
    call = cast("Callable[..., Any]", function)
    flying: deque[asyncio.Task[Result[Any, Failure]]] = deque()
    done = failed = index = 0

    async def run(index: int, args: tuple[object, ...]) -> Result[Any, Failure]:
        try:
            return Success(await call(*args))
        except Exception as error:  # noqa: BLE001 - the function may raise anything
            return Failed(failure_of(error, None, index=index))

    errors: list[Exception] = []
    arguments = _until_error(arguments, errors)
    more = True
    try:
        with show(progress) as report:
            while more or flying:
                while more and len(flying) < at_once:
                    args = await anext(arguments, None)
                    if args is None:
                        more = False
                        break
                    flying.append(asyncio.create_task(run(index, args)))
                    index += 1
                if not flying:
                    break
                task = await _next(flying, ordered=ordered)
                result = task.result()
                done += 1
                failed += isinstance(result, Failed)
                if report is not None:
                    report(Progress(done, None, 0, done - failed, failed, 0.0))
                yield result
        if errors:
            raise errors[0]
    finally:
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)


async def _next(flying: deque[asyncio.Task[T]], *, ordered: bool) -> asyncio.Task[T]:
    """Return the first task, or whichever ends first; it is taken out of *flying*."""
    if ordered:
        await asyncio.wait([flying[0]])
        return flying.popleft()
    ended, _ = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
    task = next(task for task in flying if task in ended)
    flying.remove(task)
    return task


_END = object()


async def iterate_in_thread(results: Iterator[T]) -> AsyncIterator[T]:
    """Yield *results*, each fetched in a thread, so that the event loop goes on."""
    while True:
        result = await asyncio.to_thread(next, results, _END)
        if result is _END:
            return
        yield cast("T", result)

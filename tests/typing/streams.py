"""What the type checkers know of streaming functions."""

from collections.abc import AsyncIterator, Generator, Iterator
from typing import assert_type

from polars import LazyFrame

import provenance as p
from provenance import Artifact


@p.provenance(stream=True)
def pages(query: str, *, after: int | None = None) -> Iterator[int]:
    yield len(query)


@p.provenance(stream=p.Streaming(chunk_items=3), version=1)
def texts(n: int) -> Generator[str, None, None]:
    yield str(n)


@p.provenance(stream=True)
def states() -> Iterator[p.Resumable[bytes]]:
    yield p.Resumable(b"", 1)


@p.provenance(stream=True)
async def later(n: int) -> AsyncIterator[float]:
    yield n / 2


# A call returns a stream of the items.
assert_type(pages("cats"), p.Stream[int])
assert_type(pages("cats")[0], int)
assert_type(pages("cats")[1:2], list[int])
assert_type(list(pages("cats")), list[int])
assert_type(texts(1), p.Stream[str])
assert_type(states(), p.Stream[bytes])
assert_type(pages.artifact("cats"), Artifact[p.Stream[int]])
pages(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a str is wanted


async def use() -> None:
    """An asynchronous generator's call is iterated or awaited."""
    assert_type(later(1), p.AsyncStream[float])
    assert_type(await later(1), p.Stream[float])
    assert_type([item async for item in later(1)], list[float])
    assert_type(await later.artifact(1), Artifact[p.Stream[float]])


@p.provenance(over="day")
def daily(day: int, source: str) -> bytes:
    return source.encode() * day


@p.provenance(over="day")
async def daily_later(day: int) -> float:
    return float(day)


async def use_partitions() -> None:
    """A call with a collection returns the parts; `each` is the plain function."""
    assert_type(daily([1, 2], "raw"), p.Parts[bytes])
    assert_type(daily([1, 2], "raw")[1], bytes)
    assert_type(daily([1, 2], "raw").scan("duckdb"), object)
    assert_type(daily([1, 2], "raw").scan(), LazyFrame)
    assert_type(daily.each(1, "raw"), bytes)
    assert_type(daily.__name__, str)
    assert_type(await daily_later([1]), p.Parts[float])
    assert_type(await daily_later.each(1), float)
    daily.each("x", "raw")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted

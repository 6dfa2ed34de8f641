"""What the type checkers know of decorated functions in generic code: wrappers, overloads, partials, classes of one's own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import (
    Concatenate,
    Generic,
    NamedTuple,
    NotRequired,
    ParamSpec,
    Protocol,
    TypedDict,
    TypeVar,
    Unpack,
    assert_type,
    overload,
)

import provenance as p

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Settings(TypedDict):
    depth: int
    rate: NotRequired[float]


class Split(NamedTuple):
    train: list[int]
    test: list[int]


class Model(Protocol):
    def predict(self, x: int, /) -> float: ...


@p.provenance()
def split(rows: Iterable[int], **settings: Unpack[Settings]) -> Split:
    return Split([*rows], [])


@p.provenance(returns_composite=True)
def parts(depth: int) -> Settings:
    return {"depth": depth}


@p.provenance()
def two(a: int, b: str) -> float:
    return float(len(b) + a)


# Structured results keep their types, and so do keyword arguments with types of their own.
train, test = split([1], depth=3)
assert_type(train, list[int])
assert_type(split([1], depth=3, rate=0.1).test, list[int])
assert_type(parts(3)["depth"], int)
split([1], depth="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted


# A decorator can be named, shared and made.
shared: p.Decorator = p.provenance(version=1)


def tagged(tag: str) -> Callable[[Callable[P, R]], p.CachedFunction[P, R]]:
    return p.provenance(tags=[tag])


@shared
def one(x: int, *rest: str, y: float = 1.0) -> tuple[int, float]:
    return x, y


@tagged("raw")
def other(x: int, *, y: float = 1.0) -> tuple[int, float]:
    return x, y


assert_type(one(1, "a", y=2), tuple[int, float])
assert_type(other.artifact(1), p.Artifact[tuple[int, float]])


# Functions over decorated functions.
def stored(function: p.CachedFunction[P, R], *args: P.args, **kwargs: P.kwargs) -> p.Artifact[R]:
    return function.artifact(*args, **kwargs)


def first_of_one(function: Callable[Concatenate[int, P], R]) -> Callable[P, R]:
    return lambda *args, **kwargs: function(1, *args, **kwargs)


assert_type(stored(two, 1, b="x"), p.Artifact[float])
assert_type(first_of_one(two)("x"), float)
assert_type(partial(two, 1)("x"), float)
assert_type([*map(two, [1], ["x"])], list[float])
assert_type(sorted([(1, "x")], key=lambda pair: two(*pair)), list[tuple[int, str]])


def submit(pool: ThreadPoolExecutor) -> Future[float]:
    return pool.submit(p.in_context(two), 1, "x")


# The implementation of an overloaded function.
@overload
def loaded(x: int) -> int: ...
@overload
def loaded(x: str) -> str: ...
@p.provenance()
def loaded(x: int | str) -> int | str:
    return x


assert_type(loaded(1), int)
assert_type(loaded("x"), str)


# Classes with parameters, and methods that implement others.
class Box(Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item

    @p.provenance()
    def get(self, n: int) -> T:
        return self.item

    @p.provenance()
    def with_other(self, other: R) -> tuple[T, R]:
        return self.item, other


assert_type(Box(1).get(2), int)
assert_type(Box("x").with_other(2), tuple[str, int])


# Coroutines, in tasks and as callables of others.
@p.provenance()
async def fetch(url: str, *, tries: int = 3) -> bytes:
    return url.encode()


async def use() -> None:
    later: Callable[[str], Awaitable[bytes]] = fetch
    assert_type(await later("x"), bytes)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(fetch("x"))
    assert_type(task.result(), bytes)
    assert_type(await asyncio.gather(*(fetch(url) for url in "ab")), list[bytes])

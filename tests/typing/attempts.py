"""What the type checkers know of attempts; the errors that are meant carry their code."""

from typing import assert_type

from returns.future import FutureResult
from returns.io import IOResult

import provenance as p


@p.provenance()
def length(text: str) -> int:
    return len(text)


@p.provenance()
def text_of(number: int, *, sign: bool = False) -> str:
    return f"{number:+}" if sign else str(number)


@p.provenance()
async def length_later(text: str) -> int:
    return len(text)


@p.provenance()
async def text_later(number: int) -> str:
    return str(number)


class Model:
    @p.provenance()
    def fit(self, x: int) -> float:
        return x

    @p.provenance()
    async def fit_later(self, x: int) -> float:
        return x


assert_type(length.attempt("a"), IOResult[int, Exception])
assert_type(text_of.attempt(1, sign=True), IOResult[str, Exception])
assert_type(Model().fit.attempt(1), IOResult[float, Exception])
assert_type(length.attempt("a").bind(text_of.attempt), IOResult[str, Exception])  # pyright: ignore[reportUnknownMemberType]  # of returns
length.attempt(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a str is wanted
length.attempt()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # one is missing
length.attempt("a").bind(length.attempt)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportUnknownMemberType]  # it takes no int

# Of an asynchronous function it is awaited.
assert_type(length_later.attempt("a"), FutureResult[int, Exception])
assert_type(Model().fit_later.attempt(1), FutureResult[float, Exception])
assert_type(length_later.attempt("a").bind(text_later.attempt), FutureResult[str, Exception])  # pyright: ignore[reportUnknownMemberType]  # of returns
length_later.attempt(1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]  # a str is wanted


async def awaiting() -> None:
    assert_type(await length_later.attempt("a"), IOResult[int, Exception])

"""What the type checkers know of maps; the errors that are meant carry their code."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import assert_type

from returns.result import Result

import provenance as p
from provenance import Failure, PlannedCall, engines


@p.provenance()
def bare(a: int, b: str = "") -> list[int]:
    return [a]


@p.provenance()
async def awaited(a: int) -> str:
    return str(a)


# A map yields the function's results, or results and failures.
assert_type(bare.map([1, 2]), Iterator[list[int]])
assert_type(bare.map([1], ["x"], engine="threads", ordered=False), Iterator[list[int]])
assert_type(bare.map([1], errors="return"), Iterator[Result[list[int], Failure]])
assert_type(awaited.map([1]), Iterator[str])
assert_type(awaited.map([1], errors="return"), Iterator[Result[str, Failure]])
assert_type(awaited.amap([1]), AsyncIterator[str])
assert_type(bare.amap([1], errors="return"), AsyncIterator[Result[list[int], Failure]])

# Planned calls have the arguments of the function, and `gather` its results.
assert_type(bare.later(1, b="x"), PlannedCall[list[int]])
assert_type(p.gather([bare.later(1)]), list[list[int]])
assert_type(p.gather([bare.later(1)], errors="return"), list[Result[list[int], Failure]])
assert_type(p.gather([awaited.later(1)]), list[str])
bare.later("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted

# Engines are chosen by name or as values.
bare.map([1], engine=engines.processes(2, commit="driver"))
bare.map([1], engine="fibers")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]  # there is none of this name
with p.using_engine("serial"):
    pass

# Functions for others keep their signature.
assert_type(p.as_function(bare)(1), list[int])
function: Callable[[int], object] = p.in_context(bare)

"""Programs run by a script of effects and answers, without a store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from provenance.effect import Effect, Program

E = TypeVar("E", bound=Effect[Any])
R = TypeVar("R")


def scripted(program: Program[E, R], *script: tuple[E, object]) -> R:
    """Return the result of *program*, run by *script*: pairs of an expected effect and its answer.

    An answer that is an exception is raised in the program.

    Raises:
        AssertionError: if the program yields another effect, or ends before the script.
    """
    remaining = iter(script)
    try:
        effect = next(program)
        while True:
            answer = _answer(effect, remaining)
            effect = (
                program.throw(answer) if isinstance(answer, BaseException) else program.send(answer)
            )
    except StopIteration as stop:
        result: R = stop.value
        _expect_end(remaining)
        return result
    except AssertionError:
        raise
    except Exception as error:
        _expect_end(remaining, error)
        raise
    finally:
        program.close()


def _answer(effect: E, remaining: Iterator[tuple[E, object]]) -> object:
    """Return the answer to the next effect of the script, which must equal *effect*."""
    for expected, answer in remaining:
        if expected != effect:
            raise AssertionError(f"the program asked\n  {effect!r}\nand not\n  {expected!r}")
        return answer
    raise AssertionError(f"the script has ended, but the program asked\n  {effect!r}")


def _expect_end(remaining: Iterator[tuple[E, object]], error: Exception | None = None) -> None:
    for expected, _ in remaining:
        end = "ended" if error is None else f"failed with {error!r}"
        raise AssertionError(f"the program {end} before it asked\n  {expected!r}") from error

"""Programs played by a script of questions and answers, without any store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from provenance.effect import Effect, Program

E = TypeVar("E", bound=Effect[Any])
R = TypeVar("R")


def scripted(program: Program[E, R], *script: tuple[E, object]) -> R:
    """The result of *program*, whose questions are answered by *script*: pairs of a question and its answer.

    An answer that is an exception is raised at the question.

    Raises:
        AssertionError: if the program asks something else, or ends before all was asked.
    """
    lines = iter(script)
    try:
        asked = next(program)
        while True:
            answer = _answer(asked, lines)
            asked = program.throw(answer) if isinstance(answer, BaseException) else program.send(answer)
    except StopIteration as stop:
        result: R = stop.value
        _nothing_left(lines)
        return result
    except AssertionError:
        raise
    except Exception as error:
        _nothing_left(lines, error)
        raise
    finally:
        program.close()


def _answer(asked: E, lines: Iterator[tuple[E, object]]) -> object:
    """The answer to the next question of the script, which must be the one that is asked."""
    for expected, answer in lines:
        if expected != asked:
            raise AssertionError(f"the program asked\n  {asked!r}\nand not\n  {expected!r}")
        return answer
    raise AssertionError(f"the script is at its end, but the program asked\n  {asked!r}")


def _nothing_left(lines: Iterator[tuple[E, object]], error: Exception | None = None) -> None:
    for expected, _ in lines:
        ended = "ended" if error is None else f"failed with {error!r}"
        raise AssertionError(f"the program {ended} before it asked\n  {expected!r}") from error

"""Helpers for the tests of code that uses the library, and of stores and programs that extend it.

`in_memory` gives a test a repository of its own, `scripted` plays a program without any store, `FixedClock` stops time,
`check_hasher` checks what `register_hasher` was taught.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from attrs import evolve, frozen

from provenance.asks import Now
from provenance.config import from_config
from provenance.effect import Effect, Program
from provenance.hasher_laws import check_hasher
from provenance.ports import Clock
from provenance.repository import Repository
from provenance.session import Environment, substituting

__all__ = ["FixedClock", "check_hasher", "in_memory", "memory_environment", "scripted"]

E = TypeVar("E", bound=Effect[Any])
R = TypeVar("R")

_START: Final = datetime(2000, 1, 1, tzinfo=UTC)


@frozen
class FixedClock:
    """A `Clock` that stands still at *moment*, so that every duration is zero.

    >>> FixedClock().now().isoformat(), FixedClock().ticks()
    ('2000-01-01T00:00:00+00:00', 0.0)
    """

    moment: datetime = _START

    def now(self) -> datetime:
        """Always *moment*."""
        return self.moment

    def ticks(self) -> float:
        """Always zero."""
        return 0.0


def memory_environment(clock: Clock | None = None) -> Environment:
    """An environment with one empty repository, `memory`, in which everything is allowed; nothing is installed.

    With a *clock*, artifacts carry its times and not those of the machine.
    """
    config = {"artifact_repos": {"memory": {"type": "memory", "delete": True}}}
    environment = from_config(config)
    if clock is None:
        return environment
    real = environment.repository()
    repo = evolve(real, interpreter=real.interpreter | Now.on(lambda _: clock.now()))
    return evolve(environment, openers={"memory": lambda: repo}, clock=clock)


@contextmanager
def in_memory(clock: Clock | None = None) -> Generator[Repository]:
    """Within this block decorated functions use an empty repository in memory, which is yielded.

    The environment of the *process* is replaced, so that threads and tasks that the tested code starts use it too,
    and settings that it changes (`set_use_cache`, `load_config` …) end with the block: afterwards whatever was before
    is back, even if that was nothing. Two such blocks may be nested, but not in two threads at once; there, use
    `using_repo(memory_environment().repository())`.

    >>> import provenance
    >>> with in_memory() as repo:
    ...     answer = provenance.provenance(lambda: 42, name="answer")()
    ...     provenance.artifact_of(answer).id in repo
    True
    """
    with substituting(memory_environment(clock)) as environment:
        yield environment.repository()


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

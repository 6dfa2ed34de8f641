"""The kernel: effects as values, programs that ask, interpreters that answer.

An *effect* is a frozen record that says what is wanted; its type parameter is the type of the answer. A *program*
is a generator that asks with `yield from` and is told. An *interpreter* is a table from effect type to answer. The
row of effects that a program may ask is part of its type, so the type checkers refuse a look-up that writes, and an
interpreter that lacks an answer.

Never ask with a bare `yield`: its answer is untyped. A program is one-shot: retrying is a layer over one effect,
never a second run of a generator.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from functools import partial
from typing import Any, Generic, Protocol, Self, TypeAlias, TypeVar

from attrs import frozen

A = TypeVar("A")
R = TypeVar("R")
E = TypeVar("E", bound="Effect[Any]")
F = TypeVar("F", bound="Effect[Any]")
E_contra = TypeVar("E_contra", bound="Effect[Any]", contravariant=True)


_Find: TypeAlias = Callable[[type[Any], Callable[[Any], Any]], Callable[[Any], Any]]


class Effect(Generic[A]):
    """A question to the outside world; `A` is the type of its answer."""

    __slots__ = ()

    def __iter__(self) -> Generator[Self, Any, A]:
        answer: A = yield self
        return answer

    @classmethod
    def on(cls, answer: Callable[[Self], A]) -> Interpreter[Self]:
        """Interpreter of this one effect."""
        return Interpreter({cls: answer})

    @classmethod
    def on_async(cls, answer: Callable[[Self], Awaitable[A]]) -> AsyncInterpreter[Self]:
        """Asynchronous interpreter of this one effect."""
        return AsyncInterpreter({cls: answer})


Program: TypeAlias = Generator[E, Any, R]
"""May ask the effects `E`, then returns an `R`."""


class UnhandledEffectError(TypeError):
    """An interpreter was asked what is not in its table; the type checkers report this before it can happen."""


def _unhandled(effect: Effect[Any]) -> Any:  # noqa: ANN401 - it answers nothing
    raise UnhandledEffectError(effect)


@frozen
class Interpreter(Generic[E_contra]):
    """Answers every effect of its row `E_contra`; `a | b` answers both rows, *b* where they overlap."""

    table: Mapping[type[Any], Callable[[Any], Any]]

    def __call__(self, effect: Effect[A], /) -> A:
        """Answer one effect."""
        find: _Find = self.table.get
        result: A = find(type(effect), _unhandled)(effect)
        return result

    def answer_to(self, kind: type[Effect[A]]) -> Callable[[Effect[A]], A]:
        """What answers the effects of one *kind*, for who asks the same often; it refuses what is not in the table."""
        return self.table.get(kind, _unhandled)

    def __or__(self, other: Interpreter[F]) -> Interpreter[E_contra | F]:
        return Interpreter({**self.table, **other.table})


@frozen
class AsyncInterpreter(Generic[E_contra]):
    """Answers every effect of its row with an awaitable."""

    table: Mapping[type[Any], Callable[[Any], Awaitable[Any]]]

    def __or__(self, other: AsyncInterpreter[F]) -> AsyncInterpreter[E_contra | F]:
        return AsyncInterpreter({**self.table, **other.table})


def run(program: Program[E, R], interpret: Interpreter[E]) -> R:
    """Play *program* to its end and return its result.

    An exception of an answer is raised inside the program, at the question, so that it can be caught there.
    """
    find: _Find = interpret.table.get
    try:
        effect: Effect[Any] = next(program)
        while True:
            try:
                answer = find(type(effect), _unhandled)(effect)
            except Exception as error:  # noqa: BLE001 - handed to the program, which alone knows what it means
                effect = program.throw(error)
            else:
                effect = program.send(answer)
    except StopIteration as stop:
        result: R = stop.value
        return result
    finally:
        program.close()


async def run_async(program: Program[E, R], interpret: AsyncInterpreter[E]) -> R:
    """Play *program* as `run` does, awaiting each answer."""
    find: _Find = interpret.table.get
    try:
        effect: Effect[Any] = next(program)
        while True:
            try:
                answer = await find(type(effect), _unhandled)(effect)
            except Exception as error:  # noqa: BLE001 - handed to the program, which alone knows what it means
                effect = program.throw(error)
            else:
                effect = program.send(answer)
    except StopIteration as stop:
        result: R = stop.value
        return result
    finally:
        program.close()


class Layer(Protocol):
    """Stands around one answer; generic in it, so that one layer serves every effect."""

    def __call__(self, effect: Effect[A], inner: Callable[[Effect[A]], A], /) -> A:
        """Answer *effect*, as a rule by asking *inner*."""
        ...


def layered(base: Interpreter[E], layer: Layer) -> Interpreter[E]:
    """*base* with *layer* around each of its answers; the row stays the same."""

    def around(answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda effect: layer(effect, answer)

    return Interpreter({kind: around(answer) for kind, answer in base.table.items()})


def overlaid(base: Interpreter[E], top: Interpreter[Any]) -> Interpreter[E]:
    """Answer with *top* where it can, else with *base*; the row stays that of *base*."""
    return Interpreter({**base.table, **{kind: top.table[kind] for kind in base.table if kind in top.table}})


class Beside(Protocol):
    """Gives an answer beside the event loop, in a thread: what an asynchronous interpreter needs of the world."""

    def __call__(self, answer: Callable[[F], A], effect: F, /) -> Awaitable[A]:
        """What *answer* answers to *effect*."""
        ...


def in_threads(base: Interpreter[E], beside: Beside) -> AsyncInterpreter[E]:
    """*base*, each of its answers given *beside* the event loop, which goes on meanwhile."""
    return AsyncInterpreter({kind: partial(beside, answer) for kind, answer in base.table.items()})

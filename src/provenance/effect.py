"""The kernel: effects as values, programs that ask them, interpreters that answer them.

An *effect* is a frozen record that describes a request; its type parameter is the type of the
answer. A *program* is a generator that asks with `yield from` and receives the answer. An
*interpreter* is a table from effect type to function. The row of effects that a program may ask is
part of its type, so the type checkers refuse a look-up that writes, and an interpreter that lacks
an answer.

Never ask with a bare `yield`, as its answer is untyped. A program runs once: a retry is a layer
over one effect, never a second run of a generator.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeAlias, TypeVar, cast

from attrs import frozen

if TYPE_CHECKING:
    from attrs import Attribute

A = TypeVar("A")
R = TypeVar("R")
E = TypeVar("E", bound="Effect[Any]")
F = TypeVar("F", bound="Effect[Any]")
E_contra = TypeVar("E_contra", bound="Effect[Any]", contravariant=True)


_Find: TypeAlias = Callable[[type[Any], Callable[[Any], Any]], Callable[[Any], Any]]


class Effect(Generic[A]):
    """A request to the outside world; `A` is the type of its answer.

    The many effects of this package are `@frozen(eq=False, repr=False)`, as the methods below serve
    all of them: generating these for each class takes a tenth of `import provenance`.
    """

    __slots__ = ()
    __attrs_attrs__: ClassVar[tuple[Attribute[Any], ...]] = ()

    def _key(self) -> tuple[object, ...]:
        return tuple([getattr(self, field.name) for field in self.__attrs_attrs__ if field.eq])

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._key() == cast("Effect[Any]", other)._key()

    def __hash__(self) -> int:
        return hash((type(self), self._key()))

    def __repr__(self) -> str:
        shown = [field.name for field in self.__attrs_attrs__ if field.repr]
        facts = ", ".join([f"{name}={getattr(self, name)!r}" for name in shown])
        return f"{type(self).__qualname__}({facts})"

    def __iter__(self) -> Generator[Self, Any, A]:
        answer: A = yield self
        return answer

    @classmethod
    def on(cls, answer: Callable[[Self], A]) -> Interpreter[Self]:
        """Return an interpreter of this one effect; *answer* gets the question and returns the answer."""
        return Interpreter({cls: answer})

    @classmethod
    def on_async(cls, answer: Callable[[Self], Awaitable[A]]) -> AsyncInterpreter[Self]:
        """Return an asynchronous interpreter of this one effect; *answer* is an `async def`."""
        return AsyncInterpreter({cls: answer})


Program: TypeAlias = Generator[E, Any, R]
"""A generator that may ask the effects `E`, then returns an `R`."""


class UnhandledEffectError(TypeError):
    """The interpreter's table lacks the effect.

    The type checkers report this before it can happen.
    """


def _unhandled(effect: Effect[Any]) -> Any:  # noqa: ANN401 - never returns
    raise UnhandledEffectError(effect)


@frozen
class Interpreter(Generic[E_contra]):
    """An interpreter of the effects `E_contra`.

    `a | b` answers both rows, and *b* wins where they overlap.
    """

    table: Mapping[type[Any], Callable[[Any], Any]]

    def __call__(self, effect: Effect[A], /) -> A:
        """Answer one effect."""
        find: _Find = self.table.get
        result: A = find(type(effect), _unhandled)(effect)
        return result

    def answer_to(self, kind: type[Effect[A]]) -> Callable[[Effect[A]], A]:
        """Return the function that answers effects of one *kind*, for frequent callers."""
        return self.table.get(kind, _unhandled)

    def __or__(self, other: Interpreter[F]) -> Interpreter[E_contra | F]:
        return Interpreter({**self.table, **other.table})


@frozen
class AsyncInterpreter(Generic[E_contra]):
    """An interpreter that answers with awaitables."""

    table: Mapping[type[Any], Callable[[Any], Awaitable[Any]]]

    def __or__(self, other: AsyncInterpreter[F]) -> AsyncInterpreter[E_contra | F]:
        return AsyncInterpreter({**self.table, **other.table})


def run(program: Program[E, R], interpret: Interpreter[E]) -> R:
    """Run *program* to its end, let *interpret* answer its effects, and return its result.

    An exception of the interpreter is raised inside the program, which can catch it.
    """
    find: _Find = interpret.table.get
    try:
        effect: Effect[Any] = next(program)
        while True:
            try:
                answer = find(type(effect), _unhandled)(effect)
            except Exception as error:  # noqa: BLE001 - the program handles it
                effect = program.throw(error)
            else:
                effect = program.send(answer)
    except StopIteration as stop:
        result: R = stop.value
        return result
    finally:
        program.close()


async def run_async(program: Program[E, R], interpret: AsyncInterpreter[E]) -> R:
    """Run *program* as `run` does, awaiting each answer of *interpret*."""
    find: _Find = interpret.table.get
    try:
        effect: Effect[Any] = next(program)
        while True:
            try:
                answer = await find(type(effect), _unhandled)(effect)
            except Exception as error:  # noqa: BLE001 - the program handles it
                effect = program.throw(error)
            else:
                effect = program.send(answer)
    except StopIteration as stop:
        result: R = stop.value
        return result
    finally:
        program.close()


class Layer(Protocol):
    """A function around answers; generic in the answer, so that one layer serves every effect."""

    def __call__(self, effect: Effect[A], inner: Callable[[Effect[A]], A], /) -> A:
        """Answer *effect*, usually by calling *inner*."""
        ...


def with_layer(base: Interpreter[E], layer: Layer) -> Interpreter[E]:
    """Return *base* with *layer* around each of its answers; the row stays the same."""

    def around(answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda effect: layer(effect, answer)

    return Interpreter({kind: around(answer) for kind, answer in base.table.items()})


def overlay(base: Interpreter[E], top: Interpreter[Any]) -> Interpreter[E]:
    """Return *base* with the answers of *top* in place of its own; the row stays that of *base*."""
    return Interpreter(
        {**base.table, **{kind: top.table[kind] for kind in base.table if kind in top.table}}
    )


class ThreadRunner(Protocol):
    """Calls a function in a thread, so that the event loop continues."""

    def __call__(self, answer: Callable[[F], A], effect: F, /) -> Awaitable[A]:
        """Return the result of *answer* for *effect*."""
        ...


def in_threads(base: Interpreter[E], beside: ThreadRunner) -> AsyncInterpreter[E]:
    """Return an asynchronous interpreter that calls *base* in threads, by means of *beside*."""
    return AsyncInterpreter({kind: partial(beside, answer) for kind, answer in base.table.items()})

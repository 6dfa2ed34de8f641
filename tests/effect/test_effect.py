"""The kernel: programs ask, interpreters answer, layers stand around answers."""

import asyncio

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from provenance.effect import (
    AsyncInterpreter,
    Effect,
    Interpreter,
    UnhandledEffectError,
    in_threads,
    overlay,
    run,
    run_async,
    with_layer,
)


@frozen
class Double(Effect[int]):
    number: int


@frozen
class Shout(Effect[str]):
    text: str


answers = Double.on(lambda ask: ask.number * 2) | Shout.on(lambda ask: ask.text.upper())


def summing(numbers):
    """Asks for the double of each number."""
    total = 0
    for each in numbers:
        total += yield from Double(each)
    return total


def surviving():
    """Catches what an answer raises."""
    try:
        yield from Double(1)
    except ValueError as error:
        return (yield from Shout(str(error)))
    return "no error"


def run_in_loop(program, interpreter):
    """`run_async` on an event loop."""
    return asyncio.run(run_async(program, in_threads(interpreter, asyncio.to_thread)))


runners = pytest.mark.parametrize("play", [run, run_in_loop])


@given(st.lists(st.integers(), max_size=5))
def test_a_program_is_told_the_answers(numbers):
    """Answers come in the order of the questions; without questions it just returns."""
    assert (
        2 * sum(numbers) == run(summing(numbers), answers) == run_in_loop(summing(numbers), answers)
    )


@runners
def test_an_exception_is_raised_at_the_question(play):
    """The program may catch it and go on; else it comes out of `run` as it is."""
    error = ValueError("oh")

    def fail(_):
        raise error

    failing = answers | Double.on(fail)
    assert "OH" == play(surviving(), failing)
    with pytest.raises(ValueError, match="oh") as raised:
        play(summing([1]), failing)
    assert error is raised.value


@runners
def test_what_is_not_in_the_table_is_an_error(play):
    """An interpreter that lacks an answer is told so by name."""
    with pytest.raises(UnhandledEffectError, match="Double"):
        play(summing([1]), Shout.on(lambda ask: ask.text))


@runners
def test_a_program_is_closed(play):
    """Its `finally` runs, also when an interrupt comes from an answer."""
    closed = []

    def careful():
        try:
            return (yield from Double(1))
        finally:
            closed.append(True)

    def interrupt(_):
        raise KeyboardInterrupt

    assert 2 == play(careful(), answers)
    with pytest.raises(KeyboardInterrupt):
        run(careful(), Double.on(interrupt))
    assert [True, True] == closed


def test_the_right_one_answers_where_rows_overlap():
    """`a | b` answers both rows, *b* where both can; neither is changed."""
    both = answers | Double.on(lambda ask: 0)
    assert (0, "A", 2) == (both(Double(1)), both(Shout("a")), answers(Double(1)))


@given(st.integers())
def test_joining_is_associative(number):
    """How joins are nested makes no difference."""
    one, two, three = (Double.on(lambda ask, i=i: ask.number + i) for i in range(3))
    assert (
        ((one | two) | three)(Double(number)) == (one | (two | three))(Double(number)) == number + 2
    )


def test_a_layer_stands_around_every_answer():
    """It sees each effect and what it was answered; the row stays the same."""
    seen = []

    def layer(effect, inner):
        answer = inner(effect)
        seen.append((effect, answer))
        return answer

    watched = with_layer(answers, layer)
    assert (6, "A") == (run(summing([1, 2]), watched), watched(Shout("a")))
    assert [(Double(1), 2), (Double(2), 4), (Shout("a"), "A")] == seen
    assert answers.table.keys() == watched.table.keys()


def test_overlaying_keeps_the_row():
    """The top answers what it can, of what the base answers."""
    top = overlay(Double.on(lambda ask: 1), answers)
    assert 4 == top(Double(2))
    assert {Double} == top.table.keys()


def test_async_interpreters_join():
    """Asynchronous answers are awaited."""

    async def double(ask):
        await asyncio.sleep(0)
        return ask.number * 2

    joined = AsyncInterpreter({}) | Double.on_async(double)
    assert 6 == asyncio.run(run_async(summing([1, 2]), joined))


def test_effects_are_values():
    """Two effects that ask the same are equal, and cannot be changed."""
    assert Double(1) == Double(1) != Double(2)
    with pytest.raises(AttributeError):
        Double(1).number = 2


@frozen
class Asked(Effect[int]):
    """With the methods that attrs generates."""

    number: int
    text: str = field(repr=False)
    origin: object = field(default=None, eq=False)


def shared(name="Asked"):
    """The same, with the methods that all effects share; each has another class."""

    @frozen(eq=False, repr=False)
    class Asked(Effect[int]):
        number: int
        text: str = field(repr=False)
        origin: object = field(default=None, eq=False)

    Asked.__qualname__ = name
    return Asked


Shared = shared()
facts = st.tuples(st.integers(0, 1), st.sampled_from("ab"), st.integers(0, 1))


@given(facts, facts)
def test_shared_methods_are_those_of_attrs(one, other):
    """Whether two effects are equal, and how they are written, is the same with methods that all share."""
    assert (Shared(*one) == Shared(*other)) is (Asked(*one) == Asked(*other))
    assert Shared(*one) != Shared(*other) or hash(Shared(*one)) == hash(Shared(*other))
    assert repr(Shared(*one)) == repr(Asked(*one))
    assert Shared(*one) != Asked(*one)
    assert Shared(*one) != shared()(*one)


def test_an_empty_interpreter_answers_nothing():
    """Asked directly, it says so too."""
    with pytest.raises(UnhandledEffectError):
        Interpreter({})(Double(1))

"""Other decorators above and below ours, and all that can be called: identities, results and faces hold."""

import asyncio
import functools
import inspect
from dataclasses import dataclass
from unittest.mock import Mock

import attrs
import pytest
import toolz
import wrapt

import provenance as p
from provenance.events import Hit, Miss


def times(x, factor=1):
    """A product."""
    return [x * factor]


class Times:
    """A callable with state."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return [x * self.factor]

    def method(self, x):
        return [x * self.factor]

    @p.provenance()
    def recorded(self, x):
        return [x * self.factor]

    @p.provenance()
    def __matmul__(self, x):
        return [x * self.factor]


class Called:
    """A class whose call is decorated."""

    def __init__(self, factor):
        self.factor = factor

    @p.provenance()
    def __call__(self, x):
        return [x * self.factor]


class Scaling:
    """A decorator that is an object, with a setting and with machinery."""

    def __init__(self, function, factor):
        functools.update_wrapper(self, function)
        self.function = function
        self.factor = factor
        self.calls = []

    def __call__(self, x):
        self.calls.append(x)
        return [self.function(x)[0] * self.factor]


def scaling(factor):
    """A decorator of wrapt."""

    @wrapt.decorator
    def decorate(wrapped, instance, args, kwargs):
        return [wrapped(*args, **kwargs)[0] * factor]

    return decorate


def noting(function):
    """A usual decorator."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


BETWEEN = {
    "nothing": lambda f: f,
    "one": noting,
    "two": lambda f: noting(noting(f)),
    "lru_cache": functools.lru_cache,
}
WITH_STATE = {
    "partial": lambda n: functools.partial(times, factor=n),
    "positional partial": lambda n: functools.partial(lambda factor, x: [x * factor], n),
    "partial of a partial": lambda n: functools.partial(
        functools.partial(times, factor=0), factor=n
    ),
    "curry": lambda n: toolz.curry(times)(factor=n),
    "bound method": lambda n: Times(n).method,
    "callable": Times,
    "closure": lambda n: lambda x: [x * n],
    "partial of a closure": lambda n: functools.partial(lambda x, y: [x * n], y=0),
    "recorded method": lambda n: Times(n).recorded,
    "decorating object": lambda n: Scaling(times, n),
    "wrapt": lambda n: scaling(n)(times),
}


@pytest.mark.parametrize("name", sorted(WITH_STATE))
@pytest.mark.parametrize("between", sorted(BETWEEN))
def test_state_below_counts(repo, events, name, between):
    """Whatever lies between: other state, other artifacts; equal state, the same."""
    make = WITH_STATE[name]
    f, g, again = (p.provenance(name="f")(BETWEEN[between](make(n))) for n in (2, 3, 2))
    assert ([10], [15], [10]) == (f(5), g(5), again(5))
    assert f.artifact_id(5) == again.artifact_id(5) != g.artifact_id(5)
    assert isinstance(events[-1], Hit)


@pytest.mark.parametrize("between", sorted(BETWEEN))
def test_decorators_above(repo, between):
    """They take decorated functions as any function."""
    for function in (times, functools.partial(times, factor=2), Times(2).recorded):
        f = p.provenance(name="f")(function)
        above = BETWEEN[between](f)
        assert f.artifact_id(5) == p.artifact_of(above(5)).id
        assert inspect.signature(f) == inspect.signature(above)


def test_partial_and_curry_above(repo, events):
    """Arguments that are bound outside are arguments of the call."""
    f = p.provenance(times)
    bound, curried, composed = (
        functools.partial(f, factor=3),
        toolz.curry(f),
        toolz.compose(p.unwrap, f),
    )
    assert [15] == bound(5) == f(5, 3) == curried(factor=3)(5) == toolz.pipe(5, bound)
    assert [5] == composed(5)
    assert [Miss, Hit, Hit, Hit, Miss] == [type(each) for each in events]
    assert [[2], [4]] == list(map(functools.partial(f, factor=2), [1, 2]))


def test_calls_of_objects(repo, events):
    """`__call__` and operators may be decorated; the object is an input."""
    assert ([10], [15], [10]) == (Called(2)(5), Called(3)(5), Called(2)(5))
    assert ([10], [15], [10]) == (Times(2) @ 5, Times(3) @ 5, Times(2) @ 5)
    assert [Miss, Miss, Hit] * 2 == [type(each) for each in events]


def decorated_members(decorate):
    """Classes of several makes with the same method under a decorator or two."""

    class Plain:
        def __init__(self, factor):
            self.factor = factor

        fit = decorate(Times.method)

    @dataclass
    class Data:
        factor: int
        fit = decorate(Times.method)

    @dataclass(frozen=True, slots=True)
    class Slotted:
        factor: int
        fit = decorate(Times.method)

    @attrs.define
    class Attrs:
        factor: int
        fit = decorate(Times.method)

    @attrs.frozen
    class Frozen:
        factor: int
        fit = decorate(Times.method)

    return Plain, Data, Slotted, Attrs, Frozen


ORDERS = {
    "alone": p.provenance(name="fit"),
    "above": lambda f: p.provenance(name="fit")(noting(f)),
    "below": lambda f: noting(p.provenance(name="fit")(f)),
    "between": lambda f: noting(p.provenance(name="fit")(noting(f))),
}


@pytest.mark.parametrize("order", sorted(ORDERS))
@pytest.mark.parametrize("index", range(5), ids=["plain", "dataclass", "slots", "attrs", "frozen"])
def test_methods_of_all_makes_of_classes(repo, events, order, index):
    """Objects are told apart by their values, and equal ones share."""
    kind = decorated_members(ORDERS[order])[index]
    assert ([10], [15], [10]) == (kind(2).fit(5), kind(3).fit(5), kind(2).fit(x=5))
    assert [10] == kind.fit(kind(2), 5)
    assert [Miss, Miss, Hit, Hit] == [type(each) for each in events]


class Base:
    """Static and class methods under other decorators."""

    rate = 2

    @staticmethod
    @noting
    @p.provenance()
    @noting
    def free(x):
        return [x]

    @classmethod
    @noting
    @p.provenance()
    @noting
    def named(cls, x):
        return [cls.rate * x]

    @noting
    @p.provenance()
    @noting
    async def later(self, x):
        await asyncio.sleep(0)
        return [x]

    @functools.cached_property
    @p.provenance()
    def once(self):
        return [self.rate]

    @functools.partialmethod
    @p.provenance()
    def unbound(self, x=4):
        return [x]

    doubled = functools.partialmethod(p.provenance(name="doubled")(Times.method), 2)
    factor = 3


class Child(Base):
    """Another rate."""

    rate = 3


def test_static_and_class_methods(repo):
    """On the class, on an object and on a child."""
    assert [1] == Base.free(1) == Base().free(1) == Child.free(x=1)
    assert ([4], [4], [6], [6]) == (
        Base.named(2),
        Base().named(2),
        Child.named(2),
        Child().named(2),
    )


def test_properties_and_partial_methods(repo):
    """`cached_property` and `partialmethod` keep the object."""
    assert ([2], [3]) == (Base().once, Child().once)
    assert ([4], [6]) == (Base().unbound(), Base().doubled())


def test_asynchronous_methods_between_decorators(repo):
    """A usual decorator hands the coroutine on, above and below; below it hides that there is one, and says so."""
    below = p.provenance(name="below")(noting(Base.later.__wrapped__.__wrapped__))

    @functools.wraps(below)
    async def kept(*args):
        return await below.__wrapped__(*args)

    assert [1] == asyncio.run(_await(p.provenance(name="kept")(kept)(Base(), 1)))


async def _await(awaitable):
    return await awaitable


def test_a_mock_can_be_decorated():
    """Looking for what it wraps comes to an end."""
    assert "of" in repr(
        p.provenance(name="mock")(Mock(__name__="mock", __qualname__="mock", __module__="m"))
    )

"""Functions of every kind, and what is known by its name."""

import copy
import functools
import math
import operator
from types import CellType, FunctionType, MethodType

import numpy as np

from hashing.values.builtin import RECORDS, Plain, Shade
from hashing.values.spelling import CHANGED, RESPELLED, changed, respelled


def capturing(captured, default):
    """A closure."""

    def inner(x, y=default, *, z=default):
        return [x, y, z, captured, 1]

    return inner


def calling(captured):
    """Functions that use each other, one of them in a circle."""

    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n != 0 and even(helper(n))

    def helper(n):
        return n - 1, captured

    return even


def of_a_module(**names):
    """A function that uses globals."""
    exec(
        compile(
            "def inner(x):\n    return helper(x) + RATE\ndef helper(x):\n    return RATE",
            "<made>",
            "exec",
        ),
        names,
    )
    return names["inner"]


@functools.lru_cache
def remembered(x):
    """A function that remembers."""
    return x


LEAVES = (
    lambda r: r.choice(
        [len, math.sin, operator.add, str.upper, dict.fromkeys, np.add, np.linalg.norm]
    ),
    lambda r: r.choice([*RECORDS, int, list, np.int8, np.float64, Shade]),
    lambda r: r.choice([list[int], dict[str, float], int | None]),
    lambda r: r.choice([math, operator, np]),
    lambda r: r.choice([remembered, capturing, Plain.both, lambda x: x, lambda x: x + 1]),
    lambda r: operator.itemgetter(r.randint(0, 9)),
)

MAKERS = (
    lambda r, make: capturing(make(), make()),
    lambda r, make: calling(make()),
    lambda r, make: of_a_module(RATE=make()),
    lambda r, make: MethodType(Plain.both, Plain(make(), make())),
    lambda r, make: functools.partial(capturing(make(), 1), make(), key=make()),
    lambda r, make: property(capturing(make(), 1)),
    lambda r, make: r.choice([staticmethod, classmethod])(capturing(make(), 1)),
)


def _rebuilt(it, captured, default, code=None):
    """The closure *it* at another place in another file, with another docstring and name."""
    places = {"co_filename": "elsewhere.py", "co_firstlineno": 77, "co_name": "other"}
    other = FunctionType(
        (code or it.__code__).replace(**places),
        it.__globals__,
        "other",
        (default,),
        (CellType(captured),),
    )
    other.__kwdefaults__ = {"z": default}
    other.__doc__ = "Other words."
    return other


def _function(r, it):
    if it.__code__.co_freevars != ("captured",):
        return it
    return _rebuilt(
        it, respelled(r, it.__closure__[0].cell_contents), respelled(r, it.__defaults__[0])
    )


def _changed_function(r, it):
    if it.__code__.co_freevars != ("captured",):
        return [it]
    captured, default = it.__closure__[0].cell_contents, it.__defaults__[0]
    way = r.randrange(3)
    if way == 0:
        return _rebuilt(it, changed(r, captured), default)
    if way == 1:
        return _rebuilt(it, captured, changed(r, default))
    constants = tuple(2 if each == 1 else each for each in it.__code__.co_consts)
    return _rebuilt(it, captured, default, it.__code__.replace(co_consts=constants))


def _partial(r, it):
    return functools.partial(it.func, *(respelled(r, each) for each in it.args), **it.keywords)


RESPELLED.update(
    {
        FunctionType: _function,
        MethodType: lambda r, it: MethodType(it.__func__, respelled(r, it.__self__)),
        property: lambda r, it: property(respelled(r, it.fget)),
        functools.partial: _partial,
    }
)
CHANGED.update(
    {
        FunctionType: [_changed_function],
        MethodType: [
            lambda r, it: MethodType(it.__func__, changed(r, it.__self__)),
            lambda _, it: MethodType(Plain.swapped, it.__self__),
            lambda _, it: it.__func__,
        ],
        property: [lambda r, it: property(changed(r, it.fget)), lambda _, it: it.fget],
        functools.partial: [
            lambda r, it: functools.partial(it.func, *it.args, None, **it.keywords),
            lambda r, it: functools.partial(changed(r, it.func), *it.args, **it.keywords),
            lambda _, it: copy.copy(it).func,
        ],
    }
)

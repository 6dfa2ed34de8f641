"""What a form that a user teaches for a type must keep, checked on values that hypothesis makes."""

from __future__ import annotations

import copy
import pickle
from importlib import import_module
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeVar

from provenance.hashing import hash_value
from provenance.showing import shown

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

_SOME = 8


def check_hasher(type_: type[T], strategy: SearchStrategy[T], *, max_examples: int = 200) -> None:
    """Check that instances of *type_* are hashed by value, on *max_examples* lists of what *strategy* makes.

    It is meant for the tests of who teaches a type by `register_hasher` or a method `value_repr`. The laws:

    - a value has the same hash each time, and hashing does not change it;
    - `copy.copy`, `copy.deepcopy` and a round trip through pickle do not change the hash;
    - if the type defines `==`: values have equal hashes exactly when they are equal. (A part that takes no part in `==` cannot
      count for the hash then; one that does cannot be left out.)

    Raises:
        AssertionError: for the first law that is broken, with the smallest value that hypothesis finds for it.
        TypeError: if *strategy* makes something else than instances of *type_*.
        UnhashableValueError: if a value cannot be hashed.

    >>> from fractions import Fraction
    >>> from hypothesis import strategies as st
    >>> check_hasher(Fraction, st.fractions(), max_examples=10)
    """
    hypothesis: Any = import_module("hypothesis")
    lists: Any = import_module("hypothesis.strategies").lists(strategy, min_size=1, max_size=_SOME)

    def holds(values: list[T]) -> None:
        for value in values:
            _check_one(type_, value)
        if getattr(type_, "__eq__", None) is not object.__eq__:
            for first, second in combinations(values, 2):
                _check_two(first, second)

    quiet = hypothesis.settings(max_examples=max_examples, deadline=None, database=None, print_blob=False)
    quiet(hypothesis.given(lists)(holds))()


def _check_one(type_: type[T], value: T) -> None:
    if not isinstance(value, type_):
        raise TypeError(f"the strategy made {shown(value)}, which is no {type_.__qualname__}")
    before = _state(value)
    digest = hash_value(value)
    _expect(digest == hash_value(value), "has another hash each time", value)
    _expect(before == _state(value), "is changed by being hashed", value)
    _expect(digest == hash_value(copy.copy(value)), "and its copy have different hashes", value)
    _expect(digest == hash_value(copy.deepcopy(value)), "and its deep copy have different hashes", value)
    again = pickle.loads(pickle.dumps(value))
    _expect(digest == hash_value(again), "and what it is pickled as have different hashes", value)


def _state(value: object) -> bytes:
    return pickle.dumps(value)


def _check_two(first: object, second: object) -> None:
    equal, alike = bool(first == second), hash_value(first) == hash_value(second)
    _expect(alike or not equal, f"equals {shown(second)}, but they have different hashes", first)
    _expect(equal or not alike, f"does not equal {shown(second)}, but they have the same hash", first)


def _expect(law: bool, broken: str, value: object) -> None:
    if not law:
        raise AssertionError(f"{shown(value)} {broken}")

"""Laws for custom hashers, checked on values that hypothesis generates."""

from __future__ import annotations

import copy
import pickle
from importlib import import_module
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeVar

from provenance.hashing import hash_value
from provenance.util.formatting import safe_repr

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

_MOST_VALUES = 8


def check_hasher(type_: type[T], strategy: SearchStrategy[T], *, max_examples: int = 200) -> None:
    """Check that instances of *type_* are hashed by value.

    Use it to test a type with a hasher (`register_hasher`) or a method `value_repr`. The laws:

    - a value has the same hash each time, and hashing does not change it;
    - `copy.copy`, `copy.deepcopy` and a round trip through pickle do not change the hash;
    - if the type defines `==`: values have equal hashes exactly when they are equal. (So parts that
      `==` ignores must not affect the hash, and parts that it compares must.)

    Args:
        type_: The type to check.
        strategy: Generates instances of *type_*.
        max_examples: Number of lists of instances to check.

    Raises:
        AssertionError: if a law is broken; shows the smallest counterexample that hypothesis finds.
        TypeError: if *strategy* generates something other than instances of *type_*.
        UnhashableValueError: if a value cannot be hashed.

    >>> from fractions import Fraction
    >>> from hypothesis import strategies as st
    >>> check_hasher(Fraction, st.fractions(), max_examples=10)
    """
    hypothesis: Any = import_module("hypothesis")
    strategies: Any = import_module("hypothesis.strategies")
    lists = strategies.lists(strategy, min_size=1, max_size=_MOST_VALUES)

    def check(values: list[T]) -> None:
        for value in values:
            _check_one(type_, value)
        if getattr(type_, "__eq__", None) is not object.__eq__:
            for first, second in combinations(values, 2):
                _check_two(first, second)

    settings = hypothesis.settings(
        max_examples=max_examples, deadline=None, database=None, print_blob=False
    )
    settings(hypothesis.given(lists)(check))()


def _check_one(type_: type[T], value: T) -> None:
    if not isinstance(value, type_):
        raise TypeError(
            f"the strategy made {safe_repr(value)}, which is not a {type_.__qualname__}"
        )
    before = pickle.dumps(value)
    digest = hash_value(value)
    _expect(digest == hash_value(value), value, "has a different hash each time")
    _expect(before == pickle.dumps(value), value, "is changed by hashing")
    copies = {
        "copy": copy.copy(value),
        "deep copy": copy.deepcopy(value),
        "pickled copy": pickle.loads(before),
    }
    for name, other in copies.items():
        _expect(digest == hash_value(other), value, f"and its {name} have different hashes")


def _check_two(first: object, second: object) -> None:
    are_equal, have_equal_hashes = bool(first == second), hash_value(first) == hash_value(second)
    problem = f"equals {safe_repr(second)}, but they have different hashes"
    _expect(have_equal_hashes or not are_equal, first, problem)
    problem = f"does not equal {safe_repr(second)}, but they have the same hash"
    _expect(are_equal or not have_equal_hashes, first, problem)


def _expect(law: bool, value: object, problem: str) -> None:
    if not law:
        raise AssertionError(f"{safe_repr(value)} {problem}")

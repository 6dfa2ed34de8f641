"""The check for authors of hashers accepts good ones and says what is wrong with bad ones."""

import itertools
from dataclasses import dataclass

import pytest
from hypothesis import strategies as st

from provenance.testing import check_hasher

_count = itertools.count()


class Base:
    def __init__(self, name, weights):
        self.name, self.weights = name, weights

    def __eq__(self, other):
        return (self.name, self.weights) == (other.name, other.weights)

    __hash__ = None

    def __repr__(self):
        return f"<{self.name!r} {self.weights}>"


class Good(Base):
    def value_repr(self):
        return self.name, self.weights


class Forgetful(Base):
    def value_repr(self):
        return self.weights


class ByAddress(Base):
    def value_repr(self):
        return id(self)


class Random(Base):
    def value_repr(self):
        return next(_count)


class Changing(Base):
    def value_repr(self):
        self.weights = sorted(self.weights)
        return self.name, self.weights


class Overdone(Base):
    def __eq__(self, other):
        return self.weights == other.weights

    __hash__ = None

    def value_repr(self):
        return self.name, self.weights


@dataclass
class Plain:
    x: float


def instances(kind):
    """Instances with few names and weights, so that some are equal."""
    return st.builds(kind, st.sampled_from("ab"), st.lists(st.integers(0, 2), max_size=2))


@pytest.mark.parametrize(
    ("kind", "strategy"), [(Good, instances(Good)), (Plain, st.builds(Plain, st.integers()))]
)
def test_a_good_hasher_passes(kind, strategy):
    """A form that keeps the laws is accepted."""
    check_hasher(kind, strategy)


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (Forgetful, "does not equal .* but they have the same hash"),
        (ByAddress, "and its copy have different hashes"),
        (Random, "has a different hash each time"),
        (Changing, "is changed by hashing"),
        (Overdone, "equals .* but they have different hashes"),
    ],
)
def test_a_bad_hasher_is_refused(kind, law):
    """The error says which law is broken, and by what value."""
    with pytest.raises(AssertionError, match=f"<.*> {law}"):
        check_hasher(kind, instances(kind))


def test_the_strategy_must_fit():
    """A strategy for something else is a mistake of the test."""
    with pytest.raises(TypeError, match="is not a Good"):
        check_hasher(Good, st.integers())

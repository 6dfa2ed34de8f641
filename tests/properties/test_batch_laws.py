"""Taking the members of a container together is only a quicker way to what taking them one by one gives."""

import datetime as dt
import decimal
import time
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

import attrs
import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing.values.code import capturing
from provenance.errors import UnhashableValueError
from provenance.hashing import Walk, combine, hash_value
from provenance.hashing.encoding import LONG, root_digest
from strategies import nested, scalars


@dataclass
class Pair:
    left: object
    right: object


class Plain:
    """An object whose attributes differ from one to the next."""

    def __init__(self, attributes):
        vars(self).update(attributes)


class Slotted:
    """An object one of whose slots may be empty."""

    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left = left
        if right is not None:
            self.right = right


@attrs.frozen
class Frozen:
    """An object with slots that a library made."""

    left: object
    right: object


class Named(NamedTuple):
    """A tuple with names."""

    left: object
    right: object


class Twice(NamedTuple):
    """A tuple with names that yields what it has twice."""

    left: object
    right: object

    def __iter__(self):
        yield from (self[0], self[1], self[0], self[1])


class Model(pydantic.BaseModel):
    """A model."""

    left: object
    right: object = 1


names = st.sampled_from("ab")
moments = st.datetimes(timezones=st.none() | st.just(dt.UTC) | st.timezones())
leaves = (
    scalars
    | moments
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals()
    | st.fractions()
    | st.uuids()
    | st.complex_numbers()
    | st.text(max_size=3).map(PurePosixPath)
    | st.integers(0, 9).map(range)
    | st.floats().map(np.float64)
    | st.integers(-9, 9).map(np.int8)
    | st.booleans().map(np.bool_)
    | st.text("ab", max_size=3).map(np.str_)
    | st.integers(0, 9).map(lambda days: np.datetime64(days, "D"))
    | st.lists(st.floats(), max_size=3).map(np.array)
    | st.lists(names, max_size=3).map(lambda each: np.array(each, object))
)
keys = st.integers(-(1 << 70), 1 << 70) | st.floats() | st.text(st.characters(), max_size=2)
mixed = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.tuples(inner, inner)
        | st.dictionaries(names, inner)
        | st.dictionaries(keys, inner, max_size=3)
        | st.sets(keys, max_size=4)
        | st.frozensets(keys, max_size=4)
        | st.dictionaries(names, inner).map(Plain)
        | st.builds(Slotted, inner, st.none() | inner)
        | st.builds(Frozen, inner, inner)
        | st.builds(Named, inner, inner)
        | st.builds(Pair, inner, inner)
        | st.builds(Model, left=inner)
        | st.builds(Model, left=inner, right=inner)
    ),
    max_leaves=30,
)


@given(st.lists(mixed, min_size=4, max_size=12))
def test_values_of_several_types_are_what_each_is_alone(values):
    """A list of anything has the digest that a walk by ones gives it, and holds the items of its members."""
    together = Walk().item(values)
    assert root_digest(together) == root_digest(Walk(by_ones=True).item(values))
    alone = combine("list", [item_alone(value) for value in values])
    assert root_digest(together) == alone


def item_alone(value):
    """The item of a value of which no other is known."""
    return Walk(by_ones=True).item(value)


rows = st.one_of(
    st.lists(
        st.tuples(nested, nested).map(lambda two: {"a": two[0], "b": two[1]}),
        min_size=8,
        max_size=12,
    ),
    st.lists(st.lists(nested, max_size=3), min_size=8, max_size=12),
    st.lists(st.tuples(nested, scalars), min_size=8, max_size=12),
    st.lists(st.builds(Pair, nested, scalars), min_size=8, max_size=12),
    st.lists(st.dictionaries(st.sampled_from("ab"), nested), min_size=8, max_size=12),
)


@given(rows)
def test_together_and_one_by_one_agree(values):
    """A container of many values of one type has the digest that a walk by ones gives it."""
    assert root_digest(Walk(by_ones=True).item(values)) == root_digest(Walk().item(values))


@given(rows)
def test_members_that_are_shared_count_as_copies(values):
    """Whether rows occur once or are met again elsewhere in the value is no part of it."""
    again = [[Pair(row, row), list(values), row] for row in values]
    assert root_digest(Walk(by_ones=True).item(again)) == root_digest(Walk().item(again))


def test_an_attribute_that_is_no_field_counts_in_a_batch():
    """One object of many that holds more, or less, than its fields is no reason to forget about it."""
    plain, more, less = ([Pair(i, i) for i in range(10)] for _ in range(3))
    more[3].extra = 1
    del less[3].right
    less[3].other = 3
    assert len({hash_value(plain), hash_value(more), hash_value(less)}) == 3
    for values in (plain, more, less):
        assert root_digest(Walk(by_ones=True).item(values)).hex() == hash_value(values)


def test_a_named_tuple_that_iterates_otherwise():
    """Named tuples whose class says what they yield are hashed by that, among many too."""
    values = [Twice(i, [i]) for i in range(9)]
    assert root_digest(Walk(by_ones=True).item(values)).hex() == hash_value(values)
    assert hash_value(values) != hash_value([Twice(i, [0]) for i in range(9)])


def test_a_string_like_key_is_not_a_string():
    """A dict among many whose key is of a subclass of str differs from the others."""

    class Text(str):
        __slots__ = ()

    rows = [{"a": i, "b": i} for i in range(10)]
    assert hash_value(rows) != hash_value([{Text("a"): 0, "b": 0}, *rows[1:]])


@pytest.mark.parametrize(
    "make",
    [lambda each: [each] * 9, lambda each: [[each], *({"a": each, "b": i} for i in range(9))]],
)
def test_shared_parts_are_walked_once(make):
    """Forty levels, each with nine references to the one below, take no time: nothing is walked for each path to it."""
    value = ["bottom", object]
    for _ in range(40):
        value = make(value)
    begin = time.process_time()
    assert len(hash_value(value)) == 40
    assert time.process_time() - begin < 5  # by paths it would be 9 to the power of 40


def test_shared_rows_in_separate_batches_are_walked_once():
    """Two lists of the same eight rows, at each of thirty levels, are no doubling at each level."""
    rows = [[str(i), [i]] for i in range(8)]
    for _ in range(30):
        rows = [[list(rows), list(rows)], *([[row], i] for i, row in enumerate(rows[1:]))]
    assert len(hash_value(rows)) == 40


def test_parts_at_several_depths_are_walked_once():
    """What is met on a short and on a long way, at each of sixty levels, is no doubling at each level."""
    value = [[str(i)] for i in range(4)]
    for _ in range(60):
        value = [value, [value], [[value]], [1]]
    begin = time.process_time()
    assert len(hash_value(value)) == 40
    assert time.process_time() - begin < 5


def test_many_rows_in_a_circle_are_refused_soon():
    """Ten thousand objects that know their parent are refused at the first of them, not level by level."""
    parent = Plain({"children": []})
    parent.children += [Plain({"parent": parent, "id": i}) for i in range(10_000)]
    begin = time.process_time()
    with pytest.raises(UnhashableValueError, match="contains itself"):
        hash_value(parent)
    assert time.process_time() - begin < 5


def test_objects_that_are_met_again_are_hashed_once(monkeypatch):
    """A thousand references to three tables cost three tables."""
    asked = []

    class Table:
        def value_repr(self):
            asked.append(self)
            return 1

    tables = [Table() for _ in range(3)]
    hash_value([tables * 100, {"again": tables, "and": tables}])
    assert len(asked) == 3


def test_the_context_of_decimals_does_not_count():
    """How a context writes exponents is no part of a number."""
    numbers = [decimal.Decimal(text) for text in ("1E+9", "-0E-7", "sNaN12", "-Infinity", "1.50")]
    assert len(set(map(hash_value, numbers))) == len(numbers)
    with decimal.localcontext() as context:
        context.capitals = 0
        context.prec = 1
        inside = [hash_value(numbers), *map(hash_value, numbers)]
    assert inside == [hash_value(numbers), *map(hash_value, numbers)]


def test_keys_and_members_without_an_order_go_by_their_encoding():
    """Wide integers, lone surrogates, NaNs and nested tuples stand among others in any order."""
    members = [1 << 70, -5, "\ud800", "a", (1, 2), (2, 1), 1.5, None, True, b"a", frozenset({1})]
    expected = {hash_value(set(order)) for order in (members, members[::-1])}
    assert len(expected) == 1
    mapping = dict.fromkeys(members, 1)
    assert hash_value(mapping) == hash_value(dict.fromkeys(reversed(members), 1))
    one, other = float("nan"), float("nan")
    assert hash_value({one: 1, other: 2}) == hash_value({other: 2, one: 1})
    assert hash_value({one: 1, other: 2}) != hash_value({one: 1, other: 1})


def test_the_way_to_what_has_no_value_is_named_in_a_batch():
    """A refused part among many rows is named by its path, as anywhere."""
    rows = [{"id": i, "load": [i, object()]} for i in range(20)]
    rows[13]["load"][1] = iter([1])
    with pytest.raises(UnhashableValueError) as caught:
        hash_value(rows)
    assert "value[13]['load'][1]" in str(caught.value)


def test_rows_that_contain_themselves_are_refused():
    """A cycle through many rows is an error that says so."""
    rows = [{"id": i, "all": None} for i in range(20)]
    for row in rows:
        row["all"] = [rows]
    with pytest.raises(UnhashableValueError, match="contains itself"):
        hash_value(rows)


@pytest.mark.parametrize("depth", [10_000, 100_000])
@pytest.mark.parametrize(
    "wrap", [lambda inner: [inner], lambda inner: (inner,), lambda inner: {"a": inner}]
)
def test_deep_nesting_is_refused(wrap, depth):
    """What is nested deeper than the interpreter can follow is an error, and no crash."""
    value = 1
    for _ in range(depth):
        value = wrap(value)
    with pytest.raises(UnhashableValueError, match="nested too deeply"):
        hash_value(value)


def test_nesting_of_a_hundred_levels_is_hashed():
    """Every interpreter follows a hundred levels, of containers and of functions that captured each other."""
    nested = captured = 1
    for _ in range(100):
        nested, captured = [nested], capturing(captured, 1)
    assert (
        len(
            {
                hash_value(nested),
                hash_value([nested]),
                hash_value(captured),
                hash_value(capturing(captured, 1)),
            }
        )
        == 4
    )


@pytest.mark.parametrize(
    "text", ["é" * LONG, b"x" * LONG, "a\ud800" * (LONG // 2)], ids=["str", "bytes", "surrogates"]
)
def test_long_texts_are_told_apart(text):
    """A long str or bytes counts by all of its content, alone and in a container, in a batch and out of it."""
    other = text[:-1] + text[:1]
    assert hash_value(text) == hash_value(text[:5] + text[5:])
    assert (
        len(
            {
                hash_value(text),
                hash_value(other + text[-1:]),
                hash_value(text[:-1]),
                hash_value([text]),
            }
        )
        == 4
    )
    rows = [(text, i) for i in range(8)]
    assert root_digest(Walk(by_ones=True).item(rows)).hex() == hash_value(rows)

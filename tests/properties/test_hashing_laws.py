"""The laws of value identity, over generated values."""

import copy
import math
import pickle
import sys
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pyrsistent as pyr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.hashing import Child, combine, digest, hash_value


@dataclass(frozen=True)
class Sample:
    a: object
    b: object = 2


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(1 << 80), max_value=1 << 80)
    | st.floats()
    | st.text(st.characters(), max_size=5)  # lone surrogates too
    | st.binary(max_size=5)
)
keys = scalars | st.complex_numbers() | st.fractions() | st.dates() | st.datetimes() | st.uuids()
leaves = keys | st.decimals()  # a signalling NaN has no `hash()`
hashables = st.recursive(
    keys, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5
)


def _extend(inner):
    return (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.dictionaries(hashables, inner, max_size=4)
        | st.sets(hashables, max_size=4)
        | st.builds(Sample, inner, inner)
        | st.builds(deque, st.lists(inner, max_size=3))
        | st.lists(inner, max_size=3).map(pyr.pvector)
    )


values = st.recursive(leaves | hashables, _extend, max_leaves=12)
dtypes = st.sampled_from(["<i8", "<f4", "|b1", "|S3", "<U2", "<M8[s]", "<c16", "|u1"])
arrays = st.builds(
    lambda shape, dtype, seed: np.random.default_rng(seed).integers(0, 2, shape).astype(dtype),
    st.lists(st.integers(0, 4), max_size=3),
    dtypes,
    st.integers(0, 9),
)


@given(values | arrays)
def test_copies_agree(value):
    """A copy, a deep copy and a pickled copy have the digest of the original."""
    copies = [copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))]
    assert [digest(value)] * 3 == [digest(one) for one in copies]


@given(values)
def test_sharing_is_invisible(value):
    """Whether two places hold one object or two equal ones makes no difference."""
    assert digest([value, copy.deepcopy(value)]) == digest([value, value])


@given(values)
def test_a_node_holds_the_digests_of_its_parts(value):
    """The digest of a container follows from the digests of the nodes in it."""
    boxed = [value]
    assert combine("list", [Child(digest(boxed))]) == digest([boxed])


@given(st.dictionaries(hashables | st.text(), values, max_size=6), st.randoms())
def test_order_of_a_dict_is_invisible(value, random):
    """Entries may come in any order."""
    entries = list(value.items())
    random.shuffle(entries)
    assert digest(value) == digest(dict(entries))
    assert digest(Counter(value)) == digest(Counter(dict(entries)))
    assert digest(pyr.pmap(value)) == digest(pyr.pmap(dict(entries)))


@given(st.lists(hashables, max_size=8, unique=True), st.randoms())
def test_order_of_a_set_is_invisible(members, random):
    """Members may be added in any order, and so may those of the sets among them."""
    shuffled = random.sample(members, len(members))
    assert digest(set(members)) == digest(set(shuffled))
    assert digest(pyr.pset(members)) == digest(pyr.pset(shuffled))


@given(st.lists(st.integers(), min_size=2, unique=True), st.randoms())
def test_order_of_a_sequence_counts(members, random):
    """Another order is another list, deque and ordered dict."""
    shuffled = random.sample(members, len(members))
    for kind in (list, tuple, deque, OrderedDict.fromkeys, pyr.pvector):
        assert (members == shuffled) == (digest(kind(members)) == digest(kind(shuffled)))


@given(st.lists(scalars, min_size=1), st.data())
def test_a_changed_element_counts(members, data):
    """Another element anywhere gives another digest; the same element gives the same."""
    at = data.draw(st.integers(0, len(members) - 1))
    other = data.draw(scalars)
    changed = [*members[:at], other, *members[at + 1 :]]
    assert (digest(members[at]) == digest(other)) == (digest(members) == digest(changed))


@given(scalars, scalars)
def test_scalars_agree_only_when_equal(one, other):
    """Two scalars share a digest if they are of one type and equal bit by bit, or both NaN."""
    if type(one) is float and type(other) is float:
        same = (math.isnan(one) and math.isnan(other)) or one.hex() == other.hex()
    else:
        same = type(one) is type(other) and one == other
    assert same == (digest(one) == digest(other))


@given(st.lists(scalars, max_size=5))
def test_kinds_of_containers_differ(members):
    """A list, a tuple, a deque and a vector of the same elements differ, and so do a set and a frozenset."""
    kinds: tuple = (list, tuple, deque, pyr.pvector, set, frozenset, pyr.pset)
    assert len(kinds) == len({digest(kind(members)) for kind in kinds})


@given(st.text(min_size=1), st.text(min_size=1))
def test_strings_do_not_run_together(one, other):
    """Where one string ends and the next begins counts."""
    assert digest([one + other, ""]) != digest([one, other])
    assert digest([one, other]) != digest([one + other])


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_interning_is_invisible(text):
    """An interned string and its equals agree, as elements and as keys."""
    fresh = "".join(list(text))
    assert digest([sys.intern(text), {text: 1}]) == digest([fresh, {fresh: 1}])


@given(arrays)
def test_layout_of_an_array_is_invisible(array):
    """Order and strides in memory are no part of the value."""
    every_other = (*(slice(None, None, 2) for _ in array.shape), ...)
    gaps = np.zeros([2 * size for size in array.shape], array.dtype)[every_other]
    gaps[...] = array
    assert {digest(array)} == {
        digest(np.array(array, order="F")),
        digest(gaps),
        digest(array.T.copy().T),
    }


@given(arrays, arrays)
def test_arrays_agree_only_when_all_is_equal(one, other):
    """Arrays share a digest if dtype, shape and bytes are the same."""
    same = (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    assert same == (digest(one) == digest(other))


@given(st.lists(st.integers(-5, 5), min_size=1), st.lists(st.floats(), min_size=1))
def test_blocks_of_a_frame_are_invisible(ints, floats):
    """A frame made at once and one made column by column agree; another name of a column counts."""
    size = min(len(ints), len(floats))
    data = {"a": np.array(ints[:size]), "b": np.array(floats[:size]), "c": np.array(ints[:size])}
    whole = pd.DataFrame(data)
    grown = pd.DataFrame({"a": data["a"]})
    grown["b"], grown["c"] = data["b"], data["c"]
    assert digest(whole) == digest(grown)
    assert digest(whole) != digest(whole.rename(columns={"a": "z"}))


@given(st.decimals(), st.fractions())
def test_numbers_of_other_types_differ(number, fraction):
    """A number of one type is not the equal number of another."""
    assert digest(number) != digest(str(number))
    assert digest(fraction) != digest(Fraction(fraction).numerator)
    assert digest(Decimal(0)) != digest(Fraction(0)) != digest(0)


@given(values)
def test_hash_is_the_digest_in_hexadecimal(value):
    """`hash_value` gives 40 lower-case digits."""
    assert digest(value).hex() == hash_value(value)
    assert 40 == len(hash_value(value))


@pytest.mark.parametrize("bits", ["7ff8000000000001", "fff8000000000000", "7ff0000000000001"])
def test_every_nan_agrees(bits):
    """Sign and payload of a NaN do not count, wherever it stands."""
    nan = np.frombuffer(bytes.fromhex(bits), ">f8").astype("f8")[0].item()
    for box in (
        lambda x: x,
        lambda x: [x],
        lambda x: [x, "a"],
        lambda x: {"a": x},
        lambda x: {x},
        lambda x: (x, [x]),
    ):
        assert digest(box(math.nan)) == digest(box(nan))

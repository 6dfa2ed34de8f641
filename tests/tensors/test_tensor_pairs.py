"""The laws of `properties.test_hash_pairs`, with tensors and modules among the values."""

import random

from hypothesis import given
from hypothesis import strategies as st

from hashing import values
from provenance.hashing import hash_value
from tensors import tensor_values


def nested(r, depth=2):
    """A tensor or module, or a value of any family with some in it."""
    if depth == 0 or r.random() < 0.3:
        return r.choice(tensor_values.MAKERS)(r, None)
    return r.choice(values.MAKERS)(r, lambda: nested(r, depth - 1))


@given(st.integers(0, 1 << 62))
def test_equal_values_agree_and_changed_ones_differ(seed):
    """However a value is spelled its hash is the same; whatever one thing of it changes, its hash changes."""
    r = random.Random(seed)
    for _ in range(10):
        value = nested(r)
        digest = hash_value(value)
        other = values.respelled(r, value)
        assert digest == hash_value(other), (value, other)
        different = values.changed(r, value)
        assert digest != hash_value(different), (value, different)

"""Pairs of equal values have equal hashes and pairs that differ in one thing have different ones, over all families.

Each example is a batch: a hundred of the default run check some thousands of pairs, those of `make properties` a million.
"""

import os
import random
import subprocess
import sys
from pathlib import Path

import cloudpickle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing import values
from provenance.hashing import hash_value

MEMBERS = 100 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 15
seeds = st.integers(0, 1 << 62)


def batch(seed, members=MEMBERS):
    """Values of all families, and what made them."""
    r = random.Random(seed)
    return [(r, values.value(r)) for _ in range(members)]


@given(seeds)
def test_equal_values_agree_and_changed_ones_differ(seed):
    """However a value is spelled its hash is the same; whatever one thing of it changes, its hash changes."""
    for r, value in batch(seed):
        digest = hash_value(value)
        other = values.respelled(r, value)
        assert digest == hash_value(other), (value, other)
        different = values.changed(r, value)
        assert digest != hash_value(different), (value, different)


@pytest.mark.parametrize("seed", ["0", "1", "77"])
def test_other_processes_agree(seed):
    """A process with another hash seed derives the same digests from pickles of the values."""
    made = [value for number in range(20) for _, value in batch(number, 25)]
    code = (
        "import pickle, sys; from provenance.hashing import hash_value;"
        "print(*map(hash_value, pickle.load(sys.stdin.buffer)))"
    )
    path = os.pathsep.join([str(Path(values.__file__).parents[2]), *sys.path])
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        input=cloudpickle.dumps(made),
        capture_output=True,
        check=True,
    )
    assert list(map(hash_value, made)) == done.stdout.decode().split()

"""Hashing a large array takes no memory worth mentioning."""

import subprocess
import sys

import pytest

CODE = """
import resource
import sys
import numpy as np
from provenance.hashing import hash_value
hash_value(np.zeros(1 << 20))
whole = np.ones(1 << 25)
value = {}
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 20 if sys.platform == "darwin" else 1 << 10)
before = peak()
hash_value(value)
print(peak() - before)
"""


@pytest.mark.parametrize(
    "value",
    ["whole", "whole[::2]", "np.asfortranarray(whole.reshape(1 << 12, -1))", "{'a': [whole]}"],
)
def test_an_array_is_not_copied(value):
    """Of 256 MiB less than 64 MiB are ever held a second time, contiguous or not."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(value)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 64

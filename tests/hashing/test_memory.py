"""Hashing a large array takes no memory worth mentioning."""

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import numpy as np
from pathlib import Path
from provenance.hashing import hash_value
hash_value(np.zeros(1 << 20))
whole = np.ones(1 << 25)
value = {}
Path("/proc/self/clear_refs").write_text("5")
def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
before = status("VmRSS")
hash_value(value)
print((status("VmHWM") - before) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is read from Linux' /proc")
@pytest.mark.parametrize(
    "value", ["whole", "whole[::2]", "np.asfortranarray(whole.reshape(1 << 12, -1))", "{'a': [whole]}"]
)
def test_an_array_is_not_copied(value):
    """Of 256 MiB less than 64 MiB are ever held a second time, contiguous or not."""
    done = subprocess.run([sys.executable, "-c", CODE.format(value)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 64

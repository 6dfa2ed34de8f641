"""The promise that digests never change."""

import json
import os
import subprocess
import sys

import pytest

from golden.make_hashes import TABLE, VALUES
from provenance.hashing import hash_value

EXPECTED = json.loads(TABLE.read_text())
EQUAL = {
    "arrays: shape 4": "empty array",
    "bytearray": "containers: bytearray 1",
    "containers: dict 0": "empty dict",
    "containers: set 0": "empty set",
    "containers: set 2": "set of int",
    "containers: set 3": "set of str",
    "containers: tuple 0": "empty tuple",
    "containers: view 1": "mappingproxy",
    "date": "standard: date 1",
    "decimal nan": "standard: decimal 5",
    "fortran array": "int array",
    "pattern": "standard: pattern 1",
    "standard: time 1": "time",
    "standard: zone 2": "timezone",
}
"""Names of equal values."""


def test_the_table_and_the_values_name_the_same():
    """No value is left out of the table, and none is gone."""
    assert set(EXPECTED) == set(VALUES)
    assert len(EXPECTED) >= 300


@pytest.mark.parametrize("name", EXPECTED)
def test_digest_is_what_it_always_was(name):
    """The digest of each value is the one that was written down."""
    assert EXPECTED[name] == hash_value(VALUES[name])


def test_only_equal_values_share_a_digest():
    """In the whole table two names share a digest only where they name equal values."""
    names = {digest: name for name, digest in EXPECTED.items()}
    twice = {name: names[digest] for name, digest in EXPECTED.items() if name != names[digest]}
    assert EQUAL == twice


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_other_processes_agree(seed):
    """A fresh process with another hash seed derives the same table."""
    code = (
        "import json; from golden.make_hashes import VALUES; from provenance.hashing import hash_value;"
        "print(json.dumps({name: hash_value(value) for name, value in VALUES.items()}))"
    )
    path = os.pathsep.join([str(TABLE.parent.parent), *sys.path])
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert EXPECTED == json.loads(done.stdout)

"""NumPy and its friends read a result's own memory, by the value's own dtype, or nothing at all."""

import pytest

import provenance as p
from processes import printed

PROGRAM = """
import sys
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import provenance as p
from provenance.testing import in_memory

VALUES = {
    "strings": np.array(["apple", "b", "pear"]),
    "bytes": np.array([b"apple", b"b", b"pear"]),
    "dates": np.array(["2020-01-01", "2020-01-02", "NaT"], dtype="M8[D]"),
    "durations": np.array([1, 2, 3], dtype="m8[s]"),
    "records": np.array([(1, 2.5), (3, 4.5), (5, 6.5)], dtype=[("a", int), ("b", float)]),
    "objects": np.array(["apple", None, 3], dtype=object),
    "bools": np.array([True, False, True]),
    "swapped": np.array([1, 2, 3], dtype=">i4"),
    "views": np.arange(9)[::3],
}
PLAYED = {
    "asarray": lambda x: np.asarray(x),
    "array": lambda x: np.array(x),
    "copy": lambda x: np.array(x, copy=True),
    "asanyarray": lambda x: np.asanyarray(x),
    "ascontiguousarray": lambda x: np.ascontiguousarray(x),
    "objects": lambda x: np.asarray(x, dtype=object),
    "stack": lambda x: np.stack([x, x]),
    "nested": lambda x: np.array([x, x]),
    "concatenate": lambda x: np.concatenate([x, x]),
    "equal": lambda x: np.array_equal(x, x),
    "series": lambda x: pd.Series(x).to_numpy(),
    "frame": lambda x: pd.DataFrame({"x": list(x)})["x"].to_numpy(),
    "index": lambda x: pd.Index(np.asarray(x).tolist()).to_numpy(),
    "arrow": lambda x: pa.array(np.asarray(x).tolist()).to_pylist(),
    "list": lambda x: x.tolist(),
}


def outcome(play, value):
    try:
        found = play(value)
    except Exception as error:
        return type(error).__name__
    return type(found).__name__, getattr(found, "dtype", None), str(getattr(found, "tolist", lambda: found)())


kind = sys.argv[1]
value = VALUES[kind]
with in_memory():
    result = p.provenance(name=kind)(lambda: value)
    miss, hit = result(), result()
    for name, play in PLAYED.items():
        expected = outcome(play, value.copy())
        for which, x in (("miss", miss), ("hit", hit)):
            found = outcome(play, x)
            if found != expected:
                print(f"{name} of a {which}: {found} instead of {expected}")
    for name in ("__array_struct__", "__array_interface__"):
        assert not hasattr(hit, name), name
"""
KINDS = [
    "strings",
    "bytes",
    "dates",
    "durations",
    "records",
    "objects",
    "bools",
    "swapped",
    "views",
]


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_any_dtype_are_read_as_they_are(kind):
    """What NumPy, pandas and Arrow make of a result is what they make of its value: a process of its own, as it may crash."""
    assert "" == printed(PROGRAM, kind)


class Dot(dict):
    """A dictionary whose keys are attributes: it has an answer for every attribute."""

    __getattr__ = dict.get


class Counting:
    """Counts how often a missing attribute is asked for."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, name):
        if name.startswith("_") or name == "asked":
            raise AttributeError(name)
        self.asked.append(name)
        raise AttributeError(name)


def test_the_proxy_machinery_asks_the_value_nothing(memory_repo):
    """A value that answers every attribute is read without error: hooks of the proxy's own library do not reach it."""
    make = p.provenance(name="dot")(lambda: Dot(a=1))
    make()
    assert {"a": 1} == dict(make())
    assert 1 == make().a
    assert None is make().missing


def test_a_missing_attribute_is_asked_for_once(memory_repo):
    """As of the value itself: `__getattr__` may have effects."""
    x = p.provenance(name="counting")(Counting)()
    with pytest.raises(AttributeError):
        _ = x.missing
    assert ["missing"] == x.asked

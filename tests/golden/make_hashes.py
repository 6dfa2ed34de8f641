"""Values whose digests are promised for ever. `python make_hashes.py` writes hashes.json: a change to it is a breaking change.

None of the values depends on the version of Python, NumPy or pandas.
"""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import fractions
import functools
import json
import math
import pathlib
import re
import sys
import types
import uuid
import zoneinfo
from array import array
from dataclasses import dataclass

import attrs
import numpy as np
import pandas as pd
import pyrsistent as pyr
from scipy import sparse
from sklearn.utils import Bunch

from golden.families import FAMILIES

TABLE = pathlib.Path(__file__).with_name("hashes.json")


class Text(str):
    __slots__ = ()


class Members(set):
    pass


class Plain:
    def __init__(self, **state):
        self.__dict__.update(state)


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a, self.b = 1, [2]


@dataclass(frozen=True)
class Point:
    x: int
    y: float


@attrs.frozen
class Pair:
    left: object
    right: object


class Level(enum.IntEnum):
    LOW = 1


class Shade(enum.Enum):
    RED = "r"


Named = collections.namedtuple("Named", "a b")  # noqa: PYI024 - the untyped kind counts too
_classes = sys.modules.setdefault("golden_classes", types.ModuleType("golden_classes"))
for _kind in (Text, Members, Plain, Slotted, Point, Pair, Level, Shade, Named):
    _kind.__module__ = "golden_classes"  # whatever the name under which this file is imported
    # Imported under a second name, it has the classes of the first, to which their names lead.
    globals()[_kind.__name__] = vars(_classes).setdefault(_kind.__name__, _kind)

BUILTINS = {
    "none": None,
    "true": True,
    "false": False,
    "zero": 0,
    "one": 1,
    "minus one": -1,
    "largest int of MessagePack": (1 << 64) - 1,
    "first wide int": 1 << 64,
    "smallest int of MessagePack": -(1 << 63),
    "first wide negative int": -(1 << 63) - 1,
    "huge int": 10**50,
    "float zero": 0.0,
    "float minus zero": -0.0,
    "float one": 1.0,
    "nan": math.nan,
    "infinity": math.inf,
    "tiny": 5e-324,
    "empty str": "",
    "str": "abc",
    "unicode": "żółć 🐍",
    "lone surrogate": "a\ud800b",
    "bytes": b"abc",
    "complex": 1 - 2j,
    "empty list": [],
    "list": [1, 2.5, "a", None, True, b"x"],
    "list of floats with nan": [1.0, math.nan],
    "mixed list with wide int": ["a", 1 << 70, math.nan],
    "nested list": [[1, [2]], (3,)],
    "empty tuple": (),
    "tuple": (1, "a"),
    "empty dict": {},
    "dict of one": {"a": 1},
    "dict": {"b": 2, "a": [1]},
    "dict of many": {str(number): number for number in range(40)},
    "dict by int": {2: "b", 1: "a"},
    "dict of mixed keys": {1: "a", "b": (2,), (3, 4): None},
    "empty set": set(),
    "set of str": {"b", "a"},
    "set of int": {3, 1, 2},
    "set of mixed": {1, "a", (2,), None},
    "frozenset": frozenset({b"b", b"a"}),
    "set of frozensets": {frozenset({1}), frozenset({2, 3})},
    "range": range(1, 10, 3),
    "slice": slice(1, None, 2),
    "ellipsis": ...,
    "not implemented": NotImplemented,
    "bytearray": bytearray(b"abc"),
    "memoryview": memoryview(b"abc"),
    "type": int,
    "module": json,
    "builtin function": len,
    "exception": ValueError("x", 1),
    "mappingproxy": types.MappingProxyType({"a": 1}),
    "namespace": types.SimpleNamespace(a=1),
}

STANDARD = {
    "date": dt.date(2024, 2, 29),
    "time": dt.time(1, 2, 3, 4),
    "naive datetime": dt.datetime(2024, 1, 1, 12),  # noqa: DTZ001 - naive on purpose
    "datetime in utc": dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC),
    "second datetime of a fold": dt.datetime(
        2024, 10, 27, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")
    ),
    "timedelta": dt.timedelta(days=-1, microseconds=1),
    "timezone": dt.timezone(dt.timedelta(hours=1), "X"),
    "decimal": decimal.Decimal("1.20"),
    "decimal nan": decimal.Decimal("NaN"),
    "fraction": fractions.Fraction(1, 3),
    "uuid": uuid.UUID(int=5),
    "path": pathlib.PurePosixPath("/a/b.txt"),
    "pattern": re.compile("a+", re.IGNORECASE),
    "array": array("d", [1.0, 2.0]),
    "partial": functools.partial(max, 1, key=abs),
    "ordered dict": collections.OrderedDict([("b", 1), ("a", 2)]),
    "counter": collections.Counter("abca"),
    "defaultdict": collections.defaultdict(list, {"a": [1]}),
    "deque": collections.deque([1, 2], maxlen=3),
    "chain map": collections.ChainMap({"a": 1}, {"b": 2}),
}

CLASSES = {
    "str of a subclass": Text("abc"),
    "set of a subclass": Members({1, "a"}),
    "object": Plain(b=2, a=1),
    "object with slots": Slotted(),
    "dataclass": Point(1, 2.0),
    "attrs class": Pair(1, [2]),
    "int enum": Level.LOW,
    "enum": Shade.RED,
    "namedtuple": Named(1, [2]),
    "class": Plain,
    "pmap": pyr.pmap({"b": 2, "a": 1}),
    "pset": pyr.pset([1, "a"]),
    "pvector": pyr.pvector([1, 2]),
}

ARRAYS = {
    "int array": np.arange(6, dtype="<i8").reshape(2, 3),
    "fortran array": np.asfortranarray(np.arange(6, dtype="<i8").reshape(2, 3)),
    "big-endian array": np.arange(3, dtype=">i4"),
    "float array": np.array([0.0, -0.0, np.nan]),
    "bool array": np.array([True, False]),
    "empty array": np.zeros((0, 3)),
    "array of no dimension": np.array(3.0),
    "array of text": np.array(["ab", "c"]),
    "array of times": np.array(["2024-01-01"], "M8[D]"),
    "array of objects": np.array([1, "a", None], dtype=object),
    "array of records": np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")]),
    "masked array": np.ma.masked_array([1, 2, 3], mask=[0, 1, 0]),
    "numpy float": np.float64(1.0),
    "numpy bool": np.bool_(True),
    "dtype": np.dtype("<f8"),
    "series": pd.Series([1, 2], index=["a", "b"], name="s", dtype="int64"),
    "frame": pd.DataFrame({"a": np.arange(2, dtype="int64"), "b": ["x", None]}),
    "frame with doubled names": pd.DataFrame(np.ones((1, 2)), columns=["a", "a"]),
    "categorical": pd.Categorical(["a", "b", "a"]),
    "nullable ints": pd.array([1, None], dtype="Int64"),
    "times with a zone": pd.date_range("2024", periods=2, tz="Europe/Berlin", unit="ns"),
    "range index": pd.RangeIndex(3),
    "multi-index": pd.MultiIndex.from_product([[1, 2], ["a"]], names=["x", None]),
    "intervals": pd.arrays.IntervalArray.from_breaks([0, 1, 2]),
    "timestamp": pd.Timestamp("2024-01-01").as_unit("ns"),
    "not a time": pd.NaT,
    "sparse matrix": sparse.csr_matrix(([2.0, 1.0], ([0, 0], [1, 0])), shape=(1, 2)),
    "sparse array": sparse.coo_array(([1, 2], ([0, 1], [1, 0])), shape=(2, 2), dtype="int64"),
    "bunch": Bunch(b=2, a=[1]),
}

VALUES: dict[str, object] = {**BUILTINS, **STANDARD, **CLASSES, **ARRAYS, **FAMILIES}


def main() -> None:
    """Write the table anew."""
    from provenance.hashing import hash_value

    table = {name: hash_value(value) for name, value in VALUES.items()}
    TABLE.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()

"""More golden values, family by family: the same few contents in each of the forms that a family has."""

from __future__ import annotations

import array
import collections
import datetime as dt
import decimal
import enum
import fractions
import functools
import io
import ipaddress
import math
import operator
import pathlib
import re
import types
import uuid
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyrsistent as pyr
from scipy import sparse

from hashing.values.builtin import Mode, Named, Pair, Point, Reduced, Shade, Stateful, TaggedList
from provenance.archives import ArchivedFile
from provenance.model.ids import BlobId
from provenance.model.records import Blob
from provenance.repository.sets import ArtifactSet

WARSAW = zoneinfo.ZoneInfo("Europe/Warsaw")


def numbered(name, values):
    """The values by names with numbers."""
    return {f"{name} {number}": value for number, value in enumerate(values)}


SCALARS = {
    **{f"int 2^{bits}": 1 << bits for bits in (1, 7, 8, 15, 16, 31, 32, 53, 62, 63, 65, 128, 1000)},
    **{f"int -2^{bits}": -(1 << bits) for bits in (5, 7, 8, 15, 16, 31, 32, 62, 65, 128, 1000)},
    **{f"int 2^{bits} - 1": (1 << bits) - 1 for bits in (7, 8, 16, 32, 63, 70)},
    **numbered("float", [0.1, -0.1, 1e300, -1e-300, 2.0**53, 1 / 3, float("-inf")]),
    **numbered(
        "str",
        [
            "a",
            "A",
            "\0",
            "\n",
            "é",
            "e\u0301",
            "漢字",
            "🐍" * 9,
            "x" * 31,
            "x" * 32,
            "x" * 255,
            "x" * 256,
            "x" * 65_536,
        ],
    ),
    **numbered("surrogate", ["\ud800", "\udfff", "a\udc80", "\ud83d\ude00"]),
    **numbered("bytes", [b"", b"\0", b"\xff" * 31, b"a" * 256, b"a" * 65_536]),
    **numbered("complex", [0j, -0j, 1j, complex("nan"), complex(float("inf"), -0.0)]),
}

CONTAINERS = {
    **numbered(
        "list",
        [
            [None],
            [[]],
            [[[]]],
            [1, [2, [3]]],
            list(range(15)),
            list(range(16)),
            list(range(70_000)),
            [True, 1, 1.0],
        ],
    ),
    **numbered("tuple", [(), (None,), ((),), (1, "a", (2.0, b"c")), tuple("ab" * 9)]),
    **numbered(
        "dict",
        [
            {},
            {"a": None},
            {1: 2},
            {"a": {"b": {}}},
            {(1, 2): 3},
            {None: 1, True: 2, 2.5: 3},
            {"b": 1, "a": 2},
        ],
    ),
    **numbered(
        "mixed dict", [{1: "a", "1": "b", 1.5: "c"}, {b"a": 1, "a": 2}, {frozenset({1}): [1]}]
    ),
    **numbered(
        "set",
        [
            set(),
            {1},
            {1, 2, 3},
            {"a", "b"},
            {b"a"},
            {1, "1"},
            {(1,), (2,)},
            {frozenset(), frozenset({1})},
        ],
    ),
    **numbered(
        "frozenset", [frozenset(), frozenset({1}), frozenset("ab"), frozenset({1, "a", None})]
    ),
    **numbered("range", [range(0), range(1), range(5), range(0, 10, 3), range(10, 0, -2)]),
    **numbered("slice", [slice(None), slice(1, 2), slice(1, None, -1)]),
    **numbered("bytearray", [bytearray(), bytearray(b"abc")]),
    **numbered("deque", [collections.deque(), collections.deque([1]), collections.deque([1], 1)]),
    **numbered(
        "ordered",
        [
            collections.OrderedDict(),
            collections.OrderedDict(a=1, b=2),
            collections.OrderedDict(b=2, a=1),
        ],
    ),
    **numbered("counter", [collections.Counter(), collections.Counter("aab")]),
    **numbered("view", [types.MappingProxyType({}), types.MappingProxyType({"a": 1})]),
    **numbered(
        "list of records",
        [
            [{"a": i, "b": str(i)} for i in range(9)],
            [(i, [i]) for i in range(9)],
            [[i] for i in range(9)],
        ],
    ),
}

STANDARD = {
    **numbered("date", [dt.date(1, 1, 1), dt.date(2024, 2, 29), dt.date(9999, 12, 31)]),
    **numbered(
        "moment",
        [
            dt.datetime(2024, 1, 1),  # noqa: DTZ001 - that it has no zone is the point
            dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
            dt.datetime(2024, 10, 27, 2, fold=1, tzinfo=WARSAW),
        ],
    ),
    **numbered("time", [dt.time(), dt.time(1, 2, 3, 4), dt.time(1, tzinfo=dt.UTC)]),
    **numbered(
        "span",
        [
            dt.timedelta(),
            dt.timedelta(-1, 2, 3),
            dt.timedelta(days=1),
            dt.timedelta(microseconds=-1),
        ],
    ),
    **numbered(
        "zone",
        [
            dt.UTC,
            dt.timezone(dt.timedelta(hours=1)),
            dt.timezone(dt.timedelta(hours=1), "X"),
            WARSAW,
        ],
    ),
    **numbered(
        "decimal",
        [
            decimal.Decimal(each)
            for each in ("0", "-0", "1", "1.0", "1E+5", "NaN", "sNaN", "-Infinity")
        ],
    ),
    **numbered(
        "fraction",
        [fractions.Fraction(0), fractions.Fraction(-1, 3), fractions.Fraction(10**30, 7)],
    ),
    **numbered("uuid", [uuid.UUID(int=0), uuid.UUID(int=(1 << 128) - 1)]),
    **numbered("path", [pathlib.PurePosixPath(each) for each in (".", "/", "a/b", "/a/../b")]),
    **numbered(
        "windows path", [pathlib.PureWindowsPath("c:/a"), pathlib.PureWindowsPath("C:/A/b")]
    ),
    **numbered("pattern", [re.compile(""), re.compile("a+", re.IGNORECASE), re.compile(b"a")]),
    **numbered("namespace", [types.SimpleNamespace(), types.SimpleNamespace(a=1, b=[2])]),
}

DTYPES = (
    "?",
    "i1",
    "<i2",
    "<i4",
    "<i8",
    "u1",
    "<u2",
    "<u4",
    "<u8",
    "<f2",
    "<f4",
    "<f8",
    "<c8",
    "<c16",
    ">i2",
    ">i8",
    ">f4",
    ">f8",
    "S3",
    "<U2",
    "<M8[ns]",
    "<M8[us]",
    "<m8[s]",
)
PLACES = np.array([[0, 2, 0], [1, 0, 3]], "<i8")

ARRAYS = {
    **{
        f"ones of {kind}": np.ones(3, kind)
        if kind[-1] != "]"
        else np.arange(3, dtype="<i8").view(kind)
        for kind in DTYPES
    },
    **numbered(
        "shape",
        [
            np.zeros(shape)
            for shape in ((), (0,), (1,), (1, 1), (0, 3), (3, 0), (2, 3), (3, 2), (6,), (1, 2, 3))
        ],
    ),
    **numbered(
        "numpy scalar",
        [
            np.int8(1),
            np.uint8(1),
            np.int64(1),
            np.float32(0.5),
            np.complex64(1j),
            np.str_("a"),
            np.bytes_(b"a"),
        ],
    ),
    **numbered(
        "numpy time",
        [np.datetime64("2024-01-01"), np.datetime64("NaT", "s"), np.timedelta64(1, "s")],
    ),
    **numbered(
        "structured",
        [
            np.zeros(2, [("a", "<i4")]),
            np.zeros(2, [("b", "<i4")]),
            np.zeros(2, [("a", "<i4"), ("b", "S2")]),
        ],
    ),
    **numbered(
        "objects",
        [np.array([], object), np.array([None, [1], "a"], object), np.array([[1, "a"]], object)],
    ),
    **numbered(
        "masked",
        [
            np.ma.masked_array([1, 2]),
            np.ma.masked_array([1, 2], [1, 0]),
            np.ma.masked_array([1.0], fill_value=7),
        ],
    ),
    **numbered(
        "dtype",
        [np.dtype(each) for each in ("<i4", ">i4", "S3", "<M8[ns]")] + [np.dtype([("a", "<i4")])],
    ),
    **{
        f"sparse {name}": getattr(sparse, f"{name}_array")(PLACES)
        for name in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
    },
}

TABLES = {
    **numbered("series", [pd.Series([], dtype="float64"), pd.Series([1.5], dtype="float64"), pd.Series(["a", None], dtype="object"), pd.Series([True])]),
    **numbered("frame", [pd.DataFrame(), pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [1]}, index=[5])]),
    **numbered("wide frame", [pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": ["x", "y"], "d": [True, False]}), pd.DataFrame({"b": [1], "a": [1]})]),
    **{f"nullable {kind}": pd.array([1, None], dtype=kind) for kind in ("Int8", "Int32", "UInt16", "Float32", "Float64")},
    "nullable booleans": pd.array([True, None], dtype="boolean"),
    **numbered("index", [pd.Index([1, 2]), pd.Index([1.0]), pd.Index(["a"], name="n"), pd.RangeIndex(1, 7, 2), pd.MultiIndex.from_tuples([(1, "a")])]),
    **numbered("categories", [pd.Categorical([]), pd.Categorical(["b", "a"]), pd.Categorical(["a"], ["a", "b"]), pd.Categorical(["a"], ordered=True)]),
    **numbered("times", [pd.date_range("2024", periods=2, unit="ns"), pd.date_range("2024", periods=2, tz="UTC", unit="ns"), pd.timedelta_range("1s", periods=2, unit="ns")]),
    **numbered("arrow", [pa.array([]), pa.array([1, None], pa.int64()), pa.array(["a", None]), pa.array([b"a"]), pa.array([1.5]), pa.array([True])]),
    **numbered("nested arrow", [pa.array([[1], None, []]), pa.array([{"a": 1}]), pa.chunked_array([[1], [2]]), pa.table({"a": [1]}), pa.table({"b": ["x"]})]),
    **numbered("persistent", [pyr.pmap(), pyr.pset(), pyr.pvector(), pyr.pbag([1, 1]), pyr.plist([1]), pyr.pdeque([1]), pyr.pmap({1: pyr.v(2)})]),
}  # fmt: skip

LIBRARIES = {
    **numbered("generator", [np.random.Generator(kind(7)) for kind in (np.random.PCG64, np.random.Philox, np.random.SFC64)]),
    **numbered("random state", [np.random.RandomState(7), np.random.MT19937(7)]),
    **numbered("ufunc", [np.add, np.sin]),
    **numbered("polars series", [pl.Series("a", [1, None]), pl.Series("b", [1, None]), pl.Series("a", ["x", None]), pl.Series("a", [[1], []], pl.List(pl.Int8)), pl.Series("a", [1.5], pl.Float32)]),
    **numbered("polars names", [pl.Series("a", ["x", "y"], pl.Categorical), pl.Series("a", ["x", "y"], pl.Enum(["x", "y"]))]),
    **numbered("polars frame", [pl.DataFrame(), pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [1], "b": ["x"]}), pl.DataFrame({"b": ["x"], "a": [1]})]),
    **numbered("polars type", [pl.Int8(), pl.List(pl.Int8)]),
    **numbered("partial", [functools.partial(max, 1), functools.partial(max, 1, key=len), functools.partial(min, 1)]),
    **numbered("name", [dict, list[int], math.sin, operator.add, operator.itemgetter(1), collections, np.float64, enum.Enum]),
    **numbered("memory", [io.BytesIO(b"a"), io.StringIO("a"), memoryview(b"a"), array.array("q", [1, 2])]),
    **numbered("address", [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_network("10.0.0.0/8")]),
    **numbered("chain", [collections.ChainMap({"a": 1}, {"a": 2}), collections.UserDict(a=1), collections.UserList([1])]),
    **numbered("artifact", [ArchivedFile(Blob(BlobId("ab" * 20), 3), "", "a.txt"), ArchivedFile(Blob(BlobId("ab" * 20), 3), ".txt", "a.txt"), ArtifactSet.of(["ab" * 20])]),
    **numbered("option", [Point(1, [2]), Pair("x", None), TaggedList([1]), Shade.RED, Mode.READ | Mode.WRITE, Named(1, 2), Reduced(1, 2), Stateful(1, 2)]),
}  # fmt: skip

FAMILIES = {
    f"{family}: {name}": value
    for family, values in {
        "scalars": SCALARS, "containers": CONTAINERS, "standard": STANDARD, "arrays": ARRAYS, "tables": TABLES, "libraries": LIBRARIES
    }.items()
    for name, value in values.items()
}  # fmt: skip

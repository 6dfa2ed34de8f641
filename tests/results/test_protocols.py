"""Proxies have the protocols of libraries just where their values have them."""

import array
import collections
import dataclasses
import json
import pickle
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

import provenance as p

PROTOCOLS = (
    "__arrow_c_array__",
    "__arrow_c_schema__",
    "__arrow_c_stream__",
    "__array_ufunc__",
    "__call__",
    "__dataclass_fields__",
    "__dataframe__",
    "__dlpack__",
    "__dlpack_device__",
    "__enter__",
    "__fspath__",
    "__index__",
    "__iter__",
    "__len__",
    "__next__",
    "__torch_function__",
)


class Point(NamedTuple):
    x: float
    tags: list[str]


@dataclasses.dataclass
class Settings:
    rate: float
    weights: np.ndarray


class Plain:
    """An object without a protocol."""

    def __eq__(self, other):
        return isinstance(other, Plain)

    __hash__ = None


class Managed(Plain):
    """A context manager with a length and an index."""

    def __enter__(self):
        return "entered"

    def __exit__(self, *_):
        return None

    def __len__(self):
        return 3

    def __index__(self):
        return 2


class Tagged(collections.namedtuple("Tagged", "x")):  # noqa: PYI024, SLOT002 - that is the point
    """A named tuple with a dictionary."""


VALUES = {
    "array": lambda: np.arange(3.0),
    "masked": lambda: np.ma.masked_array([1.0, 2.0, 3.0], mask=[False, True, False]),
    "frame": lambda: pd.DataFrame({"a": [1, 2]}),
    "series": lambda: pd.Series([1, 2]),
    "polars": lambda: pl.DataFrame({"a": [1, 2]}),
    "arrow": lambda: pa.table({"a": [1, 2]}),
    "chunk": lambda: pa.array([1, 2]),
    "sparse": lambda: scipy.sparse.csr_array(np.eye(2)),
    "dataclass": lambda: Settings(0.5, np.ones(2)),
    "plain": Plain,
    "managed": Managed,
    "function": lambda: Plain,
    "list": lambda: [1, np.ones(2)],
    "text": lambda: "abc",
}
lazily = p.provenance(name="made", lazy=True)(lambda kind: VALUES[kind]())


def restored(kind):
    """Return a proxy that was unpickled, and so knows less of its value."""
    return pickle.loads(pickle.dumps(lazily(kind)))


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("make", [lazily, restored])
def test_protocols_are_there_where_the_value_has_them(repo, kind, make):
    """`hasattr` tells the truth, of unread proxies too."""
    lazily(kind)
    value = VALUES[kind]()
    differing = [name for name in PROTOCOLS if hasattr(value, name) != hasattr(make(kind), name)]
    assert not differing


def test_a_proxy_is_no_array_to_keep(repo):
    """Libraries such as xarray keep what has these; NumPy finds the one it needs on the class."""
    array = lazily("array")
    assert not hasattr(array, "__array_function__")
    assert not hasattr(array, "__array_namespace__")
    assert np.array_equal(np.concatenate([array, array]), [0, 1, 2, 0, 1, 2])


def test_special_methods_that_a_value_lacks_raise_what_the_value_raises(repo):
    """`len`, `with` and indices are TypeErrors for plain objects, and work for those that have the methods."""
    plain, managed = lazily("plain"), lazily("managed")
    for use in (len, range):
        with pytest.raises(TypeError):
            use(plain)
    with managed as entered:
        assert "entered" == entered
    assert (3, 5) == (len(managed), [1, 3, 5][managed])


def shape(value):
    """Which pattern of `match` a value fits."""
    match value:
        case {"a": first, **rest}:
            return "mapping", first, list(rest)
        case [first, *rest]:
            return "sequence", first, len(rest)
        case _:
            return "other"


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1, "b": Plain},
        [1, Plain],
        (1, Plain),
        collections.ChainMap({"a": 1, "b": 2}),
        array.array("d", [1.0, 2.0]),
        collections.UserDict(a=1, b=2),
        collections.UserList([1, 2]),
        bytearray(b"ab"),
        {1, Plain},
        np.arange(3),
        Plain,
    ],
    ids=lambda value: type(value).__name__,
)
def test_match_takes_proxies_for_mappings_and_sequences_as_their_values(repo, value):
    """Also unread ones, and those that were unpickled."""
    made = p.provenance(name="matched", lazy=True)(lambda: value)
    for result in (made(), made(), pickle.loads(pickle.dumps(made()))):
        assert shape(value) == shape(result)


class Amount:
    """A value that compares itself with values of its very class only."""

    def __init__(self, number):
        self.number = number

    def __eq__(self, other):
        return type(self) is type(other) and self.number == other.number

    def __lt__(self, other):
        return self.number < other.number if type(self) is type(other) else NotImplemented

    __hash__ = None


def test_proxies_are_compared_as_their_values(repo):
    """Also where a class compares types, and with the value's own errors."""
    amount = p.provenance(name="amount", lazy=True)(Amount)
    assert amount(1) == amount(1)
    assert amount(1) != amount(2)
    assert amount(1) < amount(2)
    assert amount(2) > amount(1)
    with pytest.raises(TypeError, match="'<=' not supported between instances of 'Amount'"):
        assert amount(1) <= amount(2)
    assert hash(lazily("text")) == hash("abc")
    with pytest.raises(TypeError, match="unhashable"):
        hash(amount(1))


def test_operators_of_numpy_leave_sparse_matrices_to_themselves(repo):
    """NumPy asks a value without `__array_ufunc__` for its own operator."""
    found = np.ones((1, 2)) @ lazily("sparse")
    assert isinstance(found, np.ndarray)
    assert [[1.0, 1.0]] == found.tolist()


def test_subclasses_of_arrays_stay_what_they_are(repo):
    """`np.asanyarray` keeps the mask, `np.asarray` does not."""
    masked = lazily("masked")
    assert np.ma.is_masked(np.asanyarray(masked))
    assert type(np.asarray(masked)) is np.ndarray
    assert np.ma.median(VALUES["masked"]()) == np.ma.median(masked)


def test_dataclasses_are_dataclasses(repo):
    """The functions of `dataclasses` look at the class of the proxy."""
    settings = lazily("dataclass")
    assert dataclasses.is_dataclass(settings)
    assert 0.25 == dataclasses.replace(settings, rate=0.25).rate
    assert {"rate", "weights"} == dataclasses.asdict(settings).keys()
    assert not dataclasses.is_dataclass(lazily("plain"))


def test_named_tuples_of_plain_values_are_themselves(repo):
    """They are instances of their type, so that C code takes them; what methods make of them is plain."""
    make = p.provenance(name="point")(lambda: Point(1.5, ["a"]))
    for point in (make(), make()):
        assert isinstance(point, Point)
        assert '[1.5, ["a"]]' == json.dumps(point)
        assert "1.5 ['a']" == "%s %s" % point  # noqa: UP031 - it asks for the C type
        assert type(p.unwrap(point)) is type(point._replace(x=2.0)) is Point
        assert (1.5, ["a"]) == (point.x, point.tags)
        assert p.artifact_of(point).value == point
        point.tags.append("b")  # which changes only this copy
    rows = p.provenance(name="rows")(lambda: [Point(1.0, []), Point(2.0, [])])
    assert "[[1.0, []], [2.0, []]]" == json.dumps(rows()) == json.dumps(rows())
    assert Point is type(rows()[0])


def test_a_changed_named_tuple_is_hashed_again(repo):
    """A list in it may have changed since it was recorded."""
    make = p.provenance(name="point")(lambda: Point(1.5, ["a"]))
    count = p.provenance(name="count")(lambda point: len(point.tags))
    point = make()
    assert 1 == count(point)
    point.tags.append("b")
    assert 2 == count(point)


def test_named_tuples_with_state_of_their_own_are_proxies(repo):
    """A subclass that takes attributes cannot be made anew from its fields."""

    @p.provenance(name="tagged")
    def make():
        made = Tagged(1)
        made.note = "kept"
        return made

    assert ["kept", "kept"] == [make().note, make().note]


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2024-03-01 12:30", tz="UTC"),
        pd.Timedelta("1 days"),
        pd.Period("2024-03", freq="M"),
        pd.Interval(0, 1),
        pd.NaT,
        pd.NA,
    ],
)
def test_scalars_of_pandas_come_back_bare(repo, value):
    """Pandas reads their memory, as NumPy does that of its dates; two of them are singletons."""
    make = p.provenance(name="made")(lambda: value)
    for found in (make(), make()):
        assert type(found) is type(value)
        assert (found is value) or found == value
    assert pd.Series([value]).dtype == pd.Series([make()]).dtype
    rows = p.provenance(name="rows")(lambda: [value])
    assert isinstance(rows(), list)
    assert type(rows()[0]) is type(value)


def test_a_class_of_proxies_names_the_type_of_the_value(repo):
    """Some libraries look for their name there, and messages of C code show it."""
    assert "provenance.ArtifactProxy[numpy.ndarray]" in str(type(lazily("array")))
    assert isinstance(lazily("array"), p.ArtifactProxy)

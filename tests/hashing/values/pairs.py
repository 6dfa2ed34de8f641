"""Values that must have different hashes, so that no wrong result is served, and values that must not."""

import collections
import configparser
import copy
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import io
import random
import struct
import typing

import attrs
import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
from dateutil.rrule import rrule
from scipy import stats
from scipy.interpolate import UnivariateSpline
from scipy.spatial import Delaunay, KDTree, cKDTree
from sklearn.cluster import Birch
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.preprocessing import MultiLabelBinarizer

import provenance as p

untyped = collections.namedtuple  # noqa: PYI024 - the untyped kind


class Day(dt.date):
    pass


class Moment(dt.datetime):
    pass


class Clock(dt.time):
    pass


class Span(dt.timedelta):
    pass


class Amount(decimal.Decimal):
    pass


class Ratio(fractions.Fraction):
    pass


class Slotted(decimal.Decimal):
    __slots__ = ("unit",)


class Defaults(collections.defaultdict):
    pass


class Tally(collections.Counter):
    pass


class Scopes(collections.ChainMap):
    pass


class Ring(collections.deque):
    pass


class Units(np.ndarray):
    pass


class Masked(np.ma.MaskedArray):
    pass


class Table(pd.DataFrame):
    @property
    def _constructor(self):
        return Table


class Partial(functools.partial):
    pass


def given(value, **attributes):
    """Return *value* with attributes."""
    for name, content in attributes.items():
        setattr(value, name, content)
    return value


def set_on(make):
    """Return values that differ in an attribute that somebody set."""
    return given(make(), unit="m"), given(make(), unit="km"), make()


def raised(cause=None, note=None):
    """Return an exception as it is caught."""
    try:
        raise ValueError("x") from cause  # noqa: TRY301 - caught on purpose
    except ValueError as error:
        if note:
            error.add_note(note)
        return error


def spawned(make):
    """Return sources of random numbers that have spawned none, one and two others."""

    def after(count):
        source = make()
        source.spawn(count)
        return source

    return make(), after(1), after(2)


def times(freq):
    """Return the first two days of a year, with a frequency or without one."""
    days = pd.DatetimeIndex(["2024-01-01", "2024-01-02"])
    days.freq = freq
    return days


def frame():
    """Return a small frame."""
    return pd.DataFrame({"a": [1, 2]})


def schema(**metadata):
    """Return a table whose field, and whose field in a list, have metadata."""
    field = pa.field("a", pa.int64(), metadata=metadata)
    return pa.table([pa.array([1])], schema=pa.schema([field]))


def nested(**metadata):
    """Return a column of lists whose items have metadata."""
    return pa.array([[1]], pa.list_(pa.field("item", pa.int64(), metadata=metadata)))


def rows(columns):
    """Return what `itertuples` yields for these columns."""
    return next(pd.DataFrame([[1, 2]], columns=columns).itertuples())


MADE = {
    "namedtuple": lambda: [untyped("Row", names)(1, 2) for names in ("a b", "a c")],
    "namedtuple class": lambda: [untyped("Row", names) for names in ("a b", "a c")],
    "typing.NamedTuple": lambda: [typing.NamedTuple("Row", [(name, int)])(1) for name in "ab"],
    "itertuples": lambda: [rows(["a", "b"]), rows(["a", "c"])],
    "Enum": lambda: [
        enum.Enum("Level", names).LOW  # type: ignore[attr-defined]
        for names in ("LOW HIGH", "HIGH LOW", {"LOW": "x"})
    ],
    "Enum class": lambda: [enum.Enum("Level", names) for names in ("LOW HIGH", "LOW TOP")],
    "make_dataclass": lambda: [
        dataclasses.make_dataclass("Row", ["a"], namespace={"twice": twice})(1)
        for twice in (lambda self: self.a * 2, lambda self: self.a * 3)
    ],
    "make_dataclass fields": lambda: [
        dataclasses.make_dataclass("Row", [name]) for name in ("a", "b")
    ],
    "TypedDict": lambda: [
        typing.TypedDict("Row", fields) for fields in ({"a": int}, {"b": int}, {"a": str})
    ],
    "defstruct": lambda: [msgspec.defstruct("Row", [name])(1) for name in "ab"],
    "make_class": lambda: [attrs.make_class("Row", [name])(1) for name in "ab"],
    "type()": lambda: [type("Row", (), {"k": number})() for number in (1, 2)],
    "type() of a list": lambda: [type("Row", (list,), {"k": number})([1]) for number in (1, 2)],
    "type() as a class": lambda: [type("Row", (), {"k": number}) for number in (1, 2)],
    "NewType": lambda: [typing.NewType("Id", kind) for kind in (int, str)],
    "TypeVar": lambda: [
        typing.TypeVar("T"),
        typing.TypeVar("T", bound=int),
        typing.TypeVar("T", bound=str),
        typing.TypeVar("T", covariant=True),
    ],
    "ParamSpec": lambda: [typing.ParamSpec("P"), typing.ParamSpec("P", bound=int)],
}
"""What is made at run time: its name does not lead to it."""

BESIDE = {
    "date": lambda: set_on(lambda: Day(2024, 1, 1)),
    "datetime": lambda: set_on(lambda: Moment(2024, 1, 1)),
    "time": lambda: set_on(Clock),
    "timedelta": lambda: set_on(Span),
    "Decimal": lambda: set_on(lambda: Amount(1)),
    "Decimal with a slot": lambda: set_on(lambda: Slotted(1)),
    "Fraction": lambda: set_on(lambda: Ratio(1, 2)),
    "defaultdict": lambda: set_on(lambda: Defaults(list)),
    "Counter": lambda: set_on(collections.Counter),
    "subclass of Counter": lambda: set_on(Tally),
    "OrderedDict": lambda: set_on(collections.OrderedDict),
    "ChainMap": lambda: set_on(collections.ChainMap),
    "subclass of ChainMap": lambda: set_on(Scopes),
    "deque": lambda: set_on(Ring),
    "partial": lambda: set_on(lambda: functools.partial(int)),
    "subclass of partial": lambda: set_on(lambda: Partial(int)),
    "ndarray": lambda: set_on(lambda: np.arange(2).view(Units)),
    "masked array": lambda: set_on(lambda: np.ma.masked_array([1, 2], [0, 1])),
    "subclass of masked array": lambda: set_on(lambda: np.arange(2).view(Masked)),
    "hard mask": lambda: [
        np.ma.masked_array([1, 2], [0, 1], hard_mask=hard) for hard in (False, True)
    ],
    "metadata of a dtype": lambda: [
        np.dtype("<i4", metadata=metadata) for metadata in ({}, {"a": 1}, {"a": 2})
    ],
    "metadata of an array's dtype": lambda: [
        np.zeros(2, np.dtype("<i4", metadata=metadata)) for metadata in ({}, {"a": 1}, {"a": 2})
    ],
    "metadata of a record's dtype": lambda: [
        np.zeros(2, np.dtype([("x", "<i4")], metadata=metadata)) for metadata in ({}, {"a": 1})
    ],
    "metadata of a field's dtype": lambda: [
        np.zeros(2, [("x", np.dtype("<i4", metadata=metadata))]) for metadata in ({}, {"a": 1})
    ],
    "metadata of objects": lambda: [
        np.zeros(2, np.dtype("O", metadata=metadata)) for metadata in ({}, {"a": 1})
    ],
    "elements that are records": lambda: [
        np.zeros(2, [("a", "i4")]),
        np.zeros(2, np.dtype((np.record, [("a", "i4")]))),
    ],
    "dtypes of records": lambda: [
        np.dtype([("a", "i4")]),
        np.dtype((np.record, [("a", "i4")])),
    ],
    "titles of fields": lambda: [
        np.zeros(1, [(name, "<i4")]) for name in ("x", ("title", "x"), ("other", "x"))
    ],
    "Generator": lambda: spawned(lambda: np.random.default_rng(1)),
    "SeedSequence": lambda: spawned(lambda: np.random.SeedSequence(1)),
    "BitGenerator": lambda: spawned(lambda: np.random.PCG64(1)),
    "attribute of a frame": lambda: set_on(frame),
    "attribute of a series": lambda: set_on(lambda: pd.Series([1])),
    "attribute of a subclass": lambda: set_on(lambda: Table({"a": [1]})),
    "attrs of a frame": lambda: [given(frame(), attrs=attrs) for attrs in ({}, {"u": 1}, {"u": 2})],
    "attrs of a series": lambda: [
        given(pd.Series([1]), attrs=attrs) for attrs in ({}, {"u": 1}, {"u": 2})
    ],
    "flags of a frame": lambda: [
        frame().set_flags(allows_duplicate_labels=allowed) for allowed in (True, False)
    ],
    "frequency of an index": lambda: [times(None), times("D"), times("B")],
    "frequency of a frame's index": lambda: [
        pd.DataFrame({"a": [1, 2]}, index=times(freq)) for freq in (None, "D", "B")
    ],
    "metadata of an Arrow field": lambda: [schema(), schema(a="1"), schema(a="2")],
    "metadata in an Arrow list": lambda: [nested(), nested(a="1"), nested(a="2")],
    "cause": lambda: [raised(), raised(KeyError("a")), raised(KeyError("b"))],
    "note": lambda: [raised(), raised(note="a"), raised(note="b")],
}
"""State that hangs beside what pickle or a reduction takes along."""


@functools.singledispatch
def size(value):
    """A function of the first argument's type."""
    return 1


def dispatching(*kinds):
    """Return a function that has been taught types."""

    def base(value):
        return size

    made = functools.singledispatch(base)
    for kind in kinds:
        made.register(kind, lambda value: 2)
    return made


class Nowhere:
    __module__ = None


class Elsewhere:
    __module__ = None


def records(*masks):
    """Return masked records."""
    return np.ma.array([(1, 2.0)], [("a", "<i4"), ("b", "<f8")], mask=list(masks))


class Service:
    def __init__(self, rate):
        self.rate = rate
        self.method = p.provenance()(self.method)
        self.bound = self.method_of_two

    def method(self, x):
        """A method that is decorated for each object."""
        return x * self.rate

    def method_of_two(self):
        """A method that the object holds."""
        return self.rate


OTHERS = {
    "singledispatch": lambda: [dispatching(), dispatching(int), dispatching(int, str)],
    "classes without a module": lambda: [Nowhere, Elsewhere, Nowhere(), Elsewhere()],
    "masked records": lambda: [records((0, 0)), records((1, 0)), records((0, 1))],
    "methods that an object holds": lambda: [Service(1), Service(2), Service(1).method],
    "sources of random numbers": lambda: [random.Random(1), random.Random(2), random.random],
}
POINTS = np.arange(20.0).reshape(10, 2) ** 1.5
TIMES, HEIGHTS = np.arange(9.0), np.sin(np.arange(9.0))


def configured(text, **options):
    """Return a configuration with one option."""
    made = configparser.ConfigParser(**options)
    made.read_string(f"[a]\nb={text}")
    return made


def read_on(file, count):
    """Return *file* after some of it was read."""
    file.read(count)
    return file


VIEWED = {
    "views of a dict": lambda: [
        *(view({"a": 1, "b": 2}) for view in (dict.keys, dict.values, dict.items)),
        {"b": 2, "a": 1}.keys(),
        collections.OrderedDict(a=1, b=2).keys(),
    ],
    "Struct": lambda: [struct.Struct(form) for form in ("<i", "<q", ">i")],
    "configuration": lambda: [
        configured("1"),
        configured("2"),
        configured("1", interpolation=None),
        configparser.RawConfigParser(),
    ],
    "BytesIO": lambda: [io.BytesIO(b"ab"), io.BytesIO(b"ac"), read_on(io.BytesIO(b"ab"), 1)],
    "StringIO": lambda: [io.StringIO("ab"), io.StringIO("ac"), read_on(io.StringIO("ab"), 1)],
    "limits of numbers": lambda: [
        *map(np.finfo, ("f4", "f8")),
        *map(np.iinfo, ("i4", "u4")),
    ],
    "spline": lambda: [
        *(UnivariateSpline(TIMES, HEIGHTS, s=s) for s in (0, 1)),
        UnivariateSpline(TIMES, HEIGHTS, s=0, k=2),
        UnivariateSpline(TIMES, HEIGHTS, s=0, ext=1),
        UnivariateSpline(TIMES, HEIGHTS, s=0).derivative(),
    ],
    "tree of points": lambda: [
        cKDTree(POINTS),
        KDTree(POINTS),
        cKDTree(POINTS, leafsize=3),
        cKDTree(POINTS, boxsize=100),
        cKDTree(POINTS[::-1]),
    ],
}

MUST_DIFFER = MADE | BESIDE | OTHERS | VIEWED


def viewed(values):
    """Return an equal array with other strides that cannot be written to."""
    wide = np.zeros((*values.shape, 2), values.dtype)
    wide[..., 0] = values
    view = wide[..., 0]
    view.flags.writeable = False
    return view


class Circle:
    def __init__(self):
        self.radius = 1

    @functools.cached_property
    def area(self):
        """What is computed once."""
        return 3 * self.radius


class Refill(Circle):
    @functools.cached_property
    def area(self):
        """A base's property, overridden."""
        return 4 * self.radius


@attrs.define
class Square:
    side: int = 1

    @functools.cached_property
    def area(self):
        """What attrs keeps in a slot."""
        return self.side**2


class Curious(Circle):
    __slots__ = ("seen",)

    def __getattr__(self, name):
        """Fill a cache, as libraries do."""
        self.asked = name
        raise AttributeError(name)


def read(make, *names):
    """Return a value as it is made, and one whose attributes were read."""
    one, other = make(), make()
    for name in names:
        getattr(other, name, None)
    return one, other


def used(make, use):
    """Return a value as it is made, and one that a function read."""
    one, other = make(), make()
    use(other)
    return one, other


NEW_YEAR = dt.datetime(2024, 1, 1)  # noqa: DTZ001 - naive on purpose


def documented(doc):
    """Return a function with another docstring and another attribute."""

    def function(x):
        return x

    function.__doc__ = doc
    function.seen = doc
    return function


MUST_NOT = {
    "order of a dict": lambda: [{"a": 1, "b": 2}, {"b": 2, "a": 1}],
    "order of a set": lambda: [{1, "a"}, {"a", 1}],
    "docstring and attributes of a function": lambda: [documented("a"), documented("b")],
    "traceback and context of an exception": lambda: [ValueError("x"), raised()],
    "strides and writability of an array": lambda: [
        np.arange(6).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        viewed(np.arange(6).reshape(2, 3)),
    ],
    "masked elements": lambda: [np.ma.masked_array([1, x], [0, 1]) for x in (2, 3)],
    "blocks of a frame": lambda: [
        pd.DataFrame({"a": [1.0], "b": [2.0]}),
        pd.concat([pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [2.0]})], axis=1),
    ],
    "unused values of a level": lambda: [
        pd.MultiIndex.from_arrays([["a", "b"]])[:1],
        pd.MultiIndex.from_arrays([["a"]]),
    ],
    "chunks of a column": lambda: [
        pa.chunked_array([[1], [2, 3]]),
        pa.chunked_array([[1, 2], [3]]),
    ],
    "cached_property": lambda: read(Circle, "area"),
    "cached_property of a subclass": lambda: read(Refill, "area"),
    "cached_property in a list": lambda: [[each] for each in read(Circle, "area")],
    "cached_property of a slotted attrs class": lambda: read(Square, "area"),
    "what hashing itself would ask for": lambda: read(Curious),
    "caches of an index": lambda: read(
        lambda: pd.Index([1, 2]), "is_unique", "is_monotonic_increasing"
    ),
    "frozen distribution": lambda: used(lambda: stats.norm(1, 2), lambda it: it.rvs(2)),
    "shared source": lambda: used(lambda: random.choice, lambda it: it([1, 2, 3])),
    "shared source of NumPy": lambda: used(lambda: np.random.mtrand._rand, lambda it: it.rand()),
    "triangulation": lambda: used(
        lambda: Delaunay([[0, 0], [0, 1], [1, 0]]),
        lambda it: (it.transform, it.vertex_to_simplex, it.vertex_neighbor_vertices),
    ),
    "rule of dates": lambda: used(lambda: rrule(3, count=3, dtstart=NEW_YEAR, cache=True), list),
    "counts of words": lambda: used(
        lambda: CountVectorizer().fit(["a bc"]), lambda it: it.transform(["a bc"])
    ),
    "singledispatch": lambda: used(lambda: dispatching(int), lambda it: (it(1), it("a"))),
    "hashes of words": lambda: used(HashingVectorizer, lambda it: it.transform(["a bc"])),
    "labels": lambda: used(
        lambda: MultiLabelBinarizer().fit([["a"]]), lambda it: it.transform([["a"]])
    ),
    "BytesIO": lambda: used(lambda: io.BytesIO(b"a"), vars),
    "configuration": lambda: used(lambda: configured("1"), lambda it: it["a"].getint("b")),
    "limits of numbers": lambda: used(lambda: np.finfo("f4"), lambda it: (it.eps, it.max)),
    "spline": lambda: [UnivariateSpline(TIMES, HEIGHTS) for _ in range(9)],
    "tree of points": lambda: [*used(lambda: KDTree(POINTS), lambda it: it.tree), KDTree(POINTS)],
    "clusters in a list": lambda: used(lambda: Birch().fit(POINTS), lambda it: it.predict(POINTS)),
    "global source of a model": lambda: [
        GaussianProcessRegressor().fit(POINTS, POINTS[:, 0]),
        copy.deepcopy(GaussianProcessRegressor().fit(POINTS, POINTS[:, 0])),
    ],
    "accessors of a series": lambda: read(lambda: pd.Series(["a"]), "str", "plot"),
}

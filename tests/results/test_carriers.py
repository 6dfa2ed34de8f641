"""Builtin and standard values come back as themselves, and carry their artifact."""

import asyncio
import collections
import copy
import dataclasses
import datetime as dt
import enum
import json
import math
import os
import pathlib
import pickle
import re
import sqlite3
import struct
import sys
import uuid
from decimal import Decimal
from fractions import Fraction

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import yaml
from hypothesis import given

import provenance as p
from processes import printed
from provenance.effect import Interpreter, with_layer
from provenance.hashing import hash_value
from provenance.ports.blobs import ReadBlob
from provenance.testing import in_memory
from strategies import nested

echo = p.provenance(name="echo")(lambda value: value)


class Color(enum.Enum):
    """An enumeration, whose members are singletons."""

    RED = 1


SCALARS = [
    7, 2**80, 1.5, -0.0, 1j, "text", "", b"bytes", dt.datetime(2024, 1, 2, 3, tzinfo=dt.UTC, fold=1), dt.date(2024, 1, 2),
    dt.time(3, 4, fold=1), dt.timedelta(1, 2, 3), Decimal("1.50"), Fraction(1, 3), uuid.UUID(int=7), pathlib.Path("a/b.txt"),
    pathlib.PurePosixPath("/"), pathlib.PureWindowsPath("a\\b"), np.int64(3), np.float32(1.5), np.float64(2), np.uint8(255),
    np.complex64(1), np.longdouble(1), np.str_("x"), np.bytes_(b"x"),
]  # fmt: skip
CONTAINERS = [
    [1, [2, None]], {"a": {"b": [1.5, "x"]}}, (1, (2,)), {1}, frozenset({1}), [], {}, [Color.RED, True, np.int8(1)],
    {1: [Decimal(1)], None: dt.date(2024, 1, 2)}, collections.OrderedDict(b=1, a=[2]), collections.Counter("abca"),
    collections.defaultdict(list, a=[1]), [collections.Counter("a")],
]  # fmt: skip
SINGLETONS = [
    None, True, False, ..., Color.RED, Color, int, len, math, np.True_, np.datetime64("2024-01-02"), np.timedelta64(1, "D"),
    slice(1, 2), range(3), np.dtype("f4"), np.dtype([("a", "f4")]), pd.CategoricalDtype(["a"]), pl.Datetime("us"), pa.int64(),
    pa.field("a", pa.int8()), pa.schema([("a", pa.int8())]),
]  # fmt: skip
with_attribute = collections.OrderedDict(a=1)
with_attribute.extra = 1
LAZY = [
    with_attribute,
    [with_attribute],
    collections.OrderedDict(a=object),
    [object],
    {"a": np.ones(2)},
    [np.ones(1)],
    bytearray(b"x"),
    pd.Series([1]),
    np.ones(2),
]


def of_each_kind(value):
    """The result of a miss, of a hit, and of a pickle."""
    fresh = echo(value)
    return fresh, echo(value), pickle.loads(pickle.dumps(fresh))


@pytest.mark.parametrize("value", [*SCALARS, *CONTAINERS], ids=repr)
def test_a_result_is_an_instance_that_carries_its_artifact(repo, value):
    """It is equal to the value, of a subclass of its type, known as a result, and shows its artifact."""
    for result in of_each_kind(value):
        assert value == result
        assert issubclass(type(result), type(value))
        assert result.__class__ is type(value)
        assert p.is_proxy(result)
        assert isinstance(result, p.ArtifactProxy)
        assert echo.artifact_id(value) == result.artifact.id == p.artifact_of(result).id
        assert f"<provenance.ArtifactProxy({result.artifact.id}) {value!r} >" == repr(result)
        assert (str(value), f"{value}", value.__doc__) == (str(result), f"{result}", result.__doc__)
        assert type(p.unwrap(result)) is type(value) is type(result.value_repr())
        assert p.hash(value) == p.hash(result)
        assert p.hash([value, value]) == p.hash([result, result])
        assert dir(value) == dir(result)


@pytest.mark.parametrize("value", [*SCALARS, *CONTAINERS], ids=repr)
def test_copies_and_pickles_keep_the_artifact(repo, value):
    """Copying, deep copying and pickling give results of the same artifact."""
    result = echo(value)
    for copied in (
        copy.copy(result),
        copy.deepcopy(result),
        pickle.loads(pickle.dumps([result]))[0],
    ):
        assert value == copied
        assert result.artifact == copied.artifact


def test_the_factory_of_a_defaultdict_can_be_changed(repo):
    """Code that freezes the dictionary, or gives it other defaults, works; the changed one is another value."""
    value = collections.defaultdict(list, a=[1])
    result = echo(value)
    result.default_factory = None
    with pytest.raises(KeyError, match="b"):
        result["b"]
    for changed in (result, copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
        assert changed.default_factory is None
    assert p.hash(collections.defaultdict(None, a=[1])) == p.hash(result) != p.hash(value)
    assert echo(value).default_factory is list


@pytest.mark.parametrize("value", SINGLETONS, ids=repr)
def test_singletons_come_back_as_themselves(repo, value):
    """So that `is` and exact types are right; the function has the artifact, or a proxy is asked for."""
    for _ in range(2):
        result = echo(value)
        assert result is value or (type(result) is type(value) and result == value)
    assert p.hash(value) == echo.artifact(value).value_id
    as_proxies = echo.with_options(name="echo", singletons="proxy")
    assert echo.artifact(value) == p.artifact_of(as_proxies(value))


@pytest.mark.parametrize("value", LAZY, ids=lambda value: type(value).__name__)
def test_other_values_stay_behind_lazy_proxies(repo, value):
    """A container that holds something else, however deep, is one."""
    for result in of_each_kind(value):
        assert p.is_proxy(result)
        assert not isinstance(result, p.results.carriers.Carrier)


def methods_of(value):
    """The names of methods that neither touch the disk nor belong to pickling and classes."""
    if isinstance(value, np.longdouble):  # its operators raise where others are not implemented
        return ["conjugate", "item", "astype", "real", "__abs__", "__float__"]
    skipped = {
        "__class__",
        "__copy__",
        "__deepcopy__",
        "__repr__",
        "__dir__",
        "__sizeof__",
        "__getstate__",
        "__new__",
    }
    skipped |= {
        "__reduce__",
        "__reduce_ex__",
        "__init__",
        "__getattribute__",
        "tofile",
        "dump",
        "dumps",
        "setflags",
    }
    skipped |= {
        "__setattr__",
        "__delattr__",
        "__subclasshook__",
        "__init_subclass__",
        "__iter__",
        "__array_interface__",
        "__array_struct__",
        "data",
    }
    if isinstance(value, pathlib.Path):
        return [
            "parent",
            "parents",
            "__truediv__",
            "__rtruediv__",
            "with_suffix",
            "with_name",
            "absolute",
            "joinpath",
            "name",
        ]
    if isinstance(value, np.str_):
        skipped.add("byteswap")  # numpy makes characters that do not exist, and may fail or not
    return [name for name in dir(type(value)) if name not in skipped]


METHODS = [value for value in SCALARS if value != 2**80]  # whose power takes for ever


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "value", [*METHODS, [1, [2]], {"a": {"b": 1}}, (1, (2,)), {1}, frozenset({1})], ids=repr
)
def test_what_methods_make_of_it_is_plain(repo, value):
    """Every method, with some arguments, gives what it gives for the plain value, of the very type, or raises alike."""
    arguments = [(), (value,), (1,), (2, 3), ("a",), (slice(0, 1),), (dt.timedelta(1),), (None,)]
    result = echo(value)
    for name in methods_of(value):
        for given_ in arguments:
            expected, found = [
                outcome(one, name, given_) for one in (copy.deepcopy(value), copy.deepcopy(result))
            ]
            assert expected == found, (name, given_)


def outcome(value, name, arguments):
    """The types of what a method gives, or of what it raises."""
    try:
        attribute = getattr(value, name)
        made = attribute(*arguments) if callable(attribute) else attribute
    except Exception as error:  # noqa: BLE001 - which one it is, is what is compared
        return type(error)
    made = list(made) if name == "parents" else made
    if p.is_proxy(made):
        assert made is value
    return types_in(made)


def types_in(value):
    """The type of *value* and of its members; a result among them is the whole one, with its artifact."""
    if p.is_proxy(value):
        assert value.artifact
        value = p.unwrap(value)
    return type(value), *(
        [types_in(each) for each in value] if type(value) in (list, tuple, set) else ()
    )


def test_libraries_in_c_take_results(repo):
    """`json`, `re`, `struct`, `math`, `os`, `match`, slices and format strings see the very type."""
    assert '{"a": [1, 2.5, "x"]}' == json.dumps(echo({"a": [1, 2.5, "x"]}))
    assert '[1, "k"]' == json.dumps([echo(1), echo("k")])
    assert '{"a": 2, "b": 1}' == json.dumps(echo(collections.Counter("aba")))
    assert '{"b": 1, "a": 2}' == json.dumps(echo(collections.OrderedDict(b=1, a=2)))
    assert "b" == re.search(echo("b+"), echo("abc")).group()
    assert b"\x07\x00" == struct.pack("<h", echo(7))
    assert 3.0 == math.hypot(echo(3.0), 0)
    assert "a/b" == os.path.join(echo("a"), echo("b"))  # noqa: PTH118 - that is the point
    assert "x1" == "".join([echo("x"), "1"])
    assert [2] == [1, 2, 3][echo(1) : echo(2)]
    assert "    7" == f"{echo(7):5d}" == "%5d" % echo(7)  # noqa: UP031 - that is the point
    match echo({"kind": "a", "rest": [1, 2]}):
        case {"kind": "a", "rest": [first, *_]}:
            assert 1 == first
        case _:
            pytest.fail("no case fits")
    match echo(7):
        case int(number):
            assert 7 == number
        case _:
            pytest.fail("no case fits")
    assert dt.date(2024, 1, 3) == echo(dt.date(2024, 1, 2)) + dt.timedelta(1)


@pytest.mark.filterwarnings("ignore:The default:DeprecationWarning")
def test_sqlite_takes_results(repo):
    """As parameters, dates included."""
    with sqlite3.connect(":memory:") as connection:
        values = (1, 1.5, "x", b"b", dt.date(2024, 1, 2), dt.datetime(2024, 1, 2))  # noqa: DTZ001 - without a time zone
        row = connection.execute(
            "SELECT ?, ?, ?, ?, ?, ?", [echo(value) for value in values]
        ).fetchone()
        assert connection.execute("SELECT ?, ?, ?, ?, ?, ?", values).fetchone() == row
    connection.close()


def test_yaml_writes_results_as_their_values(repo):
    """With the safe dumper as with the other, without tags."""
    value = {"a": [1, 2.5], "b": "x", "c": dt.date(2024, 1, 2)}
    results = [echo(value), {key: echo(member) for key, member in value.items()}]
    for result in results:
        assert yaml.safe_dump(value) == yaml.safe_dump(result)
        assert yaml.dump(value) == yaml.dump(result)


@dataclasses.dataclass
class Point:
    """A class of a user, whose instances stay behind lazy proxies."""

    x: int


def test_yaml_and_joblib_take_lazy_proxies_for_their_values(repo):
    """They write and hash what is behind them, and not how they are pickled."""
    for value in (Point(1), [Point(1), Point(2)], {"a": Point(1)}):
        for made in (value, {"inside": value}):
            result = echo(value) if made is value else {"inside": echo(value)}
            assert yaml.dump(made) == yaml.dump(result)
            assert joblib.hash(made) == joblib.hash(result)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i8", "u1", "c8"])
@pytest.mark.parametrize("number", [2, 1.5, 1j])
def test_numbers_take_part_in_promotion_as_python_numbers(repo, dtype, number):
    """In operators on both sides, in functions, and where they overflow."""
    array = np.ones(2, dtype)
    for use in (
        lambda x: array + x, lambda x: x * array, lambda x: np.add(array, x), lambda x: np.where(array > 0, x, array),
        lambda x: np.clip(array, 0, x), lambda x: array * x * 1000, lambda x: array[0] + x, lambda x: pd.Series(array) * x,
        lambda x: np.full(2, x), lambda x: np.array([x, x]), np.array,
    ):  # fmt: skip
        assert kind_of(use, number) == kind_of(use, echo(number))


def kind_of(use, number):
    """The type and values of what *use* makes, or what it raises."""
    try:
        made = use(number)
    except Exception as error:  # noqa: BLE001 - which one it is, is what is compared
        return type(error)
    return getattr(made, "dtype", None), np.asarray(made).tolist()


def read_blobs(repo):
    """The blobs that are read from now on."""
    reads = []

    def layer(effect, inner):
        if isinstance(effect, ReadBlob):
            reads.append(effect.blob)
        return inner(effect)

    object.__setattr__(repo, "interpreter", with_layer(Interpreter(repo.interpreter.table), layer))
    return reads


def test_small_scalars_are_read_once_by_a_process(repo):
    """Later hits have the value that was read."""
    for value in (np.int64(31), dt.date(2024, 3, 1), Decimal("3.25"), "some text", None):
        echo(value)
        echo(value)
        reads = read_blobs(repo)
        assert value == echo(value)
        assert [] == reads


def test_large_values_stay_lazy(repo):
    """Above the limit, and wherever `lazy=True` asks for it, the value is read on first use."""
    for options in ({"lazy": True}, {}):
        function = echo.with_options(name="echo", **options)
        value = ["x" * 100] if options else ["x" * (p.results.kinds.EAGER_LIMIT + 10)]
        function(value)
        reads = read_blobs(repo)
        result = function(value)
        assert [] == reads
        assert p.is_proxy(result)
        assert value == result
        assert 1 == len(reads)


def test_what_a_caller_changes_is_the_callers(repo):
    """A miss shares no part with what the function keeps, nor with what a later call returns."""
    kept = {"rows": [[1], [2]]}

    @p.provenance(name="rows", ignore=["kept"])
    def rows():
        return {"rows": kept["rows"], "again": (kept["rows"][0],)}

    first = rows()
    first["rows"][0].append(9)
    first["again"][0].append(8)
    assert {"rows": [[1], [2]]} == kept
    assert {"rows": [[1], [2]], "again": ([1],)} == rows()


def test_a_changed_result_is_passed_on_as_it_is(repo):
    """Its hash is that of the value that it has now; a reference to it would be wrong."""
    for value in ([1], {"a": [1]}, ([1],)):
        result = echo(value)
        inner = (
            result
            if isinstance(result, list)
            else next(iter(result.values() if isinstance(result, dict) else result))
        )
        inner.append(2)
        assert (
            echo.artifact_id(p.unwrap(result))
            == echo.artifact_id(result)
            != echo.artifact_id(value)
        )
        assert type(value) is type(pickle.loads(pickle.dumps(result)))


def test_lineage_goes_through_results(repo):
    """Alone, in containers and as members of a value that is returned."""
    one, two = echo(1), echo([2])

    @p.provenance(name="both")
    def both(first, others):
        return {"first": first, "others": others}

    made = both(one, others=[two, {"again": one}])
    assert {one.artifact.id, two.artifact.id} == made.artifact.input_artifact_ids
    again = both(one, others=[two, {"again": one}])
    assert {"first": 1, "others": [[2], {"again": 1}]} == made == again
    assert made.artifact.value_artifact_ids == again.artifact.value_artifact_ids
    assert type(made["others"][0]) is type(again["others"][0])
    inputs = again.artifact.inputs["kargs"]
    assert one.artifact == p.artifact_of(inputs["first"])
    assert two.artifact == p.artifact_of(inputs["others"][0])


def test_recorded_inputs_are_not_read(repo):
    """Loading the inputs of an artifact leaves containers unread."""
    made, blob = echo([echo([1, 2, 3])]), echo.artifact([1, 2, 3]).value_blob
    reads = read_blobs(repo)
    inputs = made.artifact.inputs["kargs"]
    assert blob not in reads
    assert [[1, 2, 3]] == inputs["value"]


def test_a_lost_value_is_recovered_at_the_hit(stored, reopened, tmp_path):
    """As it is read there."""
    runs = []

    @p.provenance(name="f", ignore=["runs"])
    def f(runs):
        runs.append(1)
        return list(range(1_000))

    f(runs)
    for file in (tmp_path / "blobs").rglob("*"):
        if file.is_file():
            file.unlink()
    reopened()
    assert list(range(1_000)) == f(runs)
    assert [1, 1] == runs


def test_asynchronous_functions(repo):
    """Their results are such values too."""

    @p.provenance(name="later")
    async def later(x):
        return [x]

    for _ in range(2):
        assert "[1]" == json.dumps(asyncio.run(later(1)))


def test_read_only_results_are_values_without_lineage(repo):
    """Whoever records one as an input records a plain value."""
    result = echo.with_options(name="echo", read_only=True)([1])
    assert "[1]" == json.dumps(result)
    assert frozenset() == echo(result).artifact.input_artifact_ids


def test_parts_of_composites(repo):
    """Each is read when it is used, and comes back as what it is."""
    make = p.provenance(name="make", returns_composite=True)(
        lambda: {"n": 7, "rows": [1], "flag": True, "a": np.ones(2)}
    )
    for _ in range(2):
        parts = make()
        assert "[7, [1]]" == json.dumps([parts["n"], parts["rows"]])
        assert parts["flag"] is True
        assert "make_n" == parts["n"].artifact.name
        assert 2.0 == parts["a"].sum()


@given(nested)
def test_a_miss_and_a_hit_agree(value):
    """They give equal values of one type, and results of one class."""
    with in_memory():
        miss, hit = echo(value), echo(value)
        assert type(miss) is type(hit)
        assert p.hash(miss) == p.hash(hit) == p.hash(value)
        assert type(p.unwrap(miss)) is type(p.unwrap(hit)) is type(value)


def test_a_result_takes_no_attributes(repo):
    """As the value takes none."""
    for value in (1, "x", [1], {"a": 1}, Fraction(1, 2)):
        with pytest.raises(AttributeError):
            echo(value).extra = 1
        assert not hasattr(echo(value), "__dict__")
        with pytest.raises(TypeError):
            vars(echo(value))
    assert {} == vars(echo(collections.Counter("a")))


def test_scalars_do_not_need_wrapt(tmp_path):
    """A program whose results are builtins does not load what transparent proxies need."""
    from processes import printed

    (tmp_path / ".git").mkdir()
    code = "import sys, provenance as p\nf = p.provenance()(lambda: [1])\nf(), f()\nprint('wrapt' in sys.modules)"
    assert "False" == printed(code).strip()
    assert sys.modules


LATER = """
import provenance as p
p.load_config({"artifact_repos": {"memory": {"type": "memory"}}})
made = p.provenance(name="made")(lambda: {"a": [1, 2]})()
count = p.provenance(name="count")(lambda: 7)()
lazy = p.provenance(name="made", lazy=True)(lambda: {"a": [1, 2]})()
import sys
assert "yaml" not in sys.modules
import joblib
import yaml
for dump in (yaml.safe_dump, yaml.dump):
    assert "a:\\n- 1\\n- 2\\n" == dump(made) == dump(lazy), (dump(made), dump(lazy))
assert joblib.hash([7, {"a": [1, 2]}]) == joblib.hash([count, made]) == joblib.hash([count, lazy])
assert joblib.hash(7) == joblib.hash(p.provenance(name="more")(lambda: 7)())
"""


def test_libraries_that_are_imported_later_know_carriers():
    """Yaml writes their values and joblib hashes them, whichever comes first."""
    assert "" == printed(LATER)


@pytest.mark.parametrize("make", [collections.OrderedDict, collections.Counter])
def test_dictionaries_of_classes_take_attributes(repo, make):
    """As plain ones do; copies have what copies of plain values have, and so have values that come with attributes."""
    plain = make(a=1)
    result = echo(plain)
    plain.unit = result.unit = "m"
    assert vars(result) == vars(plain) == vars(p.unwrap(result)) == {"unit": "m"}
    assert dir(result) == dir(plain)
    for duplicate in (copy.copy, copy.deepcopy, make.copy, lambda x: pickle.loads(pickle.dumps(x))):
        assert vars(duplicate(result)) == vars(duplicate(plain))
    assert hash_value(result) == hash_value(plain)
    assert vars(echo(plain)) == vars(plain)
    del result.unit
    assert not hasattr(result, "unit")

"""The format as docs/hashing.md describes it, written again without the library, agrees with it."""

import copy
import datetime as dt
import math
import struct
from array import array
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque, namedtuple
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePosixPath
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

import provenance as p

Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - the untyped kind


class Shade(Enum):
    RED = 1


class Box:
    def __init__(self, **content):
        vars(self).update(content)


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


def size_header(size, *choices):
    """Return the first of (limit, lead, bytes of the size) that holds a size, written."""
    lead, width = next((lead, width) for limit, lead, width in choices if size < limit)
    return bytes([lead | size]) if not width else bytes([lead]) + size.to_bytes(width, "big")


def ext(code, data):
    """Return an extension."""
    short = {1: 0xD4, 2: 0xD5, 4: 0xD6, 8: 0xD7, 16: 0xD8}
    size = (
        bytes([short[len(data)]]) if len(data) in short else size_header(len(data), (256, 0xC7, 1))
    )
    return size + bytes([code]) + data


def integer(value):
    """Return an integer in the shortest form."""
    if -32 <= value < 128:
        return struct.pack("b" if value < 0 else "B", value)
    for power, code in enumerate("BHIQ"):
        if 0 <= value < 1 << (8 << power):
            return bytes([0xCC + power]) + struct.pack(">" + code, value)
        if -(1 << (8 << power) - 1) <= value < 0:
            return bytes([0xD0 + power]) + struct.pack(">" + code.lower(), value)
    size = next(n for n in range(9, 99) if -(1 << 8 * n - 1) <= value < 1 << 8 * n - 1)
    return ext(2, value.to_bytes(size, "big", signed=True))


def text(value):
    """Return a str."""
    try:
        data = value.encode()
    except UnicodeEncodeError:
        return ext(3, value.encode("utf-8", "surrogatepass"))
    return size_header(len(data), (32, 0xA0, 0), (256, 0xD9, 1), (1 << 16, 0xDA, 2)) + data


def binary(data):
    """Return bytes."""
    return size_header(len(data), (256, 0xC4, 1), (1 << 16, 0xC5, 2), (1 << 32, 0xC6, 4)) + data


def buffer(data):
    """Return a buffer: few bytes inline, many as their digest."""
    return binary(data) if len(data) <= 1024 else ext(4, blake3(data).digest())


def digest(tag, items):
    """Return the digest of a node."""
    head = size_header(len(items), (16, 0x90, 0), (1 << 16, 0xDC, 2), (1 << 32, 0xDD, 4))
    return blake3(b"provenance/1 " + tag.encode() + b"\n" + head + b"".join(items)).digest(20)


def ordered(members):
    """Return members in the order of the keys of a dict."""
    if {type(member) for member in members} in ({str}, {int}, {bytes}):
        return sorted(members)
    return sorted(members, key=item)


def mapping(value):
    """Return the keys and values of a dict."""
    keys = ordered(value)
    if len({item(key) for key in keys}) < len(keys):
        keys = sorted(value, key=lambda key: (item(key), item(value[key])))
    return [*map(item, keys), *(item(value[key]) for key in keys)]


NAN = bytes.fromhex("7ff8000000000000")
SCALARS = {
    type(None): lambda _: b"\xc0",
    bool: lambda value: b"\xc3" if value else b"\xc2",
    int: integer,
    float: lambda value: b"\xcb" + (NAN if math.isnan(value) else struct.pack(">d", value)),
    str: text,
    bytes: binary,
}


def name(kind):
    """Return the name of a type."""
    return text(f"{kind.__module__}:{kind.__qualname__}")


def clock(value):
    """Return what a time is made of."""
    return [value.hour, value.minute, value.second, value.microsecond, value.fold, value.tzinfo]


def items(*values):
    """Return the items of values."""
    return list(map(item, values))


NODES = {
    **{kind: (kind.__name__, lambda value: items(*value)) for kind in (list, tuple)},
    **{kind: (kind.__name__, lambda value: items(*ordered(value))) for kind in (set, frozenset)},
    **{kind: (kind.__name__, mapping) for kind in (dict, Counter, MappingProxyType)},
    defaultdict: ("defaultdict", lambda value: [item(value.default_factory), *mapping(value)]),
    OrderedDict: ("OrderedDict", lambda value: items(*value, *value.values())),
    ChainMap: ("ChainMap", lambda value: items(*value.maps)),
    deque: ("deque", lambda value: items(value.maxlen, *value)),
    complex: ("complex", lambda value: items(value.real, value.imag)),
    range: (
        "range",
        lambda value: items(len(value), *value[:1], *([value.step] if len(value) > 1 else [])),
    ),
    slice: ("slice", lambda value: items(value.start, value.stop, value.step)),
    type(...): ("singleton", lambda value: [text(repr(value))]),
    bytearray: ("bytearray", lambda value: [buffer(bytes(value))]),
    memoryview: (
        "memoryview",
        lambda value: [text(value.format), item(value.shape), buffer(bytes(value))],
    ),
    type: ("type", lambda value: [name(value)]),
    dt.date: ("date", lambda value: items(value.year, value.month, value.day)),
    dt.time: ("time", lambda value: items(*clock(value))),
    dt.datetime: (
        "datetime",
        lambda value: items(value.year, value.month, value.day, *clock(value)),
    ),
    dt.timedelta: ("timedelta", lambda value: items(value.days, value.seconds, value.microseconds)),
    dt.timezone: ("timezone", lambda value: items(value.utcoffset(None), value.tzname(None))),
    ZoneInfo: ("ZoneInfo", lambda value: [text(value.key)]),
    Decimal: ("Decimal", lambda value: [text(str(value).upper())]),
    Fraction: ("Fraction", lambda value: items(value.numerator, value.denominator)),
    UUID: ("UUID", lambda value: [binary(value.bytes)]),
    PurePosixPath: ("path", lambda value: items("PurePosixPath", *value.parts)),
    array: (
        "array",
        lambda value: [text(value.typecode), integer(value.itemsize), buffer(value.tobytes())],
    ),
    Shade: ("enum", lambda value: [name(Shade), text(value.name)]),
    Pair: ("namedtuple", lambda value: [name(Pair), text("left"), text("right"), *items(*value)]),
    Box: ("object", lambda value: [name(Box), *mapping(vars(value))]),
    Slotted: ("object", lambda value: [name(Slotted), *mapping({"a": value.a, "b": value.b})]),
    np.ndarray: (
        "ndarray",
        lambda value: [text(value.dtype.str), *map(integer, value.shape), buffer(value.tobytes())],
    ),
    np.float32: (
        "numpy scalar",
        lambda value: [name(np.float32), text(value.dtype.str), buffer(value.tobytes())],
    ),
}


def item(value):
    """Return the item of a value."""
    if type(value) in SCALARS:
        return SCALARS[type(value)](value)
    tag, content = NODES[type(value)]
    return ext(1, digest(tag, content(value)))


def reference(value):
    """Return the hash of a value."""
    is_scalar = type(value) in SCALARS
    return (digest("scalar", [item(value)]) if is_scalar else item(value)[-20:]).hex()


offsets = st.timedeltas(dt.timedelta(hours=-23), dt.timedelta(hours=23))
zones = (
    st.none()
    | st.just(ZoneInfo("Europe/Paris"))
    | st.builds(dt.timezone, offsets)
    | st.builds(dt.timezone, offsets, st.text(max_size=3))
)
texts = st.text(st.characters(exclude_categories=()), max_size=40)
keys = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-70000, 70000),
    st.floats(),
    texts,
    st.binary(max_size=300),
    st.complex_numbers(),
    st.dates(),
    st.times(timezones=zones),
    st.datetimes(timezones=zones),
    st.timedeltas(),
    st.decimals().filter(lambda value: not value.is_snan()),
    st.fractions(),
    st.uuids(),
    st.just(Shade.RED),
    st.just(...),
    st.just(int),
    st.builds(range, st.integers(-5, 5), st.integers(-5, 5), st.sampled_from([1, 2, -1])),
    st.builds(PurePosixPath, st.sampled_from(["", "a/b", "/a", "//a"])),
    st.floats(width=32).map(np.float32),
)
frozen = st.recursive(
    keys,
    lambda inner: (
        st.frozensets(inner, max_size=4) | st.tuples(inner, inner) | st.builds(Pair, inner, inner)
    ),
)
leaves = frozen | st.one_of(
    st.binary(max_size=2000).map(bytearray),
    st.binary(max_size=40).map(memoryview),
    st.lists(st.integers(0, 9)).map(lambda x: array("h", x)),
    st.lists(st.floats(), max_size=200).map(np.array),
    st.builds(slice, st.integers(), st.none()),
    st.just(Decimal("sNaN")),
)


def twin(value):
    """Return an equal value, another one if it can change."""
    return copy.copy(value) if type(value) in {list, dict, set, deque, Box, Slotted} else value


def containers(inner):
    """Return a strategy for what holds values, also many of a kind."""
    dicts = st.dictionaries(frozen, inner, max_size=5) | st.dictionaries(texts, inner, max_size=5)
    lists = st.lists(inner, max_size=40)
    alike = st.builds(
        lambda value, count: [twin(value) for _ in range(count)], inner, st.integers(30, 34)
    )
    same = st.builds(lambda value, count: [value] * count, inner, st.integers(2, 6))
    return st.one_of(
        lists,
        alike,
        same,
        dicts,
        lists.map(tuple),
        st.lists(st.dictionaries(st.sampled_from("ab"), inner), max_size=40),
        st.sets(frozen),
        lists.map(deque),
        st.builds(lambda x: deque(x, 3), lists),
        dicts.map(OrderedDict),
        dicts.map(MappingProxyType),
        dicts.map(lambda x: defaultdict(list, x)),
        dicts.map(ChainMap),
        st.dictionaries(frozen, st.integers()).map(Counter),
        st.builds(Pair, inner, inner),
        st.builds(lambda a, b: Box(a=a, b=b), inner, inner),
        st.builds(Slotted, inner, inner),
        st.just(Box),
        st.lists(st.builds(lambda a: Box(a=a), inner), max_size=40),
        st.lists(st.just(None).map(lambda _: Box()), max_size=40),
    )


values = st.recursive(leaves, containers, max_leaves=8)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@given(values)
def test_the_document_says_how_values_are_hashed(value):
    """A value alone, and in containers of many sizes, has the hash that the document gives it."""
    expected = reference(value)
    assert p.hash(value) == expected
    assert p.hash((value, value)) == reference((value, value))
    deep = [value]
    for _ in range(22):
        deep = [deep, deep, [], deep]
    assert p.hash(value) == expected
    inner = item(value)
    digest_of = ext(1, digest("list", [inner]))
    for _ in range(22):
        digest_of = ext(1, digest("list", [digest_of, digest_of, item([]), digest_of]))
    assert p.hash(deep) == digest_of[-20:].hex()

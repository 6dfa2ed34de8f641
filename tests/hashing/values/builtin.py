"""Builtins, the standard library and classes of Python code: leaves, and what holds values of any family."""

import copy
import datetime as dt
import io
import ipaddress
import math
import re
import types
import uuid
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import Enum, IntFlag
from fractions import Fraction
from functools import cached_property
from pathlib import PurePosixPath, PureWindowsPath
from zoneinfo import ZoneInfo

import attrs
import numpy as np

from hashing.values.spelling import CHANGED, RESPELLED, changed, respelled

Named = namedtuple("Named", "a b")  # noqa: PYI024 - the untyped kind


class Shade(Enum):
    RED = 1
    BLUE = 2


class Mode(IntFlag):
    READ = 1
    WRITE = 2


@dataclass(frozen=True)
class Point:
    x: object
    y: object


@dataclass
class Slim:
    __slots__ = ("x", "y")
    x: object
    y: object


@attrs.frozen
class Pair:
    x: object
    y: object


@attrs.define
class SlottedPair:
    x: object
    y: object


class Plain:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def both(self):
        """What a bound method can be made of."""
        return self.x, self.y

    def swapped(self):
        """Another one."""
        return self.y, self.x


class Cached(Plain):
    @cached_property
    def kinds(self):
        """What can be computed again is no part of the value."""
        return type(self.x), type(self.y)


class Stateful(Plain):
    def __getstate__(self):
        return [self.x, self.y]

    def __setstate__(self, state):
        self.x, self.y = state


class Reduced(Plain):
    def __reduce__(self):
        return type(self), (self.x, self.y)


class TaggedList(list):
    pass


class TaggedDict(dict):
    pass


class TaggedSet(set):
    pass


class Text(str):
    __slots__ = ()


class Whole(int):
    pass


RECORDS = (
    Point,
    Slim,
    Pair,
    SlottedPair,
    Plain,
    Cached,
    Stateful,
    Reduced,
    types.SimpleNamespace,
    Named,
)


def record(kind, x, y):
    """An instance of one of RECORDS."""
    return kind(x=x, y=y) if kind is types.SimpleNamespace else kind(x, y)


def tagged(it, tag):
    """The same with an attribute."""
    it.tag = tag
    return it


def hashable(r):
    """A value that can be a key."""
    return r.choice(
        [
            r.randint(-9, 99),
            "".join(r.choices("abc", k=2)),
            (r.randint(0, 9), "x"),
            frozenset({r.randint(0, 3)}),
        ]
    )


def mapping(r, make):
    """A few entries."""
    return {key: make() for key in sorted({hashable(r) for _ in range(r.randint(0, 4))}, key=repr)}


LEAVES = (
    lambda r: None,
    lambda r: r.random() < 0.5,
    lambda r: r.randint(-3, 300),
    lambda r: r.getrandbits(80),
    lambda r: r.choice([0.0, -0.0, 1.5, math.inf, math.nan, r.random()]),
    lambda r: "".join(r.choices("abcé🐍\ud800", k=r.randint(0, 4))),
    lambda r: r.randbytes(r.randint(0, 4)),
    lambda r: bytearray(r.randbytes(r.randint(0, 4))),
    lambda r: complex(r.randint(0, 2), r.random()),
    lambda r: Fraction(r.randint(1, 9), 7),
    lambda r: Decimal(r.randint(-99, 99)) / 8,
    lambda r: dt.datetime(
        2024, 1, r.randint(1, 28), tzinfo=r.choice([dt.UTC, ZoneInfo("Europe/Warsaw"), None])
    ),
    lambda r: dt.date(2024, 1, r.randint(1, 28)),
    lambda r: dt.time(r.randint(0, 23), fold=r.randint(0, 1)),
    lambda r: dt.timedelta(seconds=r.randint(0, 9)),
    lambda r: uuid.UUID(int=r.getrandbits(128)),
    lambda r: ipaddress.ip_address(r.getrandbits(32)),
    lambda r: re.compile(r.choice("abc"), r.choice([0, re.IGNORECASE])),
    lambda r: r.choice([PurePosixPath, PureWindowsPath])("a", *r.choices("bcd", k=2)),
    lambda r: r.choice([*Shade, *Mode, Mode.READ | Mode.WRITE]),
    lambda r: range(r.randint(0, 9)),
    lambda r: slice(r.randint(0, 9), None),
    lambda r: Text(r.randint(0, 9)),
    lambda r: tagged(Whole(r.randint(0, 9)), "t"),
    lambda r: io.BytesIO(r.randbytes(3)),
)

MAKERS = (
    lambda r, make: [make() for _ in range(r.randint(0, 4))],
    lambda r, make: tuple(make() for _ in range(r.randint(0, 4))),
    lambda r, make: [Point(r.randint(0, 9), "p") for _ in range(r.randint(8, 12))],
    lambda r, make: [make()] * 2,
    mapping,
    lambda r, make: OrderedDict(mapping(r, make)),
    lambda r, make: defaultdict(list, mapping(r, make)),
    lambda r, make: Counter(mapping(r, lambda: r.randint(1, 3))),
    lambda r, make: {hashable(r) for _ in range(r.randint(0, 4))},
    lambda r, make: frozenset(hashable(r) for _ in range(r.randint(0, 4))),
    lambda r, make: deque([make()], maxlen=r.choice([None, 5])),
    lambda r, make: ChainMap(mapping(r, make), {}),
    lambda r, make: UserDict(mapping(r, make)),
    lambda r, make: record(r.choice(RECORDS), make(), make()),
    lambda r, make: tagged(r.choice([TaggedList, TaggedSet])([hashable(r)]), make()),
    lambda r, make: tagged(TaggedDict(mapping(r, make)), make()),
)


def _record(r, it):
    parts = it if type(it) is Named else (it.x, it.y)
    return record(type(it), *(respelled(r, part) for part in parts))


def _touched(r, it):
    other = _record(r, it)
    assert other.kinds
    return other


def _sequence(r, it):
    members = [respelled(r, each) for each in it]
    return deque(members, it.maxlen) if type(it) is deque else type(it)(members)


def _mapping(r, it):
    other = copy.copy(it)
    other.clear()
    for key, each in reversed(it.items()):
        other[respelled(r, key)] = respelled(r, each)
    return other


RESPELLED.update(
    {
        **dict.fromkeys((list, tuple, deque), _sequence),
        **dict.fromkeys((dict, Counter, defaultdict), _mapping),
        **dict.fromkeys(
            (set, frozenset),
            lambda r, it: type(it)(respelled(r, each) for each in reversed(list(it))),
        ),
        **dict.fromkeys(RECORDS, _record),
        Cached: _touched,
        TaggedDict: lambda r, it: tagged(TaggedDict(reversed(it.items())), respelled(r, it.tag)),
        str: lambda _, it: "".join(list(it)),
    }
)


def _changed_member(r, it):
    members = list(it) or [None]
    at = r.randrange(len(members))
    members[at] = changed(r, members[at])
    return type(it)(members)


def _changed_entry(r, it):
    other = copy.copy(it)
    key = r.choice(list(it) or [None])
    other[key] = changed(r, it.get(key))
    return other


def _changed_key(r, it):
    other = copy.copy(it)
    key = r.choice(list(it) or [None])
    other["renamed", key] = other.pop(key, None)
    return other


def _reordered(_, it):
    """The order of an OrderedDict counts."""
    return OrderedDict(reversed(it.items())) if len(it) > 1 else {"new": it}


def _changed_field(r, it):
    name = r.choice([each.name for each in fields(it)])
    return replace(it, **{name: changed(r, getattr(it, name))})


def _changed_attribute(r, it):
    other = copy.copy(it)
    name = r.choice("xy")
    setattr(other, name, changed(r, getattr(it, name)))
    return other


def _extended(r, it):
    other = copy.copy(it)
    other.extra = None
    return other


def _changed_tag(r, it):
    return tagged(copy.copy(it), changed(r, it.tag))


CHANGED.update(
    {
        **{
            key: [_changed_member, lambda _, it: type(it)([*it, None]), lambda _, it: {0: it}]
            for key in (list, tuple, deque)
        },
        **{key: [_changed_entry, _changed_key] for key in (dict, defaultdict, UserDict, ChainMap)},
        OrderedDict: [_changed_entry, _changed_key, _reordered],
        **{key: [lambda r, it: it ^ {r.choice([*it, "new"])}] for key in (set, frozenset)},
        **{key: [_changed_field, lambda _, it: Pair(it.x, it.y)] for key in (Point, Slim)},
        **{
            key: [_changed_attribute, lambda _, it: Point(it.x, it.y)]
            for key in (SlottedPair, Stateful, Reduced)
        },
        **{key: [_changed_attribute, _extended] for key in (Plain, Cached, types.SimpleNamespace)},
        **{
            key: [_changed_tag, lambda _, it: [it.tag]]
            for key in (TaggedList, TaggedDict, TaggedSet)
        },
        bool: [lambda _, it: int(it), lambda _, it: not it],
        int: [
            lambda _, it: it + 1,
            lambda _, it: str(it),
            lambda _, it: Decimal(it),
            lambda _, it: Whole(it),
        ],
        float: [lambda _, it: str(it), lambda _, it: np.float64(it)],
        str: [
            lambda _, it: it + "x",
            lambda _, it: it.encode("utf-8", "surrogatepass"),
            lambda _, it: (it,),
            lambda _, it: Text(it),
        ],
        bytes: [lambda _, it: it + b"x", lambda _, it: bytearray(it)],
        dt.datetime: [
            lambda _, it: it + dt.timedelta(microseconds=1),
            lambda _, it: it.replace(tzinfo=dt.timezone(dt.timedelta(hours=1))),
            lambda _, it: it.replace(fold=1 - it.fold) if it.tzinfo is not dt.UTC else [it],
        ],
    }
)

"""Values of the standard library, whose types are registered by name to avoid importing them."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Collection
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from provenance.hashing.attributes import instance_dict
from provenance.hashing.containers import named_items
from provenance.hashing.encoding import Buffer, Item, node, prefix
from provenance.hashing.objects import OBJECT
from provenance.hashing.registry import exact, inherited, name_of
from provenance.hashing.walk import UnhashablePart, Walk

if TYPE_CHECKING:
    import datetime as dt
    import random
    import struct
    from array import array
    from decimal import Decimal
    from fractions import Fraction
    from pathlib import PurePath
    from re import Pattern
    from zoneinfo import ZoneInfo

_DATE, _TIME, _DATETIME = map(prefix, ("date", "time", "datetime"))
_TIMEDELTA, _TIMEZONE, _ZONE = map(prefix, ("timedelta", "timezone", "ZoneInfo"))
_DECIMAL, _FRACTION, _UUID = map(prefix, ("Decimal", "Fraction", "UUID"))
_PATH, _PATTERN, _ARRAY, _PARTIAL = map(prefix, ("path", "pattern", "array", "partial"))
_NEW_TYPE, _TYPE_VARIABLE = map(prefix, ("new type", "type variable"))
_RANDOM, _VIEW, _STRUCT, _CONFIGURATION = map(
    prefix, ("random", "view of a dict", "Struct", "configuration")
)
_EMPTY: tuple[dict[str, object], ...] = ({}, OrderedDict[str, object]())
_VIEWS: list[type] = [
    type(view) for empty in _EMPTY for view in (empty.keys(), empty.values(), empty.items())
]
_PATHS = [
    f"{module}:{name}"
    for module in ("pathlib", "pathlib._local")
    for name in ("PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath")
]


@exact("datetime:date")
def _date(value: dt.date, _: Walk) -> Item:
    return node(_DATE, (value.year, value.month, value.day))


@exact("datetime:time")
def _time(value: dt.time, walk: Walk) -> Item:
    return node(_TIME, _clock(value, walk))


@exact("datetime:datetime")
def _datetime(value: dt.datetime, walk: Walk) -> Item:
    return node(_DATETIME, (value.year, value.month, value.day, *_clock(value, walk)))


def _clock(value: dt.time | dt.datetime, walk: Walk) -> tuple[Item, ...]:
    zone = walk.labeled(".tzinfo", value.tzinfo)
    return (value.hour, value.minute, value.second, value.microsecond, value.fold, zone)


@exact("datetime:timedelta")
def _timedelta(value: dt.timedelta, _: Walk) -> Item:
    return node(_TIMEDELTA, (value.days, value.seconds, value.microseconds))


@exact("datetime:timezone")
def _timezone(value: dt.timezone, walk: Walk) -> Item:
    return node(_TIMEZONE, (walk.item(value.utcoffset(None)), value.tzname(None)))


@exact("zoneinfo:ZoneInfo")
def _zone(value: ZoneInfo, _: Walk) -> Item:
    if not value.key:
        raise UnhashablePart("a ZoneInfo without a key has no name")
    return node(_ZONE, (value.key,))


@exact("decimal:Decimal")
def _decimal(value: Decimal, _: Walk) -> Item:
    sign, digits, exponent = value.as_tuple()
    return node(_DECIMAL, (sign, "".join(map(str, digits)), exponent))


@exact("fractions:Fraction")
def _fraction(value: Fraction, _: Walk) -> Item:
    return node(_FRACTION, (value.numerator, value.denominator))


@exact("uuid:UUID")
def _uuid(value: Any, _: Walk) -> Item:
    return node(_UUID, (value.bytes,))


@exact(*_PATHS)
def _path(value: PurePath, _: Walk) -> Item:
    return node(_PATH, (type(value).__name__, *value.parts))


@exact("re:Pattern")
def _pattern(value: Pattern[str], _: Walk) -> Item:
    return node(_PATTERN, (value.pattern, value.flags))


@exact("array:array")
def _array(value: array[Any], _: Walk) -> Item:
    if sys.byteorder == "big":
        value = value[:]
        value.byteswap()
    data = memoryview(value).cast("B") if value else b""
    return node(_ARRAY, (value.typecode, value.itemsize, Buffer(data).item()))


@exact(partial)
def _partial(value: partial[object], walk: Walk) -> Item:
    parts = (value.func, value.args, value.keywords, vars(value))
    return node(_PARTIAL, walk.items(parts))


@exact(SimpleNamespace)
def _namespace(value: SimpleNamespace, walk: Walk) -> Item:
    state = vars(value)
    return node(OBJECT, (name_of(value), *named_items(state, state, walk)))


@exact("typing:NewType")
def _new_type(value: Any, walk: Walk) -> Item:
    return node(_NEW_TYPE, (_module_and_name(value), walk.item(value.__supertype__)))


@exact("typing:TypeVar", "typing:ParamSpec", "typing:TypeVarTuple")
def _type_variable(value: Any, walk: Walk) -> Item:
    names = ("__bound__", "__constraints__", "__covariant__", "__contravariant__", "__default__")
    # Not all of them exist for each kind and version.
    facts = [getattr(value, name, None) for name in names]
    return node(_TYPE_VARIABLE, (name_of(value), _module_and_name(value), *walk.items(facts)))


def _module_and_name(value: Any) -> str:
    return f"{value.__module__}:{value.__name__}"


@exact(*_VIEWS)
def _view(value: Collection[object], walk: Walk) -> Item:
    return node(_VIEW, (name_of(value), *walk.items(list(value))))


@exact("_struct:Struct")
def _struct(value: struct.Struct, _: Walk) -> Item:
    return node(_STRUCT, (value.format,))


@inherited("configparser:RawConfigParser")
def _configuration(value: object, walk: Walk) -> Item:
    # Sections are looked up through objects that lead back to the parser.
    held = instance_dict(value)
    state = {name: held[name] for name in held if name not in {"_proxies", "_converters"}}
    return node(_CONFIGURATION, (name_of(value), *named_items(state, state, walk)))


@exact("random:Random")
def _random(value: random.Random, walk: Walk) -> Item:
    if value is getattr(sys.modules["random"], "_inst", None):
        return node(_RANDOM, ("shared",))
    return node(_RANDOM, (walk.item(value.getstate()),))

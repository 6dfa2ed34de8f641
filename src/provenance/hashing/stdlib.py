"""Values of the standard library, whose types are registered by name to avoid importing them."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Collection, Sequence
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from provenance.hashing.attributes import instance_dict
from provenance.hashing.containers import dict_items
from provenance.hashing.encoding import Buffer, Item, node, prefix
from provenance.hashing.objects import OBJECT
from provenance.hashing.registry import as_node, exact, inherited, name_of
from provenance.hashing.walk import UnhashablePart, Walk
from provenance.model.main_module import source_of

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

_PARTIAL, _NEW_TYPE, _TYPE_VARIABLE = map(prefix, ("partial", "new type", "type variable"))
_VIEW, _CONFIGURATION = map(prefix, ("view of a dict", "configuration"))
_STRUCT, _RANDOM = map(prefix, ("Struct", "random"))
_EMPTY: tuple[dict[str, object], ...] = ({}, OrderedDict[str, object]())
_VIEWS: list[type] = [
    type(view) for empty in _EMPTY for view in (empty.keys(), empty.values(), empty.items())
]
_PATHS = [
    f"{module}:{name}"
    for module in ("pathlib", "pathlib._local")
    for name in ("PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath")
]


@as_node("date", "datetime:date")
def _date(value: dt.date, _: Walk) -> Sequence[Item]:
    return (value.year, value.month, value.day)


def _clock(value: dt.time | dt.datetime, walk: Walk) -> Sequence[Item]:
    zone = walk.labeled(".tzinfo", value.tzinfo)
    return (value.hour, value.minute, value.second, value.microsecond, value.fold, zone)


as_node("time", "datetime:time")(_clock)


@as_node("datetime", "datetime:datetime")
def _datetime(value: dt.datetime, walk: Walk) -> Sequence[Item]:
    return (value.year, value.month, value.day, *_clock(value, walk))


@as_node("timedelta", "datetime:timedelta")
def _timedelta(value: dt.timedelta, _: Walk) -> Sequence[Item]:
    return (value.days, value.seconds, value.microseconds)


@as_node("timezone", "datetime:timezone")
def _timezone(value: dt.timezone, walk: Walk) -> Sequence[Item]:
    return walk.items((value.utcoffset(None), value.tzname(None)))


@as_node("ZoneInfo", "zoneinfo:ZoneInfo")
def _zone(value: ZoneInfo, walk: Walk) -> Sequence[Item]:
    if not value.key:
        raise UnhashablePart("a ZoneInfo without a key has no name")
    return walk.items((value.key,))


@as_node("Decimal", "decimal:Decimal")
def _decimal(value: Decimal, _: Walk) -> Sequence[Item]:
    # The context decides whether an exponent follows "e" or "E".
    return (str(value).upper(),)


@as_node("Fraction", "fractions:Fraction")
def _fraction(value: Fraction, walk: Walk) -> Sequence[Item]:
    return walk.items((value.numerator, value.denominator))


@as_node("UUID", "uuid:UUID")
def _uuid(value: Any, _: Walk) -> Sequence[Item]:
    return (value.bytes,)


@as_node("path", *_PATHS)
def _path(value: PurePath, _: Walk) -> Sequence[Item]:
    return (type(value).__name__, *value.parts)


@as_node("pattern", "re:Pattern")
def _pattern(value: Pattern[str], walk: Walk) -> Sequence[Item]:
    return walk.items((value.pattern, value.flags))


@as_node("array", "array:array")
def _array(value: array[Any], _: Walk) -> Sequence[Item]:
    if sys.byteorder == "big":
        value = value[:]
        value.byteswap()
    data = memoryview(value).cast("B") if value else b""
    return (value.typecode, value.itemsize, Buffer(data).item())


@exact(partial)
def _partial(value: partial[object], walk: Walk) -> Item:
    return node(_PARTIAL, walk.items((value.func, value.args, value.keywords, vars(value))))


@exact(SimpleNamespace)
def _namespace(value: SimpleNamespace, walk: Walk) -> Item:
    return node(OBJECT, (name_of(value), *dict_items(vars(value), walk)))


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
    return f"{source_of(value)}:{value.__name__}"


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
    return node(_CONFIGURATION, (name_of(value), *dict_items(state, walk)))


@exact("random:Random")
def _random(value: random.Random, walk: Walk) -> Item:
    if value is getattr(sys.modules["random"], "_inst", None):
        return node(_RANDOM, ("shared",))
    return node(_RANDOM, (walk.item(value.getstate()),))

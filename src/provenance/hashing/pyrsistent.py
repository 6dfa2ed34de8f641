"""pyrsistent: order counts in vectors, lists and deques, but not in maps, sets and bags."""

from __future__ import annotations

from typing import Any

import pyrsistent as pyr

from provenance.hashing.containers import dict_items, set_items
from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import inherited, type_name
from provenance.hashing.walk import Walk

_MAP, _SET, _BAG, _SEQUENCE = (
    prefix(f"persistent {kind}") for kind in ("map", "set", "bag", "sequence")
)


@inherited(pyr.PMap, pyr.PRecord)
def _map(value: Any, walk: Walk) -> Item:
    return node(_MAP, (_name(value), *dict_items(dict(value.iteritems()), walk)))


@inherited(pyr.PSet)
def _set(value: Any, walk: Walk) -> Item:
    return node(_SET, (_name(value), *set_items(frozenset(value), walk)))


@inherited(pyr.PBag)
def _bag(value: Any, walk: Walk) -> Item:
    counts = {member: value.count(member) for member in value}
    return node(_BAG, (_name(value), *dict_items(counts, walk)))


@inherited(
    pyr.PVector,
    pyr.PList,
    pyr.PDeque,
    "pvectorc:PVector",
    "pyrsistent._pvector:PythonPVector",
    "pyrsistent._plist:_EmptyPList",
)
def _sequence(value: Any, walk: Walk) -> Item:
    limit = getattr(value, "maxlen", None)
    return node(_SEQUENCE, (_name(value), limit, *walk.items(list(value))))


def _name(value: object) -> str:
    """Return the name of the type, the same for vectors implemented in C and in Python."""
    kind = type(value)
    if kind.__module__.partition(".")[0] not in {"pyrsistent", "pvectorc"}:
        return type_name(kind)
    return f"pyrsistent:{kind.__name__.strip('_').removeprefix('Python').removeprefix('Empty')}"

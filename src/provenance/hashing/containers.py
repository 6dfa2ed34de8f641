"""Builtin values: order counts in sequences, but not in dicts and sets."""

from __future__ import annotations

from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, islice
from operator import itemgetter
from types import EllipsisType, MappingProxyType, NotImplementedType
from typing import Any, Final

from provenance.hashing.attributes import instance_dict
from provenance.hashing.encoding import Buffer, Item, encoded, node, nodes, prefix
from provenance.hashing.registry import as_node, batch, exact
from provenance.hashing.walk import Walk

LIST: Final = prefix("list")
TUPLE: Final = prefix("tuple")
_DICT = prefix("dict")
_SET, _FROZENSET = map(prefix, ("set", "frozenset"))
_SLICE, _SINGLETON = map(prefix, ("slice", "singleton"))
_BYTEARRAY, _MEMORYVIEW = map(prefix, ("bytearray", "memoryview"))
_ORDERED, _COUNTER, _DEFAULTDICT = map(prefix, ("OrderedDict", "Counter", "defaultdict"))
_DEQUE, _CHAIN_MAP, _MAPPING_PROXY = map(prefix, ("deque", "ChainMap", "mappingproxy"))
_ATTRIBUTED = prefix("with attributes")
_SMALL = 32
_MANY = 32
"""Number of records of the same names from which each column is hashed by itself."""
_ALL_STR = frozenset({str}).issuperset
_SORTABLE = ({str}, {int}, {bytes})


def record_items(
    start: bytes,
    head: tuple[Item, ...],
    values: Sequence[Any],
    columns: Sequence[list[Any]],
    walk: Walk,
) -> list[Any]:
    """Return the items of *values*: nodes of *head* and one member of each of *columns*."""
    items = [walk.items(column) for column in columns]
    made = nodes(start, map(head.__add__, zip(*items, strict=True)))
    # A few scalars are hashed again faster than they are remembered.
    if any(found is not column for found, column in zip(items, columns, strict=True)):
        walk.remember(values, made)
    return made


@exact(list)
def _list(value: list[object], walk: Walk) -> Item:
    return node(LIST, walk.items(value))


@exact(tuple)
def _tuple(value: tuple[object, ...], walk: Walk) -> Item:
    return node(TUPLE, walk.items(value))


def sequence_items(
    start: bytes, head: Sequence[Item], values: Sequence[Sequence[Any]], walk: Walk
) -> list[Any]:
    """Return the items of *values*: nodes of *head* and all members."""
    members = list(chain.from_iterable(values))
    items = walk.items(members)
    rows: Iterable[Any] = values
    if items is not members or head:
        remaining = iter(items)
        rows = [[*head, *islice(remaining, len(value))] for value in values]
    made = nodes(start, rows)
    if items is not members or max(map(len, values)) > _SMALL:
        walk.remember(values, made)
    return made


@batch(list, tuple)
def _sequences(values: Sequence[Sequence[Any]], walk: Walk) -> list[Any]:
    return sequence_items(LIST if type(values[0]) is list else TUPLE, (), values, walk)


def with_attributes(item: Item, state: Mapping[str, object], walk: Walk) -> Item:
    """Return *item*, or that of a node of it and the attributes *state* if there are any."""
    return node(_ATTRIBUTED, (item, *dict_items(state, walk))) if state else item


def dict_items(value: Mapping[Any, Any], walk: Walk) -> list[Item]:
    """Return the keys in canonical order and then the values in the same order."""
    if _ALL_STR(map(type, value)):
        names = sorted(value)
        return [*names, *walk.items([value[name] for name in names])]
    keys, contents = walk.unordered_items(value), list(value.values())
    ranks = _ranks(keys)
    # Distinct keys with equal items, such as two NaNs, are ordered by their values.
    if len(set(ranks)) < len(keys):
        ranks = [*zip(ranks, map(encoded, walk.unordered_items(contents)), strict=True)]
    order = sorted(range(len(keys)), key=ranks.__getitem__)
    return [*(keys[index] for index in order), *walk.items([contents[index] for index in order])]


def _ranks(items: Sequence[Item]) -> Sequence[Any]:
    """Return what orders *items*: themselves if they are of one type that has an order."""
    # An artifact of a string counts as that string, so it is not the values that decide.
    return items if set(map(type, items)) in _SORTABLE else list(map(encoded, items))


@exact(dict)
def _dict(value: dict[Any, object], walk: Walk) -> Item:
    return node(_DICT, dict_items(value, walk))


@batch(dict)
def _dicts(values: Sequence[dict[Any, Any]], walk: Walk) -> list[Any] | None:
    return mapping_items(_DICT, (), values, values, walk)


def mapping_items(
    start: bytes,
    head: tuple[Item, ...],
    values: Sequence[Any],
    states: Sequence[Mapping[Any, Any]],
    walk: Walk,
) -> list[Any] | None:
    """Return the items of *values*: nodes of *head* and the keys and the values of each of *states*.

    None if not all keys are of one type that has an order.
    """
    kinds = set(map(type, chain.from_iterable(states)))
    if kinds and kinds not in _SORTABLE:
        return None
    # Columns of no names would not say how many records there are.
    if kinds and len(states) >= _MANY and len(set(map(tuple, states))) == 1:
        names = sorted(states[0])
        columns = [list(map(itemgetter(name), states)) for name in names]
        return record_items(start, (*head, *names), values, columns, walk)
    ordered: list[list[Any]] = list(map(sorted, states))
    members = [state[name] for state, names in zip(states, ordered, strict=True) for name in names]
    items = walk.items(members)
    remaining = iter(items)
    made = nodes(start, [[*head, *names, *islice(remaining, len(names))] for names in ordered])
    if items is not members or max(map(len, ordered)) > _SMALL:
        walk.remember(values, made)
    return made


def set_items(value: Collection[Any], walk: Walk) -> Sequence[Item]:
    """Return the members in canonical order."""
    # As below, without a list of the items: that takes half as long again for a set of names.
    if set(map(type, value)) in _SORTABLE:
        return sorted(value)
    return _in_order(walk.unordered_items(value))


def _in_order(items: Sequence[Any]) -> list[Any]:
    return sorted(items) if set(map(type, items)) in _SORTABLE else sorted(items, key=encoded)


@batch(set, frozenset)
def _sets(values: Sequence[Collection[Any]], walk: Walk) -> list[Any]:
    remaining = iter(walk.items(list(chain.from_iterable(values))))
    start = _SET if type(values[0]) is set else _FROZENSET
    made = nodes(start, [_in_order(list(islice(remaining, len(value)))) for value in values])
    walk.remember(values, made)
    return made


@exact(set, frozenset)
def _set(value: Collection[Any], walk: Walk) -> Item:
    items = set_items(value, walk)
    return node(_SET if type(value) is set else _FROZENSET, items)


@as_node("complex", complex)
def _complex(value: complex, walk: Walk) -> Sequence[Item]:
    return walk.items((value.real, value.imag))


@as_node("range", range)
def _range(value: range, _: Walk) -> Sequence[Item]:
    # Not `len`, which fails for long ranges; not `stop`, which may differ between equal ranges.
    length = (value[-1] - value[0]) // value.step + 1 if value else 0
    return (length, *((value[0], value.step) if length > 1 else value))


@exact(slice)
def _slice(value: slice, walk: Walk) -> Item:
    return node(_SLICE, walk.items((value.start, value.stop, value.step)))


@exact(EllipsisType, NotImplementedType)
def _singleton(value: object, _: Walk) -> Item:
    return node(_SINGLETON, (repr(value),))


@exact(bytearray)
def _bytearray(value: bytearray, _: Walk) -> Item:
    return node(_BYTEARRAY, (Buffer(value).item(),))


@exact(memoryview)
def _memoryview(value: memoryview, walk: Walk) -> Item:
    shape = walk.item(value.shape)
    data = value.cast("B") if value.c_contiguous and value.nbytes else value.tobytes()
    return node(_MEMORYVIEW, (value.format, shape, Buffer(data).item()))


@exact(OrderedDict)
def _ordered(value: OrderedDict[object, object], walk: Walk) -> Item:
    items = (*walk.items(list(value)), *walk.items(list(value.values())))
    return with_attributes(node(_ORDERED, items), instance_dict(value), walk)


@exact(Counter)
def _counter(value: Counter[object], walk: Walk) -> Item:
    return with_attributes(node(_COUNTER, dict_items(value, walk)), instance_dict(value), walk)


@exact(defaultdict)
def _defaultdict(value: defaultdict[object, object], walk: Walk) -> Item:
    factory = walk.labeled(".default_factory", value.default_factory)
    return node(_DEFAULTDICT, (factory, *dict_items(value, walk)))


@exact(deque)
def _deque(value: deque[object], walk: Walk) -> Item:
    return node(_DEQUE, (value.maxlen, *walk.items(list(value))))


@exact(ChainMap)
def _chain_map(value: ChainMap[object, object], walk: Walk) -> Item:
    more = {name: content for name, content in instance_dict(value).items() if name != "maps"}
    return with_attributes(node(_CHAIN_MAP, walk.items(value.maps)), more, walk)


@exact(MappingProxyType)
def _mapping_proxy(value: MappingProxyType[object, object], walk: Walk) -> Item:
    return node(_MAPPING_PROXY, dict_items(value, walk))

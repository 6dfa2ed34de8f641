"""Builtin values: order counts in sequences, but not in dicts and sets."""

from __future__ import annotations

from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain, islice
from operator import itemgetter
from types import EllipsisType, MappingProxyType, NotImplementedType
from typing import Any, Final, TypeAlias

from provenance.hashing.attributes import instance_dict
from provenance.hashing.encoding import Buffer, Item, node, nodes, prefix
from provenance.hashing.registry import batch, exact
from provenance.hashing.walk import Walk

LIST: Final = prefix("list")
TUPLE: Final = prefix("tuple")
_DICT = prefix("dict")
_SET, _FROZENSET = map(prefix, ("set", "frozenset"))
_COMPLEX, _RANGE, _SLICE, _SINGLETON = map(prefix, ("complex", "range", "slice", "singleton"))
_BYTEARRAY, _MEMORYVIEW = map(prefix, ("bytearray", "memoryview"))
_ORDERED, _COUNTER, _DEFAULTDICT = map(prefix, ("OrderedDict", "Counter", "defaultdict"))
_DEQUE, _CHAIN_MAP, _MAPPING_PROXY = map(prefix, ("deque", "ChainMap", "mappingproxy"))
_Order: TypeAlias = "tuple[tuple[str, ...], Callable[[Any], Any]]"
_orders: Final[dict[tuple[str, ...], _Order]] = {}
_ATTRIBUTED = prefix("with attributes")
_SMALL, _REMEMBERED = 32, 4096
_ALL_STR = frozenset({str}).issuperset
_SORTABLE = (frozenset({str}), frozenset({int}), frozenset({bytes}))


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


def getter(*names: str) -> Callable[[Any], Any]:
    """Return an `itemgetter` of *names*, typed for any number of them."""
    make: Any = itemgetter
    getter: Callable[[Any], Any] = make(*names)
    return getter


@exact(list)
def _list(value: list[object], walk: Walk) -> Item:
    return node(LIST, walk.items(value))


@exact(tuple)
def _tuple(value: tuple[object, ...], walk: Walk) -> Item:
    return node(TUPLE, walk.items(value))


@batch(list)
@batch(tuple)
def _sequences(values: Sequence[Sequence[Any]], walk: Walk) -> list[Any]:
    start = LIST if type(values[0]) is list else TUPLE
    members = list(chain.from_iterable(values))
    items = walk.items(members)
    rows: Iterable[Any] = values
    if items is not members:
        remaining = iter(items)
        rows = (list(islice(remaining, len(value))) for value in values)
    made = nodes(start, rows)
    if items is not members or max(map(len, values)) > _SMALL:
        walk.remember(values, made)
    return made


def named_items(names: Iterable[str], values: Mapping[str, object], walk: Walk) -> list[Item]:
    """Return the sorted *names* and then, in the same order, the items of their *values*."""
    ordered: list[Any] = sorted(names)
    return [*ordered, *walk.items([values[name] for name in ordered])]


def with_attributes(item: Item, state: Mapping[str, object], walk: Walk) -> Item:
    """Return *item*, or that of a node of it and the attributes *state* if there are any."""
    return node(_ATTRIBUTED, (item, *named_items(state, state, walk))) if state else item


def dict_items(value: Mapping[Any, Any], walk: Walk) -> list[Item]:
    """Return the keys in canonical order and then the values in the same order."""
    if _ALL_STR(map(type, value)):
        return named_items(value, value, walk)
    keys = walk.items_by_rank(value)
    contents = list(value.values())
    # A key may be an artifact of a string, which counts as that string.
    if _ALL_STR(type(item) for _, item in keys):
        by_name = {str(item): content for (_, item), content in zip(keys, contents, strict=True)}
        return named_items(by_name, by_name, walk)
    ranks: list[Any] = [digest for digest, _ in keys]
    # Distinct keys with equal digests, such as two NaNs, are ordered by their values.
    if len(set(ranks)) < len(keys):
        ranks = [*zip(ranks, (digest for digest, _ in walk.items_by_rank(contents)), strict=True)]
    order = sorted(range(len(keys)), key=ranks.__getitem__)
    return [*(keys[index][1] for index in order), *walk.items([contents[index] for index in order])]


@exact(dict)
def _dict(value: dict[Any, object], walk: Walk) -> Item:
    if not 1 < len(value) <= _SMALL or not _ALL_STR(map(type, value)):
        return node(_DICT, dict_items(value, walk))
    given = tuple(value)
    names, values_of = _orders.get(given) or _order(given)
    return node(_DICT, (*names, *walk.items(values_of(value))))


@batch(dict)
def _dicts(values: Sequence[dict[Any, Any]], walk: Walk) -> list[Any] | None:
    """Return the items of dicts with the same few names in the same order."""
    given = tuple(values[0])
    if not 1 < len(given) <= _SMALL or len(set(map(tuple, values))) > 1:
        return None
    if not _ALL_STR(map(type, chain.from_iterable(values))):
        return None
    names, _ = _orders.get(given) or _order(given)
    return record_items(
        _DICT, names, values, [list(map(itemgetter(name), values)) for name in names], walk
    )


def _order(names: tuple[str, ...]) -> _Order:
    """Return the sorted *names* and a getter of a dict's values in that order, and remember both.

    Thousands of records share the same few names; sorting them each time would double the cost.
    """
    if len(_orders) >= _REMEMBERED:
        _orders.clear()
    ordered = tuple(sorted(names))
    order = _orders[names] = (ordered, getter(*ordered))
    return order


def set_items(value: Collection[Any], walk: Walk) -> Sequence[Item]:
    """Return the members in canonical order."""
    if frozenset(map(type, value)) in _SORTABLE:
        return sorted(value)
    ranked = walk.items_by_rank(value)
    items: list[Any] = [item for _, item in ranked]
    # A member may be an artifact of a scalar, which counts as that scalar.
    if frozenset(map(type, items)) in _SORTABLE:
        return sorted(items)
    return [item for _, item in sorted(ranked, key=itemgetter(0))]


@exact(set)
def _set(value: set[object], walk: Walk) -> Item:
    return node(_SET, set_items(value, walk))


@exact(frozenset)
def _frozenset(value: frozenset[object], walk: Walk) -> Item:
    return node(_FROZENSET, set_items(value, walk))


@exact(complex)
def _complex(value: complex, walk: Walk) -> Item:
    return node(_COMPLEX, (walk.item(value.real), walk.item(value.imag)))


@exact(range)
def _range(value: range, _: Walk) -> Item:
    # Not `len`, which fails for long ranges; not `stop`, which may differ between equal ranges.
    length = (value[-1] - value[0]) // value.step + 1 if value else 0
    return node(_RANGE, (length, *((value[0], value.step) if length > 1 else value)))


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
    data = value.cast("B") if value.c_contiguous else value.tobytes()
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

"""Builtin values: the order of dicts and sets is no part of their value, the order of sequences is."""

from __future__ import annotations

from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain, islice
from operator import itemgetter
from types import EllipsisType, MappingProxyType, NotImplementedType
from typing import Any, Final, TypeAlias

from provenance.hashing.format import Buffer, Item, node, nodes, prefix
from provenance.hashing.registry import batch, exact
from provenance.hashing.walk import Walk

LIST: Final = prefix("list")
TUPLE: Final = prefix("tuple")
_DICT = prefix("dict")
_SET, _FROZENSET = prefix("set"), prefix("frozenset")
_COMPLEX, _RANGE, _SLICE, _SINGLETON = prefix("complex"), prefix("range"), prefix("slice"), prefix("singleton")
_BYTEARRAY, _MEMORYVIEW = prefix("bytearray"), prefix("memoryview")
_ORDERED, _COUNTER, _DEFAULTDICT = prefix("OrderedDict"), prefix("Counter"), prefix("defaultdict")
_DEQUE, _CHAIN_MAP, _MAPPING_PROXY = prefix("deque"), prefix("ChainMap"), prefix("mappingproxy")
_Order: TypeAlias = "tuple[tuple[str, ...], Callable[[Any], Any]]"
_orders: Final[dict[tuple[str, ...], _Order]] = {}
_SMALL, _REMEMBERED = 32, 4096
_ALL_STR = frozenset({str}).issuperset
_SORTABLE = (frozenset({str}), frozenset({int}), frozenset({bytes}))


def records(
    start: bytes, head: tuple[Item, ...], values: Sequence[Any], columns: Sequence[list[Any]], walk: Walk
) -> list[Any]:
    """Return the items of the nodes of *values*, which begin with *head* and go on with a member of each of *columns*."""
    items = [walk.items(column) for column in columns]
    made = nodes(start, map(head.__add__, zip(*items, strict=True)))
    if any(found is not column for found, column in zip(items, columns, strict=True)):
        walk.remember(values, made)  # a few scalars are sooner taken again than remembered
    return made


def taker(*names: str) -> Callable[[Any], Any]:
    """Return an `itemgetter` of *names*, with a type."""
    make: Any = itemgetter
    take: Callable[[Any], Any] = make(*names)
    return take


@exact(list)
def _list(value: list[object], walk: Walk) -> Item:
    return node(LIST, walk.items(value))


@exact(tuple)
def _tuple(value: tuple[object, ...], walk: Walk) -> Item:
    return node(TUPLE, walk.items(value))


@batch(list)
def _lists(values: Sequence[list[Any]], walk: Walk) -> list[Any]:
    return _sequences(LIST, values, walk)


@batch(tuple)
def _tuples(values: Sequence[tuple[Any, ...]], walk: Walk) -> list[Any]:
    return _sequences(TUPLE, values, walk)


def _sequences(start: bytes, values: Sequence[Sequence[Any]], walk: Walk) -> list[Any]:
    members = list(chain.from_iterable(values))
    items = walk.items(members)
    rows: Iterable[Any] = values
    if items is not members:
        left = iter(items)
        rows = (list(islice(left, len(value))) for value in values)
    made = nodes(start, rows)
    if items is not members or max(map(len, values)) > _SMALL:
        walk.remember(values, made)
    return made


def named_items(names: Iterable[str], values: Mapping[str, object], walk: Walk) -> list[Item]:
    """Return the sorted *names* and then, in the order of these, the items of their *values*."""
    ordered: list[Any] = sorted(names)
    return [*ordered, *walk.items([values[name] for name in ordered])]


def dict_items(value: Mapping[Any, Any], walk: Walk) -> list[Item]:
    """Return the keys in canonical order and then the values in the order of the keys."""
    if _ALL_STR(map(type, value)):
        return named_items(value, value, walk)
    keys = walk.ranked(value)
    if _ALL_STR(type(item) for _, item in keys):  # artifacts of strings stand for strings
        return named_items(*_by_name(keys, value), walk)
    if len({digest for digest, _ in keys}) == len(keys):
        ranks: list[Any] = [digest for digest, _ in keys]
    else:  # equal keys, such as two NaNs: their values decide
        ranks = [(key[0], content[0]) for key, content in zip(keys, walk.ranked(value.values()), strict=True)]
    order = sorted(range(len(keys)), key=ranks.__getitem__)
    contents = list(value.values())
    return [*(keys[index][1] for index in order), *walk.items([contents[index] for index in order])]


def _by_name(keys: list[tuple[bytes, Item]], value: Mapping[Any, object]) -> tuple[list[str], dict[str, object]]:
    """Return the names that the keys stand for, and the values by them."""
    values: dict[str, object] = {str(item): content for (_, item), content in zip(keys, value.values(), strict=True)}
    return list(values), values


@exact(dict)
def _dict(value: dict[Any, object], walk: Walk) -> Item:
    if not 1 < len(value) <= _SMALL or not _ALL_STR(map(type, value)):
        return node(_DICT, dict_items(value, walk))
    given = tuple(value)
    names, values_of = _orders.get(given) or _order(given)
    return node(_DICT, (*names, *walk.items(values_of(value))))


@batch(dict)
def _dicts(values: Sequence[dict[Any, Any]], walk: Walk) -> list[Any] | None:
    """Answer for dicts that have the same few names in the same order."""
    given = tuple(values[0])
    if not 1 < len(given) <= _SMALL or len(set(map(tuple, values))) > 1:
        return None
    if not _ALL_STR(map(type, chain.from_iterable(values))):
        return None
    names, _ = _orders.get(given) or _order(given)
    return records(_DICT, names, values, [list(map(itemgetter(name), values)) for name in names], walk)


def _order(names: tuple[str, ...]) -> _Order:
    """Return the canonical order of *names* and what takes the values of a dict in it, and remember both.

    Records come in thousands with the same few names: to sort these again each time would cost as much as the rest.
    """
    if len(_orders) >= _REMEMBERED:
        _orders.clear()
    ordered = tuple(sorted(names))
    found = (ordered, taker(*ordered))
    _orders[names] = found
    return found


def set_items(value: Collection[Any], walk: Walk) -> Sequence[Item]:
    """Return the members in canonical order."""
    if frozenset(map(type, value)) in _SORTABLE:
        return sorted(value)
    ranked = walk.ranked(value)
    items: list[Any] = [item for _, item in ranked]
    if frozenset(map(type, items)) in _SORTABLE:  # artifacts of scalars stand for scalars
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
    """Equal ranges have equal members, and may have different stops."""
    length = (value[-1] - value[0]) // value.step + 1 if value else 0  # len() has a limit
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
    return node(_ORDERED, (*walk.items(list(value)), *walk.items(list(value.values()))))


@exact(Counter)
def _counter(value: Counter[object], walk: Walk) -> Item:
    return node(_COUNTER, dict_items(value, walk))


@exact(defaultdict)
def _defaultdict(value: defaultdict[object, object], walk: Walk) -> Item:
    return node(_DEFAULTDICT, (walk.labelled(".default_factory", value.default_factory), *dict_items(value, walk)))


@exact(deque)
def _deque(value: deque[object], walk: Walk) -> Item:
    return node(_DEQUE, (value.maxlen, *walk.items(list(value))))


@exact(ChainMap)
def _chain_map(value: ChainMap[object, object], walk: Walk) -> Item:
    return node(_CHAIN_MAP, walk.items(value.maps))


@exact(MappingProxyType)
def _mapping_proxy(value: MappingProxyType[object, object], walk: Walk) -> Item:
    return node(_MAPPING_PROXY, dict_items(value, walk))

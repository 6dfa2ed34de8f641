"""Why two values have different hashes: the parts of a value, with the hash of each."""

from __future__ import annotations

from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from datetime import date, time, timedelta
from enum import Enum
from functools import partial
from itertools import islice
from numbers import Number
from pathlib import PurePath
from re import Pattern
from types import FunctionType, MappingProxyType, MethodType
from typing import Any, Final, TypeAlias, cast

from attrs import frozen

from provenance.escaping import escape_invisible
from provenance.hashing import hash_value
from provenance.hashing.functions import captured_values
from provenance.hashing.libraries import estimator_item, model_parts
from provenance.hashing.objects import pickled_parts, plain_attributes, reduced_item
from provenance.hashing.registry import handlers, is_represented, name_of
from provenance.model.ids import ValueId
from provenance.model.references import unwrap
from provenance.util.formatting import SHORT_TEXT, describe_shape, safe_repr, truncate, with_article
from provenance.util.naming import exported
from provenance.util.optional import imported_module

_MAPPINGS: Final = (dict, OrderedDict, Counter, defaultdict, MappingProxyType)
_CONTAINERS: Final = (list, tuple, set, frozenset, dict, deque)
_SHOWN: Final = (Number, date, time, timedelta, Enum, PurePath, Pattern, range, slice, type)
"""Types whose `repr` is short and says what the value is."""
_LONGEST: Final = 10_000
"""Members of a column that are compared one by one: each takes 0.1 ms."""
_Table: TypeAlias = Any
"""An array or table of a library that may be missing."""


@frozen(eq=False)
class Part:
    """A part of a value.

    Attributes:
        step: The path from the value to the part, in the syntax of Python.
        value: The part itself.
        key: Identifies the corresponding part of another value.
        governs: Whether the parts after it are comparable only if this one is equal.
    """

    step: str
    value: object
    key: object
    governs: bool = False


def parts(value: object) -> Iterator[Part]:
    """Yield the parts of *value*; none if it has no parts.

    >>> [part.step for part in parts({"a": 1, "b": [2]})]
    ["['a']", "['b']"]
    """
    value = unwrap(value)
    if is_represented(type(value)):
        return  # other parts than those that users name may not count
    split = _BY_TYPE.get(type(value)) or _of_library(value)
    if split is not None:
        yield from split(value)
    elif issubclass(type(value), tuple) and hasattr(value, "_fields"):
        named = cast("Any", value)
        yield from _named(zip(named._fields, named, strict=True))
    elif not isinstance(value, type):
        attributes = plain_attributes(value)
        yield from _pickled(value) if attributes is None else _named(attributes.items())


def summary(value: object) -> str:
    """Return a short text that shows *value* or describes it.

    >>> summary(3), summary([1] * 100)
    ('3', 'a list of 100')
    """
    value = unwrap(value)
    if value is None or isinstance(value, _SHOWN):
        return truncate(cast("object", value))
    if isinstance(value, str | bytes):
        return truncate(value[:SHORT_TEXT])
    shape = describe_shape(value)
    if shape is not None:
        return f"{with_article(value)} of shape {safe_repr(shape)}" if shape else truncate(value)
    if isinstance(value, _CONTAINERS):
        return f"{with_article(cast('object', value))} of {len(cast('Sized', value))}"
    return truncate(value) if _is_small(value) else with_article(value)


def _is_small(value: object) -> bool:
    """Tell whether *value* is a small one of a module that may not be imported."""
    uuid, arrow = imported_module("uuid"), imported_module("pyarrow")
    is_uuid = uuid is not None and isinstance(value, uuid.UUID)
    return is_uuid or (arrow is not None and isinstance(value, arrow.Scalar))


def _named(pairs: Iterable[tuple[str, object]]) -> Iterator[Part]:
    for name, value in pairs:
        yield Part(f".{name}", value, name)


def _numbered(values: Iterable[object]) -> Iterator[Part]:
    for number, value in enumerate(values):
        yield Part(f"[{number}]", value, number)


def _entries(value: Mapping[Any, object]) -> Iterator[Part]:
    if isinstance(value, defaultdict):
        yield Part(".default_factory", value.default_factory, None)
    for key, content in value.items():
        yield Part(f"[{truncate(unwrap(key))}]", content, hash_value(key))


def _members(value: Iterable[object]) -> Iterator[Part]:
    for member in value:
        yield Part(f".member({truncate(unwrap(member))})", member, hash_value(member))


def _deque(value: deque[object]) -> Iterator[Part]:
    yield Part(".maxlen", value.maxlen, "maxlen")
    yield from _numbered(value)


def _pickled(value: object) -> Iterator[Part]:
    """Yield the parts of an instance that pickling determines; none if they are not all of it."""
    is_reduced = handlers[type(value)] in {reduced_item, estimator_item}
    found = pickled_parts(value) if is_reduced else None
    if found is not None:
        yield from _named(found.attributes.items())
        yield from _numbered(found.members)
        yield from _entries(found.entries)


def _function(value: FunctionType) -> Iterator[Part]:
    names = ("__code__", "__defaults__", "__kwdefaults__")
    yield from _named((name, getattr(value, name)) for name in names)
    for name, content in captured_values(value).items():
        yield Part(f".__closure__[{name!r}]", content, name)


def _by_attributes(*names: str) -> Callable[[Any], Iterator[Part]]:
    return lambda value: _named([(name, getattr(value, name)) for name in names])


_BY_TYPE: Final[dict[type, Callable[[Any], Iterator[Part]]]] = {
    list: _numbered,
    tuple: _numbered,
    set: _members,
    frozenset: _members,
    deque: _deque,
    ChainMap: _by_attributes("maps"),
    FunctionType: _function,
    partial: _by_attributes("func", "args", "keywords"),
    MethodType: _by_attributes("__func__", "__self__"),
    **dict.fromkeys(_MAPPINGS, _entries),
}


def _of_library(value: object) -> Callable[[Any], Iterator[Part]] | None:
    """Return what splits arrays and tables, if the process has imported their library."""
    numpy, pandas = imported_module("numpy"), imported_module("pandas")
    pydantic = imported_module("pydantic.main")
    if numpy is not None and type(value) is numpy.ndarray:
        return _array
    if pydantic is not None and isinstance(value, pydantic.BaseModel):
        return lambda model: _named(model_parts(model).items())
    for library, splits in _TABLES.items():
        module = imported_module(library)
        for kind, split in splits.items() if module is not None else ():
            if isinstance(value, getattr(module, kind)):
                return split
    if pandas is None:
        return None
    if isinstance(value, pandas.DataFrame):
        return _frame
    if isinstance(value, pandas.Series):
        return _by_attributes("name", "index", "array")
    is_column = isinstance(value, pandas.Index | pandas.api.extensions.ExtensionArray)
    return _column if is_column else None


def _array(value: _Table) -> Iterator[Part]:
    yield Part(".dtype", str(value.dtype), "dtype", governs=True)
    yield Part(".shape", value.shape, "shape", governs=True)
    # The parts of a matrix are its rows, so that few are inspected.
    if value.ndim:
        yield from _numbered(value)


def _frame(value: _Table) -> Iterator[Part]:
    yield from _named([("index", value.index), ("columns", value.columns)])
    for position, name in enumerate(value.columns):
        yield Part(f"[{truncate(name)}]", value.iloc[:, position], position)


def _column(value: _Table) -> Iterator[Part]:
    yield Part(".dtype", str(value.dtype), "dtype", governs=True)
    yield from _named([("name", getattr(value, "name", None))])
    yield from _numbered(value)


def _polars_column(value: _Table) -> Iterator[Part]:
    yield from _column(value) if len(value) <= _LONGEST else ()


def _polars_frame(value: _Table) -> Iterator[Part]:
    yield from _named([("shape", value.shape), ("columns", value.columns)])
    yield from _entries({name: value[name] for name in value.columns})


def _arrow_table(value: _Table) -> Iterator[Part]:
    schema = value.schema
    yield Part(".schema", schema, "schema", governs=True)
    # Names may occur twice.
    for position, name in enumerate(schema.names):
        yield Part(f"[{truncate(name)}]", value.column(position), position)


def _arrow_column(value: _Table) -> Iterator[Part]:
    yield Part(".type", str(value.type), "type", governs=True)
    yield from _numbered(value) if len(value) <= _LONGEST else ()


_TABLES: Final[dict[str, dict[str, Callable[[_Table], Iterator[Part]]]]] = {
    "polars": {"DataFrame": _polars_frame, "Series": _polars_column},
    "pyarrow": {"Table": _arrow_table, "ChunkedArray": _arrow_column},
}
_Seen: TypeAlias = set[tuple[int, int]]


@exported
@frozen
class HashTree:
    """A value, or a part of one, with its digest.

    Attributes:
        path: The path to the part, in the syntax of Python.
        type: The type as `module:qualname`.
        digest: The hash of the part by itself.
        summary: A short text that shows the part.
        parts: Its first parts.
        omitted: The number of its other parts.

    Example:
        >>> import provenance as p
        >>> tree = p.explain_hash({"a": [1, 2]})
        >>> [part.path for part in tree.parts]
        ["value['a']"]
    """

    path: str
    type: str
    digest: ValueId
    summary: str
    parts: tuple[HashTree, ...] = ()
    omitted: int = 0

    def __str__(self) -> str:
        return "\n".join(map(escape_invisible, self._lines("")))

    def _lines(self, indent: str) -> Iterator[str]:
        yield f"{indent}{self.path}: {self.summary}  {self.digest[:12]}"
        for part in self.parts:
            yield from part._lines(indent + "  ")  # noqa: SLF001
        if self.omitted:
            yield f"{indent}  … {self.omitted:,} more"


@exported
class Change(Enum):
    """How two values differ at some place.

    Example:
        >>> import provenance as p
        >>> [difference] = p.hash_differences([1, 2], [1, 2, 3])
        >>> difference.path, difference.change is p.Change.ADDED
        ('value[2]', True)
    """

    CONTENT = "differs"
    TYPE = "is of another type"
    ADDED = "is only in the second"
    REMOVED = "is only in the first"


@exported
@frozen
class Difference:
    """A place where two values differ: path, change, and short texts of both (`-` if absent).

    Example:
        >>> import provenance as p
        >>> [change.path for change in p.hash_differences([1, 2], [1, 3])]
        ['value[1]']
    """

    path: str
    change: Change
    first: str
    second: str

    def __str__(self) -> str:
        text = f"{self.path} {self.change.value}: {self.first} and {self.second}"
        return escape_invisible(text)


def explain_hash(
    value: object, path: str = "value", *, depth: int = 20, limit: int = 100
) -> HashTree:
    """Explain the hash of *value*: its parts, their parts and so on, each with its own hash.

    Args:
        value: The value to explain.
        path: The name of *value* in paths.
        depth: Maximum number of levels.
        limit: Maximum number of parts of each value.

    Returns:
        The tree, which prints as below.

    Raises:
        UnhashableValueError: if a part of *value* cannot be hashed.

    Example:
        >>> import provenance as p
        >>> print(p.explain_hash({"b": [1, 2.5]}))
        value: a dict of 1  ...
          value['b']: a list of 2  ...
            value['b'][0]: 1  ...
            value['b'][1]: 2.5  ...
    """
    digest = hash_value(value, path)
    remaining = iter(parts(value)) if depth > 0 else iter(())
    trees = tuple(
        explain_hash(part.value, path + part.step, depth=depth - 1, limit=limit)
        for part in islice(remaining, limit)
    )
    omitted = sum(1 for _ in remaining)
    return HashTree(path, name_of(unwrap(value)), digest, summary(value), trees, omitted)


def hash_differences(
    first: object, second: object, path: str = "value", *, limit: int = 100
) -> tuple[Difference, ...]:
    """Return the places where two values differ, at most *limit*; none if their hashes are equal.

    Two parts that occur in several places are compared once.

    Args:
        first: A value.
        second: The other one.
        path: Name of the values in paths.
        limit: Maximum number of places.

    Raises:
        UnhashableValueError: if a part of either value cannot be hashed.

    Example:
        >>> [str(change) for change in hash_differences({"b": [1, 2, 3]}, {"b": [1, 2, 4]})]
        ["value['b'][2] differs: 3 and 4"]
    """
    differences = _differences(first, second, path, set())
    return tuple(islice((change for change in differences if change is not None), limit))


def _differences(
    first: object, second: object, path: str, seen: _Seen
) -> Iterator[Difference | None]:
    """Yield the differences between two values; None for those that were yielded before."""
    if hash_value(first, path) == hash_value(second, path):
        return
    if name_of(unwrap(first)) != name_of(unwrap(second)):
        texts = (f"{summary(value)} ({name_of(unwrap(value))})" for value in (first, second))
        yield Difference(path, Change.TYPE, *texts)
        return
    differs_within = False
    for difference in _part_differences(first, second, path, seen):
        differs_within = True
        yield difference
    if not differs_within:
        yield Difference(path, Change.CONTENT, summary(first), summary(second))


def _part_differences(
    first: object, second: object, path: str, seen: _Seen
) -> Iterator[Difference | None]:
    """Yield the differences between the parts of two values of one type."""
    ours, theirs = ({part.key: part for part in parts(value)} for value in (first, second))
    if (id(first), id(second)) in seen and (ours or theirs):
        yield None
        return
    seen.add((id(first), id(second)))
    for key, part in ours.items():
        step, other = path + part.step, theirs.get(key)
        differences: tuple[Difference | None, ...] = ()
        if other is None:
            differences = (Difference(step, Change.REMOVED, summary(part.value), "-"),)
        elif part.value is not other.value:
            differences = tuple(_differences(part.value, other.value, step, seen))
        yield from differences
        if differences and part.governs:
            return
    for key, part in theirs.items():
        if key not in ours:
            yield Difference(path + part.step, Change.ADDED, "-", summary(part.value))

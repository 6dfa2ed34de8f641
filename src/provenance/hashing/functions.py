"""Functions by what they do: code, defaults, captured values and the globals that the code uses.

Functions refer to each other, and often in circles. So the functions that one function reaches are described
together, as a group: each is numbered when it is first met, and a reference to it is its number. The digest of a
function is that of the descriptions in the order of their numbers, which depends on nothing but the function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dis import get_instructions, hasconst
from functools import lru_cache
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any, Final

from provenance.hashing.format import Item, node, prefix
from provenance.hashing.registry import exact, name_of
from provenance.hashing.walk import Refusal, Walk

_FUNCTION, _PART, _NUMBER = prefix("function"), prefix("function part"), prefix("function number")
_CODE, _CELLS, _EMPTY, _GLOBALS = prefix("code"), prefix("cells"), prefix("empty cell"), prefix("globals")
_NAMED, _METHOD, _CACHED = prefix("global"), prefix("method"), prefix("lru_cache")
_OPAQUE: Final = prefix("opaque global")
_PROPERTY, _WRAPPER = prefix("property"), prefix("method wrapper")
_LRU_CACHE: Final = type(lru_cache(len))
_HAS_DOCSTRING: Final = 0x4000000  # a flag of Python 3.13 and later
_LOOKS_UP: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})


@exact(FunctionType)
def _function(value: FunctionType, walk: Walk) -> Item:
    if walk.group is None:
        return _together(value, walk)
    return node(_NUMBER, (walk.group.setdefault(value, len(walk.group)),))


def _together(first: FunctionType, outer: Walk) -> Item:
    walk = Walk(outer.notes, by_ones=True)  # the numbers of functions follow the order in which they are met
    walk.group = {first: 0}
    parts: list[Item] = []
    try:
        while len(parts) < len(walk.group):
            for function in list(walk.group)[len(parts) :]:
                parts.append(_part(function, walk))  # noqa: PERF401 - the group grows meanwhile
    except BaseException:
        outer.trail.extend(walk.trail)
        raise
    return node(_FUNCTION, parts)


def _part(function: FunctionType, walk: Walk) -> Item:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    items = (
        walk.item(function.__code__),
        walk.labelled(".__defaults__", function.__defaults__),
        walk.labelled(".__kwdefaults__", function.__kwdefaults__),
        node(_CELLS, [_captured(name, cell, walk) for name, cell in cells]),
        node(_GLOBALS, list(_globals(function, walk))),
    )
    return node(_PART, items)


def _captured(name: str, cell: CellType, walk: Walk) -> Item:
    try:
        content = cell.cell_contents
    except ValueError:  # the variable has no value yet
        return node(_EMPTY, ())
    return walk.labelled(f".__closure__[{name!r}]", content)


def _globals(function: FunctionType, walk: Walk) -> Iterator[Item]:
    """Yield name and item of each global that the code uses; builtins are known by their name in the code."""
    known = function.__globals__
    for name in sorted(used_globals(function.__code__)):
        if name in known:
            yield name
            yield _global(function, known[name], walk)


def _global(user: FunctionType, value: Any, walk: Walk) -> Item:
    if type(value) in {FunctionType, _LRU_CACHE} and _package(value) != _package(user):
        return node(_NAMED, (f"{value.__module__}:{value.__qualname__}",))
    reached = len(walk.trail)
    try:
        return walk.item(value)
    except Refusal:  # a lock or connection of the module is machinery of the function, not data
        del walk.trail[reached:]
        return node(_OPAQUE, (name_of(value),))


def _package(function: Any) -> str:
    return str(function.__module__).partition(".")[0]


def used_globals(code: CodeType) -> set[str]:
    """Return the names that *code*, or code nested in it, looks up among globals.

    >>> sorted(used_globals((lambda x: [abs(y) for y in print(x)]).__code__))
    ['abs', 'print']
    """
    names = {step.argval for step in get_instructions(code) if step.opname in _LOOKS_UP}
    nested = [constant for constant in code.co_consts if type(constant) is CodeType]
    return names.union(*map(used_globals, nested))


@exact(CodeType)
def _code(value: CodeType, walk: Walk) -> Item:
    """Constants stand in the order of their use, so that a docstring, which is not used, does not count."""
    steps: list[int] = []
    constants: list[object] = []
    for step in get_instructions(value):
        if step.opcode in hasconst:
            constants.append(step.argval)
        if step.opname != "EXTENDED_ARG":
            steps += (step.opcode, 0 if step.opcode in hasconst else step.arg or 0)
    counts = (value.co_argcount, value.co_posonlyargcount, value.co_kwonlyargcount, value.co_flags & ~_HAS_DOCSTRING)
    names = (value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars)
    return node(_CODE, (*counts, value.co_exceptiontable, *walk.items((steps, constants, *names))))


@exact(MethodType)
def _method(value: MethodType, walk: Walk) -> Item:
    return node(_METHOD, (walk.item(value.__func__), walk.labelled(".__self__", value.__self__)))


@exact("functools:_lru_cache_wrapper")
def _lru_cache(value: Any, walk: Walk) -> Item:
    return node(_CACHED, (walk.item(value.__wrapped__),))


@exact(property)
def _property(value: property, walk: Walk) -> Item:
    return node(_PROPERTY, walk.items((value.fget, value.fset, value.fdel)))


@exact(staticmethod, classmethod)
def _wrapper(value: Any, walk: Walk) -> Item:
    return node(_WRAPPER, (type(value).__name__, walk.item(value.__func__)))

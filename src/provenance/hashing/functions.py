"""Functions by what they do: code, defaults, captured values and the globals that the code uses.

A function contains the digests of the functions that it uses, as a list contains those of its
members. Functions that use each other in a cycle are described together; each is numbered when it
is first met on the way from the function to hash. Only the function determines its digest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from dis import get_instructions, hasconst
from functools import lru_cache, singledispatch
from types import CodeType, FunctionType, MethodType
from typing import Any, Final, cast

from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import exact, is_foreign, name_of
from provenance.hashing.walk import UnhashablePart, Walk
from provenance.model.main_module import source_of
from provenance.util.components import strongly_connected_components

_FUNCTION, _PART, _NUMBER = map(prefix, ("function", "function part", "function number"))
_CODE, _CELLS, _EMPTY, _GLOBALS = map(prefix, ("code", "cells", "empty cell", "globals"))
_NAMED, _METHOD, _CACHED = map(prefix, ("global", "method", "lru_cache"))
_OPAQUE: Final = prefix("opaque global")
_PROPERTY, _WRAPPER = map(prefix, ("property", "method wrapper"))
_LRU_CACHE: Final = type(lru_cache(len))
_DISPATCHING: Final[CodeType] = cast("FunctionType", singledispatch(len)).__code__
_ITSELF = prefix("bound to itself")
_HAS_DOCSTRING: Final = 0x4000000
"""A flag of code objects from Python 3.13 on."""
_LOOKS_UP: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})


@exact(FunctionType)
def _function(value: FunctionType, walk: Walk) -> Item:
    return function_item(value, walk) if walk.used is None else walk.used(value)


def named_item(value: Any) -> Item:
    """Return the item of a function of another package, which counts by its name."""
    return node(_NAMED, (f"{source_of(value)}:{value.__qualname__}",))


def captured_values(function: FunctionType) -> dict[str, object]:
    """Return the captured variables of a function by name, but those that have no value yet."""
    captured: dict[str, object] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):
            captured[name] = cell.cell_contents
    return captured


def function_item(value: FunctionType, walk: Walk) -> Item:
    """Return the item of a function that no other one is being described for."""
    return _CallGraph(walk).item(value)


class _CallGraph:
    """The functions that one function reaches, including itself.

    `met` lists functions in the order in which others use them. `settled` holds the items of
    captured values and globals without functions, by the identity of the value: a large value is
    hashed once, however often it is used. `known` holds the items of functions.
    """

    def __init__(self, outer: Walk) -> None:
        self.outer = outer
        self.met: list[FunctionType] = []
        self.settled: dict[int, Item] = {}
        self.known: dict[FunctionType, Item] = {}

    def item(self, first: FunctionType) -> Item:
        uses = self._uses(first)
        groups = strongly_connected_components(uses)
        group_of = {function: group for group in groups for function in group}
        entries = {
            first,
            *(one for user, used in uses.items() for one in used if one not in group_of[user]),
        }
        for group in groups:
            for function in entries & (group - self.known.keys()):
                self.known[function] = self._group_item(function, group)
        return self.known[first]

    def _uses(self, first: FunctionType) -> dict[FunctionType, list[FunctionType]]:
        """Return the functions that each function uses, and make known those that use none."""
        uses: dict[FunctionType, list[FunctionType]] = {}
        waiting = [first]
        while waiting:
            function = waiting.pop()
            if function in uses:
                continue
            begin = len(self.met)
            part = self._part(function, lambda _: None, self.outer.notes)
            uses[function] = self.met[begin:]
            waiting += uses[function]
            if not uses[function]:
                self.known[function] = node(_FUNCTION, [part])
        return uses

    def _group_item(self, first: FunctionType, group: frozenset[FunctionType]) -> Item:
        """Return the item of *first* from the parts of its *group*."""
        numbers = {first: 0}

        def item_of(used: FunctionType) -> Item:
            if used in group:
                return node(_NUMBER, (numbers.setdefault(used, len(numbers)),))
            # Looking at some values makes a new function each time, which `_uses` did not meet.
            if used not in self.known:
                self.known[used] = _CallGraph(Walk(by_ones=True)).item(used)
            return self.known[used]

        parts: list[Item] = []
        while len(parts) < len(numbers):
            parts += [
                self._part(function, item_of, None) for function in list(numbers)[len(parts) :]
            ]
        return node(_FUNCTION, parts)

    def _part(
        self,
        function: FunctionType,
        item_of: Callable[[FunctionType], Item],
        notes: list[object] | None,
    ) -> Item:
        """Return the description of *function*; *item_of* maps functions it uses to items."""

        def used(other: FunctionType) -> Item:
            self.met.append(other)
            return item_of(other)

        # One by one, because numbers follow the order in which functions are met.
        walk = Walk(notes, by_ones=True, used=used, trail=self.outer.trail)
        if function.__code__ is _DISPATCHING:
            # The rest of it are caches.
            registry: Any = vars(function).get("registry")
            return node(_PART, (walk.labeled(".registry", registry),))
        items = (
            walk.item(function.__code__),
            self._content(".__defaults__", function.__defaults__, walk),
            self._content(".__kwdefaults__", function.__kwdefaults__, walk),
            node(_CELLS, list(self._cells(function, walk))),
            node(_GLOBALS, list(self._globals(function, walk))),
        )
        return node(_PART, items)

    def _content(self, label: str, value: object, walk: Walk) -> Item:
        if id(value) in self.settled:
            return self.settled[id(value)]
        begin = len(self.met)
        item = walk.labeled(label, value)
        if begin == len(self.met):
            self.settled[id(value)] = item
        return item

    def _cells(self, function: FunctionType, walk: Walk) -> Iterator[Item]:
        captured = captured_values(function)
        for name in function.__code__.co_freevars:
            if name in captured:
                yield self._content(f".__closure__[{name!r}]", captured[name], walk)
            else:
                yield node(_EMPTY, ())

    def _globals(self, function: FunctionType, walk: Walk) -> Iterator[Item]:
        """Yield name and item of each global that the code uses; its names identify builtins."""
        known = function.__globals__
        for name in sorted(used_globals(function.__code__)):
            if name in known:
                yield name
                yield self._global(function, name, known[name], walk)

    def _global(self, user: FunctionType, name: str, value: Any, walk: Walk) -> Item:
        if type(value) in {FunctionType, _LRU_CACHE} and is_foreign(value, user):
            return named_item(value)
        reached = len(walk.trail)
        try:
            return self._content(f".__globals__[{name!r}]", value, walk)
        except UnhashablePart:
            # A module's lock or connection is a means of the function, not data.
            del walk.trail[reached:]
            return node(_OPAQUE, (name_of(value),))


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
    # Constants are listed in the order of use, which leaves out the docstring.
    steps: list[int] = []
    constants: list[object] = []
    for step in get_instructions(value):
        if step.opcode in hasconst:
            constants.append(step.argval)
        if step.opname != "EXTENDED_ARG":
            steps += (step.opcode, 0 if step.opcode in hasconst else step.arg or 0)
    flags = value.co_flags & ~_HAS_DOCSTRING
    counts = (value.co_argcount, value.co_posonlyargcount, value.co_kwonlyargcount, flags)
    names = (value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars)
    return node(_CODE, (*counts, value.co_exceptiontable, *walk.items((steps, constants, *names))))


class Receiver:
    """The object to which a method is bound, which may hold the method itself."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


_receivers: ContextVar[tuple[int, ...]] = ContextVar("provenance_receivers", default=())
"""Identities of the objects whose methods are being described."""


@exact(Receiver)
def _receiver(holder: Receiver, walk: Walk) -> Item:
    value, outer = holder.value, _receivers.get()
    if id(value) in outer:
        return node(_ITSELF, (outer[::-1].index(id(value)),))
    token = _receivers.set((*outer, id(value)))
    try:
        return walk.labeled(".__self__", value)
    finally:
        _receivers.reset(token)
        # Within the method, its object has another item than outside.
        walk.memo.pop(id(value), None)


@exact(MethodType)
def _method(value: MethodType, walk: Walk) -> Item:
    return node(_METHOD, (walk.item(value.__func__), walk.item(Receiver(value.__self__))))


@exact("functools:_lru_cache_wrapper")
def _lru_cache(value: Any, walk: Walk) -> Item:
    return node(_CACHED, (walk.item(value.__wrapped__),))


@exact(property)
def _property(value: property, walk: Walk) -> Item:
    return node(_PROPERTY, walk.items((value.fget, value.fset, value.fdel)))


@exact(staticmethod, classmethod)
def _wrapper(value: Any, walk: Walk) -> Item:
    return node(_WRAPPER, (type(value).__name__, walk.item(value.__func__)))

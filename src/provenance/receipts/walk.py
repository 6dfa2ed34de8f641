"""The walk from a function to all first-party code and constants that it reaches by name."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from inspect import getattr_static
from pathlib import Path
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any, Final, cast

from provenance.hashing.functions import captured_values, used_globals
from provenance.model.references import CONTAINERS, is_proxy
from provenance.receipts.constants import MOST_ITEMS, digest_of, field_names
from provenance.receipts.ownership import (
    accessors,
    is_a,
    is_code,
    is_first_party,
    is_own_module,
    layers,
)
from provenance.receipts.syntax import Chain, Syntax, class_syntax, function_syntax, short_digest

ITSELF: Final = "."
"""Name of the function itself in its receipt; other names of its module begin with a dot."""
UNTRACKED: Final = "?"
BYTECODE: Final = "~"
PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
_METHODS: Final = (classmethod, staticmethod, property, cached_property)
_SUPER: Final = "super"
_FILLED: Final = (defaultdict,)
"""Dictionaries that look-ups fill."""
_MAKING: Final = frozenset({"__init__", "__post_init__", "__attrs_post_init__", "__setstate__"})
"""Methods that change an object while it is made."""


class Walk:
    """Follows the names that functions and classes look up, and notes a digest for each thing found."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.digests: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self._found: dict[str, list[str]] = {}
        self._waiting: list[object] = []
        self._seen: dict[int, object] = {}
        self._state: set[str] = set()
        self._kinds: dict[str, set[type]] = {}
        self._changing: set[type] = set()
        self._said: dict[str, frozenset[str]] = {}
        self._attributes: dict[str, tuple[str, str]] = {}
        found = list(layers(function))
        self._own = found[-1]
        self.module = getattr(self._own, "__module__", None)
        self._waiting += [layer for layer in found if layer is self._own or is_first_party(layer)]

    def run(self) -> None:
        """Follow what is waiting, until nothing is."""
        while self._waiting:
            thing = self._waiting.pop()
            if id(thing) in self._seen:
                continue
            self._seen[id(thing)] = thing
            if is_a(thing, FunctionType):
                self._function(thing)
            elif is_a(thing, type):
                self._class(thing)
            elif thing is self._own and isinstance(type(thing).__call__, FunctionType):
                self._waiting.append(type(thing))
        said = [
            name
            for name, (kind, attribute) in self._attributes.items()
            if attribute in self._said.get(kind, ())
        ]
        changing = [
            name
            for name, kinds in self._kinds.items()
            if any(not self._changing.isdisjoint(kind.__mro__) for kind in kinds)
        ]
        for name in self._found.keys() - {*said, *changing, *self._state}:
            # Several lambdas of a module share a name, and sets have another order in each process.
            found = sorted(self._found[name])
            self.digests[name] = short_digest(found) if found[1:] else found[0]

    def _note(self, name: str, digest: str, place: str = "") -> None:
        self._found.setdefault(name, []).append(digest)
        if place:
            self.places[name] = place

    def _name(self, module: object, name: str) -> str:
        return f".{name}" if module == self.module else f"{module}.{name}"

    def _function(self, function: FunctionType) -> None:
        code, is_own = function.__code__, function is self._own
        name = ITSELF if is_own else self._name(function.__module__, function.__qualname__)
        place = f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}"  # noqa: PTH119 - ten times faster
        # Defaults and captured values of the function itself are inputs of its calls.
        loader = function.__globals__.get("__loader__")
        syntax = function_syntax(code, with_defaults=not is_own, loader=loader)
        if syntax is None:
            digest = f"{PYTHON}{BYTECODE}{short_digest(code)}"
            syntax = Syntax(digest, frozenset((used,) for used in used_globals(code)), frozenset())
        else:
            self.sources[syntax.digest] = syntax.text
        self._note(name, syntax.digest, place)
        cells = captured_values(function)
        for chain in syntax.names:
            if chain[0] in code.co_freevars:
                if not is_own and chain[0] in cells:
                    self._value(f"{name}.{chain[0]}", cells[chain[0]])
            elif chain[0] in code.co_varnames[:1]:
                self._method(function, chain[1:])
            elif chain[0] in function.__globals__:
                self._chain(function.__module__, function.__globals__, chain, syntax)
            elif chain[0] == _SUPER:
                self._method(function, chain[1:], above=True)
        owner = _owner(function)
        if owner is not None and code.co_name not in _MAKING:
            self._changing.update(
                owner for chain in syntax.state if chain[0] in code.co_varnames[:1]
            )

    def _method(self, function: FunctionType, attributes: Chain, *, above: bool = False) -> None:
        """Follow `self.attribute`, or `super().attribute`, in a method of a module's class."""
        owner = _owner(function)
        if owner is not None and attributes:
            self._attribute(owner.__mro__[above:], attributes[0])

    def _attribute(self, kinds: tuple[type, ...], name: str, *, is_state: bool = False) -> None:
        """Follow an attribute of the first of some classes that has it."""
        kind = next((kind for kind in kinds if name in vars(kind)), None)
        if kind is None or not is_first_party(kind):
            return
        member: object = vars(kind)[name]
        if _has_code(member):
            self._members(member)
        elif (
            not is_state
            # What Python sets itself, such as the name of the module.
            and not name.startswith("__")
            and name not in field_names(kind)
            and not hasattr(type(member), "__set__")
        ):
            owner = self._name(kind.__module__, kind.__qualname__)
            self._attributes[f"{owner}.{name}"] = owner, name
            self._value(f"{owner}.{name}", member)

    def _chain(
        self, user: str, namespace: Mapping[str, object], chain: Chain, syntax: Syntax
    ) -> None:
        """Follow a name, through modules as long as its attributes are modules."""
        value, module, name, length = namespace[chain[0]], user, chain[0], 1
        for attribute in chain[1:]:
            if not is_a(value, ModuleType):
                break
            if not is_own_module(value):
                return
            module, name, length = value.__name__, attribute, length + 1
            value = _attribute_of(value, attribute)
        name = self._name(module, name)
        # To look a missing item of it up makes one.
        changes = syntax.state | syntax.items if type(value) in _FILLED else syntax.state
        # Code stays code, also where an attribute of it changes.
        if not is_code(value) and _is_among(changes, chain[:length]):
            self._state.add(name)
        self._value(name, value)
        if is_a(value, type) and chain[length:]:
            is_state = _is_among(syntax.state, chain[: length + 1])
            self._attribute(value.__mro__, chain[length], is_state=is_state)

    def _value(self, name: str, value: object) -> None:
        if is_a(value, ModuleType):
            return
        found = [] if is_proxy(value) else list(layers(value))
        functions = [layer for layer in found if is_code(layer)]
        if functions or callable(getattr_static(value, "__wrapped__", None)):
            self._waiting += [layer for layer in functions if is_first_party(layer)]
            for layer in found:
                self._bound(name, layer)
                self._registered(name, layer)
        elif not self._constant(name, value) and not callable(value):
            self._note(name, f"{UNTRACKED}{type(value).__qualname__}")

    def _constant(self, name: str, value: object) -> bool:
        """Note a constant, and follow the functions in it; return whether it is one."""
        digest, parts = digest_of(value)
        self._follow(parts)
        if digest is None:
            for part in parts:
                if not is_code(part):
                    self._object(part)
            return False
        self._note(name, digest)
        self._kinds.setdefault(name, set()).update(map(type, parts))
        return True

    def _bound(self, name: str, function: object) -> None:
        """Note the arguments that a partial binds."""
        if is_a(function, partial):
            for what in ("args", "keywords"):
                arguments: object = getattr(cast("partial[object]", function), what)
                if arguments:
                    self._constant(f"{name}.{what}", arguments)

    def _registered(self, name: str, function: object) -> None:
        """Follow what is registered for the types of a `singledispatch` function."""
        if not is_a(function, FunctionType) or "dispatch" not in vars(function):
            return
        registry = vars(function).get("registry")
        if isinstance(registry, MappingProxyType):
            entries = frozenset(cast("Mapping[type, object]", registry).items())
            if is_first_party([*layers(function)][-1]):
                self._constant(f"{name}.registry", entries)
            else:
                self._follow([implementation for _, implementation in entries])

    def _follow(self, parts: list[object]) -> None:
        functions = [part for part in parts if is_code(part)]
        self._waiting += [function for function in functions if is_first_party(function)]

    def _object(self, value: object) -> None:
        """Follow the class of an object, and the functions that it holds."""
        is_own = is_first_party(type(value))
        if is_own:
            self._waiting.append(type(value))
        for part in _held_by(value, deep=is_own):
            self._follow(list(layers(part)))

    def _class(self, kind: type) -> None:
        # A list first: another thread may set an attribute of the class meanwhile.
        members: list[object] = list(vars(kind).values())
        for member in members:
            if _has_code(member):
                self._members(member)
            elif is_first_party(type(member)):
                self._object(member)
        above: tuple[type, ...] = (*kind.__bases__, cast("type", type(kind)))
        self._waiting += [base for base in above if is_first_party(base)]
        known = vars(sys.modules.get(kind.__module__, ModuleType("")))
        file = known.get("__file__")
        if not isinstance(file, str):
            functions = [member for member in members if is_a(member, FunctionType)]
            files = [function.__code__.co_filename for function in functions]
            file = next((name for name in files if not name.startswith("<")), "")
        name = self._name(kind.__module__, kind.__qualname__)
        line = vars(kind).get("__firstlineno__")
        syntax = class_syntax(file, kind.__qualname__, line, vars(kind))
        if syntax is None:
            self._note(name, _without_source(kind))
            return
        self._note(name, syntax.digest, f"{Path(file).name}:{syntax.line}")
        self.sources[syntax.digest] = syntax.text
        if "<locals>" not in kind.__qualname__:
            self._said[name] = syntax.binds
        for chain in syntax.names:
            if chain[0] in known:
                self._chain(kind.__module__, known, chain, syntax)

    def _members(self, member: object) -> None:
        for accessor in accessors(member):
            found = list(layers(accessor))
            self._waiting += [
                layer
                for layer in found
                if is_code(layer)
                and is_first_party(layer)
                # Not what dataclasses and attrs generate.
                and not getattr(layer, "__code__", _held_by.__code__).co_filename.startswith("<")
            ]
            if not is_code(found[-1]) and is_first_party(type(found[-1])):
                self._object(found[-1])


def _has_code(member: object) -> bool:
    """Tell whether a member of a class is a method or a property."""
    return callable(member) or issubclass(type(member), _METHODS)


def _is_among(changes: frozenset[Chain], chain: Chain) -> bool:
    """Tell whether a value changes, or something of it."""
    return any(change[: len(chain)] == chain for change in changes)


def _owner(function: FunctionType) -> type | None:
    """Return the class of a module that a function is a method of; None if it is none."""
    path = function.__qualname__.split(".")[:-1]
    if not path or "<locals>" in path:
        return None
    owner: object = function.__globals__.get(path[0])
    for part in path[1:]:
        owner = getattr_static(owner, part, None)
    return owner if is_a(owner, type) else None


def _attribute_of(module: ModuleType, name: str) -> object:
    """Return an attribute of a module, which may be one that it imports when it is asked; None if there is none."""
    try:
        return getattr(module, name, None)
    except ImportError:  # of something optional
        return None


def _held_by(value: object, *, deep: bool) -> Iterator[object]:
    """Yield what can be called of the attributes of an object, and if *deep*, of containers among them."""
    try:
        held = cast("dict[str, Any]", object.__getattribute__(value, "__dict__"))
    except AttributeError:
        return
    for part in list(held.values()):
        group: list[object] = [part]
        if deep and type(part) in CONTAINERS and len(part) <= MOST_ITEMS:
            members: Any = part.values() if hasattr(part, "values") else part
            group = list(members)
        yield from (member for member in group if callable(member) and not is_proxy(member))


def _without_source(kind: type) -> str:
    """Return what stands for a class that was made by a call: its plain attributes, if it has any."""
    names = sorted(name for name in vars(kind) if not name.startswith("__"))
    plain = {name: digest_of(vars(kind)[name])[0] for name in names}
    known = {name: digest for name, digest in plain.items() if digest is not None}
    if not known:
        return f"{UNTRACKED}class without source"
    # Other versions make other attributes, as of enumerations.
    return f"{PYTHON}{BYTECODE}{short_digest(known)}"

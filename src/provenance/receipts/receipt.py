"""The code receipt of a function: a digest of each first-party thing that it reaches by name.

First-party is what lies in no folder of the standard library or of installed packages. Libraries
are not followed: the run records their versions.
"""

from __future__ import annotations

import json
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache, partial
from inspect import getattr_static
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final, cast

from attrs import evolve, field, frozen

from provenance.events import CodeChange
from provenance.hashing import hash_value
from provenance.hashing.functions import captured_values, used_globals
from provenance.model.history import FORMAT, NO_SOURCES, CodeReceipt, receipt_digest
from provenance.model.ids import main_name
from provenance.model.references import CONTAINERS, is_proxy
from provenance.receipts.libraries import LIBRARY, installed_versions
from provenance.receipts.syntax import Chain, Syntax, class_syntax, function_syntax, short_digest

ITSELF: Final = "."
"""Name of the function itself in its receipt; other names of its module begin with a dot."""
_MOST_ITEMS: Final = 1_000
_MOST_BYTES: Final = 1_000_000
_UNTRACKED: Final = "?"
_BYTECODE: Final = "~"
_METHODS: Final = (classmethod, property, cached_property)
_SCALARS: Final = (type(None), bool, int, float, complex, str, bytes, type(...))
_VALUE_MODULES: Final = frozenset({"datetime", "decimal", "fractions", "pathlib", "re", "uuid"})
_PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
_LIBRARIES: Final = tuple(
    os.path.realpath(path) + os.sep
    for path in {
        *[path for name, path in sysconfig.get_paths().items() if "lib" in name],
        *site.getsitepackages(),
    }
)
_INSTALLED: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


@frozen
class Receipt:
    """Digests by name of what a function's result may depend on, and where that is defined now.

    A value that is not tracked has its type after a question mark in place of a digest. The digest
    of a function without source is of its bytecode, after the version of Python.
    """

    module: str
    qualname: str
    digests: Mapping[str, str]
    places: Mapping[str, str] = field(eq=False)
    sources: Mapping[str, str] = field(eq=False, repr=False)

    @property
    def text(self) -> str:
        """The receipt as it is recorded."""
        return json.dumps(dict(self.digests), sort_keys=True, separators=(",", ":"))


class LazyReceipt:
    """The receipt of a function, computed when it is first compared or recorded.

    It is computed once in a process, but once for each cell that is executed in a notebook, where
    helpers of the function may be redefined.

    Attributes:
        accepted: whether the differences to a recorded receipt were accepted, by that receipt.

    A receipt that was *sent* is that of the process which has the source of the function's own module; the modules that
    it imports are those of this process.
    """

    def __init__(
        self,
        function: Callable[..., object] | None,
        libraries: tuple[str, ...] = (),
        sent: Receipt | None = None,
    ) -> None:
        self._function = function
        self._sent = sent
        self._libraries = libraries
        self._cells: list[str] | None = getattr(function, "__globals__", {}).get("_ih")
        self._cells_seen = 0
        self._receipt: Receipt | None = None
        self._recorded: CodeReceipt | None = None
        self._digest: str | None = None
        self._changes: dict[str, tuple[CodeChange, ...]] = {}
        self.accepted: dict[str, bool] = {}

    @property
    def digest(self) -> str:
        """The digest of the receipt; empty if something that the function uses cannot be looked at."""
        if self._digest is None or (self._cells and len(self._cells) != self._cells_seen):
            self._compute()
        return self._digest or ""

    def record(self, *, with_sources: bool) -> CodeReceipt | None:
        """Return the receipt as it is recorded; None if there is none."""
        if not self.digest or self._recorded is None or with_sources:
            return self._recorded
        return evolve(self._recorded, sources=NO_SOURCES)

    def with_libraries(self, libraries: tuple[str, ...]) -> LazyReceipt:
        """Return the receipt of the same function with other *libraries*."""
        return LazyReceipt(self._function, libraries, self._sent)

    def to_send(self, *, with_sources: bool) -> Receipt | None:
        """Return the receipt for a process that gets the function with its code; None if there is none."""
        if not self.digest or self._receipt is None or with_sources:
            return self._receipt
        return evolve(self._receipt, sources=NO_SOURCES)

    def changes_since(self, recorded: str) -> tuple[CodeChange, ...] | None:
        """Return what differs between the receipt of the digest *recorded* and that of now.

        None if that receipt has not been compared yet.
        """
        if not self.digest or not recorded.startswith(FORMAT):
            return ()
        return self._changes.get(recorded)

    def compare(self, recorded: str, text: str | None) -> tuple[CodeChange, ...]:
        """Return and remember what differs between the receipt *recorded*, which has this *text*, and that of now."""
        if text is None or self._receipt is None:
            return ()
        self._changes[recorded] = changes(text, self._receipt)
        return self._changes[recorded]

    def _compute(self) -> None:
        before = self._digest
        self._cells_seen = len(self._cells or ())
        if self._function is not None:
            own = _receipt_if_possible(self._function, self._libraries)
            self._receipt = own if self._sent is None else _with_imports_of(self._sent, own)
        self._recorded, self._digest = None, ""
        if self._receipt is not None:
            text = self._receipt.text
            self._digest = receipt_digest(text)
            self._recorded = CodeReceipt(self._digest, text, self._receipt.sources)
        if self._digest != before:
            self._changes, self.accepted = {}, {}


NO_RECEIPT: Final = LazyReceipt(None)


def receipt_of(function: Callable[..., object], libraries: tuple[str, ...] = ()) -> Receipt:
    """Return the receipt of *function* as it would run now, with the versions of *libraries*."""
    walk = _Walk(function)
    walk.run()
    walk.digests.update(installed_versions(libraries))
    qualname = getattr(function, "__qualname__", type(function).__qualname__)
    return Receipt(main_name(str(walk.module)), qualname, walk.digests, walk.places, walk.sources)


def _with_imports_of(sent: Receipt, own: Receipt | None) -> Receipt:
    """Return a receipt that was sent, with what *own* says of other modules and of libraries."""
    if own is None:
        return sent
    code = {name: digest for name, digest in sent.digests.items() if not name.startswith(LIBRARY)}
    known = own.digests.items()
    imported = {name: digest for name, digest in known if not name.startswith(ITSELF)}
    sources = {**own.sources, **sent.sources} if sent.sources else NO_SOURCES
    places = {**own.places, **sent.places}
    return evolve(sent, digests={**code, **imported}, places=places, sources=sources)


def _receipt_if_possible(
    function: Callable[..., object], libraries: tuple[str, ...]
) -> Receipt | None:
    try:
        return receipt_of(function, libraries)
    except Exception:  # noqa: BLE001 - whatever a global's own methods raise, the call does not depend on it
        return None


def changes(recorded: str, current: Receipt) -> tuple[CodeChange, ...]:
    """Return what differs between a recorded receipt and the current one.

    Nothing does where they cannot be compared: values that are not tracked, and bytecode of other
    versions of Python.
    """
    before, after = cast("dict[str, str]", json.loads(recorded)), current.digests
    differences = {
        name: change_between(before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
    }
    return tuple(
        CodeChange(
            _full_name(name, current), change, current.places.get(name, ""), after.get(name, "")
        )
        for name, change in differences.items()
        if change is not None
    )


def _full_name(name: str, receipt: Receipt) -> str:
    if name == ITSELF:
        return f"{receipt.module}.{receipt.qualname}"
    return f"{receipt.module}{name}" if name.startswith(".") else name


def change_between(before: str | None, after: str | None) -> str | None:
    """Return how a thing of these digests has changed; None if it has not, or if the two cannot be compared."""
    known = [digest for digest in (before, after) if digest is not None]
    versions = {digest.partition(_BYTECODE)[0] for digest in known if _BYTECODE in digest}
    if before == after or any(digest.startswith(_UNTRACKED) for digest in known):
        return None
    if versions and versions != {_PYTHON}:
        return None
    return "is used now" if before is None else "is no longer used" if after is None else "changed"


class _NotConstantError(Exception):
    """A value is not made of scalars, functions and classes, or has too many parts."""


class _Walk:
    """Follows the names that functions and classes look up, and notes a digest for each thing found."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.digests: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self._waiting: list[object] = []
        self._seen: dict[int, object] = {}
        layers = list(_layers(function))
        self._own = layers[-1]
        self.module = getattr(self._own, "__module__", None)
        self._waiting += [layer for layer in layers if layer is self._own or is_first_party(layer)]

    def run(self) -> None:
        while self._waiting:
            thing = self._waiting.pop()
            if id(thing) in self._seen:
                continue
            self._seen[id(thing)] = thing
            if isinstance(thing, FunctionType):
                self._function(thing)
            elif isinstance(thing, type):
                self._class(thing)
            elif thing is self._own and isinstance(type(thing).__call__, FunctionType):
                self._waiting.append(type(thing))

    def _note(self, name: str, digest: str, place: str = "") -> None:
        known = self.digests.get(name)
        self.digests[name] = digest if known is None else short_digest(sorted((known, digest)))
        if place:
            self.places[name] = place

    def _name(self, module: object, name: str) -> str:
        return f".{name}" if module == self.module else f"{module}.{name}"

    def _function(self, function: FunctionType) -> None:
        code, is_own = function.__code__, function is self._own
        name = ITSELF if is_own else self._name(function.__module__, function.__qualname__)
        place = f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}"  # noqa: PTH119 - ten times faster
        # Defaults and captured values of the function itself are inputs of its calls.
        syntax = function_syntax(code, with_defaults=not is_own)
        if syntax is None:
            digest = f"{_PYTHON}{_BYTECODE}{short_digest(code)}"
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
                is_state = chain[0] in syntax.state
                self._chain(function.__module__, function.__globals__, chain, is_state=is_state)

    def _method(self, function: FunctionType, attributes: Chain) -> None:
        """Follow `self.attribute` in a method of a module's class."""
        path = function.__qualname__.split(".")[:-1]
        if not path or "<locals>" in path:
            return
        owner: object = function.__globals__.get(path[0])
        for part in path[1:]:
            owner = getattr_static(owner, part, None)
        member = getattr_static(owner, attributes[0], None) if attributes else None
        if isinstance(owner, type) and member is not None:
            self._members(member)

    def _chain(
        self, user: str, namespace: Mapping[str, object], chain: Chain, *, is_state: bool
    ) -> None:
        """Follow a name, through modules as long as its attributes are modules."""
        value, module, name = namespace[chain[0]], user, chain[0]
        for attribute in chain[1:]:
            if not isinstance(value, ModuleType):
                break
            if not is_own_file(getattr(value, "__file__", None)):
                return
            module, name = value.__name__, attribute
            value = vars(value).get(attribute)
        if not is_state:
            self._value(self._name(module, name), value)

    def _value(self, name: str, value: object) -> None:
        if isinstance(value, ModuleType):
            return
        layers = [] if is_proxy(value) else list(_layers(value))
        functions = [layer for layer in layers if isinstance(layer, FunctionType | type)]
        if functions or callable(getattr_static(value, "__wrapped__", None)):
            self._waiting += [layer for layer in functions if is_first_party(layer)]
            return
        digest = self._digest(value)
        if digest is not None:
            self._note(name, digest)
            return
        if is_first_party(type(value)):
            self._waiting.append(type(value))
        if not callable(value):
            self._note(name, f"{_UNTRACKED}{type(value).__qualname__}")

    def _digest(self, value: object) -> str | None:
        """Return the digest of a constant; None for what is not one, or is too large."""
        if type(value).__module__.partition(".")[0] in _VALUE_MODULES:
            return short_digest(value)
        size = getattr_static(type(value), "nbytes", None)
        if size is not None:
            return short_digest(value) if cast("Any", value).nbytes <= _MOST_BYTES else None
        parts: list[object] = []
        try:
            digest = short_digest(_shape(value, parts))
        except _NotConstantError:
            return None
        functions = [part for part in parts if isinstance(part, FunctionType | type)]
        self._waiting += [function for function in functions if is_first_party(function)]
        return digest

    def _class(self, kind: type) -> None:
        # A list first: another thread may set an attribute of the class meanwhile.
        for member in list(vars(kind).values()):
            if callable(member) or isinstance(member, _METHODS):
                self._members(cast("object", member))
        self._waiting += [base for base in kind.__bases__ if is_first_party(base)]
        known = vars(sys.modules.get(kind.__module__, ModuleType("")))
        file = known.get("__file__")
        if not isinstance(file, str):
            codes = [getattr(member, "__code__", None) for member in vars(kind).values()]
            files = [code.co_filename for code in codes if isinstance(code, CodeType)]
            file = next((name for name in files if not name.startswith("<")), "")
        name = self._name(kind.__module__, kind.__qualname__)
        syntax = class_syntax(file, kind.__qualname__, vars(kind).get("__firstlineno__"))
        if syntax is None:
            self._note(name, f"{_UNTRACKED}class without source")
            return
        self._note(name, syntax.digest, f"{Path(file).name}:{syntax.line}")
        self.sources[syntax.digest] = syntax.text
        for chain in syntax.names:
            if chain[0] in known:
                self._chain(kind.__module__, known, chain, is_state=False)

    def _members(self, member: object) -> None:
        for accessor in _accessors(member):
            self._waiting += [
                layer
                for layer in _layers(accessor)
                if isinstance(layer, FunctionType | type)
                and is_first_party(layer)
                # Not what dataclasses and attrs generate.
                and not getattr(layer, "__code__", _accessors.__code__).co_filename.startswith("<")
            ]


def _shape(value: object, parts: list[object]) -> object:
    """Return a constant with names in place of functions and classes, and add all its parts to *parts*.

    Raises:
        _NotConstantError: if it is none, or has more than 1,000 parts.
    """
    parts.append(value)
    kind = type(value)
    if len(parts) > _MOST_ITEMS:
        raise _NotConstantError
    if isinstance(value, FunctionType | type):
        return f"{value.__module__}.{value.__qualname__}"
    if kind in _SCALARS:
        return value
    if kind is dict:
        pairs = cast("dict[object, object]", value).items()
        return {"dict": [(_shape(key, parts), _shape(part, parts)) for key, part in pairs]}
    if kind not in CONTAINERS:
        raise _NotConstantError
    shapes = [_shape(part, parts) for part in cast("list[object]", value)]
    return [kind.__name__, *(shapes if kind in {list, tuple} else sorted(map(hash_value, shapes)))]


def _accessors(member: object) -> list[object]:
    """Return the functions of a member of a class."""
    if isinstance(member, property):
        return [part for part in (member.fget, member.fset, member.fdel) if part is not None]
    if isinstance(member, cached_property):
        return [cast("cached_property[object]", member).func]
    return [member]


def _layers(thing: object) -> Iterator[object]:
    """Yield a function, and what it wraps or binds arguments of, the innermost last."""
    while True:
        yield thing
        if isinstance(thing, MethodType | staticmethod | classmethod):
            inner: object = cast("MethodType", thing).__func__
        elif isinstance(thing, partial):
            inner = cast("partial[object]", thing).func
        elif isinstance(thing, type) or getattr_static(thing, "__wrapped__", None) is None:
            return
        else:
            inner = cast("Any", thing).__wrapped__
        if inner is thing or not callable(inner):
            return
        thing = inner


def is_first_party(thing: object) -> bool:
    """Tell whether a function or class is the user's, and not of a library."""
    module = str(getattr(thing, "__module__", ""))
    if module.partition(".")[0] == "provenance":
        return False
    code = getattr(thing, "__code__", None)
    if isinstance(code, CodeType) and not code.co_filename.startswith("<"):
        return is_own_file(code.co_filename)
    known = sys.modules.get(module)
    if known is None or module == "__main__":
        return module != "builtins"
    return is_own_file(getattr(known, "__file__", None))


@lru_cache(maxsize=4_096)
def is_own_file(file: str | None) -> bool:
    """Tell whether a file is the user's, and not of the standard library or an installed one."""
    if file is None:
        return False
    path = os.path.realpath(file)
    return not path.startswith(_LIBRARIES) and not any(part in path for part in _INSTALLED)

"""The syntax of functions and classes, in a form that only a change of meaning changes.

Comments, formatting, docstrings, annotations and the names of local variables do not count. The form
is the same in every supported version of Python.
"""

from __future__ import annotations

import ast
import json
import linecache
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from importlib.machinery import SourceFileLoader
from textwrap import dedent
from types import CodeType
from typing import Final, TypeAlias, cast

from attrs import evolve, frozen

from provenance.hashing import hash_value

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Definition: TypeAlias = FunctionNode | ast.ClassDef
Chain: TypeAlias = tuple[str, ...]
"""A name and the attributes that are looked up on it: `("helpers", "deep", "clean")`."""
Definitions: TypeAlias = "dict[tuple[str, int], list[Definition]]"
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_HAS_DOCSTRING: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IGNORED: Final = frozenset({"annotation", "ctx", "kind", "returns", "type_comment", "type_params"})
_NAMING: Final = frozenset({"asname", "id", "name", "names", "rest"})
"""Fields in which nodes name variables."""
_MUTATORS: Final = frozenset(
    {
        "add",
        "append",
        "appendleft",
        "clear",
        "difference_update",
        "discard",
        "extend",
        "extendleft",
        "insert",
        "intersection_update",
        "move_to_end",
        "pop",
        "popitem",
        "popleft",
        "remove",
        "reverse",
        "rotate",
        "setdefault",
        "sort",
        "subtract",
        "symmetric_difference_update",
        "update",
    }
)
DIGITS: Final = 12
"""Length of a digest in receipts, in hexadecimal digits."""


@frozen
class Syntax:
    """What the definition of a function or class says.

    Attributes:
        digest: digest of the definition.
        names: names that it may look up outside, with attributes.
        state: names outside and of its first parameter, with attributes, whose values it changes, such as caches.
        items: outside names, with attributes, whose items it looks up.
        text: its source.
        line: its line in the file.
        binds: of a class the attributes that its body names.
    """

    digest: str
    names: frozenset[Chain]
    state: frozenset[Chain]
    items: frozenset[Chain] = frozenset()
    text: str = ""
    line: int = 0
    binds: frozenset[str] = frozenset()


def short_digest(form: object) -> str:
    """Return the digest of a value of builtin types, for a receipt."""
    return hash_value(form)[:DIGITS]


def function_syntax(code: CodeType, *, with_defaults: bool, loader: object = None) -> Syntax | None:
    """Return the syntax of the function of *code*; None if its source is not available, or another one now.

    The *loader* is that of its module.
    """
    file = _file(code.co_filename)
    name, _ = place = _place_of(code)
    places = [place]
    if _may_be_newer(code.co_filename) and not _rewrites(loader):
        # It may have moved in its file.
        known = file.places.get((_code_digest(code), name), [])
        places = [place] if place in known else known
    found = file.definitions.get(places[0], []) if places else []
    nodes = [node for node in found if not isinstance(node, ast.ClassDef)]
    if not nodes or (not name and len(nodes) > 1):
        return None
    syntax = _function(nodes[-1], with_defaults=with_defaults)
    return evolve(syntax, text=_text(code.co_filename, nodes[-1]))


def class_syntax(
    file: str, qualname: str, line: int | None = None, members: Mapping[str, object] | None = None
) -> Syntax | None:
    """Return the syntax of a class apart from its methods; None without source, or if it says other *members*."""
    name = qualname.rpartition(".")[2]
    found = [
        node
        for nodes in _file(file).definitions.values()
        for node in nodes
        if isinstance(node, ast.ClassDef) and node.name == name
    ]
    if not found:
        return None
    node = next((node for node in found if _first_line(node) == line), found[-1])
    if members is not None and _may_be_newer(file) and not _agrees(node, members):
        return None
    return evolve(_class(node), text=_text(file, node), line=node.lineno)


# ---------------------------------------------------------------- files that are edited while their code runs

_STARTED: Final = datetime.now(UTC).timestamp()
"""When this process loaded the library: what was written before is what it has imported since.

It only decides whether code is compared with its file.
"""


def _may_be_newer(file: str) -> bool:
    """Tell whether a file was written since this process started, so that other code of it may run here."""
    entry: tuple[object, ...] = linecache.cache.get(file, ())
    written = entry[1] if len(entry) > 1 else None
    return isinstance(written, float) and written > _STARTED


def _rewrites(loader: object) -> bool:
    """Tell whether a module runs other code than its source says, as tests do under pytest."""
    compiles = getattr(type(loader), "source_to_code", None)
    return loader is not None and compiles is not SourceFileLoader.source_to_code


@lru_cache(maxsize=10_000)
def _code_digest(code: CodeType) -> str:
    return short_digest(code)


def _place_of(code: CodeType) -> tuple[str, int]:
    return "" if code.co_name == "<lambda>" else code.co_name, code.co_firstlineno


def _agrees(node: ast.ClassDef, members: Mapping[str, object]) -> bool:
    """Tell whether a class has the numbers and texts that its source gives it."""
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=value)):
                pass
            case _:
                continue
        member = members.get(name)
        if type(member) is type(value) and member != value:
            return False
    return True


# ---------------------------------------------------------------- definitions


@lru_cache(maxsize=10_000)
def _function(node: FunctionNode, *, with_defaults: bool) -> Syntax:
    body = [node.body] if isinstance(node, ast.Lambda) else _body(node)
    parameters = list(_parameters(node.args))
    form = _Form(_local_names(node))
    parts = [form.of([node.args] if with_defaults else parameters), form.of(body)]
    inside = form.local | {argument.arg for argument in parameters}
    own = parameters[0].arg if parameters else None
    return Syntax(
        _digest(parts),
        frozenset(
            chain
            for chain in form.names
            if chain[0] not in inside or (chain[0] == own and chain[1:])
        ),
        frozenset(chain for chain in form.changed if chain[0] not in inside or chain[0] == own),
        frozenset(chain for chain in form.items if chain[0] not in inside),
    )


@lru_cache(maxsize=10_000)
def _class(node: ast.ClassDef) -> Syntax:
    methods = (ast.FunctionDef, ast.AsyncFunctionDef)
    body = [statement for statement in _body(node) if not isinstance(statement, methods)]
    form = _Form(frozenset(), in_class=True)
    outside = [list(node.decorator_list), list(node.bases), list(node.keywords), body]
    parts = [form.of(part) for part in outside]
    binds = frozenset(_class_names(node))
    return Syntax(_digest(parts), frozenset(form.names), frozenset(), binds=binds)


def _digest(form: object) -> str:
    """Return the digest of a form: of its JSON, as one text is hashed far faster than its nodes."""
    from blake3 import blake3  # noqa: PLC0415 - not needed until something is computed or compared

    return blake3(json.dumps(form).encode()).hexdigest()[:DIGITS]


def _text(file: str, node: Definition) -> str:
    return dedent("".join(linecache.getlines(file)[_first_line(node) - 1 : node.end_lineno]))


class _File:
    """The lines of a file and what they define.

    That is nothing if the file cannot be read, or parsed, as a console's line may not.
    """

    def __init__(self, name: str, lines: list[str]) -> None:
        self.lines = lines
        self._name = name
        self.definitions: Definitions = {}
        try:
            waiting: list[ast.AST] = [ast.parse("".join(lines))]
        except (SyntaxError, ValueError):
            waiting = []
        while waiting:
            node = waiting.pop()
            if isinstance(node, _DEFINITIONS):
                name = "" if isinstance(node, ast.Lambda) else node.name
                self.definitions.setdefault((name, _first_line(node)), []).append(node)
            waiting += reversed([*_children(node)])

    @cached_property
    def places(self) -> dict[tuple[str, str], list[tuple[str, int]]]:
        """The places of all code, by its digest and name."""
        found: dict[tuple[str, str], list[tuple[str, int]]] = {}
        try:
            waiting = [compile("".join(self.lines), self._name, "exec", dont_inherit=True)]
        except (SyntaxError, ValueError):
            waiting = []
        while waiting:
            code = waiting.pop()
            place = _place_of(code)
            found.setdefault((_code_digest(code), place[0]), []).append(place)
            waiting += [part for part in code.co_consts if isinstance(part, CodeType)]
        return found


_read: Final[dict[str, _File]] = {}
_MOST_FILES: Final = 1_000


def _file(name: str) -> _File:
    """Return a file as it is now; it is read and parsed again if it has changed."""
    linecache.checkcache(name)
    # A list of its own as long as the file does not change.
    lines = linecache.getlines(name)
    known = _read.get(name)
    if known is None or known.lines is not lines:
        if len(_read) >= _MOST_FILES:
            _read.clear()
        known = _read[name] = _File(name, lines)
    return known


def _first_line(node: Definition) -> int:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *[decorator.lineno for decorator in decorators]])


def _parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from [argument for argument in (arguments.vararg, arguments.kwarg) if argument]


def _body(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> list[ast.stmt]:
    """Return the statements of a definition, without its docstring."""
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


class _Fields(dict["type[ast.AST]", "tuple[str, ...]"]):
    """The fields that count, by kind of node."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        found = self[kind] = tuple(field for field in kind._fields if field not in _IGNORED)
        return found


_FIELDS: Final = _Fields()


class _Form:
    """Builds lists of strings and lists from nodes; variables in *local* are numbered in order of use.

    Meanwhile it notes in `names` what is looked up, with attributes, in `changed` the names of which attributes or
    items are assigned or methods are called that change them, and in `items` those of which items are looked up.
    """

    def __init__(self, local: frozenset[str], *, in_class: bool = False) -> None:
        self.local = local
        self.names: set[Chain] = set()
        self.changed: set[Chain] = set()
        self.items: set[Chain] = set()
        self._numbers: dict[str, int] = {}
        self._in_class = in_class

    def of(self, part: object, field: str = "") -> object:
        if isinstance(part, list):
            return [self.of(item, field) for item in cast("list[object]", part)]
        if isinstance(part, ast.AST):
            return self._node(part)
        if isinstance(part, str) and field in _NAMING and part in self.local:
            return self._numbers.setdefault(part, len(self._numbers))
        return f"{type(part).__name__} {part!r}"

    def _node(self, node: ast.AST) -> object:
        if isinstance(node, ast.Name | ast.Attribute):
            return self._chain(node)
        self._note_change(node)
        if isinstance(node, ast.AnnAssign):
            # Without a value it declares a field in a class, and has no effect in a function.
            target = self.of(node.target)
            if node.value is not None:
                return ["Assign", ["targets", [target]], ["value", self.of(node.value)]]
            return ["Declaration", target] if self._in_class else []
        fields: list[object] = []
        for field in _FIELDS[type(node)]:
            child: object = getattr(node, field, None)
            if child is None or child == []:
                continue
            if isinstance(node, ast.JoinedStr):
                # Python 3.12 ends some formats with an empty string.
                child = [value for value in node.values if not _is_empty(value)]
            if field == "body" and isinstance(node, _HAS_DOCSTRING):
                child = _body(node)
            fields.append([field, self.of(child, field)])
        return [type(node).__name__, *fields]

    def _chain(self, node: ast.Name | ast.Attribute) -> object:
        attributes: list[str] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute):
            attributes.append(inner.attr)
            inner = inner.value
        attributes.reverse()
        if isinstance(inner, ast.Name):
            self.names.add((inner.id, *attributes))
            form: object = ["Name", ["id", self.of(inner.id, "id")]]
        else:
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and attributes:
                # Of what a call returns, only a base class is known.
                self.names.update({("super", *attributes)} if inner.func.id == "super" else ())
            form = self._node(inner)
        if attributes and not isinstance(cast("ast.Attribute", node).ctx, ast.Load):
            self.changed.update(_target(node) | _target(cast("ast.Attribute", node).value))
        for attribute in attributes:
            form = ["Attribute", ["value", form], ["attr", self.of(attribute)]]
        return form

    def _note_change(self, node: ast.AST) -> None:
        if isinstance(node, ast.Subscript):
            changed = self.items if isinstance(node.ctx, ast.Load) else self.changed
            changed.update(_target(node.value))
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATORS:
                self.changed.update(_target(node.func.value))
        elif isinstance(node, ast.Global):
            self.changed.update((name,) for name in node.names)


def _target(node: ast.AST) -> set[Chain]:
    """Return the name of which something is assigned, with the attributes before an item; none of something else."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Attribute):
            attributes.append(node.attr)
        else:
            attributes.clear()
        node = node.value
    return {(node.id, *reversed(attributes))} if isinstance(node, ast.Name) else set()


def _is_empty(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == ""


def _local_names(node: FunctionNode) -> frozenset[str]:
    """Return the names of variables in the function and those inside it, but not of parameters."""
    found: set[str] = set()
    outside: set[str] = set()
    waiting: list[ast.AST] = [node]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, ast.Name):
            if not isinstance(inner.ctx, ast.Load):
                found.add(inner.id)
        elif isinstance(inner, ast.arg):
            outside.add(inner.arg)
        else:
            if isinstance(inner, ast.Global):
                outside.update(inner.names)
            elif isinstance(inner, ast.ClassDef):
                outside.update(_class_names(inner))
            name = _bound_name(inner)
            if name and inner is not node:
                found.add(name)
            waiting += _children(inner)
    return frozenset(found - outside)


def _bound_name(node: ast.AST) -> str | None:
    """Return the name that a statement, a handler or a pattern binds by itself; None if it binds none."""
    match node:
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            return name
        case ast.MatchMapping(rest=name):
            return name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.alias():
            return (node.asname or node.name).partition(".")[0]
        case _:
            return None


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for field in _FIELDS[type(node)]:
        child: object = getattr(node, field, None)
        if isinstance(child, ast.AST):
            yield child
        elif isinstance(child, list):
            yield from [part for part in cast("list[object]", child) if isinstance(part, ast.AST)]


def _class_names(node: ast.ClassDef) -> Iterator[str]:
    """Yield the names that the body of a class inside a function defines: its attributes."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name
        else:
            for inner in ast.walk(statement):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id

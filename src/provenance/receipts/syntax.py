"""The syntax of functions and classes, in a form that only a change of meaning changes.

Comments, formatting, docstrings, annotations and the names of local variables do not count. The form
is the same in every supported version of Python.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable, Iterator
from functools import lru_cache
from textwrap import dedent
from types import CodeType
from typing import Final, TypeAlias, cast

from attrs import evolve, frozen

from provenance.hashing import hash_value

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Definition: TypeAlias = FunctionNode | ast.ClassDef
Chain: TypeAlias = tuple[str, ...]
"""A name and the attributes that are looked up on it: `("helpers", "deep", "clean")`."""
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_HAS_DOCSTRING: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IGNORED: Final = frozenset({"annotation", "ctx", "kind", "returns", "type_comment", "type_params"})
_NAMING: Final = frozenset({"asname", "id", "name", "names", "rest"})
"""Fields in which nodes name variables."""
_MUTATORS: Final = frozenset(
    {
        "add",
        "append",
        "clear",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "setdefault",
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
        state: outside names whose values it changes, such as caches.
        text: its source.
    """

    digest: str
    names: frozenset[Chain]
    state: frozenset[str]
    text: str = ""


def short_digest(form: object) -> str:
    """Return the digest of a value of builtin types, for a receipt."""
    return hash_value(form)[:DIGITS]


def function_syntax(code: CodeType, *, with_defaults: bool) -> Syntax | None:
    """Return the syntax of the function of *code*; None if its source is not available."""
    found = [
        node
        for node in _definitions(_source(code.co_filename))
        if not isinstance(node, ast.ClassDef) and _matches(node, code)
    ]
    if not found or (isinstance(found[-1], ast.Lambda) and len(found) > 1):
        return None
    syntax = _function(found[-1], with_defaults=with_defaults)
    return evolve(syntax, text=_text(code.co_filename, found[-1]))


def class_syntax(file: str, qualname: str, line: int | None = None) -> tuple[Syntax, int] | None:
    """Return the syntax of a class apart from its methods, and its line; None without source."""
    name = qualname.rpartition(".")[2]
    found = [
        node
        for node in _definitions(_source(file))
        if isinstance(node, ast.ClassDef) and node.name == name
    ]
    if not found:
        return None
    node = next((node for node in found if _first_line(node) == line), found[-1])
    return evolve(_class(node), text=_text(file, node)), node.lineno


@lru_cache(maxsize=10_000)
def _function(node: FunctionNode, *, with_defaults: bool) -> Syntax:
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    arguments = [node.args] if with_defaults else list(_parameters(node.args))
    form = _Form(_local_names(node))
    parts = [form.of(arguments), form.of(_without_docstring(body))]
    outside = [*body, *(node.args.defaults if with_defaults else ())]
    outside += [default for default in node.args.kw_defaults if default and with_defaults]
    inside = form.local | {argument.arg for argument in _parameters(node.args)}
    chains = {chain for part in outside for chain in _chains(part)}
    own = next((argument.arg for argument in _parameters(node.args)), None)
    return Syntax(
        short_digest(parts),
        frozenset(
            chain for chain in chains if chain[0] not in inside or (chain[0] == own and chain[1:])
        ),
        frozenset(name for part in body for name in _changed_names(part)) - inside,
    )


@lru_cache(maxsize=10_000)
def _class(node: ast.ClassDef) -> Syntax:
    methods = (ast.FunctionDef, ast.AsyncFunctionDef)
    body = [
        statement
        for statement in _without_docstring(node.body)
        if not isinstance(statement, methods)
    ]
    parts: list[ast.AST] = [*node.decorator_list, *node.bases, *node.keywords, *body]
    chains = frozenset(chain for part in (*node.bases, *body) for chain in _chains(part))
    return Syntax(short_digest(_Form(frozenset(), in_class=True).of(parts)), chains, frozenset())


def _source(file: str) -> str:
    linecache.checkcache(file)
    return "".join(linecache.getlines(file))


def _text(file: str, node: Definition) -> str:
    return dedent("".join(linecache.getlines(file)[_first_line(node) - 1 : node.end_lineno]))


@lru_cache(maxsize=256)
def _definitions(source: str) -> tuple[Definition, ...]:
    """Return all definitions in *source*, none if it cannot be parsed, as a console's line may not."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, _DEFINITIONS))


def _matches(node: FunctionNode, code: CodeType) -> bool:
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    return name == code.co_name and _first_line(node) == code.co_firstlineno


def _first_line(node: Definition) -> int:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *[decorator.lineno for decorator in decorators]])


def _parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from [argument for argument in (arguments.vararg, arguments.kwarg) if argument]


def _without_docstring(body: Iterable[ast.AST]) -> list[ast.AST]:
    statements = list(body)
    first = statements[0] if statements else None
    is_docstring = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    return statements[1:] if is_docstring else statements


class _Form:
    """Builds lists of strings and lists from nodes; variables in *local* are numbered in order of use."""

    def __init__(self, local: frozenset[str], *, in_class: bool = False) -> None:
        self.local = local
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
        if isinstance(node, ast.AnnAssign):
            # Without a value it declares a field in a class, and has no effect in a function.
            if node.value is not None:
                return [
                    "Assign",
                    ["targets", [self.of(node.target)]],
                    ["value", self.of(node.value)],
                ]
            return ["Declaration", self.of(node.target)] if self._in_class else []
        fields: list[object] = []
        for field, part in ast.iter_fields(node):
            child: object = part
            if field in _IGNORED or child is None or child == []:
                continue
            if isinstance(node, ast.JoinedStr):
                # Python 3.12 ends some formats with an empty string.
                child = [value for value in node.values if not _is_empty(value)]
            if field == "body" and isinstance(node, _HAS_DOCSTRING):
                child = _without_docstring(cast("list[ast.AST]", child))
            fields.append([field, self.of(child, field)])
        return [type(node).__name__, *fields]


def _is_empty(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == ""


def _local_names(node: FunctionNode) -> frozenset[str]:
    """Return the names of variables in the function and those inside it, but not of parameters."""
    found: set[str] = set()
    outside: set[str] = set()
    for inner in ast.walk(node):
        match inner:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                found.add(inner.id)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                found.add(name)
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                found.add(name)
            case ast.alias():
                found.add((inner.asname or inner.name).partition(".")[0])
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if inner is not node:
                found.add(inner.name)
            case _:
                pass
        match inner:
            case ast.Global():
                outside.update(inner.names)
            case ast.arg():
                outside.add(inner.arg)
            case ast.ClassDef():
                outside.update(_class_names(inner))
            case _:
                pass
    return frozenset(found - outside)


def _class_names(node: ast.ClassDef) -> Iterator[str]:
    """Yield the names that the body of a class inside a function defines: its attributes."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name
        else:
            for inner in ast.walk(statement):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id


def _chains(node: ast.AST) -> Iterator[Chain]:
    """Yield the names and attributes that *node* looks up, apart from annotations."""
    if isinstance(node, ast.Attribute | ast.Name):
        chain: list[str] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute):
            chain.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            yield (inner.id, *reversed(chain))
        else:
            yield from _chains(inner)
        return
    for field, part in ast.iter_fields(node):
        if field not in _IGNORED:
            children = cast("list[object]", part) if isinstance(part, list) else [part]
            for child in children:
                if isinstance(child, ast.AST):
                    yield from _chains(child)


def _changed_names(node: ast.AST) -> Iterator[str]:
    """Yield names of which *node* assigns attributes or items, or calls methods that change them."""
    for inner in ast.walk(node):
        target: ast.AST | None = None
        match inner:
            case ast.Attribute(ctx=ast.Store() | ast.Del()):
                target = inner
            case ast.Subscript(ctx=ast.Store() | ast.Del()):
                target = inner
            case ast.Call(func=ast.Attribute(attr=method)) if method in _MUTATORS:
                target = inner.func
            case ast.Global():
                yield from inner.names
            case _:
                pass
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        if isinstance(target, ast.Name):
            yield target.id

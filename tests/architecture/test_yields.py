"""Programs ask with `yield from`: the answer to a bare `yield` has no type."""

import ast
from collections.abc import Iterator

import pytest

from architecture.source import PACKAGE, Function, python_files, tree, where

MANAGERS = {"contextmanager", "asynccontextmanager", "fixture"}
ITERATORS = {"Iterator", "Iterable", "AsyncIterator", "AsyncIterable"}


def name_of(node: ast.expr | None) -> str:
    """The last part of a possibly dotted, called or subscripted name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return name_of(inner)
        case _:
            return ""


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """What belongs to *function* itself and not to a function inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def bare_yields(module: ast.AST) -> list[int]:
    """Lines of the yields that ask something without a type.

    A context manager may yield, and so may a plain iterator that throws the answer away: neither asks anything.
    """
    found: list[int] = []
    for function in (node for node in ast.walk(module) if isinstance(node, Function)):
        if MANAGERS & {name_of(decorator) for decorator in function.decorator_list}:
            continue
        nodes = list(own_nodes(function))
        ignored = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        iterates = name_of(function.returns) in ITERATORS
        yields = [node for node in nodes if isinstance(node, ast.Yield)]
        found += [node.lineno for node in yields if not (iterates and id(node) in ignored)]
    return sorted(found)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ([2], "def program() -> Program[E, int]:\n    answer = yield Ask()\n    return answer\n"),
        ([2], "def program():\n    yield Ask()\n"),
        ([2], "def sneaky() -> Iterator[Ask]:\n    answer = yield Ask()\n"),
        (
            [3],
            "def outer() -> Iterator[int]:\n    def inner():\n        yield Ask()\n    yield 1\n",
        ),
        ([], "def program() -> Program[E, int]:\n    return (yield from Ask())\n"),
        ([], "@contextmanager\ndef held() -> Iterator[None]:\n    yield\n"),
        ([], "@contextlib.contextmanager\ndef held() -> Iterator[None]:\n    yield\n"),
        ([], "def chunks() -> Iterator[bytes]:\n    yield b''\n"),
        ([], "async def chunks() -> AsyncIterator[bytes]:\n    yield b''\n"),
    ],
)
def test_a_bare_yield_is_found(expected, text):
    """A yield that could ask is found; one that cannot is let be."""
    assert expected == bare_yields(ast.parse(text))


def test_only_the_kernel_yields():
    """Outside `effect.py` no program uses a bare `yield`."""
    others = [path for path in python_files(PACKAGE) if path != PACKAGE / "effect.py"]
    assert [] == [where(path, line) for path in others for line in bare_yields(tree(path))]

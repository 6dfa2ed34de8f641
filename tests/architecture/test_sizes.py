"""Small functions, small modules."""

import ast

import pytest

from architecture.source import PACKAGE, ROOT, Function, functions, python_files, tree, where

MODULE_LINES = 500
LONG_MODULES = {
    "src/provenance/errors.py": "the exceptions are one tree, and each shows how it arises",
}
FUNCTION_LINES = 60
USUAL_LINES = 30
UNUSUAL_SHARE = 0.10


def body_lines(function: Function) -> int:
    """How many lines the function's body takes, its docstring not counted."""
    described = ast.get_docstring(function, clean=False) is not None
    statements = function.body[1:] if described else function.body
    return (statements[-1].end_lineno or 0) - statements[0].lineno + 1 if statements else 0


def sizes() -> dict[str, int]:
    """Lines of each function of the package, by place."""
    return {
        f"{where(path, function.lineno)} {function.name}": body_lines(function)
        for path in python_files(PACKAGE)
        for function in functions(tree(path))
    }


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (1, "def f(): return 1"),
        (0, 'def f():\n    """Only\n    words."""'),
        (3, 'def f():\n    """Words."""\n    a = 1\n\n    return a'),
        (3, "async def f():\n    return g(\n        1,\n    )"),
    ],
)
def test_the_docstring_is_not_counted(expected, text):
    """A body's size is its statements' lines, blank ones between them included."""
    assert expected == body_lines(next(functions(ast.parse(text))))


def test_no_function_is_long():
    """No function's body takes more than 60 lines."""
    assert {} == {place: lines for place, lines in sizes().items() if lines > FUNCTION_LINES}


def test_most_functions_are_short():
    """At most one function in ten takes more than 30 lines."""
    measured = sizes()
    unusual = {place: lines for place, lines in measured.items() if lines > USUAL_LINES}
    assert len(unusual) <= UNUSUAL_SHARE * len(measured), unusual


def test_no_module_is_long():
    """No module takes more than 500 lines, but for those that have a reason."""
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in python_files(PACKAGE)
    }
    assert set(LONG_MODULES) == {place for place, count in lines.items() if count > MODULE_LINES}

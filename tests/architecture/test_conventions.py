"""Conventions of the text itself."""

import ast
import re

import pytest

from architecture.source import (
    PACKAGE,
    ROOT,
    TESTS,
    committed,
    functions,
    python_files,
    tree,
    where,
)

UNREASONED = re.compile(
    r"#\s*(?:type|pyright):\s*ignore(?!\[[a-zA-Z-]+(?:,\s*[a-zA-Z-]+)*\]\s*#?\s*\S)"
)

# In two halves, so that this file does not name them.
ADDRESSES = [
    first + second
    for first, second in [
        ("pypi", ".org"),
        ("python", "hosted"),
        ("npmjs", ".com"),
        ("anaconda", ".org"),
        ("crates", ".io"),
        ("/wor", "k/"),
        ("/roo", "t/"),
        ("/hom", "e/"),
        ("/opt", "/pypi"),
    ]
]


def test_every_test_says_what_it_states():
    """Each test function has a docstring."""
    undescribed = [
        where(path, function.lineno)
        for path in python_files(TESTS)
        if TESTS / "typing" not in path.parents
        for function in functions(tree(path))
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert [] == undescribed


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        (True, "x = f()  # type: " + "ignore"),
        (True, "x = f()  # type: " + "ignore[arg-type]"),
        (True, "x = f()  # pyright: " + "ignore  # it is so"),
        (False, "x = f()  # type: " + "ignore[arg-type]  # the stub lacks it"),
        (False, "x = f()  # pyright: " + "ignore[reportUnknownMemberType]  # the stub lacks it"),
    ],
)
def test_an_unreasoned_ignore_is_found(expected, line):
    """An exemption without a code, or without a word why, is found."""
    assert expected == bool(UNREASONED.search(line))


def test_every_type_exemption_has_a_code_and_a_reason():
    """Nothing in the package silences a type checker without saying what and why."""
    found = [
        where(path, number)
        for path in python_files(PACKAGE)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if UNREASONED.search(line)
    ]
    assert [] == found


def test_no_file_names_a_registry_or_a_machine():
    """Committed files hold no registry's address and no absolute path of somebody's machine."""
    found = [
        f"{path.relative_to(ROOT)} has {address}"
        for path in committed()
        for address in ADDRESSES
        if address in path.read_text("utf-8", errors="replace")
    ]
    assert [] == found


def test_the_package_says_that_it_is_typed():
    """`py.typed` is there, so that users' type checkers read the annotations."""
    assert (PACKAGE / "py.typed").is_file()

"""Where things are: packages by subject, tests beside them, and no heap of helpers."""

from architecture.figures import cycles, import_graph, modules_of, package_graph
from architecture.source import PACKAGE, TESTS, python_files

TOP_LEVEL_MODULES = 10
UTIL_LINES = 600


def test_every_package_has_a_folder_of_tests():
    """The tests of `provenance.<package>` are in `tests/<package>`."""
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    folders = {path.parent.name for path in TESTS.glob("*/**/test_*.py")}
    folders |= {path.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/test_*.py")}
    assert set() == packages - folders


def test_the_top_level_is_small():
    """What is no part of a package is named there for users, or holds the packages together."""
    modules = sorted(path.stem for path in PACKAGE.glob("*.py"))
    assert len(modules) <= TOP_LEVEL_MODULES, modules


def test_util_is_no_heap():
    """Small tools stay small: what grows has a subject, and a package of its own."""
    lines = [len(path.read_text("utf-8").splitlines()) for path in python_files(PACKAGE / "util")]
    assert sum(lines) <= UTIL_LINES


def test_modules_do_not_import_each_other():
    """Late imports count too, but not those of the list of public names, which holds no code.

    The results of a call are the exception: using one makes others.
    """
    graph = import_graph(modules_of(PACKAGE), annotations=False)
    graph["provenance"].clear()
    assert not cycles(package_graph(graph))
    results = {f"provenance.results.{name}" for name in ("carriers", "handles", "transparent")}
    assert [sorted(results)] == cycles(graph)

"""What users may rely on is listed, and nothing else is in sight."""

import ast
import importlib
from importlib.metadata import version
from types import ModuleType

import provenance
from architecture.source import PACKAGE, tree
from processes import printed

MODULES = {"effect", "engines", "extending", "functional", "testing", "vis"}
"""The modules that the documentation names, as far as they were imported."""


def test_all_lists_the_public_names():
    """`provenance.<tab>` offers what `__all__` lists and modules that the documentation names, no others."""
    visible = {name for name in dir(provenance) if not name.startswith("_")}
    assert {"engines", "vis"} <= visible - set(provenance.__all__) <= MODULES
    assert set(provenance.__all__) <= visible


def test_all_has_every_public_value_of_the_package():
    """A name without an underscore is in `__all__`, unless it is that of a module."""
    values = {name: value for name, value in vars(provenance).items() if name[0] != "_"}
    assert set(provenance.__all__) >= {
        name for name, value in values.items() if not isinstance(value, ModuleType)
    }


def test_no_name_is_listed_twice():
    """`__all__` has no duplicates."""
    assert len(set(provenance.__all__)) == len(provenance.__all__)


def test_every_public_function_and_class_is_documented():
    """`help()` on a public function or class says something."""
    values = {name: getattr(provenance, name) for name in provenance.__all__}
    callables = {
        name: value
        for name, value in values.items()
        if callable(value) and hasattr(value, "__module__")
    }
    assert [] == [name for name, value in callables.items() if not value.__doc__]


def told_to_type_checkers() -> dict[str, str]:
    """Names that `provenance/__init__.py` imports for type checkers alone, and the module of each."""
    (block,) = [
        each
        for each in tree(PACKAGE / "__init__.py").body
        if isinstance(each, ast.If) and not each.orelse
    ][:1]
    return {
        alias.name: str(each.module).removeprefix("provenance.")
        for each in block.body
        if isinstance(each, ast.ImportFrom) and each.module != "provenance"
        for alias in each.names
    }


def test_names_that_load_later_are_where_type_checkers_see_them():
    """What is imported when it is first asked for is what type checkers are told, and listed."""
    assert told_to_type_checkers() == provenance._HOMES
    assert set() == provenance._HOMES.keys() - set(provenance.__all__)


def test_names_that_load_later_are_those_of_their_modules():
    """Each is the object that its module has, the first time and from then on."""
    for name, module in provenance._HOMES.items():
        expected = getattr(importlib.import_module(f"provenance.{module}"), name)
        assert expected is getattr(provenance, name)
        assert expected is vars(provenance)[name]


def test_names_that_load_later_are_in_sight_before():
    """In a fresh process `dir` lists all names, and `import *` binds them."""
    code = """
import provenance as p
print(set(p.__all__) - set(dir(p)))
from provenance import *
print(set(p.__all__) - set(globals()), lineage is p.lineage, callable(lineage))
"""
    assert "set()\nset() True True\n" == printed(code)


def test_the_version_has_one_source():
    """The distribution takes it from the package, and it is newer than any `provenance` of the index."""
    assert version("provenance") == provenance.__version__
    assert (1, 0) <= tuple(int(part) for part in provenance.__version__.split(".")[:2])

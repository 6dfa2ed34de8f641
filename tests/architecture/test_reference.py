"""The reference of the documentation has every public name, once, and no other."""

import inspect
import re
from collections import Counter
from importlib import import_module

import attrs
import pytest

import provenance
from architecture.source import ROOT
from provenance.config import schema
from provenance.effects.sql.tables import tables

DIRECTIVE = re.compile(
    r"^\.\. auto(?:function|class|exception|data):: provenance\.(\w+)(?:\(.*\))?$", re.MULTILINE
)


def test_the_reference_lists_every_public_name_once():
    """`__all__` and the pages under `docs/reference` agree."""
    listed = Counter(
        name
        for page in (ROOT / "docs/reference").glob("*.md")
        for name in DIRECTIVE.findall(page.read_text())
    )
    assert Counter(provenance.__all__) == listed


MODULES = ["extending", "functional", "testing", "testing.contracts", "vis"]


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_lists_the_names_of_public_modules(module):
    """Those that authors of stores, tests and larger programs import are on a page of their own."""
    page = (ROOT / "docs/reference/modules.md").read_text("utf-8")
    found = import_module(f"provenance.{module}")
    public = getattr(found, "__all__", None) or {
        name
        for name, value in vars(found).items()
        if not (name.startswith("_") or inspect.ismodule(value) or name == "annotations")
    }
    assert set(public) == set(re.findall(rf"[ ~]provenance\.{module}\.(\w+)$", page, re.MULTILINE))


def test_every_page_is_in_the_table_of_contents():
    """A page that the site's index does not name could not be found there."""
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text().split()
    pages = {str(page.relative_to(docs).with_suffix("")) for page in docs.rglob("*.md")}
    assert pages - {"index"} == pages.intersection(index)


FUNCTIONS = sorted(
    name
    for name in provenance.__all__
    if callable(getattr(provenance, name))
    and inspect.isroutine(inspect.unwrap(getattr(provenance, name)))
)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_tells_what_goes_in_and_comes_out(name):
    """Its docstring names each parameter and the result, and has an example, which runs as a doctest."""
    function = getattr(provenance, name)
    text = inspect.getdoc(function)
    sections = dict(re.findall(r"^(\w+):\n((?:    .*\n|\n)+)", text + "\n", re.MULTILINE))
    signature = inspect.signature(function)
    for parameter in signature.parameters.values():
        told = rf"^ +(- )?`?\**{parameter.name}`?(, `\w+`)*: |, `{parameter.name}`"
        assert re.search(told, sections["Args"], re.MULTILINE)
    is_told = text.startswith(("Return", "Tell", "Decorate")) or "Returns" in sections
    assert is_told or signature.return_annotation == "None"
    assert ">>> " in sections["Example"]


CLASSES = sorted(name for name in provenance.__all__ if inspect.isclass(getattr(provenance, name)))


@pytest.mark.parametrize("name", CLASSES)
def test_a_public_class_has_an_example(name):
    """Its docstring shows how a user meets it; the example runs as a doctest."""
    text = inspect.getdoc(getattr(provenance, name))
    assert ">>> " in text.partition("\n\nExample:\n")[2]


def public_methods():
    """Yield the methods of public classes: the class, the one that defines it, and the function."""
    public = {getattr(provenance, name) for name in CLASSES}
    for module in ("codecs", "effect", "engines", "extending", "testing", "vis"):
        names = vars(import_module(f"provenance.{module}")).items()
        public |= {kind for name, kind in names if inspect.isclass(kind) and name[0] != "_"}
    for kind in sorted(public, key=lambda kind: (kind.__module__, kind.__qualname__)):
        for home in kind.__mro__:
            for name, value in vars(home).items():
                function = getattr(value, "__func__", value)
                ours = home.__module__.partition(".")[0] == "provenance"
                if ours and inspect.isfunction(function) and not name.startswith("_"):
                    yield home, name, function


METHODS = {
    f"{home.__module__}.{home.__qualname__}.{name}": (home, function)
    for home, name, function in public_methods()
    if function.__annotations__.get("return") != "NoReturn"
}


@pytest.mark.parametrize("name", METHODS)
def test_a_public_method_tells_what_goes_in(name):
    """Its docstring, or that of its class, names each parameter; a method of a store names its effect.

    The arguments of a decorated function are the function's own.
    """
    home, function = METHODS[name]
    if vars(home).get("_is_protocol") and not function.__doc__:
        assert "answers the effect of its name" in inspect.getdoc(home)
        effect = function.__name__.title().replace("_", "")
        assert any(known.startswith(effect) for known in dir(import_module(home.__module__)))
        return
    assert function.__doc__
    told = function.__doc__ + inspect.getdoc(home)
    for parameter, annotation in function.__annotations__.items():
        if parameter != "return" and not annotation.startswith("P."):
            assert re.search(rf"[`*]{parameter}[`*]|^ +\**{parameter}: ", told, re.MULTILINE)


PUBLIC_FUNCTIONS = {
    f"{home}.{name}": value
    for home in ("effect", "engines", "extending", "functional", "testing", "vis")
    for module in [import_module(f"provenance.{home}")]
    for name, value in vars(module).items()
    if inspect.isroutine(value) and name in getattr(module, "__all__", [name])
    if name[0] != "_" and value.__module__.startswith("provenance.")
}


@pytest.mark.parametrize("name", PUBLIC_FUNCTIONS)
def test_a_function_of_a_public_module_tells_what_goes_in(name):
    """Its docstring names each parameter, in its sentences or in a list of them."""
    text = inspect.getdoc(PUBLIC_FUNCTIONS[name])
    signature = inspect.signature(PUBLIC_FUNCTIONS[name])
    for parameter in signature.parameters.values():
        of_the_call = isinstance(parameter.annotation, str) and parameter.annotation[:2] == "P."
        told = rf"[`*]{parameter.name}[`*]|^ *\**{parameter.name}: "
        assert of_the_call or re.search(told, text, re.MULTILINE)


SETTINGS = [
    kind for kind in vars(schema).values() if attrs.has(kind) and kind.__module__ == schema.__name__
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda kind: kind.__name__)
def test_the_reference_of_stores_has_every_key(settings):
    """Each key that a configuration may have is on the page that lists them."""
    page = (ROOT / "docs" / "store-reference.md").read_text("utf-8")
    keys = {
        key for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for key in row.split(", ")
    }
    assert {f"`{field.name}`" for field in attrs.fields(settings)} <= keys


def test_the_page_on_tables_has_every_table_and_column():
    """What users query is what they read about: the tables of the page are those of the models."""
    page = (ROOT / "docs" / "sql-tables.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| (.*) \|$", page, re.MULTILINE)
    shown = {table: set(re.findall(r"`(\w+)`", columns)) for table, columns in rows}
    expected = {
        table.name: {column.name for column in table.columns} for table in tables.sorted_tables
    }
    assert expected.keys() == shown.keys()
    assert {} == {
        table: expected[table] - shown[table] for table in shown if expected[table] - shown[table]
    }

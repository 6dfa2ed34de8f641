"""A receipt changes if, and only if, something that the function's result may depend on does."""

import subprocess
import sys
from pathlib import Path

import pytest

import provenance as p
from processes import SOURCES, TIMEOUT
from provenance.receipts.receipt import LazyReceipt, changes, receipt_of

MAIN = '''
import json
import os.path
import helpers
import lib.tools
from helpers import clean
from dataclasses import dataclass
from functools import lru_cache

LIMIT = 3
TABLE = {"a": [1, 2]}
_cache = {}

@dataclass
class Settings:
    depth: int = 1

class Model:
    """A model."""
    rate = 2

    def fit(self, x):
        return x * self.rate

model = Model()

@lru_cache
def slow(x):
    return x

def work(x: int, k=1):
    """Do it."""
    # a comment
    total = x + LIMIT
    _cache[x] = total
    squares = [each for each in range(total)]
    try:
        total += TABLE["a"][0]
    except KeyError as error:
        raise ValueError from error
    return clean(total), helpers.deep(squares), lib.tools.shout(str(total)), model.fit(2), Settings(), slow(1), json.dumps(k)
'''
HELPERS = """
def inner(x):
    return x

def clean(x):
    return inner(x)

def deep(x, more=0):
    return [x, more]

def unused(x):
    return x
"""
TOOLS = "def shout(text):\n    return text.upper()\n"
PROGRAM = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from main import work
from provenance.receipts.receipt import receipt_of
print(receipt_of(work).text)
"""


def write(folder, main=MAIN, helpers=HELPERS, tools=TOOLS):
    """Write the project."""
    (folder / "lib").mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text(main)
    (folder / "helpers.py").write_text(helpers)
    (folder / "lib" / "__init__.py").write_text("")
    (folder / "lib" / "tools.py").write_text(tools)


MODULES = ("main", "helpers", "lib", "lib.tools")


def receipt(folder, monkeypatch, **texts):
    """Return the receipt of `work` in a project with these texts."""
    write(folder, **texts)
    monkeypatch.syspath_prepend(str(folder))
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    import main

    found = receipt_of(main.work)
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    return found


HARMLESS = {
    "comment": (MAIN, "# a comment", "# another comment"),
    "docstring": (MAIN, '"""Do it."""', '"""Do it well."""'),
    "no docstring": (MAIN, '"""Do it."""', ""),
    "annotation": (MAIN, "x: int", "x: 'float'"),
    "return annotation": (MAIN, "k=1):", "k=1) -> tuple:"),
    "line breaks": (MAIN, "x + LIMIT", "(\n        x\n        + LIMIT\n    )"),
    "lines above": (MAIN, "LIMIT = 3", "\n\n\nLIMIT = 3"),
    "local variable": (MAIN, "total", "amount"),
    "comprehension variable": (MAIN, "[each for each in", "[one for one in"),
    "exception variable": (MAIN, "error", "trouble"),
    "the function's own default": (MAIN, "k=1", "k=2"),
    "cache": (MAIN, "_cache = {}", "_cache = {1: 2}"),
    "class docstring": (MAIN, '"""A model."""', ""),
    "unused helper": (HELPERS, "def unused(x):\n    return x", "def unused(x):\n    return -x"),
    "quotes": (MAIN, '"a"', "'a'"),
}
MEANINGFUL = {
    "global constant": (MAIN, "LIMIT = 3", "LIMIT = 4", "main.LIMIT"),
    "table": (MAIN, '{"a": [1, 2]}', '{"a": [1, 3]}', "main.TABLE"),
    "itself": (MAIN, "x + LIMIT", "x - LIMIT", "main.work"),
    "imported helper": (HELPERS, "return inner(x)", "return inner(x) + 0", "helpers.clean"),
    "helper of a helper": (
        HELPERS,
        "def inner(x):\n    return x",
        "def inner(x):\n    return -x",
        "helpers.inner",
    ),
    "helper of a module": (HELPERS, "[x, more]", "[more, x]", "helpers.deep"),
    "default of a helper": (HELPERS, "more=0", "more=1", "helpers.deep"),
    "another package": (TOOLS, "upper", "lower", "lib.tools.shout"),
    "method": (MAIN, "x * self.rate", "x + self.rate", "main.Model.fit"),
    "class attribute": (MAIN, "rate = 2", "rate = 3", "main.Model"),
    "field": (MAIN, "depth: int = 1", "depth: int = 1\n    width: int = 2", "main.Settings"),
    "decorated helper": (
        MAIN,
        "def slow(x):\n    return x",
        "def slow(x):\n    return -x",
        "main.slow",
    ),
}
NAMES = {MAIN: "main", HELPERS: "helpers", TOOLS: "tools"}


@pytest.mark.parametrize("edit", HARMLESS)
def test_a_harmless_edit_changes_nothing(edit, tmp_path, monkeypatch):
    """No false alarm."""
    text, old, new = HARMLESS[edit]
    before = receipt(tmp_path / "before", monkeypatch)
    after = receipt(tmp_path / "after", monkeypatch, **{NAMES[text]: text.replace(old, new)})
    assert old in text
    assert () == changes(before.text, after)
    assert before.text == after.text


@pytest.mark.parametrize("edit", MEANINGFUL)
def test_a_meaningful_edit_is_named(edit, tmp_path, monkeypatch):
    """The changes are the thing that was edited, and nothing else."""
    text, old, new, name = MEANINGFUL[edit]
    before = receipt(tmp_path / "before", monkeypatch)
    after = receipt(tmp_path / "after", monkeypatch, **{NAMES[text]: text.replace(old, new)})
    assert old in text
    assert [(name, "changed")] == [(each.name, each.what) for each in changes(before.text, after)]


def test_a_change_says_where(tmp_path, monkeypatch):
    """The place is that of the definition now."""
    before = receipt(tmp_path / "before", monkeypatch)
    after = receipt(tmp_path / "after", monkeypatch, helpers=HELPERS.replace("[x, more]", "x"))
    assert ["helpers.py:8"] == [each.place for each in changes(before.text, after)]


def test_a_helper_that_is_used_now_is_named(tmp_path, monkeypatch):
    """What came and what went is told apart."""
    before = receipt(tmp_path / "before", monkeypatch)
    after = receipt(
        tmp_path / "after", monkeypatch, main=MAIN.replace("helpers.deep", "helpers.unused")
    )
    assert {
        ("main.work", "changed"),
        ("helpers.deep", "is no longer used"),
        ("helpers.unused", "is used now"),
    } == {(each.name, each.what) for each in changes(before.text, after)}


def test_a_module_that_moves_keeps_its_receipts(tmp_path, monkeypatch):
    """Names of the function's own module do not have the module's name."""
    before = receipt(tmp_path, monkeypatch)
    (tmp_path / "moved.py").write_text(MAIN)
    import moved

    assert before.text == receipt_of(moved.work).text


def test_libraries_are_not_followed(tmp_path, monkeypatch):
    """Only names of the project are in the receipt."""
    found = receipt(tmp_path, monkeypatch)
    assert {name.lstrip(".").partition(".")[0] for name in found.digests} == {
        "",
        "LIMIT",
        "TABLE",
        "Settings",
        "Model",
        "model",
        "slow",
        "helpers",
        "lib",
    }


def test_a_receipt_is_the_same_in_every_process(tmp_path, monkeypatch):
    """Whatever the seed of hashes."""
    here = receipt(tmp_path, monkeypatch).text
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path), SOURCES],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
        assert here == done.stdout.strip()


def test_code_without_source_is_compared_by_bytecode():
    """Functions of consoles are told apart too, but not across versions of Python."""
    one, same, other = ({"__name__": "made"} for _ in range(3))
    for space, body in ((one, "x + K"), (same, "x + K"), (other, "x - K")):
        exec(f"K = 1\ndef f(x):\n    return {body}", space)
    first, last = receipt_of(one["f"]), receipt_of(other["f"])
    assert first == receipt_of(same["f"])
    assert [("made.f", "changed")] == [(each.name, each.what) for each in changes(first.text, last)]
    version = f"{sys.version_info.major}.{sys.version_info.minor}~"
    assert () == changes(first.text.replace(version, "3.1~"), last)


@pytest.mark.parametrize("recorded", ["", "3.11:0123456789"])
def test_other_formats_cannot_be_compared(recorded):
    """What earlier versions recorded says nothing."""
    assert () == LazyReceipt(write).changes_since(recorded)


def test_captured_values_are_inputs_and_no_code():
    """A captured variable that is ignored raises no alarm."""

    def make(value):
        return p.provenance(ignore=["value"])(lambda x: (x, value))

    p.load_config({"artifact_repos": {"memory": {"type": "memory"}}})
    events = []
    with p.subscribe(events.append):
        make(1)(1)
        make(2)(1)
    assert ["Miss", "Hit"] == [type(each).__name__ for each in events]


def test_a_long_receipt_names_what_changed():
    """However much a function reaches, the changed thing is named."""
    space = {"__name__": "long"}
    names = [f"K{number}" for number in range(300)]
    exec(f"def f():\n    return {', '.join(names)}", space)
    space.update(dict.fromkeys(names, 1))
    before = receipt_of(space["f"])
    space["K7"] = 2
    assert ["long.K7"] == [each.name for each in changes(before.text, receipt_of(space["f"]))]


def test_sources_go_by_the_digests_of_the_receipt(tmp_path, monkeypatch):
    """The text of each function and class is there, and no value is."""
    found = receipt(tmp_path, monkeypatch)
    assert set(found.sources) <= set(found.digests.values())
    assert found.sources[found.digests["."]].lstrip("@").partition("\n")[0]
    assert all(text.strip() for text in found.sources.values())


def test_what_cannot_be_tracked_is_listed(tmp_path, monkeypatch):
    """The state of an object is no code."""
    found = receipt(tmp_path, monkeypatch)
    assert "?Model" == found.digests[".model"]


def test_functions_that_use_each_other(tmp_path, monkeypatch):
    """Recursion ends."""
    text = "def a(x):\n    return b(x)\ndef b(x):\n    return a(x)\n"
    (tmp_path / "circle.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    import circle

    assert {".", ".b"} == receipt_of(circle.a).digests.keys()


def test_methods_follow_the_methods_that_they_call(tmp_path, monkeypatch):
    """`self.helper()` is a method of the class."""
    text = (
        "class A:\n    def f(self):\n        return self.g()\n    def g(self):\n        return 1\n"
    )
    (tmp_path / "methods.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    import methods

    assert {".", ".A.g"} == receipt_of(methods.A.f).digests.keys()


def test_a_receipt_keeps_the_folder_out(tmp_path, monkeypatch):
    """The same project in another folder has the same receipts."""
    assert str(tmp_path) not in receipt(tmp_path, monkeypatch).text
    assert Path("helpers.py").name not in receipt(tmp_path, monkeypatch).text

"""Functions and classes of notebooks, in real kernels: which ids they have, and what hits say after edits."""

from pathlib import Path

import nbclient
import nbformat
import pytest

from processes import SOURCES

SETUP = f"""
import sys
sys.path[:0] = [{SOURCES!r}]
import enum
from dataclasses import dataclass
import provenance as p

p.load_config({{"artifact_repos": {{"local": {{"type": "sqlite", "db": "records.db"}}}}}})
p.subscribe(lambda event: print(type(event).__name__, *sorted(change.name for change in getattr(event, "changes", ()))))
"""
HELPER = "def helper(x):\n    return [x, {value!r}]"
CLASSES = """
class Model:
    def fit(self, x):
        return [x, {value!r}]

@dataclass
class Settings:
    depth: int = 1

class Color(enum.Enum):
    RED = {value!r}
"""
LOAD = "@p.provenance()\ndef load(x):\n    return helper(x) + [{value!r}]"
FIT = "@p.provenance()\ndef fit(x, settings, color):\n    return Model().fit(x) + [settings.depth, color.value]"
CALL = "print(load(1)[1:])"
CALL_FIT = "print(fit(1, Settings(), Color.RED)[1:])"
IDS = "print(load.artifact_id(1), fit.artifact_id(1, Settings(), Color.RED))"


@pytest.fixture(autouse=True)
def project(tmp_path):
    """The working directory is a project."""
    (tmp_path / ".git").mkdir()


def executed(cells: list[str], path: str = "", folder: str = ".") -> list[list[str]]:
    """Return the lines that each of the cells of a notebook printed; a server would tell its path to the kernel."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text) for text in (SETUP, *cells)]
    )
    if path:
        nbformat.write(notebook, path)
    client = nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": folder}}
    )
    client.execute(env={"JPY_SESSION_NAME": str(Path(path).resolve()) if path else "", "PATH": ""})
    texts = [
        "".join(each.text for each in cell.outputs if each.get("name") == "stdout")
        for cell in notebook.cells[1:]
    ]
    return [text.splitlines() for text in texts]


def defined(value: str) -> list[str]:
    """Return cells that define all functions and classes, with this value in them."""
    return [text.format(value=value) for text in (HELPER, CLASSES, LOAD, FIT)]


def test_an_edited_cell_is_reported_each_time():
    """A helper, a method, the function itself: hits name what changed, and a second edit too."""
    edits = [
        (HELPER, CALL, "CodeChanged __main__.helper"),
        (CLASSES, CALL_FIT, "CodeChanged __main__.Model.fit"),
        (LOAD, CALL, "CodeChanged __main__.helper __main__.load"),
    ]
    cells = [*defined("first"), CALL, CALL_FIT]
    for text, call, _ in edits:
        for value in ("second", "third"):
            # `Color` is an argument: its value stays, so that the call does.
            cells += [text.format(value=value).replace(f"RED = '{value}'", "RED = 'first'"), call]
        cells += [call]
    found = executed(cells, "one.ipynb")
    assert ["Miss", "['first', 'first']"] == found[4]
    assert ["Miss", "['first', 1, 'first']"] == found[5]
    result = {CALL: "['first', 'first']", CALL_FIT: "['first', 1, 'first']"}
    at = 6
    for _, call, change in edits:
        for _ in ("second", "third"):
            assert {"Hit", change, result[call]} == {*found[at + 1]}
            at += 2
        # Without another edit nothing is said again.
        assert ["Hit", result[call]] == found[at]
        at += 1


def test_two_notebooks_never_meet():
    """They are known by their paths: equal code differs, and edited code has the same ids; a copy elsewhere differs."""
    (first,) = executed([*defined("a"), IDS], "one.ipynb")[-1]
    (other,) = executed([*defined("a"), IDS], "other.ipynb")[-1]
    assert not {*first.split()} & {*other.split()}
    edited = [
        *defined("a")[:2],
        LOAD.format(value="b"),
        FIT.replace("x, settings", "y, settings"),
        IDS,
    ]
    (again,) = executed(edited, "one.ipynb")[-1]
    assert first.split()[0] == again.split()[0]


def test_notebooks_without_paths_are_told_apart_by_code():
    """Functions and classes count by what they are; nothing of one is another's."""
    (first,) = executed([*defined("a"), IDS])[-1]
    (again,) = executed([*defined("a"), IDS])[-1]
    (other,) = executed([*defined("b"), IDS])[-1]
    assert first == again
    assert not {*first.split()} & {*other.split()}

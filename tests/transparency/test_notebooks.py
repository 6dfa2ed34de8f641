"""What a notebook shows of a result: whatever it shows of the value."""

import nbclient
import nbformat
import numpy as np
import pandas as pd
import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image

import provenance as p
from provenance.testing import in_memory


class Html:
    def _repr_html_(self):
        return "<b>shown</b>"


class Png:
    def _repr_png_(self):
        return b"\x89PNG\r\n"


class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": "x", "application/json": {"a": 1}}, {
            "application/json": {"expanded": True}
        }


class Displayed:
    def _ipython_display_(self):
        print("displayed")  # noqa: T201 - what is tested


VALUES = {
    "frame": lambda: pd.DataFrame({"a": [1, 2]}),
    "polars": lambda: pl.DataFrame({"a": [1, 2]}),
    "image": lambda: Image.new("RGB", (2, 2), "red"),
    "html": Html,
    "png": Png,
    "bundle": Bundle,
    "displayed": Displayed,
    "array": lambda: np.arange(3),
    "list": lambda: [1, 2],
}


@pytest.fixture(scope="module")
def formatter():
    """Return what IPython shows results by."""
    return InteractiveShell.instance().display_formatter


@pytest.mark.parametrize("kind", VALUES)
def test_a_notebook_shows_what_the_value_shows(kind, formatter, capsys):
    """All representations but the text are the value's, of a miss and of a hit."""
    with in_memory():
        make = p.provenance(name="made")(lambda kind: VALUES[kind]())
        expected, metadata = formatter.format(VALUES[kind]())
        printed = capsys.readouterr().out
        for result in (make(kind), make(kind)):
            shown, found = formatter.format(result)
            assert (shown.keys(), found) == (expected.keys(), metadata)
            assert {**expected, "text/plain": ""} == {**shown, "text/plain": ""}
            assert printed == capsys.readouterr().out


def test_a_cell_shows_the_table_of_a_result():
    """A kernel, with the front end's own client."""
    lines = """
import pandas as pd
import provenance as p
p.load_config({"artifact_repos": {"memory": {"type": "memory"}}})
make = p.provenance(name="made")(lambda: pd.DataFrame({"a": [1, 2]}))
make()
make()
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(lines)])
    nbclient.NotebookClient(notebook, timeout=60).execute()
    (output,) = [each for each in notebook.cells[0].outputs if each.output_type == "execute_result"]
    assert "<table" in output.data["text/html"]

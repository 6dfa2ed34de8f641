"""The tutorials are notebooks: Jupytext reads them, and a kernel runs them and shows what they show."""

import doctest
import re
from pathlib import Path

import jupytext
import nbclient
import pytest

from architecture.documents import OPTIONS
from architecture.source import ROOT

TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
SHOWN = re.compile(r"\A```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(output) -> str:
    """The text of what a cell prints or shows; what goes to stderr is not compared."""
    if output.output_type == "stream":
        return output.text if output.name == "stdout" else ""
    return f"{output.data['text/plain']}\n"


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_kernel_shows_what_the_tutorial_shows(page, monkeypatch):
    """Each cell of code runs, and its output is that of the page."""
    notebook = jupytext.read(page)
    Path("pyproject.toml").touch()
    file = Path(f"{page.stem}.ipynb").absolute()
    jupytext.write(notebook, file)
    monkeypatch.setenv("JPY_SESSION_NAME", str(file))  # as Jupyter sets it
    nbclient.NotebookClient(notebook, timeout=120).execute()
    compared = 0
    for cell, following in zip(notebook.cells, notebook.cells[1:], strict=False):
        shown = SHOWN.match(following.source) if following.cell_type == "markdown" else None
        if cell.cell_type == "code" and shown is not None:
            compared += 1
            printed = "".join(map(text_of, cell.outputs))
            assert doctest.OutputChecker().check_output(shown[1], printed, OPTIONS), printed
    assert compared >= 5

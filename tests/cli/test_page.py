"""What docs/command-line.md shows is what the commands print."""

import doctest
import os
import re
import subprocess
import sys

import pytest

from architecture.source import ROOT
from processes import SOURCES

PAGE = (ROOT / "docs" / "command-line.md").read_text("utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SCRIPT = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples():
    """Each command of the page, with the output that it shows."""
    for block in BLOCKS:
        for text in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = text.partition("\n")
            yield command, output


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project in which the script of the page has run, and the environment of its shell."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "pyproject.toml").touch()
    (folder / "churn.py").write_text(SCRIPT)
    command = folder / "bin" / "provenance"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m provenance.cli "$@"\n')
    command.chmod(0o755)
    own = {key: value for key, value in os.environ.items() if not key.startswith("PROVENANCE")}
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    variables = {**own, "PYTHONPATH": SOURCES, "PATH": path}
    subprocess.run([sys.executable, "churn.py"], cwd=folder, env=variables, check=True)
    return folder, variables


@pytest.mark.parametrize(("command", "expected"), list(examples()))
def test_the_page_shows_what_is_printed(project, command, expected):
    """Each command of the page prints what is below it, `...` standing for anything."""
    folder, variables = project
    done = subprocess.run(
        command, shell=True, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    checker = doctest.OutputChecker()
    assert checker.check_output(expected, done.stdout, FLAGS), done.stdout + done.stderr

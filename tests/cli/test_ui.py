"""What docs/command-line.md shows is what the commands print."""

import re
import subprocess

import pytest

from architecture.consoles import assert_prints, environment, examples
from architecture.source import ROOT

PAGE = (ROOT / "docs" / "command-line.md").read_text("utf-8")
SCRIPT = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project in which the script of the page has run, and the environment of its shell."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "pyproject.toml").touch()
    (folder / "churn.py").write_text(SCRIPT)
    variables = environment(folder)
    subprocess.run(["python", "churn.py"], cwd=folder, env=variables, check=True)
    return folder, variables


def test_the_page_shows_what_is_printed(project):
    """Each command of the page, one after the other, prints what is below it, `...` standing for anything."""
    for command, expected in examples(PAGE):
        assert_prints(command, expected, *project)

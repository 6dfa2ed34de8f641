"""The figures count what they say."""

import re
import subprocess
import sys
from pathlib import Path

FIGURES = Path(__file__).with_name("figures.py")

MODULE = '''"""Only words.

More of them.
"""

import os  # a line of code

# a comment
TEXT = """a

# no comment"""


class C:
    """Only words."""

    def f(self):
        """Only words."""
        # a comment
        return os.name
'''


def printed(package):
    """What `figures.py` prints of a package, by label; the lists after the table are left out."""
    command = [sys.executable, str(FIGURES), str(package)]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^ *(\S.*?)  +(.*)$", table.partition("\n\n")[0], re.MULTILINE)
    return dict(rows)


def test_comments_blank_lines_and_docstrings_are_no_code(tmp_path):
    """Code lines are what is left when comments, blank lines and docstrings are taken away."""
    package = tmp_path / "sample"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "module.py").write_text(MODULE)
    lines = printed(package)
    assert "7" == lines["code lines"]
    assert "1" == lines["imports"].split()[0]
    assert "6" == lines["docstring lines"].split()[0]
    assert "2" == lines["comment lines"].split()[0]


def test_a_cycle_of_imports_is_counted(tmp_path):
    """Modules that import each other are a cycle, however they write it."""
    package = tmp_path / "sample"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("from sample import two\n")
    (package / "two.py").write_text("def f():\n    from .one import two\n    return two\n")
    lines = printed(package)
    assert "2" == lines["import arrows between modules"]
    assert "1" == lines["cycles between modules"]


def test_an_import_for_type_checkers_alone_is_counted_apart(tmp_path):
    """It makes no cycle between modules that run, but one for who reads."""
    package = tmp_path / "sample"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sample.two import T\n"
    )
    (package / "two.py").write_text("from sample.one import TYPE_CHECKING as T\n")
    lines = printed(package)
    assert "0" == lines["cycles between modules"]
    assert "1" == lines["cycles with annotations"]

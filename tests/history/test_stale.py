"""`p.stale` lists results whose code has changed, and accepts the changes if asked to."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import provenance as p

SOURCES = str(Path(p.__file__).parents[1])
SCRIPT = """
import sys
import provenance as p

@p.provenance()
def double(n):
    return 2 * n

if sys.argv[1:]:
    double(int(sys.argv[1]))
else:
    print(*p.stale(accept=True))
    print(*p.stale())
"""

MAPPING = """
import provenance as p

@p.provenance()
def double(n):
    return 2 * n

if __name__ == "__main__":
    double(3), list(double.map([1, 2], engine=p.engines.processes(1)))
"""

MODULE = """
import provenance as p

STEP = 1

@p.provenance()
def add(n):
    return n + STEP

@p.provenance(name="chosen")
def double(n):
    return 2 * n

class Model:
    @p.provenance()
    def fit(self, x):
        return x + STEP
"""


UNGUARDED = """
import sys
import provenance as p

@p.provenance()
def double(n):
    return 2 * n

double(3)
for results in p.stale() if len(sys.argv) == 1 else ():
    print(results.problem)
"""


@pytest.fixture
def project(repo, monkeypatch):
    """A function that writes the module anew and imports it."""
    monkeypatch.syspath_prepend(".")

    def write(text=MODULE):
        monkeypatch.delitem(sys.modules, "staling", raising=False)
        Path("staling.py").write_text(text)
        import staling

        return staling

    yield write
    monkeypatch.delitem(sys.modules, "staling", raising=False)


def test_nothing_is_stale_at_first(project):
    """Nor when nothing is stored."""
    module = project()
    assert () == p.stale()
    module.add(1), module.double(2), module.Model().fit(1)
    assert () == p.stale()


def test_results_of_changed_code_are_listed_by_function(project):
    """With their number, and what has changed."""
    module = project()
    module.add(1), module.add(2), module.double(2), module.Model().fit(1)
    project(MODULE.replace("STEP = 1", "STEP = 2"))
    found = {each.name: each for each in p.stale()}
    assert {"staling.add", "staling.Model.fit"} == found.keys()
    assert 2 == found["staling.add"].artifacts
    assert ["staling.STEP"] == [each.name for each in found["staling.add"].changes]
    assert "staling.add, version 0, 2 results: staling.STEP changed" in repr(found["staling.add"])
    assert ["staling.add"] == [each.name for each in p.stale("add")]


def test_accepted_changes_are_not_stale(project, events):
    """The next hits are silent, and a further change is stale again."""
    project().add(1)
    module = project(MODULE.replace("STEP = 1", "STEP = 1.0"))
    assert 1 == len(p.stale(accept=True, note="the same number"))
    assert () == p.stale()
    module.add(1)
    assert "CodeChanged" not in [type(each).__name__ for each in events]
    project(MODULE.replace("STEP = 1", "STEP = 3"))
    assert 1 == len(p.stale())


def test_runs_of_a_script_are_listed_together(tmp_path):
    """Each run has a program of its own, but what is said of their results is the same; all are accepted."""
    (tmp_path / "pyproject.toml").touch()
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    ran(script, "1"), ran(script, "2")
    script.write_text(SCRIPT.replace("2 * n", "3 * n"))
    line, after = ran(script).split("\n", 1)
    assert "\n" == after
    assert 1 == line.count("StaleResults"), line
    assert "__main__.double, version 0, 2 results: __main__.double changed" in line


def ran(script, *words):
    """Return what a script prints that runs in its folder."""
    return subprocess.run(
        [sys.executable, str(script), *words],
        cwd=script.parent,
        env={"PYTHONPATH": SOURCES, "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_functions_of_workers_are_those_of_the_program_that_started_them(tmp_path):
    """What processes computed of a script's functions is as stale as what the script computed itself."""
    (tmp_path / "pyproject.toml").touch()
    script, asking = tmp_path / "script.py", tmp_path / "asking.py"
    script.write_text(MAPPING)
    asking.write_text("import provenance as p\nprint(*p.stale())")
    assert "" == ran(script)
    script.write_text(MAPPING.replace("2 * n", "3 * n"))
    [line] = ran(asking).splitlines()
    assert 1 == line.count("StaleResults"), line
    assert "__main__.double, version 0, 3 results: __main__.double changed" in line
    with closing(sqlite3.connect(tmp_path / ".provenance" / "provenance.db")) as database:
        database.execute("DELETE FROM runs WHERE parent_id IS NULL")
        database.commit()
    assert "2 results: a worker computed it, for a program that has stored nothing" in ran(asking)


NESTING = """
import provenance as p

@p.provenance()
def double(n):
    return 2 * n

def both(n):
    return sum(double.map([n, n + 1], engine=p.engines.processes(1)))

@p.provenance()
def outer(n):
    return both(n)

if __name__ == "__main__":
    list(outer.map([1], engine=p.engines.processes(1, commit="COMMIT")))
"""


@pytest.mark.parametrize("commit", ["worker", "driver"])
def test_a_program_whose_workers_do_everything_is_known(commit, tmp_path):
    """It stores nothing itself, and neither does a worker that maps in its turn; copies know it, too."""
    (tmp_path / "pyproject.toml").touch()
    program = NESTING.replace("COMMIT", commit)
    script, asking = tmp_path / "script.py", tmp_path / "asking.py"
    script.write_text(program)
    asking.write_text(ASKING)
    ran(script)
    script.write_text(program.replace("2 * n", "3 * n"))
    lines = ran(asking).splitlines()
    assert len(lines) == 4, lines
    for line in lines[::2]:
        assert line.count("StaleResults") == 2, line
        assert "__main__.double, version 0, 2 results: __main__.double changed" in line
        assert "a worker computed it" not in line
    for line in lines[1::2]:
        assert line.count("Differs") == 2, line


ASKING = """
import provenance as p

def ask():
    print(*p.stale())
    print(*[type(p.reproduce(one).outcomes[-1]) for one in p.search("double")])

here = p.get_default_repo()
copy = p.SqliteRepo("copy", db="copy.db")
for one in here:
    p.promote(one, copy, here)
ask()
with p.using_repo(copy):
    ask()
"""


def test_renamed_functions_are_found_by_their_aliases(project):
    """Their results are stale if their code is, whatever its name."""
    module = project()
    module.add(1), module.Model().fit(1)
    renamed = MODULE.replace("()\ndef add", "(aliases=['staling.add'])\ndef plus")
    renamed = renamed.replace("()\n    def fit", "(aliases=['staling.Model.fit'])\n    def train")
    project(renamed)
    assert p.stale() == ()
    project(renamed.replace("STEP = 1", "STEP = 2"))
    found = p.stale()
    assert [(one.name, one.problem) for one in found] == [
        ("staling.Model.fit", ""),
        ("staling.add", ""),
    ]
    assert {change.name for one in found for change in one.changes} == {"staling.STEP"}
    p.stale(accept=True)
    assert p.stale() == ()


def test_functions_that_are_gone_are_told(project):
    """Nobody knows whether their code has changed."""
    project().add(1)
    project(MODULE.replace("def add", "def plus"))
    (found,) = p.stale()
    gone = "staling.add cannot be imported: its module has no 'add' any more"
    assert gone == found.problem
    assert () == found.changes
    assert "cannot be imported" in repr(found)


def test_a_script_that_asks_what_is_stale_is_run_once(tmp_path):
    """Running it to find its functions asks again."""
    (tmp_path / "pyproject.toml").touch()
    ask, look = tmp_path / "ask.py", tmp_path / "look.py"
    ask.write_text(UNGUARDED)
    ran(ask, "first")
    ask.write_text(UNGUARDED.replace("2 * n", "3 * n").replace("double(3)", "double(4)"))
    look.write_text("import provenance as p; print(len(p.stale()))")
    found = ran(look)
    assert "asks for them itself" in found
    assert found.endswith("1\n")

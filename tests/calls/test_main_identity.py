"""`__main__` is never an identity: however a program is started, ids know its functions by their source."""

import os
from pathlib import Path

import pytest

from programs import kernel, ran, write

FUNCTION = """
import provenance as p

@p.provenance()
def load(path):
    return [{value!r}, path]
"""
USE = """
with p.subscribe(lambda event: print(type(event).__name__, end=" ")):
    result = load("x")
print(result[0], p.artifact_of(result).name, load.artifact_id("x"))
"""


@pytest.fixture(autouse=True)
def project(tmp_path):
    """The working directory is a project, with a package `churn` in it."""
    (tmp_path / ".git").mkdir()
    write("churn/__init__.py", "")
    write("churn/train.py", script("package"))
    return tmp_path


def script(value: str) -> str:
    """Return a program that uses its function only when it is run, and can be imported."""
    return f"{FUNCTION.format(value=value)}if __name__ == '__main__':{USE.replace(chr(10), chr(10) + '    ')}"


def artifact_id(*arguments: str, **options: str) -> str:
    """Return the last word that Python prints."""
    return ran(*arguments, **options)[-1]


IMPORT = ("-c", f"from churn.train import load\nimport provenance as p{USE}")


def test_two_scripts_never_meet():
    """Functions of one name in two scripts are two functions, and neither gets the other's result."""
    for name in ("a", "b"):
        write(f"{name}.py", script(name))
    assert [["Miss", "a"], ["Miss", "b"]] == [ran(f"{name}.py")[:2] for name in ("a", "b")]
    assert ["Hit", "a"] == ran("a.py")[:2]


def test_a_script_is_the_module_that_it_would_be():
    """Run by its path, by `-m` and by `runpy`, and imported, a function has one id; its name stays `__main__`'s."""
    first = ran("churn/train.py")
    assert "__main__.load" in first
    ways = [
        ("churn/train.py",),
        ("-m", "churn.train"),
        IMPORT,
        ("-c", "import runpy; runpy.run_path('churn/train.py', run_name='__main__')"),
        ("-c", "import runpy; runpy.run_module('churn.train', run_name='__main__')"),
        (
            "-c",
            "import runpy; runpy.run_module('churn.train', run_name='__main__', alter_sys=True)",
        ),
        ("-m", "cProfile", "-o", os.devnull, "churn/train.py"),
    ]
    for way in ways:
        words = ran(*way)
        assert (["Hit", "package"], first[-1]) == (words[:2], words[-1]), way
    assert first[-1] == artifact_id("train.py", cwd="churn")


@pytest.mark.parametrize(
    ("path", "module"),
    [("plain.py", "plain"), ("src/lib.py", "lib"), ("jobs/nightly.py", "jobs.nightly")],
)
def test_a_script_outside_packages_is_named_from_the_project(path, module):
    """Its name is that of an import from the project's folder, or from `src`."""
    write(path, script("here"))
    folder = "src" if path.startswith("src") else "."
    program = f"import sys; sys.path.insert(0, {folder!r}); from {module} import load; print(load.artifact_id('x'))"
    assert artifact_id(path) == artifact_id("-c", program)


def test_a_script_that_cannot_be_imported_is_named_by_its_path():
    """Two such scripts differ, wherever they are started from."""
    for name in ("01-load.py", "02-load.py"):
        write(f"jobs/{name}", script(name))
    ids = [artifact_id(f"jobs/{name}") for name in ("01-load.py", "02-load.py")]
    assert 2 == len({*ids})
    assert ids[0] == artifact_id("01-load.py", cwd="jobs")


def test_the_main_module_of_a_folder():
    """`python folder` and `python -m folder` run the same function."""
    write("churn/__main__.py", script("main"))
    assert artifact_id("churn") == artifact_id("-m", "churn")


SPAWN = """
if __name__ == "__main__":
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    print(load.artifact_id("x"))
    for way in ("spawn", "forkserver", "fork"):
        with multiprocessing.get_context(way).Pool(1) as pool:
            print(pool.apply(load.artifact_id, ("x",)))
"""


@pytest.mark.parametrize("way", [("jobs/spawning.py",), ("-m", "jobs.spawning")])
def test_spawned_children_know_their_parents_functions(way):
    """In a child the program is `__mp_main__`, and its functions have the ids of the parent."""
    write("jobs/spawning.py", FUNCTION.format(value="s") + SPAWN)
    ids = ran(*way)
    assert 4 == len(ids)
    assert 1 == len({*ids})


def test_workers_that_get_the_code_know_it_by_its_source():
    """A function that travels to a worker with its code keeps its identity, even where its file is not."""
    write(
        "elsewhere/sender.py",
        FUNCTION.format(value="s")
        + "import pickle; open('it.pkl', 'wb').write(pickle.dumps(load)); print(load.artifact_id('x'))",
    )
    sent = artifact_id("elsewhere/sender.py")
    Path("elsewhere/sender.py").unlink()
    program = "import pickle; print(pickle.load(open('it.pkl', 'rb')).artifact_id('x'))"
    assert sent == artifact_id("-c", program)


def test_functions_of_pytest_have_the_names_of_their_modules():
    """A test module is no program: its functions are those of an import."""
    write(
        "test_it.py",
        FUNCTION.format(value="t")
        + "import pathlib\ndef test():\n    pathlib.Path('id.txt').write_text(load.artifact_id('x'))",
    )
    ran("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py")
    program = "import sys; sys.path.insert(0, '.'); from test_it import load; print(load.artifact_id('x'))"
    assert Path("id.txt").read_text("utf-8") == artifact_id("-c", program)


def cells(value: str, **variables: str) -> tuple[str, str]:
    """Return the arguments that make Python a kernel with these variables, which executes two cells."""
    return kernel([FUNCTION.format(value=value), USE], **variables)


@pytest.mark.parametrize("front_end", ["jupyter", "vscode"])
def test_notebooks_with_paths_never_meet(front_end, tmp_path):
    """A notebook is known by its path: its functions keep their ids when a cell is edited, and meet no other's."""

    def notebook(name, value):
        write(name, "{}")
        path = str(tmp_path / name)
        if front_end == "vscode":
            return ran(*cells(value, __vsc_ipynb_file__=path))
        return ran(*cells(value), JPY_SESSION_NAME=path)

    first, other = notebook("one.ipynb", "one"), notebook("other.ipynb", "other")
    assert (["Miss", "one"], ["Miss", "other"]) == (first[:2], other[:2])
    edited = notebook("one.ipynb", "edited")
    assert first[-1] == edited[-1]
    assert {"Hit", "CodeChanged", "one"} <= {*edited}


def test_notebooks_without_paths_are_told_apart_by_code():
    """Where the front end does not tell a path, functions of one name meet only if their code is the same."""
    first, other = ran(*cells("one")), ran(*cells("other"))
    assert (["Miss", "one"], ["Miss", "other"]) == (first[:2], other[:2])
    again = ran(*cells("one"))
    assert (["Hit", "one"], first[-1]) == (again[:2], again[-1])
    assert "__main__.load" in again


def test_consoles_are_told_apart_by_code():
    """So are functions that were typed, even after a script has run in the same console."""

    def typed(value, *options):
        return ran(*options, "-", stdin=FUNCTION.format(value=value) + USE)

    first, other = typed("one"), typed("other")
    assert (["Miss", "one"], ["Miss", "other"]) == (first[:2], other[:2])
    assert ["Hit", "one"] == typed("one")[:2]


def test_a_main_class_names_its_methods_by_its_source():
    """Methods are known as functions are."""
    text = FUNCTION.replace(
        "@p.provenance()\ndef load(path):",
        "class Reader:\n  @staticmethod\n  @p.provenance()\n  def load(path):",
    )
    for name in ("a", "b"):
        write(f"{name}.py", text.format(value=name) + USE.replace("load", "Reader.load"))
    assert [["Miss", "a"], ["Miss", "b"]] == [ran(f"{name}.py")[:2] for name in ("a", "b")]


def test_a_decorator_of_another_module_does_not_name_the_function():
    """What is below other decorators tells where a function is from."""
    write(
        "around.py",
        "import functools\ndef around(f):\n    return functools.wraps(f)(lambda *a: f(*a))\n",
    )
    text = FUNCTION.replace("def load", "@around\ndef load")
    for name in ("a", "b"):
        write(f"{name}.py", f"from around import around\n{text.format(value=name)}{USE}")
    assert [["Miss", "a"], ["Miss", "b"]] == [ran(f"{name}.py")[:2] for name in ("a", "b")]

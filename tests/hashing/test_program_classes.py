"""Classes of the main program go by the program's name; where nothing names it, by what they are made of."""

import zipapp
from pathlib import Path

import pytest

from programs import kernel, ran, write

CLASSES = """
import enum, typing
from dataclasses import dataclass
import provenance as p

class Model:
    def __init__(self, k):
        self.k = k
    def fit(self):
        return {value!r}

class Reduced(Model):
    def __reduce__(self):
        return type(self), (self.k,)

class Constant:
    def __reduce__(self):
        return "CONSTANT"

@dataclass
class Data:
    a: int
    b: str = {value!r}

class Color(enum.Enum):
    RED = {value!r}

class Point(typing.NamedTuple):
    x: int

CONSTANT = Constant()
UserId = typing.NewType("UserId", int)
T = typing.TypeVar("T")

def hashes():
    values = (Model, Data, Color, Point, Model(1), Reduced(2), Data(1, "x"), Color.RED, Point(1), CONSTANT, UserId, T)
    return [p.hash(each) for each in values]
"""
SHOW = "print(*hashes())\n"
GUARDED = f"if __name__ == '__main__':\n    {SHOW}"


@pytest.fixture(autouse=True)
def project(tmp_path):
    """The working directory is a project, with a package `churn` in it."""
    (tmp_path / ".git").mkdir()
    write("churn/__init__.py", "")
    write("churn/train.py", script("package"))


def script(value: str) -> str:
    """Return a program with classes in which *value* is used; it can be imported."""
    return CLASSES.format(value=value) + GUARDED


def test_classes_of_two_scripts_never_meet():
    """Even if they are written alike; in each process of a script they are the same."""
    for name in ("a", "b"):
        write(f"{name}.py", script("same"))
    first, other = ran("a.py", PYTHONHASHSEED="1"), ran("b.py")
    assert 12 == len(first)
    assert not {*first} & {*other}
    write("a.py", script("edited"))
    # As functions, classes of a script go by their name, and not by what they are made of.
    assert first == ran("a.py", PYTHONHASHSEED="2")


RUN_MODULE = "runpy.run_module('churn.train', run_name='__main__', alter_sys=True)"
# As IDEs execute a file: in a new main module, and in that of their console.
NEW_MAIN = """
import sys, types, os
file = os.path.abspath('churn/train.py')
sys.modules['__main__'] = main = types.ModuleType('__main__')
main.__file__ = file
exec(compile(open(file).read(), file, 'exec'), vars(main))
"""
OWN_MAIN = """
import os
__file__ = os.path.abspath('churn/train.py')
exec(compile(open(__file__).read(), __file__, 'exec'))
"""
RUNNERS = {
    "module": ("-m", "churn.train"),
    "import": ("-c", "from churn.train import *; print(*hashes())"),
    "run_path": ("-c", "import runpy; runpy.run_path('churn/train.py', run_name='__main__')"),
    "run_module": ("-c", f"import runpy; {RUN_MODULE}"),
    "new main": ("-W", "ignore", "-c", NEW_MAIN),
    "own main": ("-W", "ignore", "-c", OWN_MAIN),
}


def test_a_script_is_the_module_that_it_would_be():
    """Run by its path, by `-m`, by `runpy` and by an IDE, and imported, its classes have one hash each."""
    first = ran("churn/train.py")
    for name, way in RUNNERS.items():
        assert first == ran(*way), name


def test_classes_of_a_program_that_has_ended_keep_their_names():
    """What `runpy.run_path` returns is of the script; only what has no method cannot be told from others."""
    ended = """
import runpy, sys
import provenance as p
class Model:
    pass
names = runpy.run_path("churn/train.py", run_name=sys.argv[1])
print(p.hash(names["Model"]), p.hash(names["Model"](1)))
"""
    known = ran("churn/train.py")
    for name in ("<run_path>", "__main__"):
        assert [known[0], known[4]] == ran("-c", ended, name)[-2:]


def test_children_know_their_parents_classes():
    """In a spawned child the program is `__mp_main__`."""
    write(
        "spawning.py",
        CLASSES.format(value="s")
        + "if __name__ == '__main__':\n    import multiprocessing\n    "
        + SHOW
        + "    for way in ('spawn', 'forkserver', 'fork'):\n"
        "        with multiprocessing.get_context(way).Pool(1) as pool:\n"
        "            print(*pool.apply(hashes))\n",
    )
    words = ran("spawning.py")
    assert 4 * words[:12] == words


def test_classes_of_test_modules_have_the_names_of_their_modules():
    """A test module is no program."""
    write(
        "test_it.py",
        script("t")
        + "def test():\n    import pathlib; pathlib.Path('hashes').write_text(' '.join(hashes()))",
    )
    ran("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py")
    imported = ran(
        "-c", "import sys; sys.path[:0] = ['.']; from test_it import *; print(*hashes())"
    )
    assert imported == Path("hashes").read_text("utf-8").split()


def test_code_without_source_is_known_by_its_file():
    """As compiled files or in an application's archive; functions and classes of two never meet."""
    for name in ("a", "b"):
        write(f"{name}.py", script(name))
        write(f"{name}/__main__.py", script(name))
        zipapp.create_archive(name, f"{name}.pyz")
    sources = {name: ran(f"{name}.py") for name in ("a", "b")}
    archives = {name: ran(f"{name}.pyz") for name in ("a", "b")}
    ran("-m", "compileall", "-q", "a.py", "b.py")
    for name in ("a", "b"):
        compiled = next(Path("__pycache__").glob(f"{name}.*.pyc"))
        Path(f"{name}.py").unlink()
        assert sources[name] == ran(str(compiled))
        assert sources[name] == ran(str(compiled.resolve()), cwd="churn")
    assert not {*archives["a"]} & {*archives["b"]}
    assert archives["a"] == ran("../a.pyz", cwd="churn")


def test_classes_of_consoles_and_unnamed_notebooks_are_what_they_are_made_of():
    """Nothing else tells two of them apart."""

    def typed(value):
        return ran("-", stdin=CLASSES.format(value=value) + "\n" + SHOW)

    def cells(value):
        return ran(*kernel([CLASSES.format(value=value), SHOW]))

    for way in (typed, cells):
        first, again, other = way("one"), way("one"), way("other")
        assert first == again
        # `Point`, `Constant`, `UserId` and `T` do not say the value.
        assert 7 == sum(a != b for a, b in zip(first, other, strict=True)), way

"""Programs as users write them, each a process of its own: scripts, kills, and what the library says."""

import os
from pathlib import Path

import pytest

import provenance as p
from processes import printed
from programs import ran
from provenance.testing import in_memory

SCRIPT = """
import os, sys
import provenance as p

@p.provenance()
def inner(x):
    return x + 1

@p.provenance()
def outer(x):
    return inner(x) * 2

if __name__ == "__main__":
    p.load_config({"artifact_repos": {"a": {"type": "sqlite", "db": sys.argv[1] + "/a.db"}}, "default_repo": "a"})
    results = list(outer.map(range(6), engine=sys.argv[2]))
    print([p.unwrap(one) for one in results], all(inner.is_cached(x) for x in range(6)), p.stats().misses)
    again = list(outer.map(range(6), engine=sys.argv[2]))
    print(p.stats().hits)
"""


@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_functions_of_a_script_run_on_engines(engine, tmp_path):
    """Functions of `__main__` that call one another travel with their code, and hit afterwards."""
    file = tmp_path / "script.py"
    file.write_text(SCRIPT)
    runner = "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    out = printed(runner, str(file), str(tmp_path), engine).splitlines()
    assert out == ["[2, 4, 6, 8, 10, 12] True 12", "6"]


CLASSES = """
import enum, sys
from dataclasses import dataclass
import joblib
import provenance as p

class Model:
    def __init__(self, k):
        self.k = k

@dataclass
class Settings:
    depth: int

class Color(enum.Enum):
    RED = 1

@p.provenance()
def work(model, settings):
    return {"settings": Settings(settings.depth + 1), "color": Color.RED, "model": model}

if __name__ == "__main__":
    p.load_config({"artifact_repos": {"a": {"type": "sqlite", "db": "a.db"}}, "default_repo": "a"})
    calls = [(Model(k), Settings(k)) for k in range(2)]
    results = list(work.map(*zip(*calls), engine=p.engines.processes(1)))
    print(all(work.is_cached(*call) for call in calls), p.hash(p.unwrap(results[1])) == p.artifact_of(results[1]).value_id)
    # What joblib sends has no name of the program, but what the function uses is known by it.
    ids = joblib.Parallel(2)(joblib.delayed(lambda call: work.artifact_id(*call))((Color.RED, call[1])) for call in calls)
    print(ids == [work.artifact_id(Color.RED, call[1]) for call in calls])
"""


def test_instances_of_classes_of_a_script_travel():
    """They are equal in the worker, although its main module is another one."""
    Path(".git").mkdir()
    Path("script.py").write_text(CLASSES)
    runner = "import runpy; runpy.run_path('script.py', run_name='__main__')"
    assert ["True", "True", "True"] == printed(runner).split()


def test_functions_of_notebooks_are_not_taken_for_changed():
    """A worker does not have the source of a cell; the receipt comes with the function."""
    program = """
import linecache, provenance as p
cell = "@p.provenance()\\ndef look(x):\\n    return x + 1\\n"
name = "/nowhere/ipykernel_1/2.py"
linecache.cache[name] = (len(cell), None, cell.splitlines(True), name)
exec(compile(cell, name, "exec"))
with p.using_repo(p.MemoryRepo()):
    print(list(look.map([1], engine=p.engines.processes(1))) == [look(1)], p.stats().code_changed)
"""
    assert printed(program).strip() == "True 0"


FORGETFUL = """
import sys, types
import cloudpickle
import provenance as p

known = cloudpickle.Pickler.dispatch_table
reduce_code = known[types.CodeType]
known[types.CodeType] = lambda code: reduce_code(code.replace(co_filename="<dynamic-code>"))

@p.provenance()
def look(x):
    return (lambda y: y + 1)(x)

def nested(k):
    @p.provenance(name="nested")
    def add(x):
        return x + k
    return add

if __name__ == "__main__":
    p.load_config({"artifact_repos": {"a": {"type": "sqlite", "db": "a.db"}}})
    for function in (look, nested(2)):
        print(list(function.map([1], engine=p.engines.processes(1))) == [function(1)], p.stats().code_changed)
"""


def test_cloudpickle_may_forget_the_files_of_functions():
    """Since 3.1.3 it does. The receipts of a worker are those of the source all the same, so nothing is changed."""
    Path("script.py").write_text(FORGETFUL)
    runner = "import runpy; runpy.run_path('script.py', run_name='__main__')"
    assert ["True", "0", "True", "0"] == printed(runner).split()


EDITED = """
import sys
from pathlib import Path
import provenance as p

STEP = 1

class Scale:
    factor = 2

@p.provenance(sensitive_to=["attrs"])
def look(x):
    return Scale.factor * x + STEP

def nested(k):
    @p.provenance(name="nested")
    def add(x):
        return x + k
    return add

if __name__ == "__main__":
    p.load_config({"artifact_repos": {"a": {"type": "sqlite", "db": "a.db"}}})
    functions = look, look.with_options(name="other"), nested(2)
    for function in functions:
        function(0)
    # What is below runs while somebody works on the file.
    text = Path(__file__).read_text()
    Path(__file__).unlink() if sys.argv[1:] == ["deleted"] else Path(__file__).write_text(
        text.replace(" 2", " 3").replace("x + ", "x - ")
    )
    for function in functions:
        list(function.map([1], engine=p.engines.processes(1)))
        function(1)
    print(p.stats().hits, p.stats().code_changed)
"""


@pytest.mark.parametrize("how", ["edited", "deleted"])
def test_workers_need_not_have_the_file_of_a_script(how):
    """It may be gone there, or another one: the code of its functions travels, and the receipts with it."""
    Path("script.py").write_text(EDITED)
    runner = f"import runpy, sys; sys.argv[1:] = ['{how}']; runpy.run_path('script.py', run_name='__main__')"
    assert ["3", "0"] == printed(runner).split()


def test_a_large_global_is_named():
    """A function that drags a large global along is warned of once, by its name."""
    program = """
import logging, provenance as p
logging.basicConfig(format="%(message)s")
table = list(range(1_000_000))
@p.provenance()
def look(x):
    return table[x]
with p.using_repo(p.MemoryRepo()):
    print(list(look.map([1], engine=p.engines.processes(1))))
"""
    printed(program)


def test_progress_of_a_terminal_is_a_line_a_second():
    """Without tqdm, a terminal gets lines; anything else nothing."""
    program = """
import io, sys, provenance as p
from provenance.engines.progress import lines
class Terminal(io.StringIO):
    def isatty(self):
        return True
terminal = Terminal()
report = lines(terminal)
report(p.Progress(1, 3, 1, 0, 0, 2.0))
report(p.Progress(3, 3, 1, 1, 1, 2.0))
print(repr(terminal.getvalue()), lines(io.StringIO()))
"""
    assert printed(program).strip() == r"'3/3 (1 hits, 2 s saved, 1 failed)\n' None"


def test_nothing_is_created_beside_the_program(tmp_path):
    """Workers of a map do not fall back to a default repository of theirs."""
    (tmp_path / "pyproject.toml").touch()
    program = """
import os, sys, provenance as p
from provenance.testing import samples
os.chdir(sys.argv[1])
with p.using_repo(p.MemoryRepo()):
    print(list(samples.increment.map([1, 2], engine=p.engines.processes(1))))
"""
    printed(program, str(tmp_path))
    assert [path.name for path in Path(tmp_path).iterdir()] == ["pyproject.toml"]
    assert os.environ.get("PROVENANCE_CONFIG") is None


def test_streams_are_not_mapped():
    """A stream is read while it is computed: the error says what to do."""

    @p.provenance(stream=True)
    def count(most):
        yield from range(most)

    with in_memory():
        with pytest.raises(p.ConfigError, match="call the function itself for each stream"):
            count.map([1, 2])
        with pytest.raises(p.ConfigError, match="yields a stream"):
            list(count(3)), p.gather([count.later(1)])


NESTED = """
import multiprocessing, sys
import provenance as p

@p.provenance()
def successor(x):
    return x + 1

def work():
    p.load_config({"artifact_repos": {"a": {"type": "memory"}}, "default_repo": "a"})
    print(*successor.map([1], engine=p.engines.processes(1)), flush=True)

if __name__ == "__main__":
    worker = multiprocessing.get_context("spawn").Process(target=work)
    worker.start()
    worker.join(30)
    print(worker.exitcode)
    worker.kill()
"""


def test_a_process_that_maps_ends_with_its_task(tmp_path):
    """The processes that it has started end with it; it does not wait until they have been idle for minutes."""
    script = tmp_path / "script.py"
    script.write_text(NESTED)
    assert ran(str(script)) == ["2", "0"]

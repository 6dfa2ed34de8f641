"""A recorded result is computed again and compared, function by function, sources first."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import provenance as p
from processes import SOURCES, TIMEOUT

PIPELINE = """
import asyncio
import provenance as p

STEP = 1

@p.provenance()
def load(n: int) -> list:
    return list(range(n))

@p.provenance()
def shift(rows):
    return [row + STEP for row in rows]

@p.provenance(returns_composite=True)
def split(rows):
    return {"first": rows[:2], "rest": rows[2:]}

@p.provenance()
async def total(*parts, start=0):
    return sum(map(sum, parts), start)

class Model:
    def __init__(self, rate):
        self.rate = rate

    @p.provenance()
    def predict(self, x, /):
        return x * self.rate

def run():
    parts = split(shift(load(4)))
    return Model(2).predict(asyncio.run(total(parts["first"], parts["rest"], start=1)))
"""
SCRIPT = """
import provenance as p
from dataclasses import dataclass

p.load_config({"artifact_repos": {"local": {"type": "sqlite", "db": "records.db"}}})

@dataclass(frozen=True)
class Settings:
    factor: int

@p.provenance()
def settings():
    return Settings(3)

@p.provenance()
def scale(x, settings):
    return x * settings.factor

if __name__ == "__main__":
    print(p.artifact_of(scale(2, settings())).id)
"""
READER = """
import sys
import provenance as p
p.load_config({"artifact_repos": {"local": {"type": "sqlite", "db": "records.db"}}})
print(p.reproduce(sys.argv[1], "all"))
"""


@pytest.fixture
def pipeline(repo, monkeypatch):
    """A module with a pipeline of several kinds of functions, which the test may write anew."""
    monkeypatch.syspath_prepend(".")

    def write(text=PIPELINE):
        monkeypatch.delitem(sys.modules, "reproduced", raising=False)
        Path("reproduced.py").write_text(text)
        import reproduced

        return reproduced

    yield write
    monkeypatch.delitem(sys.modules, "reproduced", raising=False)


def names(found):
    """Return what became of each function."""
    return [(each.name.rpartition(".")[2], type(each).__name__) for each in found.outcomes]


def test_every_kind_of_function_comes_out_the_same(pipeline, repo, events):
    """Methods, coroutines, parts of composites, positional and variadic parameters."""
    result = pipeline().run()
    before, stored = len(events), len(list(p.search()))
    found = p.reproduce(result, "all")
    assert [
        ("load", "Same"),
        ("shift", "Same"),
        ("split_first", "Same"),
        ("split_rest", "Same"),
        ("total", "Same"),
        ("predict", "Same"),
    ] == names(found)
    assert found.is_same
    assert found.first_divergent is None
    assert stored == len(list(p.search()))
    assert "same" in repr(found)
    assert before == len(events)


def test_depth_chooses_how_far_back(pipeline):
    """The result alone, with its direct sources, or all."""
    result = pipeline().run()
    assert 1 == len(p.reproduce(result).outcomes)
    assert 2 == len(p.reproduce(result, 2).outcomes)
    assert 4 == len(p.reproduce(p.artifact_of(result).id, 3).outcomes)


def test_the_first_divergent_result_is_where_to_look(pipeline):
    """Later functions get the recorded inputs, and so come out the same."""
    result_id = p.artifact_of(pipeline().run()).id
    pipeline(PIPELINE.replace("STEP = 1", "STEP = 2"))
    found = p.reproduce(result_id, "all")
    assert not found.is_same
    assert [("shift", "Differs")] == [each for each in names(found) if each[1] != "Same"]
    divergent = found.first_divergent
    assert "reproduced.shift" == divergent.name
    assert ["reproduced.STEP"] == [each.name for each in divergent.changes]
    assert "value[0] differs: 1 and 2" == str(divergent.differences[0])
    assert "its code: reproduced.STEP changed" in repr(found)


def test_a_function_that_fails_now_is_an_outcome(pipeline):
    """The error is in it."""
    result_id = p.artifact_of(pipeline().run()).id
    pipeline(PIPELINE.replace("row + STEP", "row / 0"))
    found = p.reproduce(result_id, "all")
    assert isinstance(found.first_divergent, p.Failed)
    assert "ZeroDivisionError" in found.first_divergent.error


def test_what_cannot_be_repeated_is_not_comparable(pipeline, repo):
    """Nested functions, functions that are gone, edited or unrecorded inputs."""
    module = pipeline(
        PIPELINE
        + "@p.provenance(remove=['secret'])\ndef hidden(secret):\n    return 1\n"
        + "@p.provenance(input_process_fn=lambda inputs: inputs)\ndef edited(x):\n    return x\n"
        + "@p.provenance(ignore=['lock'])\ndef locked(lock):\n    return 1\n"
        + "@p.provenance()\ndef gone():\n    return 1\n"
    )
    from threading import Lock

    results = [module.hidden(1), module.edited(1), module.locked(Lock()), module.gone()]
    results.append(p.provenance()(lambda: 1)())
    pipeline(
        PIPELINE.replace("STEP = 1", "STEP = 1\n") + "def edited(x): pass\nlocked = hidden = 1"
    )
    pipeline(
        PIPELINE
        + "@p.provenance(remove=['secret'])\ndef hidden(secret):\n    return 1\n"
        + "@p.provenance(input_process_fn=lambda inputs: inputs)\ndef edited(x):\n    return x\n"
        + "@p.provenance(ignore=['lock'])\ndef locked(lock):\n    return 1\n"
    )
    reasons = [p.reproduce(each).outcomes[0].reason for each in results]
    for expected, reason in zip(
        [
            "argument 'secret' is not recorded",
            "its input_process_fn has edited",
            "of argument 'lock' only type and hash are recorded",
            "reproduced.gone cannot be imported",
            "is defined inside a function",
        ],
        reasons,
        strict=True,
    ):
        assert expected in reason


def test_nested_calls_are_computed_too(pipeline, repo):
    """Nothing comes from the store, whatever repository a nested function names."""
    module = pipeline(
        "import provenance as p\nruns = []\n"
        "@p.provenance(repo='memory')\ndef inner(x):\n    runs.append(x)\n    return x\n"
        "@p.provenance()\ndef outer(x):\n    return int(inner(x))\n"
    )
    result = module.outer(1)
    assert p.reproduce(result).is_same
    assert [1, 1] == module.runs


def test_floats_may_differ_within_a_tolerance(repo, monkeypatch):
    """Then it says so."""
    monkeypatch.syspath_prepend(".")
    Path("noisy.py").write_text(
        "import numpy as np\nimport provenance as p\nnoise = [0.0]\n"
        "@p.provenance()\ndef fit():\n    return {'w': np.ones(3) + noise[0], 'n': 3}\n"
    )
    import noisy

    result = noisy.fit()
    noisy.noise[0] = 1e-12
    found = p.reproduce(result)
    (difference,) = found.first_divergent.differences
    assert 1.0 == difference.share
    assert "value['w']" == difference.path
    assert p.reproduce(result, tolerance=1e-9).outcomes[0].within == 1e-9
    assert "equal within 1e-09" in repr(p.reproduce(result, tolerance=1e-9))
    monkeypatch.delitem(sys.modules, "noisy")


def test_a_call_is_not_repeated_with_another_file(repo, monkeypatch):
    """The record names the file, and not its content: an edited one says nothing of the result."""
    monkeypatch.syspath_prepend(".")
    Path("counted.py").write_text(
        "import provenance as p\nfrom pathlib import Path\n"
        "@p.provenance(files=['path'])\ndef size(path):\n    return len(Path(path).read_text())\n"
        "@p.provenance()\ndef sizes(paths):\n    return [len(Path(one).read_text()) for one in paths]\n"
    )
    Path("data.csv").write_text("1,2")
    import counted

    results = counted.size("data.csv"), counted.sizes([p.file("data.csv")])
    assert all(p.reproduce(result).is_same for result in results)
    Path("data.csv").write_text("1,2,3")
    for result, name in zip(results, ("path", "paths"), strict=True):
        (outcome,) = p.reproduce(result).outcomes
        assert isinstance(outcome, p.NotComparable)
        assert f"argument {name!r} is not what it was" in outcome.reason
    assert () == p.verify(recompute=10).problems
    Path("data.csv").unlink()
    (outcome,) = p.reproduce(results[0]).outcomes
    assert "data.csv" in outcome.reason
    monkeypatch.delitem(sys.modules, "counted")


def test_a_function_that_misses_a_file_itself_fails(repo, monkeypatch):
    """Only what an argument names is no fault of the function."""
    monkeypatch.syspath_prepend(".")
    Path("looking.py").write_text(
        "import provenance as p\n@p.provenance()\ndef look(n):\n    return [p.hash(p.file('here.csv')), n]\n"
    )
    Path("here.csv").write_text("1,2")
    import looking

    result = looking.look(1)
    Path("here.csv").unlink()
    (outcome,) = p.reproduce(result).outcomes
    assert isinstance(outcome, p.Failed)
    assert "here.csv" in outcome.error
    monkeypatch.delitem(sys.modules, "looking")


def test_a_call_is_not_repeated_without_its_sources(repo, monkeypatch):
    """A source that was evicted is no failure of the function that needs it."""
    monkeypatch.syspath_prepend(".")
    Path("summed.py").write_text(
        "import provenance as p\n"
        "@p.provenance()\ndef load(n):\n    return [[n]] * 100_000\n"
        "@p.provenance()\ndef total(rows):\n    return sum(map(sum, rows))\n"
    )
    import summed

    result = summed.total(summed.load(3))
    p.evict(older_than=timedelta(0), keep=[result], dry_run=False)
    load, total = p.reproduce(result, "all").outcomes
    assert isinstance(load, p.Same)
    assert isinstance(total, p.NotComparable)
    assert "was evicted" in total.reason
    monkeypatch.delitem(sys.modules, "summed")


def test_chunks_of_a_stream_are_compared_with_their_items(repo, monkeypatch):
    """So a stream comes out again with all that it was made from; of another one, the chunks that differ are named."""
    monkeypatch.syspath_prepend(".")
    Path("streamed.py").write_text(
        "import provenance as p\nodd = [0]\n"
        "@p.provenance(stream=p.Streaming(chunk_items=2))\ndef count(n, *, after=None):\n"
        "    for i in range(0 if after is None else after, n):\n"
        "        yield p.Resumable(i + odd[0] * (i == 2), i + 1)\n"
    )
    import streamed

    result = streamed.count(5)
    assert [0, 1, 2, 3, 4] == list(result)
    found = p.reproduce(result, "all")
    assert found.is_same, found
    assert 4 == len(found.outcomes)
    assert () == p.verify(recompute=10).problems
    streamed.odd[0] = 1
    found = p.reproduce(result, "all")
    differing = [outcome for outcome in found.outcomes if not isinstance(outcome, p.Same)]
    assert 2 == len(differing)
    assert "value[0] differs: 2 and 3" in str(differing[0])
    chunks = [one for one in p.dependencies(result) if one.name.endswith("_chunk")]
    repo.delete(result)
    (outcome,) = p.reproduce(chunks[0]).outcomes
    assert "a chunk of is not stored" in outcome.reason
    monkeypatch.delitem(sys.modules, "streamed")


def test_members_of_a_partitioned_function_are_computed_again(repo, monkeypatch):
    """They are calls of its `each`, whose code can be stale; their mapping was computed by no function."""
    monkeypatch.syspath_prepend(".")
    Path("parted.py").write_text(
        "import provenance as p\n@p.provenance(over='day')\ndef sold(day=0):\n    return [day]\n"
    )
    import parted

    result = parted.sold([1, 2])
    found = p.reproduce(result, "all")
    assert [p.Same, p.Same, p.NotComparable] == [type(outcome) for outcome in found.outcomes]
    assert "it only holds the results for its members" == found.outcomes[-1].reason
    assert () == p.verify(recompute=10).problems
    assert () == p.stale()
    monkeypatch.delitem(sys.modules, "parted")


def test_a_script_is_reproduced_from_another_process(tmp_path):
    """Its functions and classes are those of `__main__`; its main block does not run again."""

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-W", "error", *words],
            env={"PYTHONPATH": SOURCES, "PATH": ""},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert "" == done.stderr
        return done.stdout

    Path("script.py").write_text(SCRIPT)
    artifact_id = run("script.py").strip()
    Path("reader.py").write_text(READER)
    lines = run("reader.py", artifact_id).splitlines()
    assert ["__main__.settings", "__main__.scale"] == [line.split()[0] for line in lines]
    assert all(line.endswith(" same") for line in lines)
    Path("script.py").write_text(SCRIPT.replace("Settings(3)", "Settings(4)"))
    lines = run("reader.py", artifact_id).splitlines()
    assert "differs; value.factor differs: 3 and 4; its code: __main__.settings changed" in lines[0]
    assert lines[1].endswith(" same")


FEATURES = """
import provenance as p

@p.provenance()
def load(n):
    return list(range(n))

@p.provenance()
def scale(rows, factor=2):
    return [row * factor for row in rows]
"""
RUN = """
import provenance as p
from features import load, scale

p.load_config({"artifact_repos": {"local": {"type": "sqlite", "db": "records.db"}}})

@p.provenance()
def total(rows):
    return sum(rows)

if __name__ == "__main__":
    print(p.artifact_of(total(scale(load(3)))).id)
"""
ELSEWHERE = """
import sys
import provenance as p
p.load_config({"artifact_repos": {"local": {"type": "sqlite", "db": sys.argv[1]}}})
before = list(sys.path)
found = p.reproduce(sys.argv[2], "all")
print(found)
assert before == sys.path
print(found.is_same, found.first_divergent and found.first_divergent.name)
"""


def test_a_pipeline_is_reproduced_where_nothing_of_it_is_imported(tmp_path):
    """In another folder: modules are found by the record, beside the script; the first result that differs is named."""
    Path("jobs").mkdir()
    Path("jobs/features.py").write_text(FEATURES)
    Path("jobs/run.py").write_text(RUN)
    other = tmp_path / "elsewhere"
    other.mkdir()

    def run(*words, cwd="."):
        return printed_lines([sys.executable, "-B", "-W", "error", *words], cwd)

    (artifact_id,) = run("jobs/run.py")
    reproduce = ("-c", ELSEWHERE, str(tmp_path / "records.db"), artifact_id)
    *lines, last = run(*reproduce, cwd=other)
    assert ["features.load", "features.scale", "__main__.total"] == [
        line.split()[0] for line in lines
    ]
    assert all(line.endswith(" same") for line in lines)
    assert "True None" == last
    Path("jobs/features.py").write_text(FEATURES.replace("row * factor", "row + factor"))
    *lines, last = run(*reproduce, cwd=other)
    assert "False features.scale" == last
    assert [True, False, True] == [line.endswith(" same") for line in lines[:3]]
    assert "differs; " in lines[1]
    assert "its code: features.scale changed" in lines[1]
    Path("jobs/features.py").unlink()
    *lines, last = run(*reproduce, cwd=other)
    assert "features.load cannot be imported (ModuleNotFoundError" in lines[0]
    assert "run.py cannot be run (ModuleNotFoundError" in lines[2]


def test_a_program_that_describes_its_runs_leaves_those_of_this_process(tmp_path):
    """A console knows its own functions, also after a program was run for its results that sets `run_info_fn`."""
    local = '{"artifact_repos": {"local": {"type": "sqlite", "db": "records.db"}}}'
    Path("first.py").write_text(
        f"import provenance as p\np.load_config({local})\n"
        "p.set_run_info_fn(lambda info: {**info, 'trial': 7})\n"
        "@p.provenance()\ndef one():\n    return 1\n"
        "if __name__ == '__main__':\n    print(p.artifact_of(one()).id)\n"
    )
    console = (
        f"import provenance as p\nimport sys\np.load_config({local})\n"
        "@p.provenance()\ndef double(n):\n    return 2 * n\n"
        "result = double(p.load_proxy(sys.argv[1]))\nprint(p.reproduce(result, 'all'))\n"
    )
    python = [sys.executable, "-B", "-W", "error"]
    (artifact_id,) = printed_lines([*python, "first.py"], tmp_path)
    lines = printed_lines([*python, "-c", console, artifact_id], tmp_path)
    assert ["__main__.one", "__main__.double"] == [line.split()[0] for line in lines[:2]]
    assert [True, True] == [line.endswith(" same") for line in lines[:2]]


def printed_lines(command, cwd):
    """Return the lines that a command prints in a folder."""
    done = subprocess.run(
        command,
        env={"PYTHONPATH": SOURCES, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        cwd=cwd,
    )
    assert "" == done.stderr
    return done.stdout.splitlines()


def test_functions_of_consoles_and_notebooks_are_gone(repo):
    """Nothing of another process is taken for them."""
    from attrs import evolve

    from provenance.history.programs import Programs, running_program

    made = p.artifact_of(p.provenance(name="five")(lambda: 1)())
    for process in ({"cmdline": ["python", "-c", "f()"]}, {"script": {"path": "a.ipynb"}}):
        run = evolve(made.run_info, process=process)

        class Elsewhere:
            """A repository that knows this run alone."""

            def load_run(self, record, run=run):
                """Return the run."""
                return run

        artifact = evolve(made, fn_module="__main__", run_id="another run", origin=Elsewhere())
        with running_program(artifact, Programs("this run"), p.get_default_repo()) as problem:
            assert "in a console or notebook" in problem


def test_an_untrusted_repository_is_not_run(repo):
    """Its records name what would be imported."""
    from attrs import evolve

    with p.using_repo(evolve(repo, trusted=False)):
        result = p.provenance(name="one")(lambda: 1)()
        reason = p.reproduce(result).outcomes[0].reason
    assert "trusted: false" in reason


@pytest.mark.parametrize("options", [{"depth": 0}, {"depth": "some"}, {"tolerance": -1.0}])
def test_a_wrong_option_is_refused(options, repo):
    """Before anything is computed."""
    result = p.provenance(name="two")(lambda: 1)()
    with pytest.raises(p.ConfigError):
        p.reproduce(result, **options)

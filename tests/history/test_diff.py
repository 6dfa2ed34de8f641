"""Two artifacts are compared part by part, down to the first ancestors where they part."""

import sys
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

import provenance as p
from provenance.effect import overlay
from provenance.history.diff import compare_runs
from provenance.ports.records import FindRun
from provenance.testing.harness import run

PIPELINE = """
import numpy as np
import provenance as p

STEP = 1

@p.provenance()
def load(n):
    return np.arange(float(n))

@p.provenance()
def clean(rows):
    # all of them
    return rows + STEP

@p.provenance()
def mean(rows, digits=3):
    return round(float(rows.mean()), digits)

def run(n=4):
    return mean(clean(load(n)))
"""


@pytest.fixture
def pipeline(repo, monkeypatch):
    """A module with a pipeline, which the test may write anew."""
    monkeypatch.syspath_prepend(".")

    def write(text=PIPELINE, recompute=False):
        monkeypatch.delitem(sys.modules, "differing", raising=False)
        Path("differing.py").write_text(text)
        import differing

        return differing

    yield write
    monkeypatch.delitem(sys.modules, "differing", raising=False)


def texts(differences):
    """Return differences as texts."""
    return [str(each) for each in differences]


def test_an_artifact_does_not_differ_from_itself(pipeline):
    """Nothing does."""
    result = pipeline().run()
    found = p.diff(result, p.artifact_of(result).id)
    assert not found
    assert repr(found).endswith("do not differ")


def test_the_first_ancestors_where_they_part(pipeline):
    """These are the sources whose inputs differ, however far back."""
    module = pipeline()
    first, second = module.run(4), module.run(5)
    found = p.diff(first, second)
    assert ("differing.load", "differing.load") == found.parting.names
    assert ["n differs: 4 and 5"] == texts(found.parting.inputs)
    assert ["value differs: 2.5 and 3.0"] == texts(found.value)
    assert "they part at: differing.load" in repr(found)
    assert () == found.code == found.run == found.identity


def test_changed_code_is_shown_as_text(pipeline):
    """With the lines that differ, where the lineages part."""
    first = pipeline().run()
    text = (
        PIPELINE.replace("rows + STEP", "rows - STEP")
        .replace("def clean", "def clean", 1)
        .replace("@p.provenance()\ndef clean", "@p.provenance(version=1)\ndef clean")
    )
    second = pipeline(text).run()
    found = p.diff(first, second)
    assert ("differing.clean", "differing.clean") == found.parting.names
    (code,) = found.parting.code
    assert "differing.clean changed" == str(code)
    assert "-    return rows + STEP" in code.lines
    assert "+    return rows - STEP" in code.lines
    assert "rows" == found.inputs[0].path


def test_versions_and_names_are_compared(pipeline):
    """They are the identity."""
    module = pipeline()
    one = module.mean.with_options(version=2)(np.ones(2))
    other = module.clean(np.ones(2))
    assert [
        "name differs: differing.mean and differing.clean",
        "version differs: 2 and 0",
        "function differs: differing.mean and differing.clean",
    ] == texts(p.diff(one, other).identity)


def test_values_need_not_be_read(pipeline):
    """Then hashes tell."""
    module = pipeline()
    first, second = module.load(3), module.load(4)
    (difference,) = p.diff(first, second, values=False).value
    assert difference.first.startswith("hash ")
    (difference,) = p.diff(first, second).value
    assert "value is float64 of shape (3,) and float64 of shape (4,)" == str(difference)


def test_arguments_that_are_ignored_do_not_differ(repo):
    """They are recorded, but count for nothing."""
    wide = p.provenance(name="wide", ignore=["seed"], use_cache=False)(lambda x, seed: [x, seed])
    found = p.diff(wide(1, 1), wide(1, 2))
    assert () == found.inputs
    assert ["value[1] differs: 1 and 2"] == texts(found.value)


def test_what_is_no_artifact_is_refused(repo):
    """As elsewhere."""
    with pytest.raises(p.ArtifactNotFoundError):
        p.diff("123456", "123457")
    with pytest.raises(TypeError):
        p.diff(1, 2)


RUN = evolve(
    run(),
    python={"version": "3.11.2", "executable": "/a"},
    packages={"numpy": "1.0", "pandas": "2.0"},
    git={"commit": "1f", "dirty": False},
    extra={},
)


def test_equal_runs_do_not_differ():
    """Nor do those whose processes differ."""
    assert () == compare_runs(RUN, evolve(RUN, process={"pid": 9}))


def test_versions_and_commits_are_compared():
    """Each fact has its place."""
    other = evolve(
        RUN,
        python={"version": "3.12.0", "executable": "/b"},
        packages={"numpy": "2.0", "polars": "1.0"},
        git=None,
        extra={"seed": 3},
    )
    assert [
        "python.version differs: '3.11.2' and '3.12.0'",
        "git.commit is only in the first: '1f' and -",
        "git.dirty is only in the first: False and -",
        "packages.numpy differs: '1.0' and '2.0'",
        "packages.pandas is only in the first: '2.0' and -",
        "packages.polars is only in the second: - and '1.0'",
        "extra.seed is only in the second: - and 3",
    ] == [str(each) for each in compare_runs(RUN, other)]


def test_code_that_git_does_not_track_is_no_difference_of_the_checkout():
    """Which of it is executed differs with the program, and which of it changed is told by the receipts."""
    clean, edited = RUN, evolve(RUN, git={"commit": "1f", "dirty": True})
    script = evolve(RUN, git={"commit": "1f", "dirty": True, "untracked": ["train.py"]})
    assert () == compare_runs(script, clean) == compare_runs(clean, script)
    assert ["git.dirty differs: True and False"] == [*map(str, compare_runs(edited, clean))]


def test_a_run_does_not_differ_from_itself(pipeline):
    """Not even if one of the repositories says less of it, as a redacted bundle does."""
    mine = p.artifact_of(pipeline().load(3))
    shared = p.MemoryRepo("shared")
    p.promote(mine, shared)
    less = FindRun.on(lambda ask: evolve(shared.interpreter(ask), host={}))
    redacted = evolve(shared, interpreter=overlay(shared.interpreter, less))
    theirs = redacted.get_by_id(mine.id)
    assert mine.run_info.host != theirs.run_info.host
    assert () == p.diff(mine, theirs).run

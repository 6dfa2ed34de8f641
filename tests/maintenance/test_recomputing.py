"""`verify(recompute=N)` computes results again: what comes out otherwise is a problem."""

import sys
from pathlib import Path

import pytest

import provenance as p

MODULE = """
import provenance as p

STEP = 1

@p.provenance()
def add(n):
    return n + STEP
"""


@pytest.fixture
def steps(repo, monkeypatch):
    """A module with one decorated function, whose constant tests change."""
    monkeypatch.syspath_prepend(".")
    Path("recomputed_steps.py").write_text(MODULE)
    import recomputed_steps

    yield recomputed_steps
    monkeypatch.delitem(sys.modules, "recomputed_steps")


def test_results_that_come_out_again_are_sound(steps):
    """They are counted."""
    for n in range(3):
        steps.add(n)
    report = p.verify(recompute=2)
    assert (True, 2, ()) == (report.is_sound, report.recomputed, report.not_comparable)
    assert 3 == p.verify(recompute=9).recomputed


def test_results_that_come_out_otherwise_are_problems(steps):
    """The problem says what differs."""
    result = steps.add(1)
    steps.STEP = 2
    report = p.verify(sample=1, recompute=1)
    (problem,) = report.problems
    assert isinstance(problem, p.ResultDiffers)
    assert p.artifact_of(result).id == problem.artifact_id
    assert "value differs: 2 and 3" in problem.reason


def test_what_cannot_be_computed_again_is_told(repo):
    """It is no problem."""
    p.provenance()(lambda: 1)()
    report = p.verify(recompute=1)
    assert (True, 0, 1) == (report.is_sound, report.recomputed, len(report.not_comparable))


@pytest.mark.parametrize("number", [0, -1, True, "2"])
def test_a_wrong_number_is_refused(number, repo):
    """As for `sample`."""
    with pytest.raises(p.ConfigError, match="verify, recompute: must be a positive int"):
        p.verify(recompute=number)

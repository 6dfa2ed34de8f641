"""Two runs differ in what may explain different results."""

from attrs import evolve

from provenance.history.runs import compare_runs
from provenance.testing.harness import run

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

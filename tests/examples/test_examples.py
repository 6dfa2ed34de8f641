"""The examples run, and show what they say."""

import os
import shlex
import subprocess
import sys

from architecture.source import PACKAGE, ROOT

EXAMPLES = ROOT / "examples"


def played(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """An example, run in a fresh process in the working directory of the test."""
    command = [sys.executable, "-W", "error", EXAMPLES / script, *arguments]
    path = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", check=False, env=environment
    )


def test_the_first_steps(tmp_path):
    """The guide computes three calls, finds the others, leaves nothing behind, and traces the product to both sums."""
    result = played("expensive.py", "--seconds", "0.02")
    assert (0, "") == (result.returncode, result.stderr)
    assert "expensive_add(4, 3) + 3 = 10" in result.stdout
    assert "├─ a: expensive_add(a=4, b=3)" in result.stdout
    assert "└─ b: expensive_add(a=1, b=1)" in result.stdout
    assert "6 calls: 3 hits" in result.stdout
    assert [] == list(tmp_path.iterdir())


def test_the_grid_search(tmp_path):
    """Every model of the grid is fitted once, and the second run computes nothing."""
    (tmp_path / "pyproject.toml").touch()
    arguments = ["--engine", "threads", "--trees", "3", "4", "--depths", "2", "--shares", "0.5"]
    first, second = (played("grid_search.py", *arguments) for _ in range(2))
    assert (0, 0) == (first.returncode, second.returncode), first.stderr + second.stderr
    assert "3 computed, 0 found" in first.stdout
    assert "0 computed, 3 found" in second.stdout


def test_the_demo(tmp_path):
    """The demo finds its own claims true: all hits the second time, and only what depends on the trees the third."""
    result = played("run_demo.py", "--store", str(tmp_path / "store"))
    assert (0, "") == (result.returncode, result.stderr)
    assert ["✓"] * 4 == [
        line.split()[0] for line in result.stdout.splitlines() if line.startswith(("  ✓", "  ✗"))
    ]
    assert "14 calls, 14 hits, 0 misses" in result.stdout
    assert "14 calls, 11 hits, 3 misses" in result.stdout
    assert "model: forest(depth=8, seed=7, trees=300)" in result.stdout
    *_, listing, page = map(shlex.split, result.stdout.splitlines())
    assert ["ls", "--repo"] == listing[1:3]
    assert ["ui", *listing[2:]] == page[1:]
    found = subprocess.run(
        [*listing, "--ids", "--limit", "0"], capture_output=True, text=True, check=True
    )
    assert 17 == len(found.stdout.split())


def test_the_demo_empties_stores_only(tmp_path):
    """A folder that holds something else than a store is refused and left as it is."""
    (tmp_path / "thesis.txt").write_text("years of work")
    result = played("run_demo.py", "--store", str(tmp_path))
    assert (1, "years of work") == (result.returncode, (tmp_path / "thesis.txt").read_text())
    assert "name another folder" in result.stderr


def test_the_functional_pipeline(tmp_path):
    """Tenants are kept apart, failures come out at the end, and only what is committed is stored."""
    result = played("functional_pipeline.py")
    assert (0, "") == (result.returncode, result.stderr)
    assert "the mean is 3.00" in result.stdout
    assert "north: True, south: False" in result.stdout
    assert ["ValueError", "ZeroDivisionError", "UnhashableValueError"] == [
        line.split()[2].rstrip(":") for line in result.stdout.splitlines() if "failed with" in line
    ]
    assert "'3 4': recorded as parsed" in result.stdout
    assert "south: True, False" in result.stdout
    assert [] == list(tmp_path.iterdir())

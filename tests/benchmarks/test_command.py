"""The benchmarks run; what they measure is no test's business, because machines differ."""

import json
import sqlite3
import subprocess
import sys

import pytest

from architecture.source import ROOT

NAMES = (
    "hit",
    "array",
    "miss",
    "power",
    "memory",
    "together",
    "touch",
    "import",
    "pipeline",
    "threshold",
    "hash",
    "compression",
    "looking",
    "receipts",
    "engines",
    "scale",
)
SLOW = {"engines", "looking", "memory", "receipts", "scale", "together"}
"""They start processes and servers; tests of their own run them."""


def run_benchmarks(*arguments):
    """What the command answers when it is run as `make bench` runs it."""
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The quick lines, measured with the smallest sizes: the table and the JSON."""
    file = tmp_path_factory.mktemp("figures") / "figures.json"
    quick = [name for name in NAMES if name not in SLOW]
    done = run_benchmarks(*quick, "--size", "tiny", "--json", file)
    assert 0 == done.returncode, done.stderr
    return done.stdout, json.loads(file.read_text("utf-8"))


def test_every_line_has_figures_and_says_its_durability(written):
    """Each line is more than nothing, beside a peer or a limit, and names what its store survives."""
    _, told = written
    figures = [figure for line in told["lines"] for figure in line.get("figures", {}).values()]
    assert [] == [each for each in figures if not each > 0]
    assert {"process", "power", "-"} == {line["durability"] for line in told["lines"]}
    assert [] == [
        line for line in told["lines"] if len(line.get("figures", {})) < 2 and "must" not in line
    ]


def test_the_table_shows_every_line_below_the_machine(written):
    """Python, processor and cores come first, then each line that the JSON has."""
    table, told = written
    assert {"python", "processor", "cores"} <= told["machine"].keys()
    shown = table.splitlines()
    assert "python:" == shown[0].split()[0]
    assert [] == [
        line["what"]
        for line in told["lines"]
        if not any(row.startswith(line["what"]) for row in shown)
    ]


def test_a_pipeline_of_hits_reads_only_what_is_looked_at(written):
    """However large its intermediates, a stored pipeline reads less than a megabyte."""
    _, told = written
    (limit,) = [line for line in told["lines"] if line["unit"] == "B" and "must" in line]
    assert limit["figure"] < limit["must"]


def test_nothing_heavy_is_imported(written):
    """`import provenance` leaves out what is large and only some users need."""
    _, told = written
    (note,) = [line["note"] for line in told["lines"] if line["what"] == "import provenance"]
    left_out = note.partition(";")[0]
    assert [] == [
        each
        for each in ("pandas", "sqlalchemy", "fsspec", "joblib", "numpy")
        if each not in left_out
    ]


def test_a_name_chooses_lines():
    """Only the named measurements are taken."""
    done = run_benchmarks("memory", "together", "--size", "tiny")
    assert 0 == done.returncode, done.stderr
    assert "hit in memory" in done.stdout
    assert "hit in 4 threads" in done.stdout
    assert "joblib " not in done.stdout


@pytest.mark.long
@pytest.mark.parametrize("name", ["engines", "looking", "receipts"])
def test_lines_of_processes_are_measured(name):
    """What needs other processes or a server is measured by name."""
    done = run_benchmarks(name, "--size", "tiny")
    assert 0 == done.returncode, done.stderr


def test_scale_asks_both_databases():
    """Each question is put to SQLite and to PostgreSQL; it is measured only by name."""
    done = run_benchmarks("scale", "--size", "tiny")
    assert 0 == done.returncode, done.stderr
    for question in (
        "look-up by id",
        "progeny",
        "lineage, 1,000 deep",
        "search by tag",
        "search by input",
    ):
        for database in ("SQLite", "PostgreSQL"):
            assert f"{database}, 40 artifacts (beside 20): {question}" in done.stdout


def test_an_unknown_name_is_refused():
    """A name that there is not is an error that lists those that there are."""
    done = run_benchmarks("speed")
    assert 2 == done.returncode
    assert all(name in done.stderr for name in NAMES)


def test_the_examples_of_its_docstrings_hold():
    """The benchmarks' own doctests pass."""
    command = [
        sys.executable,
        "-c",
        "import doctest, sys, benchmarks.lines as m; sys.exit(doctest.testmod(m).failed)",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["hit", "miss", "touch", "array"])
def test_what_instructions_are_counted_of_runs(kind, tmp_path):
    """`benchmarks.work`, which `benchmarks.instructions` runs under valgrind, makes the calls that it is told to."""
    command = [sys.executable, "-m", "benchmarks.work", kind, str(tmp_path), "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    rows = (
        sqlite3.connect(tmp_path / "ours" / "provenance.db")
        .execute("SELECT count(*) FROM artifacts")
        .fetchone()
    )
    assert (1 if kind in ("hit", "array") else 4,) == rows


def test_a_folder_without_the_library_is_told(tmp_path):
    """Instructions are not counted of another library than the one that was named."""
    command = [sys.executable, "-m", "benchmarks.instructions", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith(f"{tmp_path} is no folder with the library in it")

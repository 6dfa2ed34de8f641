"""Plays a table in processes of its own and collects the outcomes."""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import provenance
from transparency.case import Case, each_expression

TESTS = Path(__file__).parent.parent
KNOWN = Path(__file__).with_name("known_differences.json")
"""The cases that are known to differ: by table, place and case, in which way."""
PLACES = ("plain", "miss", "hit", "inside")
"""Where a case is played: with a second plain value, with what a miss returned, with an unread hit, inside a function."""
TABLES = (
    "builtin_types",
    "standard_library",
    "databases",
    "data_classes",
    "numpy_arrays",
    "pandas_frames",
    "columnar",
    "science",
    "pickles_and_processes",
)
"""The tables that every development environment can play."""
OPTIONAL = {"tensors": ("torch",), "pictures": ("matplotlib", "PIL", "xarray")}
"""Tables for libraries that the lock lacks, and their libraries."""
SETTINGS = {
    "PYTHONHASHSEED": "0",
    "PYTHONWARNINGS": "ignore",
    "TZ": "UTC",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}
"""Environment variables that make outcomes repeatable and leave the other core to another test."""


class Played(NamedTuple):
    """What became of a case in a place."""

    outcome: str
    """`equal`, `raises`, `silent`, `repr`, `type` or `crash`."""
    explanation: str


def playable() -> list[str]:
    """Return the tables whose libraries are installed."""
    return [
        *TABLES,
        *(table for table, libraries in OPTIONAL.items() if all(map(find_spec, libraries))),
    ]


def cases_of(table: str) -> list[Case]:
    """Return the cases of a table, with one expression in each."""
    return each_expression(importlib.import_module(f"transparency.tables.{table}").CASES)


def play(table: str) -> dict[tuple[int, str], Played]:
    """Play a table and return what became of each case, by its number and place.

    A process that a signal kills is succeeded by another one, which goes on after the case that
    killed it. That case must die alone as well, so that no other case is blamed for it.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found: dict[tuple[int, str], Played] = {}
        while death := _run(folder, table):
            case, place = _report(folder)[-1]
            with tempfile.TemporaryDirectory() as alone:
                assert _run(Path(alone), table, str(case), place), (
                    f"{table} {case} {place} dies in company only: {death}"
                )
            found[case, place] = Played("crash", death)
        return {
            (line[0], line[1]): Played(*line[2:]) for line in _report(folder) if len(line) > 2
        } | found


def _run(folder: Path, table: str, *chosen: str) -> str:
    """Run a player and return which signal killed it, or an empty text."""
    # Results are kept beside a project file.
    (folder / "pyproject.toml").touch()
    (folder / "report").touch()
    paths = [str(TESTS), str(Path(provenance.__file__).parent.parent)]
    inherited = {name: value for name, value in os.environ.items() if name != "PROVENANCE_CONFIG"}
    process = subprocess.run(
        [sys.executable, "-m", "transparency.player", table, "report", *chosen],
        cwd=folder,
        env={**inherited, **SETTINGS, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode <= 0, f"the player of {table} failed:\n{process.stderr[-3000:]}"
    return signal.Signals(-process.returncode).name if process.returncode else ""


def _report(folder: Path) -> list[list]:
    return [json.loads(line) for line in (folder / "report").read_text().splitlines()]


def differences(
    cases: list[Case], found: dict[tuple[int, str], Played]
) -> dict[str, dict[str, str]]:
    """Return the outcomes that are not `equal`, by place and name of the case."""
    differing: dict[str, dict[str, str]] = {}
    for (case, place), played in sorted(found.items()):
        if played.outcome != "equal":
            differing.setdefault(place, {})[cases[case].name] = played.outcome
    return differing


def counts(found: dict[tuple[int, str], Played], place: str) -> Counter[str]:
    """Return how often each outcome was met in a place."""
    return Counter(played.outcome for (_, where), played in found.items() if where == place)


def assert_as_known(table: str) -> None:
    """Play a table and compare what differs with the list of known differences."""
    cases = cases_of(table)
    found = play(table)
    broken = ("NameError", "SyntaxError", "ImportError", "ModuleNotFoundError", "FileNotFoundError")
    plain = {
        cases[case].name: played for (case, place), played in found.items() if place == "plain"
    }
    mistakes = [name for name, played in plain.items() if played.explanation.startswith(broken)]
    assert not mistakes, f"cases that cannot be played: {mistakes}"
    assert {(case, place) for case in range(len(cases)) for place in PLACES} == set(found)
    assert json.loads(KNOWN.read_text())[table] == differences(cases, found)

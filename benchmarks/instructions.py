"""`python -m benchmarks.instructions [SOURCE …]`: machine instructions of a call, here and with the library of other checkouts.

Times scatter, and what valgrind's callgrind counts hardly does, whatever else the machine does. A figure is the difference
between a process that makes many calls and one that makes few, divided by how many more. Instructions of the kernel do
not count, and those that wait for memory count like any other: this says whether a change made a call do more, not how
much longer it takes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.timing import environment
from benchmarks.work import KINDS

FEW, MANY = 100, 1_100
HERE = Path(__file__).resolve().parents[1]
_COUNTING = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")


def counted(source: Path, kind: str, folder: Path, count: int) -> int:
    """Instructions of a process that makes *count* calls with the library at *source*."""
    paths = os.pathsep.join([str(source), str(HERE)])
    command = (*_COUNTING, sys.executable, "-m", "benchmarks.work", kind, str(folder), str(count))
    fixed = {**environment(), "PYTHONPATH": paths, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=fixed, capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or found is None:
        raise RuntimeError(done.stderr)
    return int(found[1])


def figures(source: Path) -> Iterator[tuple[str, float]]:
    """Instructions of one call of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        counted(source, "array", Path(folder), 0)  # from now on everything is compiled
    for kind in KINDS:
        taken: list[int] = []
        for count in (FEW, MANY):
            with tempfile.TemporaryDirectory() as folder:
                if kind == "touch":
                    counted(source, "miss", Path(folder), count)
                taken.append(counted(source, kind, Path(folder), count))
        yield kind, (taken[1] - taken[0]) / (MANY - FEW)


def main() -> None:
    """Print a line for each kind of call: the figure here, those with other sources, and how they compare."""
    sources = [HERE / "src", *(Path(each).resolve() for each in sys.argv[1:])]
    strange = [each for each in sources if not (each / "provenance" / "__init__.py").is_file()]
    if strange:  # Python would go on and find the library elsewhere
        sys.exit(f"{strange[0]} is no folder with the library in it: name the `src` of a checkout")
    if shutil.which(_COUNTING[0]) is None:
        sys.exit("valgrind counts the instructions, and is not installed")
    for rows in zip(*map(figures, sources), strict=True):
        ours, *others = [figure for _, figure in rows]
        told = "".join(f"{each:14,.0f}  ratio {ours / each:.3f}" for each in others)
        print(f"{rows[0][0]:6}{ours:14,.0f}{told}", flush=True)


if __name__ == "__main__":
    main()

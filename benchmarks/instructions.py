"""`python -m benchmarks.instructions [SOURCE …]`: machine instructions of a call, here and in other checkouts' `src`.

Times scatter; what valgrind's callgrind counts does not, whatever else the machine does. A figure is the difference between
a process that does many calls and one that does few, divided by how many more. Hashes of strings are fixed and no
bytecode is compiled, so that both do the same besides.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

FEW, MANY = 100, 1_100
HERE = Path(__file__).resolve().parents[1]
_CALLS = """\
import sys
from pathlib import Path
import provenance as p
from benchmarks import functions, settings
what, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
p.load_config(settings.only_sqlite(Path(folder)))
if what == "array":
    import numpy as np
    value, shift = np.arange(1 << 17, dtype=float), p.provenance()(functions.shift)
    for _ in range(1 + count):
        shift(value, 1.0)[0]
else:
    add = p.provenance()(functions.add)
    for i in range(-1, count):
        add(0 if what == "hit" else i, 1) + 1
"""
"""`miss` in a new folder, `touch` in one where that was done before."""


def counted(source: Path, what: str, folder: Path, count: int) -> int:
    """Instructions of a process that does *count* calls with the library at *source*."""
    environment = {**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{HERE}", "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    tool = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
    command = (*tool, sys.executable, "-c", _CALLS, what, str(folder), str(count))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise RuntimeError(done.stderr)
    return int(found[1])


def figures(source: Path) -> Iterator[tuple[str, float]]:
    """Instructions of one call of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        counted(source, "array", Path(folder), 0)  # from now on all is compiled
    for what in ("hit", "miss", "touch", "array"):
        taken: list[int] = []
        for count in (FEW, MANY):
            with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                if what == "touch":
                    counted(source, "miss", Path(folder), count)
                taken.append(counted(source, what, Path(folder), count))
        yield what, (taken[1] - taken[0]) / (MANY - FEW)


def main() -> None:
    """Print a row for each kind of call, a column for each source, and how the others' figures compare."""
    sources = [HERE / "src", *map(Path, sys.argv[1:])]
    for source in sources[1:]:
        print(f"beside: {source}")
    for rows in zip(*map(figures, sources), strict=True):
        ours, *others = [figure for _, figure in rows]
        print(
            f"{rows[0][0]:6}{ours:12,.0f}", *[f"{each:12,.0f}  ratio {ours / each:.3f}" for each in others], flush=True
        )


if __name__ == "__main__":
    main()

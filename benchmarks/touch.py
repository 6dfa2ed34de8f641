"""A process of its own: `python -m benchmarks.touch CACHE FOLDER COUNT` uses each stored result once, and reports."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.settings import only_sqlite


def ours(folder: Path) -> tuple[Callable[..., Any], float]:
    """The cached function, and when importing had ended."""
    import provenance as p  # noqa: PLC0415 - its cost is measured
    from benchmarks.functions import add  # noqa: PLC0415 - its cost is measured

    imported = time.perf_counter()
    p.load_config(only_sqlite(folder))
    return p.provenance()(add), imported


def joblibs(folder: Path) -> tuple[Callable[..., Any], float]:
    """The cached function, and when importing had ended."""
    import joblib  # noqa: PLC0415 - its cost is measured

    from benchmarks.functions import add  # noqa: PLC0415 - its cost is measured

    imported = time.perf_counter()
    return joblib.Memory(folder / "joblib", verbose=0).cache(add), imported


def main(cache: str, folder: Path, count: int) -> dict[str, float]:
    """Seconds to import, to open and answer a first hit, and to use the value of each of *count* others."""
    began = time.perf_counter()
    function, imported = (joblibs if cache == "joblib" else ours)(folder)
    if function(-1, 1) != 0:
        raise AssertionError
    opened = time.perf_counter()
    total = 0
    for i in range(count):
        total += function(i, 1)
    ended = time.perf_counter()
    if total != count * (count + 1) // 2:
        raise AssertionError(total)
    return {"import": imported - began, "open": opened - imported, "loop": ended - opened}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))

"""A process of its own: `python -m benchmarks.pipeline FOLDER SIZE KIND` runs a stored pipeline again, and reports."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import provenance as p
from benchmarks import functions
from benchmarks.settings import all_of_them
from provenance.effects.layers import Counter, counted
from provenance.repository.handles import Repository

STAGES = 20


def run_pipeline(size: int, kind: str = "arrays") -> float:
    """Twenty stages over intermediates of *size* bytes; only the last one's value, a number, is looked at."""
    suffix = "_records" if kind == "records" else ""
    start, stage, last = (
        p.provenance()(getattr(functions, name + suffix)) for name in ("start", "stage", "last")
    )
    values = start(1, size)
    for number in range(STAGES - 2):
        values = stage(values, number)
    return float(last(values)) + 0.0


def warm_up() -> None:
    """Do what is done once a process: open the database, import what hashes and what stands in."""
    p.unwrap(p.provenance()(functions.start)(1, 8)[0])


def main(folder: Path, size: int, kind: str) -> dict[str, float]:
    """Seconds that the pipeline takes when all of it is stored, and bytes that were read from the store."""
    p.load_config(all_of_them(folder))
    counter = Counter()
    whole = p.get_default_repo()
    with p.using_repo(Repository(whole.name, counted(whole.interpreter, counter))):
        warm_up()
        missed, read = p.stats().misses, counter.bytes_read
        began = time.perf_counter()
        run_pipeline(size, kind)
        ended = time.perf_counter()
    if p.stats().misses != missed:
        raise AssertionError("a stage was computed")
    return {"loop": ended - began, "read": float(counter.bytes_read - read)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))

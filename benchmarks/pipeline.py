"""A process of its own: `python -m benchmarks.pipeline FOLDER SIZE` runs a stored pipeline again, and reports."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import provenance as p
from benchmarks.functions import last, stage, start
from benchmarks.settings import all_of_them
from provenance.effects.layers import Counter, counted
from provenance.repository.handles import Repository

STAGES = 20


def run_pipeline(size: int) -> float:
    """Twenty stages over intermediates of *size* bytes; only the last one's value, a number, is looked at."""
    values = p.provenance()(start)(1, size)
    staged = p.provenance()(stage)
    for number in range(STAGES - 2):
        values = staged(values, number)
    return p.provenance()(last)(values) + 0.0


def warm_up() -> None:
    """Do what is done once a process: open the database, import what hashes and what stands in."""
    p.unwrap(p.provenance()(start)(1, 8)[0])


def main(folder: Path, size: int) -> dict[str, float]:
    """Seconds that the pipeline takes when all of it is stored, and bytes that were read from the store."""
    p.load_config(all_of_them(folder))
    counter = Counter()
    whole = p.get_default_repo()
    with p.using_repo(Repository(whole.name, counted(whole.interpreter, counter))):
        warm_up()
        missed, read = p.stats().misses, counter.bytes_read
        began = time.perf_counter()
        run_pipeline(size)
        ended = time.perf_counter()
    if p.stats().misses != missed:
        raise AssertionError("a stage was computed")
    return {"loop": ended - began, "read": float(counter.bytes_read - read)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))

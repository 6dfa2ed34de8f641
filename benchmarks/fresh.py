"""What the first use in a new process costs: importing, first touches, a pipeline that is all hits."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import provenance as p
from benchmarks import caches
from benchmarks.functions import add
from benchmarks.lines import NONE, OURS, PROCESS, Goal, Limit, Line, shown_as
from benchmarks.pipeline import run_pipeline, warm_up
from benchmarks.timing import Sizes, in_fresh_processes

HEAVY = (
    "pandas",
    "sqlalchemy",
    "fsspec",
    "joblib",
    "numpy",
    "torch",
    "pyarrow",
    "cattrs",
    "wrapt",
    "yaml",
    "asyncio",
)
IMPORT_LIMIT = 0.150
BYTES_LIMIT = 1e6


def imports(_: Path, sizes: Sizes) -> Iterator[Limit]:
    """`import provenance` over the bare interpreter."""
    contenders = {"bare": ["-c", ""], "ours": ["-c", "import provenance"]}
    told = in_fresh_processes(contenders, 3 * sizes.processes)
    figure = told["ours"]["process"] - told["bare"]["process"]
    code = (
        f"import sys, provenance, json; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True
    )
    loaded = json.loads(done.stdout)
    left = ", ".join(each for each in HEAVY if each not in loaded)
    note = f"not loaded: {left}; loaded: {', '.join(loaded) or 'none of these'}"
    yield Limit("import provenance", NONE, figure, IMPORT_LIMIT, note=note)


def first_touches(folder: Path, sizes: Sizes) -> Iterator[Line]:
    """The first use of each of many stored artifacts in a fresh process, each value read."""
    folder /= "touch"
    caches.load_ours(folder)
    ours, theirs = p.provenance()(add), caches.with_joblib(add, folder)
    for i in range(-1, sizes.touched):
        ours(i, 1)
        theirs(i, 1)
    contenders = {
        name: ["-m", "benchmarks.touch", name, str(folder), str(sizes.touched)]
        for name in (OURS, "joblib")
    }
    told = in_fresh_processes(contenders, sizes.processes)
    figures = {name: each["loop"] / sizes.touched for name, each in told.items()}
    beside = "; ".join(
        f"{name}: import {shown_as(each['import'], 's')}, open and first hit {shown_as(each['open'], 's')}"
        for name, each in told.items()
    )
    what = f"first touch of {sizes.touched:,} artifacts in a fresh process, each"
    yield Line(
        what,
        PROCESS,
        figures,
        (Goal("joblib", 0.6, 0.4),),
        note=f"beside this, once a process: {beside}",
    )


def pipelines(folder: Path, sizes: Sizes) -> Iterator[Line | Limit]:
    """Twenty stages, all hits, in a fresh process, over large and over small intermediates."""
    folder /= "pipeline"
    caches.load_ours(folder)
    large, small = sizes.megabytes * 1_000_000, 1_000
    contenders: dict[str, list[str]] = {}
    beside, records, few = "1 kB intermediates", "1 MB dictionaries", "1 kB dictionaries"
    for name, size, kind in (
        (OURS, large, "arrays"),
        (beside, small, "arrays"),
        (records, 1_000_000, "records"),
        (few, small, "records"),
    ):
        warm_up()
        run_pipeline(size, kind)
        contenders[name] = ["-m", "benchmarks.pipeline", str(folder), str(size), kind]
    told = in_fresh_processes(contenders, sizes.processes)
    what = f"20 stages over {sizes.megabytes} MB intermediates, all hits"
    figures = {name: told[name]["loop"] for name in (OURS, beside)}
    yield Line(what, PROCESS, figures, (Goal(beside, 1.5, 1.2),))
    yield Limit(f"{what}: read", PROCESS, told[OURS]["read"], BYTES_LIMIT, "B")
    figures = {OURS: told[records]["loop"], few: told[few]["loop"]}
    what = "20 stages over JSON-like dictionaries of 1 MB, all hits, each of which is read"
    yield Line(what, PROCESS, figures, note=f"read: {told[records]['read'] / 1e6:.1f} MB")

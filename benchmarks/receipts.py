"""What code receipts cost: a hit that compares one, and making one beside importing the modules that it covers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import evolve

import provenance as p
from benchmarks.lines import NONE, OURS, PROCESS, Goal, Line
from benchmarks.timing import Sizes, in_fresh_processes, interleaved
from provenance.calls.function import spec_of
from provenance.receipts.receipt import NO_RECEIPT

MODULES, HELPERS = 10, 10
MAKING = """
import json, sys, time
sys.path.insert(0, {folder!r})
import provenance as p
from provenance.receipts.receipt import receipt_of
began = time.perf_counter()
import main
imported = time.perf_counter()
found = receipt_of(main.work)
made = time.perf_counter()
assert len(found.digests) == {count}, len(found.digests)
print(json.dumps({{"import": imported - began, "receipt": made - imported}}))
"""


@p.provenance()
def double(x: int) -> int:
    """Return something."""
    return 2 * x


@p.provenance()
def bare(x: int) -> int:
    """Return the same, without a receipt."""
    return 2 * x


def receipts(folder: Path, sizes: Sizes) -> Iterator[Line]:
    """A hit with a receipt and without, and a receipt over 100 helpers."""
    vars(bare)["_recipe"] = evolve(spec_of(bare), receipt=NO_RECEIPT)
    double(1)
    bare(1)
    beside = "without a receipt"
    taken = interleaved(
        {OURS: lambda _: double(1), beside: lambda _: bare(1)}, sizes.rounds, sizes.calls
    )
    yield Line("a hit that compares a code receipt", PROCESS, taken, (Goal(beside, 1.03, 1.0),))
    _write(folder)
    program = MAKING.format(folder=str(folder), count=MODULES * HELPERS + 1)
    told = in_fresh_processes({OURS: ["-c", program]}, sizes.processes)[OURS]
    beside = "importing the modules"
    figures = {OURS: told["receipt"], beside: told["import"]}
    yield Line("a receipt over 100 helpers", NONE, figures, (Goal(beside, 1.0, 0.5),))


def _write(folder: Path) -> None:
    """Write modules whose helpers call each other."""
    for module in range(MODULES):
        lines = [f"from helpers{module + 1} import h0 as further"] if module + 1 < MODULES else []
        for helper in range(HELPERS):
            following = f"h{helper + 1}" if helper + 1 < HELPERS else "further"
            last = module + 1 == MODULES and helper + 1 == HELPERS
            lines += [f"def h{helper}(x):", '    """Do a step."""', f"    total = x + {helper}"]
            lines += ["    return total" if last else f"    return {following}(total)"]
        (folder / f"helpers{module}.py").write_text("\n".join(lines) + "\n")
    (folder / "main.py").write_text("from helpers0 import h0\ndef work(x):\n    return h0(x)\n")

"""`python -m benchmarks [NAME …] [--json FILE] [--quick]`: the lines of the given names, or most."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import asdict

from benchmarks import (
    caches,
    calls,
    compression,
    engines,
    fresh,
    hashes,
    looking,
    receipts,
    scale,
    threshold,
    together,
)
from benchmarks.lines import Limit, Line, machine, rows, table
from benchmarks.timing import SIZES, Sizes

Measure = Callable[[Path, Sizes], Iterator[Line | Limit]]

MEASURES: Mapping[str, Measure] = {
    "hit": calls.hits,
    "array": calls.arrays,
    "miss": calls.misses,
    "power": calls.safe_misses,
    "memory": calls.memory,
    "together": together.together,
    "touch": fresh.first_touches,
    "import": fresh.imports,
    "pipeline": fresh.pipelines,
    "threshold": threshold.thresholds,
    "hash": hashes.hashes,
    "compression": compression.compressions,
    "looking": looking.looking,
    "receipts": receipts.receipts,
    "engines": engines.maps,
    "scale": scale.scales,
}

ONLY_BY_NAME = ("engines", "scale")
"""Those that need a database server, or take longer than all the others."""


def measured(names: Sequence[str], sizes: Sizes) -> list[Line | Limit]:
    """The lines of *names*, each measured in a folder of its own that is gone afterwards."""
    made: list[Line | Limit] = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="provenance-bench-") as folder:
            caches.load_ours(Path(folder))
            made += MEASURES[name](Path(folder), sizes)
    return made


def main() -> None:
    """Measure, print, and write JSON where it is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        help=f"of {', '.join(MEASURES)}; if none is given, all but {', '.join(ONLY_BY_NAME)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--size", choices=SIZES, default="full", help="how much is measured")
    parser.add_argument(
        "--quick", action="store_const", const="quick", dest="size", help="less of everything"
    )
    given = parser.parse_args()
    names: list[str] = given.names or [name for name in MEASURES if name not in ONLY_BY_NAME]
    unknown = sorted(set(names) - MEASURES.keys())
    if unknown:
        parser.error(f"there is no {unknown[0]!r}; there are {', '.join(MEASURES)}")
    facts = machine()
    print("\n".join(f"{key}: {value}" for key, value in facts.items()), end="\n\n", flush=True)
    lines = measured(names, SIZES[given.size])
    print(table(rows(lines)))
    if given.json is not None:
        given.json.write_text(
            json.dumps({"machine": facts, "lines": [asdict(each) for each in lines]}, indent=1)
        )


if __name__ == "__main__":
    main()

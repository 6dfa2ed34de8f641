"""A process of its own: `python -m benchmarks.work KIND FOLDER COUNT` makes so many calls of a kind, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import provenance as p
from benchmarks import functions
from benchmarks.settings import only_sqlite

KINDS = ("hit", "miss", "touch", "array")
"""`touch` finds what `miss` has left in the same folder."""


def main(kind: str, folder: Path, count: int) -> None:
    """Make one call, and then *count* more; each value is used."""
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {KINDS}")
    p.load_config(only_sqlite(folder))
    if kind == "array":
        import numpy as np  # noqa: PLC0415 - where no array is made, its import is not counted

        shift, values = p.provenance()(functions.shift), np.arange(1 << 17, dtype=float)
        for _ in range(1 + count):
            shift(values, 1.0)[0]
        return
    add = p.provenance()(functions.add)
    for i in range(-1, count):
        if add(0 if kind == "hit" else i, 1) + 1 < 1:
            raise AssertionError(i)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))

"""What compression costs where it cannot help, what it saves where it can, and tables beside pickles of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

import provenance as p
from benchmarks.lines import OURS, PROCESS, Goal, Line, shown_as
from benchmarks.timing import Sizes, Timed, interleaved

PLAIN = "uncompressed"
NEVER_SLOWER = Goal(PLAIN, 1.05, 1.0)
Bytes = npt.NDArray[np.uint8]


def compressions(_: Path, sizes: Sizes) -> Iterator[Line]:
    """A miss that stores bytes, with each compression and without; then reading a table, and its size."""
    for size in (100_000, 1_000_000, sizes.megabytes * 1_000_000):
        calls = max(1, min(20, sizes.calls // 5, 20_000_000 // size))
        random = np.frombuffer(np.random.default_rng(0).bytes(size), "u1").copy()
        for compression in ("zstd", "lz4"):
            contenders = _writers(random, compression)
            figures = interleaved(contenders, sizes.rounds, calls)
            yield Line(f"miss, {shown_as(size, 'B')} at random, {compression}", PROCESS, figures, (NEVER_SLOWER,))
    text = np.frombuffer(b" ".join(b"%d" % i for i in range(sizes.megabytes * 100_000)), "u1").copy()
    for compression in ("zstd", "lz4"):
        contenders = _writers(text, compression)
        figures = interleaved(contenders, max(2, sizes.rounds // 5), 1)
        saved = {name: float(_stored(text, chosen)) for name, chosen in ((OURS, compression), (PLAIN, None))}
        yield Line(f"miss, {shown_as(text.size, 'B')} of text, {compression}", PROCESS, figures)
        yield Line(f"bytes stored of {shown_as(text.size, 'B')} of text, {compression}", PROCESS, saved, unit="B")
    yield from _tables(sizes)


def _writers(data: Bytes, compression: str) -> dict[str, Timed]:
    """Functions that store *data*, changed a little each time, with a compression and without."""

    def changed(number: int) -> Bytes:
        data[:8] = np.frombuffer(number.to_bytes(8, "big"), "u1")
        return data

    return {
        name: p.provenance(name=f"{data.size} {data[-4:]} {compression} {name}", dump_kwargs={"compression": chosen})(
            changed
        )
        for name, chosen in ((OURS, compression), (PLAIN, None))
    }


def _stored(data: Bytes, compression: str | None) -> int:
    options = {"dump_kwargs": {"compression": compression}}
    return p.provenance(name=f"size {compression}", **options)(lambda: data).artifact().size_bytes


def _tables(sizes: Sizes) -> Iterator[Line]:
    """A frame written and read by its own serializer, and by joblib."""
    rows = sizes.megabytes * 10_000
    frame = pd.DataFrame(
        {
            "count": np.arange(rows),
            "real": np.random.default_rng(0).random(rows),
            "text": pd.Series([f"text {i % 1000}" for i in range(rows)], dtype="str"),
        }
    )

    def again(number: int) -> pd.DataFrame:
        frame.iloc[0, 0] = number
        return frame

    written = {name: p.provenance(name=name, serializer=chosen)(again) for name, chosen in _BY.items()}
    rounds = max(2, sizes.rounds // 5)
    yield Line(f"miss, frame of {rows:,} rows", PROCESS, interleaved(written, rounds, 1))
    artifacts = {name: each.artifact(-1) for name, each in written.items()}
    read = {name: lambda _, it=each: it.value for name, each in artifacts.items()}
    yield Line(f"reading a frame of {rows:,} rows", PROCESS, interleaved(read, rounds, 1))
    stored = {name: float(each.size_bytes) for name, each in artifacts.items()}
    yield Line(f"bytes stored of a frame of {rows:,} rows", PROCESS, stored, unit="B")


_BY = {OURS: "pd_df_parquet", "joblib": "joblib"}

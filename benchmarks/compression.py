"""What compression costs where it cannot help, what it saves where it can, and tables beside pickles of them."""

from __future__ import annotations

import zlib
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
    """A miss that stores bytes, with each compression and without; then writing and reading a table, and its size."""
    for size in (100_000, 1_000_000, sizes.megabytes * 100_000):
        random = np.frombuffer(np.random.default_rng(0).bytes(size), "u1").copy()
        for compression in ("zstd", "lz4"):
            figures = _misses(
                random, compression, sizes.rounds, max(1, min(sizes.calls, 2_000_000 // size))
            )
            yield Line(
                f"miss, {shown_as(size, 'B')} at random, {compression}",
                PROCESS,
                figures,
                (NEVER_SLOWER,),
            )
    text = np.frombuffer(b" ".join(b"%d" % i for i in range(sizes.megabytes * 10_000)), "u1").copy()
    for compression in ("zstd", "lz4"):
        saved = {
            name: float(_stored(text, chosen))
            for name, chosen in ((OURS, compression), (PLAIN, None))
        }
        figures = _misses(text, compression, sizes.rounds, 1)
        yield Line(f"miss, {shown_as(text.size, 'B')} of text, {compression}", PROCESS, figures)
        yield Line(
            f"bytes stored of {shown_as(text.size, 'B')} of text, {compression}",
            PROCESS,
            saved,
            unit="B",
        )
    yield from _tables(sizes)


def _misses(data: Bytes, compression: str, rounds: int, calls: int) -> dict[str, float]:
    contenders = {
        OURS: _writer(data, compression, f"with {compression}"),
        PLAIN: _writer(data, None, f"without {compression}"),
    }
    for each in contenders.values():
        each(-1)
    return interleaved(contenders, rounds, calls)


def _writer(data: Bytes, compression: str | None, what: str) -> Timed:
    """A function that stores *data*, changed a little each time: no two contenders write the same bytes."""
    salt = zlib.crc32(what.encode()).to_bytes(4, "big")

    def changed(number: int) -> Bytes:
        data[:12] = np.frombuffer(number.to_bytes(8, "big", signed=True) + salt, "u1")
        return data

    return p.provenance(
        name=f"{data.size} {data[-9:]} {what}", dump_kwargs={"compression": compression}
    )(changed)


def _stored(data: Bytes, compression: str | None) -> int:
    options = {"dump_kwargs": {"compression": compression}}
    return p.provenance(name=f"size {compression}", **options)(lambda: data).artifact().size_bytes


def _tables(sizes: Sizes) -> Iterator[Line]:
    """A frame written and read by its own serializer, and by joblib."""
    rows = sizes.megabytes * 1_000
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

    written = {
        name: p.provenance(name=name, serializer=chosen)(again) for name, chosen in _BY.items()
    }
    artifacts = {name: each.artifact(-1) for name, each in written.items()}
    yield Line(f"miss, frame of {rows:,} rows", PROCESS, interleaved(written, sizes.rounds, 1))
    read = {name: lambda _, it=each: it.value for name, each in artifacts.items()}
    yield Line(f"reading a frame of {rows:,} rows", PROCESS, interleaved(read, sizes.rounds, 1))
    stored = {name: float(each.size_bytes) for name, each in artifacts.items()}
    yield Line(f"bytes stored of a frame of {rows:,} rows", PROCESS, stored, unit="B")


_BY = {OURS: "pd_df_parquet", "joblib": "joblib"}

"""Up to which size a value is cheaper inside the database than as a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import provenance as p
from benchmarks import settings
from benchmarks.functions import text
from benchmarks.lines import OURS, PROCESS, Line, shown_as
from benchmarks.timing import Sizes, Timed, interleaved
from provenance.codecs import Decoding
from provenance.ports.blobs import ReadBlob

KIB = (1, 4, 16, 32, 64, 128, 256, 1024)
FILES = "as files"


def thresholds(_: Path, sizes: Sizes) -> Iterator[Line]:
    """Writing (a whole miss) and reading (the value alone) inside the database and as files."""
    repos = {OURS: settings.INSIDE, FILES: settings.OUTSIDE}
    calls = max(2, sizes.calls // 5)
    for kib in KIB:
        size = kib << 10
        written = interleaved(
            {name: _writer(repo, size) for name, repo in repos.items()}, sizes.rounds, calls
        )
        read = interleaved(
            {name: _reader(repo, size, calls) for name, repo in repos.items()}, sizes.rounds, calls
        )
        shown = shown_as(size, "B")
        yield Line(f"value of {shown} inside the database: a miss", PROCESS, written)
        yield Line(f"value of {shown} inside the database: reading it", PROCESS, read)


def _writer(repo: str, size: int) -> Timed:
    cached = p.provenance(repo=repo)(text)
    return lambda i: cached(size, i)


def _reader(repo: str, size: int, count: int) -> Timed:
    """Reads from the store itself, whatever layers may remember in front of it."""
    cached, store = p.provenance(repo=repo)(text), p.get_repo_by_name(repo).interpreter
    asks = [_question(cast("Any", cached).artifact(size, i)) for i in range(count)]
    return lambda i: store(asks[i % count])


def _question(artifact: p.Artifact[object]) -> ReadBlob:
    return ReadBlob(artifact.value_blob, Decoding(artifact.serializer))

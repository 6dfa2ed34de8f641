"""The serializer of tables in parts: each part is a Parquet file and an artifact of its own, so that appending writes only what is new.

What is stored of the table itself is a manifest: the number of rows of each part. The parts of the table of an artifact are found by
its id.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, BinaryIO, Final, cast

from attrs import frozen

from provenance.codecs import pandas, polars
from provenance.hashing import combine
from provenance.model.ids import ArtifactId
from provenance.util.optional import require_library

PARQUET_PARTS: Final = "parquet_parts"
PART_ROWS: Final = 65_536
PART_FIELDS: Final = {"provenance": "part of a table"}
"""Custom fields of all parts."""


@frozen
class TableManifest:
    """The number of rows of each part of a table."""

    rows: tuple[int, ...]


def part_id(table: ArtifactId, number: int) -> ArtifactId:
    """Return the id of the part of this *number*, from 0, of the table of an artifact."""
    return ArtifactId(combine("part", [table, number]).hex())


def part_serializer(value: object) -> str:
    """Return the name of the serializer of each part; raise TypeError unless it is a frame."""
    if pandas.is_frame(value):
        return "pd_df_parquet"
    if polars.is_frame(value):
        return "pl_df_parquet"
    raise TypeError(
        f"serializer {PARQUET_PARTS!r} writes pandas and polars frames, not {type(value).__qualname__}"
    )


def split(value: object) -> list[object]:
    """Return the parts of a frame: `PART_ROWS` rows each, the last one with the rest."""
    part_serializer(value)
    frame = cast("Any", value)
    starts = range(0, len(frame), PART_ROWS) or [0]
    rows = frame.iloc if pandas.is_frame(value) else frame
    return [rows[start : start + PART_ROWS] for start in starts]


def join(parts: Sequence[object]) -> object:
    """Return the frame of which `split` made these parts."""
    if len(parts) == 1:
        return parts[0]
    if polars.is_frame(parts[0]):
        return cast("object", require_library("polars", "polars frames").concat(parts))
    return cast("object", require_library("pandas", "pandas frames").concat(parts))


def dump_manifest(value: object, sink: BinaryIO, *, compression: str | None = None) -> None:
    """Write the manifest of a frame, whose parts are artifacts of their own; their *compression* is not its."""
    del compression
    rows = [len(cast("list[object]", part)) for part in split(value)]
    sink.write(json.dumps({"rows": rows}).encode())


def load_manifest(source: BinaryIO) -> object:
    """Return the manifest that `dump_manifest` wrote.

    Raises:
        KeyError, TypeError, ValueError: if it is none.
    """
    rows: list[object] = json.loads(source.read())["rows"]
    if not rows or any(type(count) is not int or count < 0 for count in rows):
        raise ValueError("a table in parts has a number of rows for each part")
    return TableManifest(tuple(cast("list[int]", rows)))

"""The serializers of tables in pieces: lists of frames, and tables in parts.

A list of frames, the chunk of a stream of tables, is one plain Parquet file with the rows of all. How many rows each has is in the
record (`load_kwargs`), so that other tools can read the file as any table.

Each part of a table in parts is a Parquet file and an artifact of its own, so that appending writes only what is new. What is stored
of the table itself is a manifest: the number of rows of each part. The parts of the table of an artifact are found by its id.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, BinaryIO, Final, cast

from attrs import frozen

from provenance.codecs import pandas, polars
from provenance.hashing import combine, hash_value
from provenance.model.ids import ArtifactId, ValueId
from provenance.util.optional import require_library

PANDAS_FRAMES: Final = "pd_frames_parquet"
POLARS_FRAMES: Final = "pl_frames_parquet"
PARQUET_PARTS: Final = "parquet_parts"
PART_ROWS: Final = 65_536
PART_FIELDS: Final = {"provenance": "part of a table"}
"""Custom fields of all parts."""


_KINDS: Final[
    Mapping[str, tuple[Callable[[object], bool], Callable[..., None], Callable[[BinaryIO], object]]]
] = {
    POLARS_FRAMES: (polars.is_frame, polars.dump_frame, polars.load_frame),
    PANDAS_FRAMES: (pandas.is_frame, pandas.dump_frame, pandas.load_frame),
}
"""What knows, writes and reads a frame, by the serializer of lists of such frames."""


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


def serializer_for(values: Sequence[object], value_id: ValueId) -> str | None:
    """Return the name of the serializer for frames, whose hash as a list is given, that one file can hold; None if there is none."""
    for name, (is_frame, dump, _) in _KINDS.items():
        if values and all(map(is_frame, values)):
            try:
                dump(_rows(join(values[:1], renumber=True), 0, 0), io.BytesIO())
                again = split(join(values, renumber=True), row_counts(values), renumber=True)
            except Exception:  # noqa: BLE001 - the library's own errors for frames that do not fit together
                return None
            return name if hash_value(again) == value_id else None
    return None


def row_counts(frames: Sequence[object]) -> list[int]:
    """Return the number of rows of each frame."""
    return [len(cast("list[object]", frame)) for frame in frames]


def parts_of(value: object) -> list[object]:
    """Return the parts of a frame: `PART_ROWS` rows each, the last one with the rest; raise TypeError for other values."""
    part_serializer(value)
    count = len(cast("list[object]", value))
    starts = range(0, count, PART_ROWS) or [0]
    return split(value, [min(PART_ROWS, count - start) for start in starts])


def join(frames: Sequence[object], *, renumber: bool = False) -> object:
    """Return one frame with the rows of all; with *renumber*, the index of a pandas frame does not count."""
    if len(frames) == 1 and not renumber:
        return frames[0]
    if polars.is_frame(frames[0]):
        return cast("object", require_library("polars", "polars frames").concat(frames))
    library = require_library("pandas", "pandas frames")
    return cast("object", library.concat(frames, ignore_index=renumber))


def split(frame: object, rows: Sequence[int], *, renumber: bool = False) -> list[object]:
    """Return the frames that `join` made one of; raise ValueError if they have another number of rows."""
    if sum(rows) != len(cast("list[object]", frame)):
        raise ValueError("the frames of a chunk have another number of rows than the record says")
    frames = [
        _rows(frame, end - count, end) for count, end in zip(rows, accumulate(rows), strict=True)
    ]
    if renumber and pandas.is_frame(frame):
        return [part.reset_index(drop=True) for part in frames]
    return frames


def _rows(frame: Any, start: int, end: int) -> Any:  # noqa: ANN401 - the library's types
    return frame.iloc[start:end] if pandas.is_frame(frame) else frame[start:end]


def dump_frames(
    name: str, value: object, sink: BinaryIO, *, compression: str | None = None
) -> None:
    """Write frames as the table of all their rows; raise TypeError for other values."""
    given = value  # what is checked below loses its type
    frames = cast("list[object]", value) if isinstance(value, list) else []
    is_frame, dump, _ = _KINDS[name]
    if not frames or not all(map(is_frame, frames)):
        raise TypeError(
            f"serializer {name!r} writes lists of frames, not {type(given).__qualname__}"
        )
    dump(join(frames, renumber=True), sink, compression=compression)


def load_frames(name: str, source: BinaryIO, *, rows: Sequence[int] = ()) -> object:
    """Read what `dump_frames` wrote; *rows* has the number of rows of each frame; without it there is one."""
    _, _, load = _KINDS[name]
    frame = load(source)
    return split(frame, rows or row_counts([frame]), renumber=True)


FRAMES: Final = tuple(
    (name, partial(dump_frames, name), partial(load_frames, name)) for name in _KINDS
)
"""Name, dump and load of each serializer of lists of frames."""


def dump_manifest(value: object, sink: BinaryIO, *, compression: str | None = None) -> None:
    """Write the manifest of a frame, whose parts are artifacts of their own; their *compression* is not its."""
    del compression
    sink.write(json.dumps({"rows": row_counts(parts_of(value))}).encode())


def load_manifest(source: BinaryIO) -> object:
    """Return the manifest that `dump_manifest` wrote.

    Raises:
        KeyError, TypeError, ValueError: if it is none.
    """
    rows: list[object] = json.loads(source.read())["rows"]
    if not rows or any(type(count) is not int or count < 0 for count in rows):
        raise ValueError("a table in parts has a number of rows for each part")
    return TableManifest(tuple(cast("list[int]", rows)))

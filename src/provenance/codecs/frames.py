"""Serializers of lists of frames, the chunks of a stream of tables: one plain Parquet file with the rows of all.

How many rows each frame has is in the record (`load_kwargs`), so that other tools can read the file as any table.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, BinaryIO, Final, cast

from provenance.codecs import pandas, polars
from provenance.hashing import hash_value
from provenance.model.ids import ValueId
from provenance.util.optional import require_library

PANDAS_FRAMES: Final = "pd_frames_parquet"
POLARS_FRAMES: Final = "pl_frames_parquet"
_KINDS: Final[tuple[tuple[str, Callable[[object], bool], Callable[..., None]], ...]] = (
    (POLARS_FRAMES, polars.is_frame, polars.dump_frame),
    (PANDAS_FRAMES, pandas.is_frame, pandas.dump_frame),
)


def serializer_for(values: Sequence[object], value_id: ValueId) -> str | None:
    """Return the name of the serializer for frames, whose hash as a list is given, that one file can hold; None if there is none."""
    for name, is_frame, dump in _KINDS:
        if values and all(map(is_frame, values)):
            try:
                dump(_rows(join(values[:1], name), 0, 0), io.BytesIO())
                again = split(join(values, name), row_counts(values), name)
            except Exception:  # noqa: BLE001 - the library's own errors for frames that do not fit together
                return None
            return name if hash_value(again) == value_id else None
    return None


def row_counts(frames: Sequence[object]) -> list[int]:
    """Return the number of rows of each frame."""
    return [len(cast("list[object]", frame)) for frame in frames]


def join(frames: Sequence[object], name: str) -> object:
    """Return one frame with the rows of all."""
    if name == POLARS_FRAMES:
        return cast("object", require_library("polars", f"serializer {name!r}").concat(frames))
    library = require_library("pandas", f"serializer {name!r}")
    return cast("object", library.concat(frames, ignore_index=True))


def split(frame: object, rows: Sequence[int], name: str) -> list[object]:
    """Return the frames that `join` made one of; raise ValueError if they have another number of rows."""
    if sum(rows) != len(cast("list[object]", frame)):
        raise ValueError("the frames of a chunk have another number of rows than the record says")
    frames: list[object] = []
    start = 0
    for count in rows:
        part = _rows(frame, start, start + count)
        frames.append(part.reset_index(drop=True) if name == PANDAS_FRAMES else part)
        start += count
    return frames


def _rows(frame: Any, start: int, end: int) -> Any:  # noqa: ANN401 - the library's types
    return frame.iloc[start:end] if pandas.is_frame(frame) else frame[start:end]


def dump_frames(
    name: str, value: object, sink: BinaryIO, *, compression: str | None = None
) -> None:
    """Write frames as the table of all their rows; raise TypeError for other values."""
    given = value  # what is checked below loses its type
    frames = cast("list[object]", value) if isinstance(value, list) else []
    is_frame, dump = next((known, dump) for kind, known, dump in _KINDS if kind == name)
    if not frames or not all(map(is_frame, frames)):
        raise TypeError(
            f"serializer {name!r} writes lists of frames, not {type(given).__qualname__}"
        )
    dump(join(frames, name), sink, compression=compression)


def load_frames(name: str, source: BinaryIO, *, rows: Sequence[int] = ()) -> object:
    """Read what `dump_frames` wrote; *rows* has the number of rows of each frame; without it there is one."""
    load = polars.load_frame if name == POLARS_FRAMES else pandas.load_frame
    frame = load(source)
    return split(frame, rows or row_counts([frame]), name)


FRAMES: Final = tuple(
    (name, partial(dump_frames, name), partial(load_frames, name)) for name, _, _ in _KINDS
)
"""Name, dump and load of each serializer."""

"""What a page shows of a value. Nothing is decoded that could execute code.

Values come from a repository whose interpreter has the layer `untrusted`, which refuses such formats;
tables are read in part.
"""

from __future__ import annotations

import base64
import io
import math
import pprint
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from itertools import islice
from typing import Any, BinaryIO, Final, TypeAlias, cast

from attrs import evolve, frozen

import provenance as p
from provenance import extending
from provenance.codecs.parquet import bound_fixed_lists, bound_pages
from provenance.util.formatting import safe_repr, size, truncate
from provenance.util.images import MOST_IMAGE, image_type

MOST_ROWS: Final = 50
MOST_COLUMNS: Final = 40
MOST_TEXT: Final = 65_536
"""Characters of text that are shown."""
MOST_BYTES: Final = 32_000_000
"""Size up to which a value is decoded as a whole."""
_EXPANSION: Final = 1_000
"""Ratio of decoded to stored size that real tables do not reach."""
_CELLS: Final = 64
"""Rows and columns of a heat map."""
_POINTS: Final = 240
_CELL: Final = 80
_TABLES: Final = frozenset(
    {"pd_df_parquet", "pd_series_parquet", "pl_df_parquet", "pl_series_parquet"}
)
_PICKLES: Final = frozenset({"joblib", "cloudpickle"})


@frozen
class Table:
    """The first rows of a table."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    facts: str
    kind: str = "table"


@frozen
class Array:
    """Facts about an array, and a picture of it: a heat map as PNG or points of a line."""

    facts: tuple[tuple[str, str], ...]
    heat: str = ""
    line: tuple[float, ...] = ()
    kind: str = "array"


@frozen
class Image:
    """An archived image, by its media type."""

    media_type: str
    kind: str = "image"


@frozen
class Text:
    """Text, which may be cut."""

    text: str
    note: str = ""
    kind: str = "text"


@frozen
class Nothing:
    """Why nothing is shown."""

    reason: str
    kind: str = "nothing"


def browsing(repo: p.Repository) -> p.Repository:
    """Return *repo* for looking only: it stores and deletes nothing, and executes nothing.

    Of a chain, nothing is copied to nearer repositories either.
    """
    nothing = extending.Permissions(write=False, delete=False, read_through_write=False)
    if repo.tiers:
        tiers = [evolve(tier, permissions=nothing) for tier in repo.tiers]
        repo = p.ChainedRepo(repo.name, stores=tiers)

    def guard(base: extending.Interpreter[Any]) -> extending.Interpreter[Any]:
        return extending.restrict(extending.untrusted(base, repo.name), repo.name, nothing)

    return repo.with_layer(guard)


Preview: TypeAlias = Table | Array | Image | Text | Nothing


def preview_of(artifact: p.Artifact[object], repo: p.Repository) -> Preview:
    """Return what is shown of the value of *artifact*; an error is the reason that nothing is."""
    try:
        return _preview_of(artifact, repo)
    except p.UntrustedStoreError:
        advice = "`provenance cat` reads it; use that if you trust its writer"
        return Nothing(f"values written as {artifact.serializer} may execute code; {advice}")
    except Exception as error:  # noqa: BLE001 - damaged bytes raise anything, and the page is about the record
        return Nothing(f"cannot be shown: {type(error).__name__}: {error}")


def _preview_of(artifact: p.Artifact[object], repo: p.Repository) -> Preview:
    if artifact.composite:
        return Nothing("a composite: its parts are artifacts of their own, see its sources")
    if artifact.serializer == "file":
        return _file(artifact, repo)
    if artifact.serializer in _TABLES:
        return repo.read_bytes_of(artifact.value_blob, _parquet)
    if artifact.size_bytes > MOST_BYTES:
        return Nothing(f"too large to be shown: {size(artifact.size_bytes)}")
    return _value(read_safely(artifact))


def read_safely(artifact: p.Artifact[object]) -> object:
    """Read a value from a repository that refuses to execute code.

    What joblib wrote is a pickle, too: if it holds nothing but builtins, it can be read as one.

    Raises:
        UntrustedStoreError: if reading it could execute code.
    """
    has_options = artifact.dump_kwargs or artifact.load_kwargs
    if artifact.serializer in _PICKLES and not has_options:
        return artifact.origin.load_value(evolve(artifact, serializer="pickle"))
    return artifact.value


def _file(artifact: p.Artifact[object], repo: p.Repository) -> Preview:
    start = repo.read_bytes_of(artifact.value_blob, lambda source: source.read(MOST_TEXT + 4))
    kind = image_type(start)
    if kind is not None:
        if artifact.size_bytes > MOST_IMAGE:
            return Nothing(f"an image, too large to be shown: {size(artifact.size_bytes)}")
        return Image(kind)
    # The last character may be cut.
    text = start[:MOST_TEXT].decode("utf-8", "ignore")
    if b"\0" in start or len(text.encode()) < min(len(start), MOST_TEXT) - 4:
        return Nothing("a binary file")
    return Text(text, "the beginning is shown" if artifact.size_bytes > MOST_TEXT else "")


def read_image(artifact: p.Artifact[object], repo: p.Repository) -> tuple[bytes, str] | None:
    """Return the bytes and the media type of an archived image; None if it is none."""
    if artifact.serializer != "file" or artifact.size_bytes > MOST_IMAGE:
        return None
    data = repo.read_bytes_of(artifact.value_blob, lambda source: source.read())
    kind = image_type(data)
    return None if kind is None else (data, kind)


# ---------------------------------------------------------------- tables


def _parquet(source: BinaryIO) -> Preview:
    """Read the schema and the first rows, and no more."""
    decoded, dictionary = bound_pages(source)
    if decoded > MOST_BYTES + _EXPANSION * source.seek(0, io.SEEK_END):
        return Nothing("it would be decoded to far more than is stored")
    rows = max(1, min(MOST_ROWS, MOST_BYTES // max(1, dictionary)))
    file: Any = import_module("pyarrow.parquet").ParquetFile(source)
    schema = file.schema_arrow
    if bound_fixed_lists(schema, rows, decoded) > MOST_BYTES:
        return Nothing("its first rows may be too large to be shown")
    names = [name for name in schema.names if not name.startswith("__index_level_")]
    names = names[:MOST_COLUMNS] or list(schema.names[:MOST_COLUMNS])
    batch: Any = next(iter(file.iter_batches(batch_size=rows, columns=names)), None)
    if batch is not None and batch.nbytes > MOST_BYTES:
        return Nothing(f"its first rows are too large to be shown: {size(batch.nbytes)}")
    types = [str(schema.field(name).type) for name in names]
    columns = [] if batch is None else [batch.column(i).to_pylist() for i in range(len(names))]
    return _table(names, types, zip(*columns, strict=True), file.metadata.num_rows, len(schema))


def _table(
    names: Sequence[object],
    types: Sequence[str],
    rows: Iterable[Sequence[object]],
    height: int,
    width: int,
) -> Table:
    cells = tuple(tuple(map(_cell, row)) for row in islice(rows, MOST_ROWS))
    facts = f"{height:,} rows, {width:,} columns"
    if len(cells) < height or len(names) < width:
        facts += f"; the first {len(cells):,} rows"
        facts += f" of {len(names):,} columns are shown" if len(names) < width else " are shown"
    return Table(tuple(zip(map(str, names), types, strict=True)), cells, facts)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}" if math.isfinite(value) else str(value)
    text = value if isinstance(value, str) else safe_repr(value)
    return text if len(text) <= _CELL else f"{text[:_CELL]}…"


# ---------------------------------------------------------------- values


def _value(value: Any) -> Preview:  # noqa: ANN401 - any value that a safe format gives
    library = type(value).__module__.partition(".")[0]
    if library == "numpy" and getattr(value, "ndim", 0) > 0:
        return _array(value)
    if library == "pyarrow" and hasattr(value, "schema"):
        names = value.schema.names[:MOST_COLUMNS]
        types = [str(value.schema.field(name).type) for name in names]
        part = value.slice(0, MOST_ROWS)
        columns = [part.column(i).to_pylist() for i in range(len(names))]
        return _table(names, types, zip(*columns, strict=True), len(value), len(value.schema))
    if isinstance(value, p.ArchivedFile):
        return _folder(value)
    if isinstance(value, Mapping) and value:
        named = cast("Mapping[object, Any]", value)
        if all(hasattr(one, "shape") and hasattr(one, "dtype") for one in named.values()):
            return _tensors(named)
    if isinstance(value, bytes):
        return Text(truncate(cast("object", value)), f"{len(value):,} bytes")
    shown = cast("object", value)
    text = shown if isinstance(shown, str) else pprint.pformat(shown, width=96, sort_dicts=False)
    note = f"{len(text):,} characters; the beginning is shown" if len(text) > MOST_TEXT else ""
    return Text(text[:MOST_TEXT], note)


def _folder(value: p.ArchivedFile) -> Preview:
    members: Any = getattr(value, "members", ())
    rows = ((entry.path, size(entry.blob.size)) for entry in members)
    return _table(("file", "size"), ("", ""), rows, len(members), 2)


def _tensors(values: Mapping[object, Any]) -> Table:
    rows = (
        (str(name), " × ".join(map(str, one.shape)) or "scalar", str(one.dtype))  # noqa: RUF001 - the sign of a product
        for name, one in values.items()
    )
    return _table(("name", "shape", "type"), ("", "", ""), rows, len(values), 3)


def _array(value: Any) -> Array:  # noqa: ANN401 - an array; NumPy is not imported here
    facts = [
        ("shape", " × ".join(map(str, value.shape))),  # noqa: RUF001 - as above
        ("type", str(value.dtype)),
    ]
    if value.dtype.kind not in "biuf" or value.size == 0:
        return Array(tuple(facts))
    numbers = value.astype("float64")
    finite = numbers[abs(numbers) < math.inf]
    if finite.size < numbers.size:
        facts.append(("not finite", f"{numbers.size - finite.size:,}"))
    if not finite.size:
        return Array(tuple(facts))
    low, high = float(finite.min()), float(finite.max())
    facts += [("min", f"{low:g}"), ("mean", f"{float(finite.mean()):g}"), ("max", f"{high:g}")]
    span = high - low or 1.0
    if value.ndim == 1:
        steps = max(1, math.ceil(value.size / _POINTS))
        line = ((numbers[::steps] - low) / span).tolist()
        return Array(tuple(facts), line=tuple(one if math.isfinite(one) else 0.0 for one in line))
    flat = numbers.reshape(numbers.shape[0], -1)
    down, right = (max(1, math.ceil(length / _CELLS)) for length in flat.shape)
    shades: Any = (flat[::down, ::right] - low) / span
    rows = [[_shade(one) for one in row] for row in shades.tolist()]
    return Array(tuple(facts), heat=_png(rows))


def _shade(fraction: float) -> int:
    return round(255 * min(max(fraction, 0.0), 1.0)) if math.isfinite(fraction) else 0


_STOPS: Final = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""Colors of the scale from low to high, those of viridis."""


def _color(shade: int) -> bytes:
    place = shade / 255 * (len(_STOPS) - 1)
    at = min(int(place), len(_STOPS) - 2)
    pairs = zip(_STOPS[at], _STOPS[at + 1], strict=True)
    return bytes(round(a + (b - a) * (place - at)) for a, b in pairs)


def _png(rows: list[list[int]]) -> str:
    """Return shades as the data URL of a PNG with a palette."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 3, 0, 0, 0)
    palette = b"".join(map(_color, range(256)))
    pixels = b"".join(b"\0" + bytes(row) for row in rows)
    parts = (b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")
    data = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"

"""The serializer of streams: a stream is stored as its manifest, and its chunks as artifacts of their own."""

from __future__ import annotations

from typing import BinaryIO, cast

from provenance.streams.stream import Manifest, StoredItems, Stream, stream_of


def is_stream(value: object) -> bool:
    """Tell whether *value* is a stream whose items are stored."""
    return type(value) is Stream and isinstance(value.items(), StoredItems)


def dump_stream(value: object, sink: BinaryIO) -> None:
    """Write the manifest of a stream; raise TypeError for anything else."""
    if not is_stream(value):
        raise TypeError(f"serializer 'stream' writes streams, not {type(value).__qualname__}")
    items = cast("StoredItems", cast("Stream[object]", value).items())
    sink.write(items.manifest.to_json().encode())


def load_stream(source: BinaryIO) -> object:
    """Return the stream of a manifest; its items are read when they are used."""
    return stream_of(Manifest.from_json(source.read()))

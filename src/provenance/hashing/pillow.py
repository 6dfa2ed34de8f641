"""Pillow: images by the pixels of all frames, the palette, the information and the EXIF tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provenance.hashing.encoding import Buffer, Item, node, prefix
from provenance.hashing.registry import inherited, name_of
from provenance.hashing.walk import Walk

_IMAGE = prefix("pillow image")


@inherited("PIL.Image:Image")
def _image(value: Any, walk: Walk) -> Item:
    value.load()
    exif = {tag: content for tag, content in value.getexif().items()}  # noqa: C416 - not a mapping
    facts = walk.items([value.mode, value.size, dict(value.info), exif])
    palette = value.getpalette() if value.mode in {"P", "PA"} else None
    return node(_IMAGE, (name_of(value), *facts, walk.item(palette), *_frames(value)))


def _frames(value: Any) -> Iterator[Item]:
    """Yield the item of the pixels that are shown, and of those of each other frame."""
    yield Buffer(value.tobytes()).item()
    count = getattr(value, "n_frames", 1)
    if count == 1:
        return
    shown: int = value.tell()
    yield shown
    try:
        for at in range(count):
            value.seek(at)
            yield Buffer(value.tobytes()).item()
    finally:
        value.seek(shown)

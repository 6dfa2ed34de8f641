"""Which bytes are an image that a browser may show."""

from typing import Final

MOST_IMAGE: Final = 8_000_000
"""Size in bytes up to which an image is displayed."""
_MAGIC: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def image_type(start: bytes) -> str | None:
    """Return the media type of an image, by its first bytes; None for anything else, also for SVG."""
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)

"""PNG from SVG by the library `resvg`, which needs no system packages."""

from __future__ import annotations

import math
from typing import Final

from provenance.errors import ConfigError

SHARP: Final = 2.0
"""Pixels per unit of the drawing."""
MOST_DOTS: Final = 16_000_000
"""Maximum number of pixels."""
LONGEST: Final = 12_000
"""Maximum number of pixels of one side."""


def png(svg: str, width: float, height: float) -> bytes:
    """Return the drawing of this size as PNG.

    Raises:
        ConfigError: if `resvg-py` is not installed.
    """
    try:
        import resvg_py  # noqa: PLC0415 - optional
    except ImportError as error:
        advice = (
            "run `pip install 'provenance[vis]'`, or save as SVG or HTML, which need no library"
        )
        raise ConfigError(
            "vis", "PNG needs the library resvg-py, which is not installed", advice
        ) from error
    zoom = scale(width, height)
    broad, high = max(1, int(width * zoom)), max(1, int(height * zoom))
    if zoom == SHARP:
        return resvg_py.svg_to_bytes(svg, width=broad, height=high)
    # Three times as fast, and the difference cannot be seen at a small scale.
    return resvg_py.svg_to_bytes(
        svg,
        width=broad,
        height=high,
        shape_rendering="optimize_speed",
        text_rendering="optimize_speed",
    )


def scale(width: float, height: float) -> float:
    """Return the pixels per unit, so that the picture is sharp but not too large.

    >>> scale(500, 400), scale(100_000, 10), scale(20_000, 20_000) < 1
    (2.0, 0.12, True)
    """
    return min(SHARP, LONGEST / max(width, height), math.sqrt(MOST_DOTS / (width * height)))

"""An SVG as PNG, by the `resvg` library, which comes as a wheel and needs no program of the system."""

from __future__ import annotations

import math
from typing import Final

from provenance.errors import ConfigError

SHARP: Final = 2.0
"""Dots for each unit of the drawing …"""
MOST_DOTS: Final = 16_000_000
"""… unless the picture gets too large for it in all …"""
LONGEST: Final = 12_000
"""… or on one side."""


def png(svg: str, width: float, height: float) -> bytes:
    """The drawing of this size in dots.

    Raises:
        ConfigError: if `resvg-py` is not installed.
    """
    try:
        import resvg_py  # noqa: PLC0415 - only who wants PNG needs it
    except ImportError as error:
        advice = "install it with `pip install 'provenance[vis]'`, or save SVG or HTML, which need nothing"
        raise ConfigError("vis", "PNG needs the library resvg-py, which is not installed", advice) from error
    zoom = scale(width, height)
    broad, high = max(1, int(width * zoom)), max(1, int(height * zoom))
    if zoom == SHARP:
        return resvg_py.svg_to_bytes(svg, width=broad, height=high)
    return resvg_py.svg_to_bytes(  # in a third of the time; in small print nobody sees the difference
        svg, width=broad, height=high, shape_rendering="optimize_speed", text_rendering="optimize_speed"
    )


def scale(width: float, height: float) -> float:
    """Dots for each unit, so that the picture is sharp and not too large.

    >>> scale(500, 400), scale(100_000, 10), scale(20_000, 20_000) < 1
    (2.0, 0.12, True)
    """
    return min(SHARP, LONGEST / max(width, height), math.sqrt(MOST_DOTS / (width * height)))

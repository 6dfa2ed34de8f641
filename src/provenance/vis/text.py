"""Short texts, cut to fit."""

from __future__ import annotations

import unicodedata
from typing import Final

from provenance.escaping import JOINERS

_NARROW: Final = frozenset("iljtfrI.,:;'|!()[]{} `/\\-\"")
_BROAD: Final = frozenset("mwMW@%…—<>&#=+~")


def width(text: str) -> float:
    """Estimate the width of *text* in a proportional font, in units of the font size, from above.

    >>> width("iii") < width("nnn") < width("mmm") < width("日本語")
    True
    """
    return sum(map(_width, text))


def _width(character: str) -> float:
    if character in _NARROW:
        return 0.42
    if character in _BROAD:
        return 0.97
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if unicodedata.combining(character) or character in JOINERS:
        return 0.0
    return 0.7 if character.isupper() else 0.63


def fit_text(text: str, room: float) -> str:
    """Return *text*, or what fits into *room* of its start and end, with an ellipsis between.

    >>> fit_text("short", 10), fit_text("abcdefghijklmnopqrstuvwxyz", 7)
    ('short', 'abcdef…xyz')
    """
    if width(text) <= room:
        return text
    room -= width("…")
    head = _start(text, room * 2 / 3)
    tail = _start(text[::-1], room - width(head))[::-1]
    return f"{head}…{tail}"


def _start(text: str, room: float) -> str:
    for count, character in enumerate(text):
        room -= _width(character)
        if room < 0:
            return text[:count]
    return text


def size(count: int) -> str:
    """Format a number of bytes.

    >>> size(0), size(999), size(1_234), size(148_200_000)
    ('0 B', '999 B', '1.2 kB', '148 MB')
    """
    amount, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    # From 999.5 on, the amount would be rounded to 1000.
    while amount >= 999.5 and len(units) > 1:  # noqa: PLR2004
        amount, units = amount / 1_000, units[1:]
    decimals = 1 if units[0] != "B" and amount < 10 else 0  # noqa: PLR2004
    return f"{amount:.{decimals}f} {units[0]}"


def duration(seconds: float) -> str:
    """Format a duration in a suitable unit.

    >>> duration(0.0000042), duration(0.042), duration(4.2), duration(252), duration(8000)
    ('4.2 µs', '42 ms', '4.2 s', '4.2 min', '2.2 h')
    """
    units = (("h", 3_600.0, 3_600.0), ("min", 120.0, 60.0), ("s", 1.0, 1.0), ("ms", 1e-3, 1e-3))
    for unit, least, one in units:
        if seconds >= least:
            return _amount(seconds / one, unit)
    return _amount(max(seconds, 0.0) / 1e-6, "µs")


def _amount(number: float, unit: str) -> str:
    decimals = 1 if number < 9.95 and round(number, 1) != round(number) else 0  # noqa: PLR2004
    return f"{number:.{decimals}f} {unit}"

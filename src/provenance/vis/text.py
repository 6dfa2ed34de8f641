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

"""Facts in a few characters, safe to be shown: nothing that a reader would not see, nothing longer than its place."""

from __future__ import annotations

import unicodedata
from typing import Final

JOINERS: Final = "\u200c\u200d"
"""Invisible, but scripts and emoji are written with them."""
_NARROW: Final = frozenset("iljtfrI.,:;'|!()[]{} `/\\-\"")
_BROAD: Final = frozenset("mwMW@%…—<>&#=+~")


def visible(text: str) -> str:
    r"""*text* in one line, with an escape in place of each character that would not be seen, or not as what it is.

    Among these are line breaks, what turns the direction of writing, and what XML forbids.

    >>> visible("two\nlines"), visible("né"), visible(chr(0x202E) + "x")
    ('two\\nlines', 'né', '\\u202ex')
    """
    return "".join(each if each.isprintable() or each in JOINERS else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def width(text: str) -> float:
    """Roughly how wide *text* is in a proportional font, in units of the font's size; rather too much than too little.

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


def fitted(text: str, room: float) -> str:
    """*text*, or as much of its beginning and end as fit into *room*, with an ellipsis between them.

    >>> fitted("short", 10), fitted("abcdefghijklmnopqrstuvwxyz", 7)
    ('short', 'abcdef…xyz')
    """
    if width(text) <= room:
        return text
    room -= width("…")
    head = _taken(text, room * 2 / 3)
    tail = _taken(text[::-1], room - width(head))[::-1]
    return f"{head}…{tail}"


def _taken(text: str, room: float) -> str:
    for count, each in enumerate(text):
        room -= _width(each)
        if room < 0:
            return text[:count]
    return text


def size(count: int) -> str:
    """A number of bytes in the usual units.

    >>> size(0), size(999), size(1_234), size(148_200_000)
    ('0 B', '999 B', '1.2 kB', '148 MB')
    """
    amount, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 999.5 and len(units) > 1:  # noqa: PLR2004 - what would be written 1000
        amount, units = amount / 1_000, units[1:]
    return f"{amount:.1f} {units[0]}" if units[0] != "B" and amount < 10 else f"{amount:.0f} {units[0]}"  # noqa: PLR2004


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> duration(0.0000042), duration(0.042), duration(4.2), duration(252), duration(8000)
    ('4.2 µs', '42 ms', '4.2 s', '4.2 min', '2.2 h')
    """
    units = (("h", 3_600.0, 3_600.0), ("min", 120.0, 60.0), ("s", 1.0, 1.0), ("ms", 1e-3, 1e-3))
    for unit, least, one in units:
        if seconds >= least:
            return _amount(seconds / one, unit)
    return _amount(max(seconds, 0.0) / 1e-6, "µs")


def _amount(number: float, unit: str) -> str:
    decimals = 1 if number < 9.95 and round(number, 1) != round(number) else 0  # noqa: PLR2004 - two digits will do
    return f"{number:.{decimals}f} {unit}"

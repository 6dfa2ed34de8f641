"""Texts that show all that is in them, for terminals, logs and pictures.

Names, arguments and errors come from stores that others may write to.
"""

from __future__ import annotations

import logging
from itertools import chain
from typing import Final

JOINERS: Final = "\u200c\u200d"
"""Invisible characters that scripts and emoji need."""
_BLANK: Final = frozenset(
    map(
        chr,
        chain(
            (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
            range(0x180B, 0x1810),
            range(0xFE00, 0xFE10),
            range(0xE0100, 0xE01F0),
        ),
    )
)
"""Characters that show nothing although `str.isprintable` holds for them: fillers and selectors of variants.

The source is the property Default_Ignorable_Code_Point of Unicode 16; the blank of Braille is added.
"""


def escape_invisible(text: str) -> str:
    r"""Return *text* in one line, with characters that are invisible or misleading escaped.

    Among these are line breaks, the escape sequences of terminals, changes of writing direction,
    fillers, and what XML forbids.

    >>> escape_invisible("two\nlines"), escape_invisible("né"), escape_invisible(chr(0x202E) + "x")
    ('two\\nlines', 'né', '\\u202ex')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if (character.isprintable() and character not in _BLANK) or character in JOINERS
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def _escape_message(record: logging.LogRecord) -> bool:
    """Make the message of *record* one line that shows what is in it, so that no name forges a line."""
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001 - `logging` itself reports what cannot be formatted
        return True
    if (escaped := escape_invisible(message)) != message:
        record.msg, record.args = escaped, ()
    return True


logging.getLogger("provenance").addFilter(_escape_message)

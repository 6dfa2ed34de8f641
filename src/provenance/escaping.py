"""Texts that show all that is in them, for terminals, logs, notebooks and pictures.

Names, arguments and errors come from stores that others may write to.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from typing import Final

JOINERS: Final = "\u200c\u200d"
"""Invisible characters that scripts and emoji need."""
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
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
    if text.isprintable() and not _BLANK.search(text):
        return text
    return "".join(
        character
        if (character.isprintable() and not _BLANK.match(character)) or character in JOINERS
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def html_text(text: str) -> str:
    """Return *text* as HTML in one line, which shows all that is in it."""
    from html import escape  # noqa: PLC0415 - brings a table of entities

    return escape(escape_invisible(text))


def html_table(titles: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> str:
    """Return cells of text as an HTML table, with a line below it.

    >>> html_table(("a",), [("<1>",)], "one")
    '<table><tr><th>a</th></tr><tr><td>&lt;1&gt;</td></tr></table><p>one</p>'
    """
    lines = [("th", titles), *(("td", row) for row in rows)]
    cells = ["".join(f"<{tag}>{html_text(cell)}</{tag}>" for cell in row) for tag, row in lines]
    table = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table>{table}</table>" + (f"<p>{html_text(note)}</p>" if note else "")


def text_table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], *, right: int = 0
) -> list[str]:
    """Return the lines of cells as a table of text; the last *right* columns are aligned to the right.

    >>> text_table(("name", "size"), [("a", "10 B"), ("long", "5 B")], right=1)
    ['name  size', 'a     10 B', 'long   5 B']
    """
    lines = [tuple(map(escape_invisible, row)) for row in (titles, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    sides = [*"<" * (len(titles) - right), *">" * right]
    return [
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)
        ).rstrip()
        for row in lines
    ]


def html_facts(title: str, facts: Iterable[tuple[str, object]]) -> str:
    """Return named facts as an HTML table; empty ones are left out.

    >>> html_facts("one", [("size", "2 B"), ("tags", "")])
    '<table><tr><th colspan="2">one</th></tr><tr><th>size</th><td>2 B</td></tr></table>'
    """
    rows = "".join(
        f"<tr><th>{html_text(name)}</th><td>{html_text(str(fact))}</td></tr>"
        for name, fact in facts
        if fact not in ("", None)
    )
    return f'<table><tr><th colspan="2">{html_text(title)}</th></tr>{rows}</table>'


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

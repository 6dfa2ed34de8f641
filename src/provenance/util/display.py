"""Tables and images for notebooks and pages."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Final

from provenance.escaping import escape_invisible

MOST_IMAGE: Final = 8_000_000
"""Size in bytes up to which an image is displayed."""
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def image_type(start: bytes) -> str | None:
    """Return the media type of an image by its first bytes; None for anything else.

    SVG is not among them: it is a document with scripts.

    >>> image_type(b"GIF89a..."), image_type(b"<svg>")
    ('image/gif', None)
    """
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if start.startswith(magic)), None)


def html_text(text: str) -> str:
    """Return *text* as HTML in one line, which shows all that is in it."""
    return html.escape(escape_invisible(text))


def html_table(titles: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> str:
    """Return cells of text as an HTML table, with a line below it.

    >>> html_table(("a",), [("<1>",)], "one")
    '<table><tr><th>a</th></tr><tr><td>&lt;1&gt;</td></tr></table><p>one</p>'
    """
    lines = [("th", titles), *(("td", row) for row in rows)]
    cells = ["".join(f"<{tag}>{html_text(cell)}</{tag}>" for cell in row) for tag, row in lines]
    table = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table>{table}</table>" + (f"<p>{html_text(note)}</p>" if note else "")


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

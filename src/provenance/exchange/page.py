"""The page of a bundle: what is in it, for people who have nothing but a browser."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from provenance.escaping import escape_invisible
from provenance.exchange.closure import Closure, Entry, artifacts_in
from provenance.exchange.rocrate import path_of
from provenance.model.ids import ArtifactId
from provenance.model.rows import json_text
from provenance.util.formatting import SHORT, duration, size

_LONGEST = 100
"""Characters of an argument that are shown."""
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #8884}code{font-size:.9em;overflow-wrap:anywhere}tr:target{background:#fd08}"
)


def page(closure: Closure) -> str:
    """Return an HTML page that lists the artifacts of *closure*, results first; it needs no script and no network."""
    names = [_text(known.name or known.id) for known in closure.sets]
    roots = [entry for entry in closure.entries if entry.record.id in closure.roots]
    sources = [entry for entry in closure.entries if entry.record.id not in closure.roots]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width"><title>Results</title>',
        f"<style>:root{{color-scheme:light dark}}{_STYLE}</style></head><body><h1>Results</h1>",
        f"<p>Sets: {', '.join(names)}</p>" if names else "",
        *_table(roots, closure),
        "<h2>What they were made from</h2>" if sources else "",
        *_table(sources[::-1], closure),
        "<p>Values and inputs are in <code>blobs</code>, records in <code>records.db</code>. ",
        "<code>provenance.open_bundle</code> reads the file.</p></body></html>\n",
    ]
    return "\n".join(filter(None, parts))


def _table(entries: list[Entry], closure: Closure) -> Iterator[str]:
    if not entries:
        return
    yield "<table><tr><th>artifact<th>call<th>value<th>computed</tr>"
    for entry in entries:
        record = entry.record
        given = ", ".join(_argument(name, entry, closure.ids) for name in entry.inputs)
        kind = record.value_type.rpartition(":")[2]
        moment = f"{record.computed_at:%Y-%m-%d %H:%M} UTC, {duration(record.compute_duration)}"
        code = closure.source_digests(record)
        called = (
            f'<a href="sources/{code[0]}.py">{_text(record.name)}</a>'
            if code
            else _text(record.name)
        )
        yield (
            f'<tr id="{record.id}"><td><code>{record.id[:SHORT]}</code>'
            f"<td>{called}({given}), version {record.version}"
            f'<td><a href="{path_of(record)}">{_text(kind)}</a>, {size(record.size_bytes)}, {_text(record.serializer)}'
            f"<td>{moment}</tr>"
        )
    yield "</table>"


def _argument(name: str, entry: Entry, known: frozenset[ArtifactId]) -> str:
    """Return an argument as HTML: text, with links to the artifacts in it."""
    value = entry.inputs[name]
    links = [
        f'<a href="#{source}"><code>{source[:SHORT]}</code></a>'
        if source in known
        else f"<code>{source[:SHORT]}</code>"
        for source in artifacts_in(value)
    ]
    text = json_text(value)
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    shown = " ".join(links) if links else f"<code>{_text(short)}</code>"
    return f"{_text(name)}={shown}"


def _text(text: str) -> str:
    return escape(escape_invisible(text))

"""Values as short texts of a table: times, counts, arguments."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Final

from provenance.documents.items import Item, Json


def count_of(number: int, noun: str) -> str:
    """Return a number of things.

    >>> count_of(1, "artifact"), count_of(1_200, "entry")
    ('1 artifact', '1,200 entries')
    """
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1] + 'ies' if noun.endswith('y') else noun + 's'}"


def format_time(text: str, now: datetime) -> str:
    """Format a time, given as ISO 8601 in UTC, in the time zone of *now*.

    >>> now = datetime.fromisoformat("2026-11-28T12:00:00Z")
    >>> [format_time(f"2026-11-{day}T09:14:03Z", now) for day in (28, 27, 10)]
    ['today 09:14', 'yesterday 09:14', '2026-11-10 09:14']
    """
    moment = datetime.fromisoformat(text).astimezone(now.tzinfo)
    days = (now.date() - moment.date()).days
    day = {0: "today", 1: "yesterday"}.get(days, f"{moment:%Y-%m-%d}")
    return f"{day} {moment:%H:%M}"


_INSIDE: Final = re.compile(r"""\{['"]artifact['"]: ['"]([0-9a-f]{8})[0-9a-f]*['"]\}""")
"""An artifact inside a recorded argument."""


def format_argument(value: Json) -> str:
    """Return a recorded argument as a short text.

    >>> format_argument({"artifact": "8a77" * 10}), format_argument("a"), format_argument([1, None])
    ('8a778a77…', "'a'", '[1, None]')
    >>> format_argument({"type": "numpy:ndarray", "hash": "ff", "shape": [3, 4], "dtype": "int8"})
    'ndarray(3, 4)'
    >>> format_argument({"best": {"artifact": "8a77" * 10}})
    '{"best": 8a778a77…}'
    """
    if not isinstance(value, dict):
        text = repr(value)
    elif value.keys() == {"artifact"}:
        return f"{str(value['artifact'])[:8]}…"
    elif isinstance(kind := value.get("type"), str) and "hash" in value:
        shape = value.get("shape")
        sizes = ", ".join(map(str, shape)) if isinstance(shape, list) else str(value.get("len", ""))
        return f"{kind.rpartition(':')[2]}({sizes})"
    else:
        text = json.dumps(value, ensure_ascii=False)
    text = _INSIDE.sub(r"\1…", text)
    return text if len(text) <= 40 else text[:39] + "…"  # noqa: PLR2004


def format_arguments(item: Item) -> str:
    """Return the recorded arguments of an artifact in one line."""
    inputs = item.get("inputs")
    if not isinstance(inputs, dict):
        return ""
    return ", ".join(f"{name}={format_argument(value)}" for name, value in inputs.items())

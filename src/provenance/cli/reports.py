"""What commands answer: reports that can be printed as text, JSON, CSV or ids.

A report holds JSON objects, which are a promise: names stay, and new ones may come. Its text is made
of them alone, so that both always say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from attrs import field, frozen

from provenance.documents.items import Item, Json


@frozen
class Column:
    """A column of a table: its title, and how the cell of an item is written.

    A flexible column is cut on a narrow terminal, down to `least` characters. Where that is not enough, columns with a
    `rank` are left out, the highest first.
    """

    title: str
    cell: Callable[[Item], str]
    right: bool = False
    flexible: bool = False
    least: int = 8
    rank: int = 0


@frozen
class Listing:
    """A list of things.

    Attributes:
        items: the things, as JSON objects.
        columns: how they are shown in a table.
        footer: a line below the table.
        next: what `--after` continues with; None at the end.
        id: the key of an item's id.
        empty: what is said instead of an empty table.
        code: the exit code.
        extra: more of the JSON document, beside the items.
    """

    items: tuple[Item, ...]
    columns: tuple[Column, ...]
    footer: str = ""
    next: str | None = None
    id: str = "id"
    empty: str = "nothing found"
    code: int = 0
    extra: Item = field(factory=dict)

    @property
    def document(self) -> Item:
        """The JSON document."""
        return {**self.extra, "items": list(self.items), "next": self.next}


@frozen
class Facts:
    """Facts about one thing.

    Attributes:
        document: the JSON document.
        rows: the facts as text, with their names.
        text: more lines, below them.
        code: the exit code.
        id: the key of the thing's id in the document.
    """

    document: Item
    rows: tuple[tuple[str, str], ...] = ()
    text: str = ""
    code: int = 0
    id: str = "id"

    @property
    def items(self) -> tuple[Item, ...]:
        """The document, as the only item."""
        return (self.document,)


@frozen
class Raw:
    """Bytes or text that is written as it is, without a form of its own as JSON."""

    data: bytes = field(repr=False)


Report: TypeAlias = Listing | Facts | Raw


def flatten(item: Mapping[str, Json], start: str = "") -> dict[str, Json]:
    """Return *item* with a key for each entry of its dictionaries: `inputs.depth`.

    >>> flatten({"id": "a", "inputs": {"depth": 3, "data": {"artifact": "b"}}, "tags": ["x"]})
    {'id': 'a', 'inputs.depth': 3, 'inputs.data.artifact': 'b', 'tags': ['x']}
    """
    flat: dict[str, Json] = {}
    for key, value in item.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{start}{key}.")
        else:
            flat[f"{start}{key}"] = value
    return flat

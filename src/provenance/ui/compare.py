"""The page that compares two artifacts: facts, arguments, code, environment and values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from attrs import frozen

import provenance as p
from provenance.documents.items import Item, artifact_item, diff_item, run_document
from provenance.ui.pages import Page, find_artifact, without_tags
from provenance.ui.previews import preview_of, read_safely
from provenance.util.formatting import duration, size


@frozen
class Row:
    """A line of a comparison: a name, and its text on both sides."""

    name: str
    a: object
    b: object

    @property
    def differs(self) -> bool:
        """Whether the sides differ."""
        return self.a != self.b


def _rows(a: Mapping[str, object], b: Mapping[str, object]) -> list[Row]:
    return [Row(name, a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b])]


_COMPARED: Final[dict[str, tuple[str, Callable[[Any], object]]]] = {
    "name": ("function", str),
    "fn_version": ("version", str),
    "value_id": ("value id", str),
    "value_type": ("type of the value", str),
    "size_bytes": ("size", size),
    "serializer": ("serializer", str),
    "compute_duration": ("took", duration),
    "computed_at": ("computed", lambda text: f"{text[:19].replace('T', ' ')} UTC"),
    "tags": ("tags", ", ".join),
    "custom_fields": ("custom fields", lambda given: json.dumps(without_tags(given))),
}


def compare(repo: p.Repository, given: Mapping[str, str]) -> Page:
    """Return the page that compares two artifacts; a form if one is missing."""
    first, second = given.get("a", ""), given.get("b", "")
    if not (first and second):
        content: dict[str, object] = {"a": None, "b": None, "first": first, "second": second}
        return Page("compare", "Compare", content)
    ones = [find_artifact(repo, text.strip()) for text in (first, second)]
    a, b = [artifact_item(one, repo) for one in ones]
    found = p.diff(*ones, values=False)
    differences, problem = _value_differences(*ones)
    content = {
        "a": a,
        "b": b,
        "first": ones[0].id,
        "second": ones[1].id,
        "facts": [
            Row(title, show(a[name]), show(b[name])) for name, (title, show) in _COMPARED.items()
        ],
        "inputs": _rows(cast("Item", a["inputs"]), cast("Item", b["inputs"])),
        "code": found.code,
        "parting": found.parting,
        "environment": [row for row in _rows(*map(_environment, ones)) if row.differs],
        "previews": [preview_of(one, repo) for one in ones],
        "differences": differences,
        "problem": problem,
        "is_same_run": ones[0].run_id == ones[1].run_id,
    }
    document: Item = {**diff_item(found), "value": cast("Any", differences)}
    return Page("compare", f"{ones[0].id[:12]} and {ones[1].id[:12]}", content, document)


def _environment(one: p.Artifact[object]) -> dict[str, object]:
    """Return the facts of a run that may explain a difference, without what differs always."""
    try:
        run = run_document(one.run_info)
    except (p.RunNotFoundError, p.CorruptRecordError):
        return {}
    flat: dict[str, object] = {}
    for kind in ("host", "python", "git", "packages", "extra"):
        group = run.get(kind)
        if isinstance(group, dict):
            flat |= {f"{kind}.{name}": value for name, value in group.items()}
    return flat


def _value_differences(
    one: p.Artifact[object], other: p.Artifact[object]
) -> tuple[list[Item], str]:
    """Return where the values differ, and why that cannot be said if so."""
    if one.value_id == other.value_id:
        return [], ""
    try:
        found = p.hash_differences(read_safely(one), read_safely(other), limit=50)
    except p.UntrustedStoreError:
        return [], "reading them could execute code"
    except Exception as error:  # noqa: BLE001 - damaged bytes raise anything
        return [], f"they cannot be read: {type(error).__name__}: {error}"
    differences: list[Item] = [
        {"path": one.path, "change": one.change.value, "a": one.first, "b": one.second}
        for one in found
    ]
    return differences, ""

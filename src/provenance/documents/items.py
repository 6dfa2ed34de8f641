"""JSON documents of artifacts, runs, sets and usage.

Names and types in them are a promise: they stay, and new names may come.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, cast

from attrs import fields

import provenance as p
from provenance.extending import FindRun, ListSetIds, RunId

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Item: TypeAlias = "dict[str, Json]"

VERSION: Final = 1
"""Version of the JSON documents. It changes when a name goes or gets another meaning."""

_ALL: Final = 2**31 - 1
"""The most ids that a database takes for a limit."""


def write_document(document: Mapping[str, Json]) -> str:
    """Return a JSON document with its version as text."""
    return json.dumps({"version": VERSION, **document})


def as_json(value: object) -> Json:
    """Return *value* as JSON: mappings and sequences by their members, other things as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict) or hasattr(value, "items"):
        items = cast("Any", value).items()
        if not isinstance(value, dict):
            # Frozen mappings have an order of their own, which differs between processes.
            items = sorted(items, key=lambda entry: str(entry[0]))
        return {str(key): as_json(member) for key, member in items}
    if isinstance(value, set | frozenset):
        value = sorted(map(str, cast("set[object]", value)))
    if isinstance(value, list | tuple):
        return [*map(as_json, cast("list[object]", value))]
    return str(value)


def time_json(moment: datetime) -> str:
    """Return a time as JSON documents have it.

    >>> time_json(datetime(2026, 11, 28, 9, 14, 3, 118_000, UTC))
    '2026-11-28T09:14:03.118000Z'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def attributes(thing: object, *names: str) -> Item:
    """Return attributes of *thing* as JSON, by their names."""
    values = ((name, getattr(thing, name)) for name in names)
    return {
        name: time_json(value) if isinstance(value, datetime) else as_json(value)
        for name, value in values
    }


def artifact_item(artifact: p.Artifact[object], repo: p.Repository) -> Item:
    """Return what JSON documents say of an artifact; no value is read."""
    return {
        **attributes(artifact, "id", "name"),
        "fn_version": artifact.version,
        **attributes(artifact, "value_id", "value_type", "serializer", "size_bytes"),
        **attributes(artifact, "compute_duration", "computed_at"),
        **attributes(artifact, "run_id", "tags", "custom_fields"),
        "inputs": as_json(repo.get_recorded_inputs(artifact)),
    }


def artifact_document(artifact: p.Artifact[object], repo: p.Repository) -> Item:
    """Return the JSON document of one artifact."""
    used_by = repo.dependent_ids(artifact)
    return {
        **artifact_item(artifact, repo),
        **attributes(artifact, "fn_module", "fn_name", "fn_qualname", "composite"),
        "content_digest": artifact.content_digest,
        "added_at": artifact.added_at.isoformat(),
        "hash_duration": artifact.hash_duration,
        "input_artifact_ids": as_json(sorted(artifact.input_artifact_ids)),
        "used_by": list(used_by),
        "shadow_checks": [
            attributes(check, "checked_at", "agreed") for check in repo.get_shadow_checks(artifact)
        ],
    }


def lineage_document(graph: p.Lineage, repo: p.Repository) -> Item:
    """Return the JSON document of a lineage: its artifacts, sources first, and what used what."""
    edges = [
        {"from": source, "to": key, "as": place}
        for key in graph.order
        for place, source in graph.uses(key)
    ]
    nodes = [artifact_item(graph.artifacts[key], repo) for key in graph.order]
    return {"root": graph.root, "nodes": as_json(nodes), "edges": as_json(edges)}


def usage_item(usage: p.Usage) -> Item:
    """Return what JSON documents say of a group of artifacts."""
    return attributes(usage, "key", "artifacts", "bytes", "seconds", "oldest", "newest")


def run_item(run: p.Run, usage: p.Usage | None) -> Item:
    """Return what JSON documents say of a run in a list."""
    host = run.host
    return {
        **attributes(run, "id", "parent_id", "created_at"),
        "host": as_json(host.get("nodename") or host.get("hostname") or host.get("node")),
        "command": as_json(run.process.get("cmdline") or run.process.get("argv")),
        "python": as_json(run.python.get("version")),
        "git": as_json(run.git),
        "artifacts": 0 if usage is None else usage.artifacts,
        "bytes": 0 if usage is None else usage.bytes,
        "seconds": 0.0 if usage is None else usage.seconds,
    }


def used_runs(repo: p.Repository) -> list[tuple[p.Run, p.Usage]]:
    """Return the runs as `p.runs` does, each with what it computed; the artifacts are added up once."""
    found = (
        (repo.interpreter(FindRun(RunId(usage.key))), usage) for usage in p.disk_usage("run", repo)
    )
    known = [(run, usage) for run, usage in found if run is not None]
    return sorted(known, key=lambda one: (one[0].created_at, one[0].id), reverse=True)


def runs_of_id(repo: p.Repository, text: str, runs: Iterable[p.Run]) -> list[p.Run]:
    """Return those of *runs* whose ids begin with *text*; by its whole id also one that only started others."""
    found = [one for one in runs if one.id.startswith(text)]
    if found or not re.fullmatch("[0-9a-f]{40}", text):
        return found
    starter = repo.interpreter(FindRun(RunId(text)))
    return [] if starter is None else [starter]


def nest_runs(items: Iterable[Item]) -> list[tuple[Item, int]]:
    """Return runs in their order, each followed by those that it started, with the number of runs above it.

    >>> [(one["id"], depth) for one, depth in nest_runs([
    ...     {"id": "c", "parent_id": "a"}, {"id": "b", "parent_id": None}, {"id": "a", "parent_id": "gone"}
    ... ])]
    [('b', 0), ('a', 0), ('c', 1)]
    """
    by_id = {item["id"]: item for item in items}
    children: dict[Json, list[Item]] = {}
    for item in by_id.values():
        above = item["parent_id"] if item["parent_id"] in by_id else None
        children.setdefault(above, []).append(item)
    nested: list[tuple[Item, int]] = []
    waiting = [(item, 0) for item in reversed(children.pop(None, []))]
    while waiting:
        item, depth = waiting.pop()
        nested.append((item, depth))
        del by_id[item["id"]]
        below = children.pop(item["id"], [])
        waiting += [(child, depth + 1) for child in reversed(below)]
    # What is left are damaged records, which name each other.
    return [*nested, *((item, 0) for item in by_id.values())]


def run_document(run: p.Run) -> Item:
    """Return the JSON document of a run."""
    return attributes(run, *(field.name for field in fields(type(run))))


def set_item(one: p.ArtifactSet) -> Item:
    """Return what JSON documents say of a set."""
    return {
        **attributes(one, "id", "name", "labels", "created_at"),
        "artifacts": len(one),
        "artifact_ids": as_json(sorted(one.artifact_ids)),
    }


def stats_item(
    repo: p.Repository, functions: tuple[p.Usage, ...], runs: tuple[p.Usage, ...]
) -> Item:
    """Return the JSON document that counts what a repository holds, by its functions and by its runs."""
    seconds = sum(one.seconds for one in functions)
    place = p.location(repo)
    return {
        "repo": repo.name,
        "records": place.records,
        "values": place.values,
        "artifacts": sum(one.artifacts for one in functions),
        "functions": len(functions),
        "runs": len(runs),
        "sets": len(repo.interpreter(ListSetIds("", _ALL))),
        "bytes": sum(one.bytes for one in functions),
        "seconds": seconds,
        "newest": max((time_json(one.newest) for one in functions), default=None),
    }


def explanation_item(found: p.Explanation) -> Item:
    """Return the JSON document that explains why an artifact was computed."""
    document: Item = {
        "kind": type(found).__name__,
        "id": found.artifact_id,
        "name": found.name,
        "text": repr(found),
    }
    if isinstance(found, p.Lost):
        document |= attributes(found, "when")
    if isinstance(found, p.CallDiffers):
        document |= attributes(found, "nearest", "computed_at", "inputs", "identity")
    if isinstance(found, p.CallDiffers | p.IsStored | p.Outdated):
        document["changes"] = changes_text(found.changes)
    return document


def changes_text(changes: Iterable[p.CodeChange]) -> list[Json]:
    """Return what JSON documents say of changes of the code."""
    return [f"{change.name} {change.what}" for change in changes]


def diff_item(found: p.ArtifactDiff) -> Item:
    """Return the JSON document of how two artifacts differ."""
    return {
        **attributes(found, "first", "second"),
        "differ": bool(found),
        **attributes(found, "identity", "inputs"),
        "code": [attributes(one, "name", "what", "lines") for one in found.code],
        **attributes(found, "run", "value"),
        "parting": None
        if found.parting is None
        else {**attributes(found.parting, "first", "second"), "text": str(found.parting)},
    }

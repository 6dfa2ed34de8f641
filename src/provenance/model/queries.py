"""Search queries, and the predicate that decides whether an artifact matches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final, cast

from attrs import field, frozen

from provenance.model.ids import ArtifactId, RunId
from provenance.model.records import NO_OPTIONS, ArtifactRecord, Options
from provenance.util.formatting import safe_repr

_ABSENT: Final = object()


@frozen
class Query:
    """A search for artifacts that meet all given conditions.

    `name` may have the wildcards `*`, `?` and `[…]`. `custom_fields` and `inputs` hold entries that
    must be present, as JSON; those of `inputs` are named by parameter. `uses` are artifacts that
    must be among the inputs, at any depth. `since` and `until` (exclusive) limit the time of the
    computation.
    """

    name: str | None = None
    version: int | None = None
    tags: frozenset[str] = frozenset()
    custom_fields: Options = field(default=NO_OPTIONS, repr=safe_repr)
    inputs: Options = NO_OPTIONS
    uses: frozenset[ArtifactId] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    run_id: RunId | None = None


@frozen
class Page:
    """A page of matching artifacts, newest first.

    `next` is where the next page begins, None after the last one.
    """

    records: tuple[ArtifactRecord, ...]
    next: int | None


def matches(query: Query, record: ArtifactRecord, inputs_json: str) -> bool:
    """Return whether the artifact, with its inputs as JSON text, matches *query*."""
    return (
        (query.name is None or fnmatchcase(record.name, query.name))
        and query.version in (None, record.version)
        and query.run_id in (None, record.run_id)
        and (query.since is None or query.since <= record.computed_at)
        and (query.until is None or record.computed_at < query.until)
        and query.uses <= record.input_artifact_ids
        and query.tags <= frozenset(record.tags)
        and has_labels(record.custom_fields, query.custom_fields)
        and (
            not query.inputs
            or has_labels(cast("dict[str, object]", json.loads(inputs_json)), query.inputs)
        )
    )


def has_labels(labels: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    """Return whether *labels* contain all *wanted* ones with equal values."""
    return all(_are_equal(labels.get(name, _ABSENT), value) for name, value in wanted.items())


def _are_equal(one: object, other: object) -> bool:
    """Return whether two JSON values are equal; unlike in Python, `1`, `1.0` and `true` differ."""
    if isinstance(one, dict) and isinstance(other, Mapping):
        ours, theirs = cast("dict[str, object]", one), cast("Mapping[str, object]", other)
        return ours.keys() == theirs.keys() and has_labels(ours, theirs)
    if isinstance(one, list) and isinstance(other, list | tuple):
        mine, its = cast("list[object]", one), cast("list[object]", other)
        return len(mine) == len(its) and all(map(_are_equal, mine, its))
    return one == other and type(one) is type(other)  # pyright: ignore[reportUnknownArgumentType] - unknown

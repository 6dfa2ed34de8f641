"""What to look for among recorded artifacts, and whether one is it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final, cast

from attrs import field, frozen

from provenance.ids import ArtifactId, RunId
from provenance.records import NO_OPTIONS, ArtifactRecord, Options
from provenance.showing import shown

_ABSENT: Final = object()


@frozen
class Query:
    """Artifacts that fit in all respects that are given; the times are those of the computation, *until* excluded.

    `name` may have the wildcards `*`, `?` and `[…]`. `custom_fields` and `inputs` hold what must be there, as JSON says it;
    `inputs` by parameter. `uses` are artifacts that must be among the inputs, at any depth.
    """

    name: str | None = None
    version: int | None = None
    tags: frozenset[str] = frozenset()
    custom_fields: Options = field(default=NO_OPTIONS, repr=shown)
    inputs: Options = NO_OPTIONS
    uses: frozenset[ArtifactId] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    run_id: RunId | None = None


@frozen
class Page:
    """Some of the artifacts that fit, those recorded last first; where the next ones begin, None if there are none."""

    records: tuple[ArtifactRecord, ...]
    next: int | None


def fits(query: Query, record: ArtifactRecord, inputs_json: str) -> bool:
    """Whether the artifact, with its inputs as JSON text, is one that *query* looks for."""
    return (
        (query.name is None or fnmatchcase(record.name, query.name))
        and query.version in (None, record.version)
        and query.run_id in (None, record.run_id)
        and (query.since is None or query.since <= record.computed_at)
        and (query.until is None or record.computed_at < query.until)
        and query.uses <= record.input_artifact_ids
        and query.tags <= frozenset(record.tags)
        and _holds(record.custom_fields, query.custom_fields)
        and (not query.inputs or _holds(cast("dict[str, object]", json.loads(inputs_json)), query.inputs))
    )


def carries(labels: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    """Whether all labels that are *wanted* are among *labels*, with equal values."""
    return _holds(labels, wanted)


def _holds(there: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    return all(_same(there.get(name, _ABSENT), value) for name, value in wanted.items())


def _same(one: object, other: object) -> bool:
    """Whether two JSON values are equal; to Python `1`, `1.0` and `true` are, to JSON's readers they are not."""
    if isinstance(one, dict) and isinstance(other, Mapping):
        ours, theirs = cast("dict[str, object]", one), cast("Mapping[str, object]", other)
        return ours.keys() == theirs.keys() and all(_same(value, theirs[key]) for key, value in ours.items())
    if isinstance(one, list) and isinstance(other, list | tuple):
        mine, its = cast("list[object]", one), cast("list[object]", other)
        return len(mine) == len(its) and all(map(_same, mine, its))
    return one == other and type(one) is type(other)  # pyright: ignore[reportUnknownArgumentType] - of what is neither

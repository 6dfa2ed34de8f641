"""Search queries, and the predicate that decides whether an artifact matches."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from math import fsum
from operator import ge, gt, le, lt
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from attrs import field, frozen

from provenance.model.ids import ArtifactId, RunId
from provenance.model.records import NO_OPTIONS, ArtifactRecord, Options
from provenance.util.formatting import safe_repr
from provenance.util.naming import exported

_ABSENT: Final = object()
_WILDCARDS: Final = re.compile(r"[*?\[]")


@frozen
class Query:
    """A search for artifacts that meet all given conditions.

    `name` may have the wildcards `*`, `?` and `[…]`; without them it may also be the end of a name,
    after a dot. `custom_fields` holds entries that must be present, as JSON. `inputs` holds
    conditions on arguments, as `meets_condition` reads them. `uses` are artifacts that must be
    among the inputs, at any depth. `since` and `until` (exclusive) limit the time of the
    computation. `code` is the digest of a code receipt.
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
    code: str | None = None


@frozen
class Page:
    """A page of matching artifacts, newest first.

    `next` is where the next page begins, None after the last one.
    """

    records: tuple[ArtifactRecord, ...]
    next: int | None


def matches(query: Query, record: ArtifactRecord, inputs_json: str) -> bool:
    """Return whether the artifact of *record*, whose inputs are the text *inputs_json*, matches *query*."""
    return (
        (query.name is None or matches_name(query.name, record.name))
        and query.version in (None, record.version)
        and query.run_id in (None, record.run_id)
        and query.code in (None, record.code)
        and (query.since is None or query.since <= record.computed_at)
        and (query.until is None or record.computed_at < query.until)
        and query.uses <= record.input_artifact_ids
        and query.tags <= frozenset(record.tags)
        and has_labels(record.custom_fields, query.custom_fields)
        and (not query.inputs or _meets_all(json.loads(inputs_json), query.inputs))
    )


def has_wildcards(name: str) -> bool:
    """Return whether *name* is a pattern."""
    return _WILDCARDS.search(name) is not None


def matches_name(wanted: str, name: str) -> bool:
    """Return whether *name* matches the pattern *wanted*, or is or ends with the name *wanted*.

    >>> [matches_name(wanted, "churn.train") for wanted in ("train", "churn.*", "rain", "churn")]
    [True, True, False, False]
    """
    if has_wildcards(wanted):
        return fnmatchcase(name, wanted)
    return name == wanted or name.endswith(f".{wanted}")


def _meets_all(arguments: Mapping[str, object], conditions: Mapping[str, object]) -> bool:
    return all(meets_condition(arguments, key, value) for key, value in conditions.items())


_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


@lru_cache(maxsize=256)
def split_condition(key: str) -> tuple[str, str]:
    """Return the path and the operator that a condition's key consists of.

    >>> split_condition("config.depth >="), split_condition("depth"), split_condition("a!=")
    (('config.depth', '>='), ('depth', '='), ('a', '!='))
    """
    match = re.fullmatch(r"(.*?)\s*(<=|>=|!=|==|=|<|>)?\s*", key, re.DOTALL)
    path, operator = cast("re.Match[str]", match).groups("=")
    return path, "=" if operator == "==" else operator


def meets_condition(arguments: Mapping[str, object], key: str, wanted: object) -> bool:
    """Return whether recorded *arguments* meet the condition that *key* has the value *wanted*.

    The key is a parameter, or a dotted path into dictionaries (`config.depth`), and may end with an
    operator: `=` (the default), `!=`, `<`, `<=`, `>` or `>=`. Only numbers are ordered with
    numbers, and strings with strings. What is equal to a dictionary may have further keys, unless
    the dictionary is empty.
    """
    stored, operator = arguments.get(key, _ABSENT), "="
    if stored is _ABSENT:
        path, operator = split_condition(key)
        stored = _at(arguments, path)
    if stored is _ABSENT:
        return False
    if operator in _OPERATORS:
        are_ordered = (_is_number(stored) and _is_number(wanted)) or (
            isinstance(stored, str) and isinstance(wanted, str)
        )
        return are_ordered and _OPERATORS[operator](cast("Any", stored), cast("Any", wanted))
    return _are_equal(stored, wanted, or_more=True) is (operator == "=")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _at(entries: Mapping[str, object], path: str) -> object:
    """Return the entry at a dotted *path*; keys may have dots themselves, the shortest count."""
    if path in entries:
        return entries[path]
    pieces = path.split(".")
    for length in range(1, len(pieces)):
        inner = entries.get(".".join(pieces[:length]))
        if isinstance(inner, dict):
            found = _at(cast("dict[str, object]", inner), ".".join(pieces[length:]))
            if found is not _ABSENT:
                return found
    return _ABSENT


def has_labels(labels: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    """Return whether *labels* contain all *wanted* ones with equal values."""
    return all(_are_equal(labels.get(name, _ABSENT), value) for name, value in wanted.items())


def _are_equal(one: object, other: object, *, or_more: bool = False) -> bool:
    """Return whether two JSON values are equal; unlike in Python, `1`, `1.0` and `true` differ.

    With *or_more*, *one* may have further keys where *other* has some.
    """
    equal = partial(_are_equal, or_more=or_more)
    if isinstance(one, dict) and isinstance(other, Mapping):
        ours, theirs = cast("dict[str, object]", one), cast("Mapping[str, object]", other)
        may_match = ours.keys() == theirs.keys() or (or_more and theirs)
        return bool(may_match) and all(
            equal(ours.get(key, _ABSENT), value) for key, value in theirs.items()
        )
    if isinstance(one, list) and isinstance(other, list | tuple):
        mine, its = cast("list[object]", one), cast("list[object]", other)
        return len(mine) == len(its) and all(map(equal, mine, its))
    return one == other and type(one) is type(other)  # pyright: ignore[reportUnknownArgumentType] - unknown


Grouping: TypeAlias = Literal["function", "run", "month", "serializer", "type"]
"""What artifacts can be grouped by."""
GROUPINGS: Final[tuple[Grouping, ...]] = get_args(Grouping)


@exported
@frozen
class Usage:
    """What is stored of a group of artifacts.

    Attributes:
        key: what they have in common: a function's name, the id of a run, a month, a serializer or
            a type.
        artifacts: their number.
        bytes: size of their values; a value that several of them share counts once, and an evicted
            value does not.
        seconds: the time that computing them took.
        oldest: when the first one was computed.
        newest: when the last one was computed.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(2), squares(3)
        >>> usage = p.functions()[0]
        >>> usage.artifacts
        2
    """

    key: str
    artifacts: int
    bytes: int
    seconds: float
    oldest: datetime
    newest: datetime


def group_key(record: ArtifactRecord, by: Grouping) -> str:
    """Return the key of the group that a record belongs to."""
    match by:
        case "function":
            return record.name
        case "run":
            return record.run_id
        case "month":
            return record.computed_at.astimezone(UTC).strftime("%Y-%m")
        case "serializer":
            return record.serializer
        case "type":
            return record.value_type


def summarize_records(
    records: Iterable[ArtifactRecord], by: Grouping, is_evicted: Callable[[ArtifactId], bool]
) -> tuple[Usage, ...]:
    """Return what each group of *records* amounts to, ordered by key.

    *by* says what they are grouped by; *is_evicted* tells of an artifact whether its bytes are gone.
    """
    groups: dict[str, list[ArtifactRecord]] = {}
    for record in records:
        groups.setdefault(group_key(record, by), []).append(record)
    return tuple(
        Usage(
            key,
            len(members),
            sum({m.content_digest: m.size_bytes for m in members if not is_evicted(m.id)}.values()),
            fsum(member.compute_duration for member in members),
            min(member.computed_at for member in members),
            max(member.computed_at for member in members),
        )
        for key, members in sorted(groups.items())
    )

"""Why a call is a miss: the nearest recorded call, and what differs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from itertools import zip_longest
from typing import Final, TypeAlias, cast

from attrs import frozen

from provenance import environment, errors
from provenance.calls.code_changes import changes_since, find_changes
from provenance.calls.draft import Call
from provenance.calls.validity import judge, reason_to_recompute
from provenance.effect import Program, run
from provenance.escaping import escape_invisible
from provenance.events import CodeChange, MissReason
from provenance.hashing.comparison import ValueDifference, compare_values
from provenance.hashing.explain import Change, Difference, hash_differences
from provenance.model.ids import ArtifactId
from provenance.model.queries import Query
from provenance.model.records import ArtifactRecord, Inputs, Json
from provenance.model.references import is_proxy
from provenance.ports.history import FindDeletion
from provenance.ports.records import FindEviction, FindInputs, SearchRecords
from provenance.repository import programs
from provenance.repository.handles import Repository
from provenance.repository.inputs import InputHashes, Summary, inputs_json, recorded_inputs
from provenance.repository.programs import (
    BlobLost,
    LookupHit,
    LookupMiss,
    LookupResult,
    RecordCorrupt,
)
from provenance.telemetry import describe_changes
from provenance.util.formatting import SHORT
from provenance.util.naming import exported

_MOST_CALLS: Final = 200
"""Number of recorded calls, the newest, among which the nearest one is looked for."""
_MOST_BYTES: Final = 100_000_000
"""Size of recorded inputs that are read to compare them."""
_MOST: Final = 20
"""Number of differences that are listed."""


@exported
@frozen(repr=False)
class IsStored:
    """The call is a hit. `changes` are those of the code since the result was computed.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(3)
        >>> isinstance(squares.why(3), p.IsStored)
        True
    """

    artifact_id: ArtifactId
    name: str
    changes: tuple[CodeChange, ...] = ()

    def __repr__(self) -> str:
        text = f"{_title(self)} is stored: the call is a hit"
        return _with_code(text, self.changes)


@exported
@frozen(repr=False)
class Outdated:
    """The result is stored, but the call computes it again, for a *reason*."""

    artifact_id: ArtifactId
    name: str
    reason: MissReason
    computed_at: datetime
    changes: tuple[CodeChange, ...] = ()

    def __repr__(self) -> str:
        when = f"{self.computed_at:%Y-%m-%d %H:%M}"
        text = f"{_title(self)} was computed on {when}, but is computed again: {self.reason.value}"
        return _with_code(text, self.changes)


@exported
@frozen(repr=False)
class Lost:
    """The result was stored, and is no longer: it was evicted, deleted, damaged or got lost.

    `when` is None if that is not recorded.
    """

    artifact_id: ArtifactId
    name: str
    reason: str
    when: datetime | None = None

    def __repr__(self) -> str:
        day = "" if self.when is None else f" on {self.when:%Y-%m-%d %H:%M}"
        return escape_invisible(f"{_title(self)} was stored, but {self.reason}{day}")


@exported
@frozen(repr=False)
class NeverSeen:
    """There is no result of this function at all.

    `renamed_from` are the names of results that the same code computed. If the artifact in question
    *is_recorded*, there was none before it.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> isinstance(squares.why(3), p.NeverSeen)
        True
    """

    artifact_id: ArtifactId
    name: str
    renamed_from: tuple[str, ...] = ()
    is_recorded: bool = False

    def __repr__(self) -> str:
        text = f"{_title(self)}: no {'earlier ' if self.is_recorded else ''}result of this function is stored"
        if self.renamed_from:
            names = ", ".join(map(repr, self.renamed_from))
            text += (
                f"; the same code computed results named {names}: if the function was renamed, "
                f"pass aliases=[{names}]"
            )
        return escape_invisible(text)


@exported
@frozen(repr=False)
class CallDiffers:
    """The nearest recorded call of the function differs from this one.

    Attributes:
        artifact_id: id of the call in question.
        name: name of its artifacts.
        nearest: id of the recorded call that differs in the fewest places.
        computed_at: when that was computed, in UTC.
        inputs: how the inputs differ, if they do.
        identity: how name, version and function differ, if they do.
        changes: how the code has changed since then, which alone does not cause a miss.
        is_recorded: whether the artifact in question is recorded; *nearest* is an earlier one then.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(2)
        >>> isinstance(p.why(squares(3)), p.CallDiffers)
        True
    """

    artifact_id: ArtifactId
    name: str
    nearest: ArtifactId
    computed_at: datetime
    inputs: tuple[ValueDifference, ...]
    identity: tuple[Difference, ...]
    changes: tuple[CodeChange, ...] = ()
    is_recorded: bool = False

    def __repr__(self) -> str:
        state = (
            "was computed; the nearest earlier"
            if self.is_recorded
            else "is not stored; the nearest"
        )
        when = f"{self.computed_at:%Y-%m-%d %H:%M}"
        lines = [f"{_title(self)} {state} call is {self.nearest[:SHORT]} ({when})"]
        if not self.identity and not self.inputs:
            lines.append("  inputs and function are equal: one was computed with use_cache=False")
        lines += [f"  {escape_invisible(str(change))}" for change in (*self.identity, *self.inputs)]
        return _with_code("\n".join(lines), self.changes, "\n  ")


Explanation: TypeAlias = IsStored | Outdated | Lost | NeverSeen | CallDiffers
"""Why a call is a hit or a miss."""


def _title(explanation: Explanation) -> str:
    return escape_invisible(f"{explanation.name} {explanation.artifact_id[:SHORT]}")


def _with_code(text: str, changes: tuple[CodeChange, ...], separator: str = "; ") -> str:
    return (
        f"{text}{separator}code: {escape_invisible(describe_changes(changes))}" if changes else text
    )


# ---------------------------------------------------------------- what is compared


@frozen
class Facts:
    """What is known of a planned or recorded call: its identity, and its inputs by hash and as JSON."""

    name: str
    version: int
    function: str
    hashes: InputHashes
    shown: Mapping[str, Json]
    inputs: Inputs | None = None


def facts_of(record: ArtifactRecord, repo: Repository) -> Facts:
    """Return what is recorded of the call that made an artifact; no value is read."""
    return run(_recorded_facts(record), repo.interpreter)


def _recorded_facts(record: ArtifactRecord) -> Program[FindInputs, Facts]:
    text = yield from FindInputs(record.id)
    return Facts(
        record.name,
        record.version,
        f"{record.fn_module}.{record.fn_qualname}",
        InputHashes.parse(record.input_hashes),
        {} if text is None else recorded_inputs(text),
    )


def compare_facts(ours: Facts, theirs: Facts) -> tuple[ValueDifference, ...]:
    """Return how the inputs of two calls differ: into values by their recorded JSON, else by hash.

    Inputs that are ignored do not count.
    """
    first, second = (dict(_sections(facts)) for facts in (ours, theirs))
    found: list[ValueDifference] = []
    for name in (*first, *(name for name in second if name not in first)):
        one, other = first.get(name), second.get(name)
        if one is None or other is None:
            change = Change.ADDED if one is None else Change.REMOVED
            found.append(Difference(name, change, *(_text(value) for value in (one, other))))
        elif one[0] != other[0]:
            found += _compare_input(name, one, other)
    return tuple(found[:_MOST])


_Input: TypeAlias = tuple[str, Json]
"""The hash of an input, and what is recorded of it."""


def _sections(facts: Facts) -> list[tuple[str, _Input]]:
    rest = cast("list[Json]", facts.shown.get("*args", ()))
    found: list[tuple[str, _Input]] = [
        (name, (digest, facts.shown.get(name))) for name, digest in facts.hashes.kargs.items()
    ]
    for i, digest in enumerate(facts.hashes.varargs):
        found.append((f"*args[{i}]", (digest, rest[i] if i < len(rest) else None)))
    for name, digest in facts.hashes.captured.items():
        found.append((f"captured {name}", (digest, {"hash": digest})))
    return found


def _text(value: _Input | None) -> str:
    if value is None:
        return "-"
    digest, shown = value
    if isinstance(shown, dict) and ("hash" in shown or "artifact" in shown):
        facts = {key: part for key, part in shown.items() if key != "hash"}
        if facts.keys() == {"artifact"}:
            return f"artifact {str(facts['artifact'])[:SHORT]}"
        return (
            f"{json.dumps(facts)} of hash {digest[:SHORT]}" if facts else f"hash {digest[:SHORT]}"
        )
    return json.dumps(shown, ensure_ascii=False)


def _compare_input(name: str, first: _Input, second: _Input) -> tuple[ValueDifference, ...]:
    texts = _text(first), _text(second)
    if texts[0] == texts[1]:  # such as the path of a file that was edited
        texts = f"{texts[0]} of hash {first[0][:SHORT]}", f"{texts[1]} of hash {second[0][:SHORT]}"
    by_hash = Difference(name, Change.CONTENT, *texts)
    shown = first[1], second[1]
    if any(isinstance(value, dict) and {"hash", "artifact"} & value.keys() for value in shown):
        return (by_hash,)
    return hash_differences(*shown, name, limit=_MOST) or (by_hash,)


# ---------------------------------------------------------------- explanations


def why(artifact: object, repo: Repository | str | None = None) -> Explanation:
    """Explain why an artifact was computed: the nearest earlier call, and what differs.

    Args:
        artifact: The artifact, a result, or the id of one or its first digits.
        repo: The repository of an id, by default the current one.

    Returns:
        A `CallDiffers`; `NeverSeen` if there was no earlier result of the function; `Lost` if it is
        known when the artifact was deleted, or if its value is not stored any more.

    Raises:
        ArtifactNotFoundError: if no artifact has this id.
        TypeError: if *artifact* is anything else.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(2)
        >>> print(p.why(squares(3)))
        provenance.calls.why.squares ... was computed; the nearest earlier call is ...
          n differs: 2 and 3
    """
    try:
        found = environment.artifact_for(artifact, repo)
    except errors.ArtifactNotFoundError as error:
        gone = ArtifactId(error.artifact_id)
        place = environment.current().repository(repo)
        lost = run(_lost(LookupMiss(gone), gone, ""), place.interpreter)
        if lost is None:
            raise
        return lost
    place = environment.repository_of(found)
    probed = run(programs.probe(found.id), place.interpreter)
    lost = run(_lost(probed, found.id, found.name), place.interpreter)
    if lost is not None:
        return lost
    facts = facts_of(found, place)
    candidates = run(_candidates((found.name,), found), place.interpreter)
    return _compare_to_nearest(found.id, facts, candidates, place)


def explain_call(call: Call) -> Explanation:
    """Explain why a planned call is a hit or a miss."""
    names = (call.plan.cache_key.name, *call.spec.options.aliases)
    lost = None
    for artifact_id in (call.plan.artifact_id, *call.alias_ids):
        found = run(programs.probe(artifact_id), call.repo.interpreter)
        if isinstance(found, LookupHit):
            return _explain_stored(call, found.record)
        lost = lost or run(_lost(found, artifact_id, names[0]), call.repo.interpreter)
    if lost is not None:
        return lost
    plan, wrapped = call.plan, call.spec.wrapped
    shown = recorded_inputs(inputs_json(plan.inputs, plan.input_hashes))
    function = f"{wrapped.module}.{wrapped.qualname}"
    facts = Facts(names[0], plan.cache_key.version, function, plan.input_hashes, shown, plan.inputs)
    candidates = run(_candidates(names), call.repo.interpreter)
    return _compare_to_nearest(plan.artifact_id, facts, candidates, call.repo, call)


def _explain_stored(call: Call, record: ArtifactRecord) -> Explanation:
    name = call.plan.cache_key.name
    changes = run(find_changes(call, record), call.repo.interpreter)
    try:
        reason = reason_to_recompute(call, record, changes)
    except errors.CodeChangedError:
        reason = MissReason.CODE_CHANGED
    except errors.NotReproducibleError:
        reason = MissReason.NOT_REPRODUCIBLE
    reason = reason or judge(call, record)
    if reason is None:
        return IsStored(record.id, name, changes)
    return Outdated(record.id, name, reason, record.computed_at, changes)


def _lost(
    found: LookupResult, artifact_id: ArtifactId, name: str
) -> Program[FindEviction | FindDeletion, Lost | None]:
    match found:
        case BlobLost(evicted=True):
            when = yield from FindEviction(artifact_id)
            return Lost(artifact_id, name, "its value was evicted", when)
        case BlobLost():
            return Lost(artifact_id, name, "its value is missing")
        case RecordCorrupt(problem=problem):
            return Lost(artifact_id, name, f"its record is damaged ({problem})")
        case LookupMiss():
            gone = yield from FindDeletion(artifact_id)
            if gone is None:
                return None
            reason = f"it was deleted ({gone.reason})" if gone.reason else "it was deleted"
            return Lost(artifact_id, name or gone.name, reason, gone.deleted_at)
        case _:
            return None


def _candidates(
    names: tuple[str, ...], before: ArtifactRecord | None = None
) -> Program[SearchRecords, tuple[ArtifactRecord, ...]]:
    """Return the newest recorded calls under *names*, of those that were computed *before* a record."""
    found: list[ArtifactRecord] = []
    for name in names:
        until = None if before is None else before.computed_at
        page = yield from SearchRecords(Query(name, until=until), None, _MOST_CALLS)
        found += [record for record in page.records if before is None or record.id != before.id]
    return tuple(found)


def _compare_to_nearest(
    artifact_id: ArtifactId,
    facts: Facts,
    candidates: tuple[ArtifactRecord, ...],
    repo: Repository,
    call: Call | None = None,
) -> Explanation:
    if not candidates:
        renamed = () if call is None else run(_renamed(call), repo.interpreter)
        return NeverSeen(artifact_id, facts.name, renamed, is_recorded=call is None)
    nearest = min(candidates, key=lambda record: _distance(facts, record))
    recorded = facts_of(nearest, repo)
    inputs = compare_facts(recorded, facts)
    if call is not None:
        inputs = _read_inputs(inputs, nearest, facts, repo)
    return CallDiffers(
        artifact_id,
        facts.name,
        nearest.id,
        nearest.computed_at,
        inputs,
        compare_identity(recorded, facts),
        _code_changes(nearest, repo, call),
        is_recorded=call is None,
    )


def _distance(facts: Facts, record: ArtifactRecord) -> float:
    """Return in how many places a recorded call differs; version and function count less than an input."""
    recorded = InputHashes.parse(record.input_hashes)
    pairs = (facts.hashes.kargs, recorded.kargs), (facts.hashes.captured, recorded.captured)
    different = sum(
        one.get(name) != other.get(name)
        for one, other in pairs
        for name in one.keys() | other.keys()
    )
    for one, other in zip_longest(facts.hashes.varargs, recorded.varargs):
        different += one != other
    function = f"{record.fn_module}.{record.fn_qualname}"
    return different + 0.5 * (facts.version != record.version) + 0.25 * (facts.function != function)


def compare_identity(first: Facts, second: Facts) -> tuple[Difference, ...]:
    """Return how name, version and function of two calls differ."""
    pairs = (
        ("name", first.name, second.name),
        ("version", str(first.version), str(second.version)),
        ("function", first.function, second.function),
    )
    return tuple(
        Difference(what, Change.CONTENT, one, other) for what, one, other in pairs if one != other
    )


def _read_inputs(
    inputs: tuple[ValueDifference, ...], record: ArtifactRecord, facts: Facts, repo: Repository
) -> tuple[ValueDifference, ...]:
    """Return *inputs* with what is known by hash alone compared as values, if these can be read."""
    blob, now = record.inputs_blob, facts.inputs
    if blob is None or blob.size > _MOST_BYTES or not repo.trusted or now is None:
        return inputs
    by_hash = {
        change.path
        for change in inputs
        if isinstance(change, Difference) and "hash" in change.first
    }
    if not by_hash & now.kargs.keys():
        return inputs
    try:
        before = repo.load_inputs(record)
    except errors.ProvenanceError:
        return inputs
    found: list[ValueDifference] = []
    for change in inputs:
        if change.path in by_hash and change.path in before.kargs and change.path in now.kargs:
            pair = before.kargs[change.path], now.kargs[change.path]
            if not any(isinstance(value, Summary) or is_proxy(value) for value in pair):
                found += compare_values(*pair, change.path) or (change,)
                continue
        found.append(change)
    return tuple(found)


def _code_changes(
    nearest: ArtifactRecord, repo: Repository, call: Call | None
) -> tuple[CodeChange, ...]:
    """Return what has changed in the code of a call since a recorded one."""
    if call is None or nearest.code == call.spec.receipt.digest:
        return ()
    return run(changes_since(call.spec, nearest.code), repo.interpreter)


def _renamed(call: Call) -> Program[SearchRecords, tuple[str, ...]]:
    """Return the names of other functions whose newest results the same code computed."""
    digest = call.spec.receipt.digest
    if not digest:
        return ()
    page = yield from SearchRecords(Query(code=digest), None, _MOST_CALLS)
    return tuple(sorted({record.name for record in page.records}))

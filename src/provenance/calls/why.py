"""Why a call is a miss: the nearest recorded call, and what differs."""

from __future__ import annotations

from datetime import datetime
from itertools import zip_longest
from typing import Final, TypeAlias

from attrs import evolve, frozen

from provenance import environment, errors
from provenance.calls.draft import Call
from provenance.calls.facts import Facts, compare_facts, compare_identity, facts_of
from provenance.calls.hits import changes_since, find_changes, judge, reason_to_recompute
from provenance.effect import Program, run
from provenance.escaping import escape_invisible
from provenance.events import CodeChange, MissReason
from provenance.hashing.comparison import ValueDifference, compare_values
from provenance.hashing.explain import Difference
from provenance.model.ids import ArtifactId, is_prefix
from provenance.model.queries import Query
from provenance.model.records import ArtifactRecord
from provenance.model.references import is_proxy
from provenance.ports.history import FindDeletion
from provenance.ports.records import FindEviction, SearchRecords
from provenance.repository import programs
from provenance.repository.handles import Repository
from provenance.repository.inputs import InputHashes, Summary, inputs_json, recorded_inputs
from provenance.telemetry import describe_changes
from provenance.util.formatting import SHORT
from provenance.util.naming import exported

_MOST_CALLS: Final = 200
"""Number of recorded calls, the newest, among which the nearest one is looked for."""
_MOST_BYTES: Final = 100_000_000
"""Size of recorded inputs that are read to compare them."""


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
    """The result is stored, but the call computes it again, for a *reason*.

    Example:
        >>> import provenance as p
        >>> RATE = 1
        >>> def rated(n: int) -> int:
        ...     return n * RATE
        >>> first = p.provenance(rated)(3)
        >>> RATE = 2
        >>> explanation = p.provenance(rated, on_code_change="recompute").why(3)
        >>> isinstance(explanation, p.Outdated), explanation.reason is p.MissReason.CODE_CHANGED
        (True, True)
    """

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

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(3)
        >>> _ = squares.forget(3)
        >>> explanation = squares.why(3)
        >>> isinstance(explanation, p.Lost), explanation.reason
        (True, 'it was deleted')
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
        state = "is not stored; the nearest"
        if self.is_recorded:
            state = "was computed; the nearest earlier"
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
    if not changes:
        return text
    return f"{text}{separator}code: {escape_invisible(describe_changes(changes))}"


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
        ArtifactNotFoundError: if no artifact has, or had, this id.
        AmbiguousIdError: if several have, or had, ids that begin like that.
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
        lost = None
        if is_prefix(gone):
            lost = run(_lost(programs.LookupMiss(gone), gone, ""), place.interpreter)
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
    for artifact_id in call.ids:
        found = run(programs.probe(artifact_id), call.repo.interpreter)
        if isinstance(found, programs.LookupHit):
            return _explain_stored(call, found.record)
        lost = lost or run(_lost(found, artifact_id, names[0]), call.repo.interpreter)
    if lost is not None:
        return lost
    plan, wrapped = call.plan, call.spec.wrapped
    shown = recorded_inputs(inputs_json(plan.inputs, plan.input_hashes))
    function = f"{wrapped.module}.{wrapped.qualname}"
    facts = Facts(names[0], plan.cache_key.version, function, plan.input_hashes, shown, plan.inputs)
    candidates = run(_candidates(names), call.repo.interpreter)
    if not candidates and wrapped.module != "__main__":
        # While its module was the main program, the function had another name.
        main = "__main__", wrapped.qualname
        same = run(_of_same_code(call), call.repo.interpreter)
        candidates = tuple(
            record for record in same if (record.fn_module, record.fn_qualname) == main
        )
        if candidates:
            facts = evolve(facts, name=candidates[0].name, function=".".join(main))
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
    found: programs.LookupResult, artifact_id: ArtifactId, name: str
) -> Program[FindEviction | FindDeletion, Lost | None]:
    match found:
        case programs.BlobLost(evicted=True):
            when = yield from FindEviction(artifact_id)
            return Lost(artifact_id, name, "its value was evicted", when)
        case programs.BlobLost():
            return Lost(artifact_id, name, "its value is missing")
        case programs.RecordCorrupt(problem=problem):
            return Lost(artifact_id, name, f"its record is damaged ({problem})")
        case programs.LookupMiss():
            gone = yield from FindDeletion(artifact_id)
            if gone is None:
                return None
            reason = f"it was deleted ({gone.reason})" if gone.reason else "it was deleted"
            return Lost(gone.artifact_id, name or gone.name, reason, gone.deleted_at)
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


def _of_same_code(call: Call) -> Program[SearchRecords, tuple[ArtifactRecord, ...]]:
    """Return the newest calls that the same code computed, under any name."""
    digest = call.spec.receipt.digest
    if not digest:
        return ()
    page = yield from SearchRecords(Query(code=digest), None, _MOST_CALLS)
    return page.records


def _compare_to_nearest(
    artifact_id: ArtifactId,
    facts: Facts,
    candidates: tuple[ArtifactRecord, ...],
    repo: Repository,
    call: Call | None = None,
) -> Explanation:
    if not candidates:
        same = () if call is None else run(_of_same_code(call), repo.interpreter)
        renamed = tuple(sorted({record.name for record in same}))
        return NeverSeen(artifact_id, facts.name, renamed, is_recorded=call is None)
    nearest = min(candidates, key=lambda record: _distance(facts, record))
    recorded = facts_of(nearest, repo)
    inputs = compare_facts(recorded, facts)
    changes: tuple[CodeChange, ...] = ()
    if call is not None:
        inputs = _read_inputs(inputs, nearest, facts, repo)
        changes = run(changes_since(call.spec, nearest.code), repo.interpreter)
    return CallDiffers(
        artifact_id,
        facts.name,
        nearest.id,
        nearest.computed_at,
        inputs,
        compare_identity(recorded, facts),
        changes,
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


def _read_inputs(
    inputs: tuple[ValueDifference, ...], record: ArtifactRecord, facts: Facts, repo: Repository
) -> tuple[ValueDifference, ...]:
    """Return *inputs* with what is known by hash alone compared as values, if these can be read."""
    blob, now = record.inputs_blob, facts.inputs
    if blob is None or blob.size > _MOST_BYTES or not repo.trusted or now is None:
        return inputs
    plain = [change for change in inputs if isinstance(change, Difference)]
    by_hash = {change.path for change in plain if "hash" in change.first}
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

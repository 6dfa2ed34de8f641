"""Hits whose code has changed since the result was computed: what is done about them, and which are accepted."""

from __future__ import annotations

from typing import Final

from provenance.calls.draft import Call
from provenance.calls.spec import FunctionSpec
from provenance.effect import Program
from provenance.errors import CodeChangedError
from provenance.events import CodeChange, CodeChanged
from provenance.hashing import hash_value
from provenance.model.queries import Query
from provenance.model.records import ArtifactRecord, Options, SetRecord, freeze_options
from provenance.ports.machine import Now
from provenance.ports.records import FindSetByLabels, PutSet, SearchRecords
from provenance.receipts.policy import OnCodeChange
from provenance.repository.sets import set_id
from provenance.telemetry import describe_changes, emit

_reported: Final[set[tuple[str, int, tuple[CodeChange, ...]]]] = set()


def find_changes(
    call: Call, record: ArtifactRecord
) -> Program[FindSetByLabels, tuple[CodeChange, ...]]:
    """Return what has changed in the code since *record* was computed, unless that was accepted."""
    known = call.spec.receipt.changes_since(record.code)
    if not known or _policy(call) == "ignore":
        return ()
    return () if (yield from _is_accepted(call.spec, record.code)) else known


def must_recompute(call: Call, record: ArtifactRecord, changes: tuple[CodeChange, ...]) -> bool:
    """Return whether the result of changed code is to be computed again.

    Raises:
        CodeChangedError: if the function or the environment demands it.
    """
    policy = _policy(call)
    if changes and policy == "raise":
        raise CodeChangedError(
            record.name, record.id, describe_changes(changes), record.version + 1
        )
    return bool(changes) and policy == "recompute"


def report_changes(record: ArtifactRecord, changes: tuple[CodeChange, ...]) -> None:
    """Report that a hit was computed by other code, once for each change."""
    change = record.name, record.version, changes
    if change not in _reported:
        _reported.add(change)
        emit(CodeChanged(record.id, record.name, record.version, record.computed_at, changes))


def accept(
    spec: FunctionSpec, names: tuple[str, ...]
) -> Program[SearchRecords | FindSetByLabels | PutSet | Now, tuple[CodeChange, ...]]:
    """Record that results of all earlier code, stored under *names*, hold for the code of now."""
    found: dict[CodeChange, None] = {}
    for name in names:
        after: int | None = None
        while True:
            page = yield from SearchRecords(Query(name, spec.options.version), after)
            for code in sorted({record.code for record in page.records}):
                changes = spec.receipt.changes_since(code)
                if changes and not (yield from _is_accepted(spec, code)):
                    now = yield from Now()
                    yield from PutSet(SetRecord(set_id(()), frozenset(), _labels(spec, code), now))
                    spec.receipt.accepted[code] = True
                    found |= dict.fromkeys(changes)
            if page.next is None:
                break
            after = page.next
    return tuple(found)


def _policy(call: Call) -> OnCodeChange:
    chosen = call.spec.options.on_code_change
    return call.environment.on_code_change if chosen is None else chosen


def _is_accepted(spec: FunctionSpec, code: str) -> Program[FindSetByLabels, bool]:
    accepted = spec.receipt.accepted
    if code not in accepted:
        accepted[code] = (yield from FindSetByLabels(_labels(spec, code))) is not None
    return accepted[code]


def _labels(spec: FunctionSpec, code: str) -> Options:
    """Return the labels of the empty set that says that a change was accepted."""
    name, version, scope = spec.cache_key.identity
    change = {"from": hash_value(code), "to": hash_value(spec.receipt.text)}
    return freeze_options({"accepted code of": name or scope, "version": version, **change})

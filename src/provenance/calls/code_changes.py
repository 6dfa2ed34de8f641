"""Hits whose code has changed since the result was computed: what is done about them, and which are accepted."""

from __future__ import annotations

from typing import Final

from provenance.calls.draft import Call
from provenance.calls.spec import FunctionSpec
from provenance.effect import Program
from provenance.errors import CodeChangedError
from provenance.events import CodeChange, CodeChanged
from provenance.model.history import Equivalence
from provenance.model.queries import Query
from provenance.model.records import ArtifactRecord
from provenance.ports.history import FindEquivalence, FindReceipt, PutEquivalence
from provenance.ports.machine import CurrentRun, Now
from provenance.ports.records import SearchRecords
from provenance.receipts.policy import OnCodeChange
from provenance.telemetry import describe_changes, emit

_reported: Final[set[tuple[str, int, tuple[CodeChange, ...]]]] = set()


def find_changes(
    call: Call, record: ArtifactRecord
) -> Program[FindReceipt | FindEquivalence, tuple[CodeChange, ...]]:
    """Return what has changed in the code since *record* was computed, unless that was accepted."""
    if _policy(call) == "ignore":
        return ()
    return (yield from unaccepted_changes(call.spec, record.code))


def unaccepted_changes(
    spec: FunctionSpec, code: str
) -> Program[FindReceipt | FindEquivalence, tuple[CodeChange, ...]]:
    """Return what has changed since the code of this digest, unless that was accepted."""
    known = yield from changes_since(spec, code)
    return () if not known or (yield from _is_accepted(spec, code)) else known


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
    spec: FunctionSpec, names: tuple[str, ...], note: str
) -> Program[
    SearchRecords | FindReceipt | FindEquivalence | PutEquivalence | CurrentRun | Now,
    tuple[CodeChange, ...],
]:
    """Record that results of all earlier code, stored under *names*, hold for the code of now."""
    found: dict[CodeChange, None] = {}
    process = (yield from CurrentRun()).process
    by = str(process.get("username") or "")
    for name in names:
        after: int | None = None
        while True:
            page = yield from SearchRecords(Query(name, spec.options.version), after)
            for code in sorted({record.code for record in page.records}):
                changes = yield from changes_since(spec, code)
                if changes and not (yield from _is_accepted(spec, code)):
                    now = yield from Now()
                    yield from PutEquivalence(Equivalence(*_change(spec, code), by, now, note))
                    spec.receipt.accepted[code] = True
                    found |= dict.fromkeys(changes)
            if page.next is None:
                break
            after = page.next
    return tuple(found)


def _policy(call: Call) -> OnCodeChange:
    chosen = call.spec.options.on_code_change
    return call.environment.on_code_change if chosen is None else chosen


def changes_since(spec: FunctionSpec, code: str) -> Program[FindReceipt, tuple[CodeChange, ...]]:
    """Return what has changed since the code of this digest, accepted or not."""
    known = spec.receipt.changes_since(code)
    return spec.receipt.compare(code, (yield from FindReceipt(code))) if known is None else known


def _is_accepted(spec: FunctionSpec, code: str) -> Program[FindEquivalence, bool]:
    accepted = spec.receipt.accepted
    if code not in accepted:
        found = yield from FindEquivalence(*_change(spec, code))
        accepted[code] = found is not None
    return accepted[code]


def _change(spec: FunctionSpec, code: str) -> tuple[str, int, str, str]:
    name, version, scope = spec.cache_key.identity
    return name or str(scope), version, code, spec.receipt.digest

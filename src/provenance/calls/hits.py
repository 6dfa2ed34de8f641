"""What becomes of a stored result: whether it is returned or computed again, by which lineage, and what is kept of it."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import Final, TypeAlias, cast

from attrs import evolve

from provenance import errors
from provenance.calls.draft import Call
from provenance.calls.spec import FunctionSpec, derivation_id
from provenance.effect import Program, run
from provenance.events import CodeChange, CodeChanged, MissReason
from provenance.model.history import Equivalence
from provenance.model.ids import ArtifactId, BlobId
from provenance.model.queries import Query
from provenance.model.records import Artifact, ArtifactRecord, Derivation
from provenance.model.references import UNREAD, Known
from provenance.ports import history
from provenance.ports.machine import CurrentRun, Now
from provenance.ports.records import SearchRecords
from provenance.receipts.policy import OnCodeChange, Shadow
from provenance.results.kinds import is_scalar
from provenance.telemetry import describe_changes, emit, log
from provenance.util.locks import ForkSafeLock


def reason_to_recompute(
    call: Call, record: ArtifactRecord, changes: tuple[CodeChange, ...] = ()
) -> MissReason | None:
    """Return why a stored result is computed again: its age, its code, or what is known against it.

    Raises:
        CodeChangedError: if the policy for *changes* of the code demands it.
        NotReproducibleError: if that for results that came out otherwise does.
    """
    lifetime = call.spec.options.expires_after
    if lifetime is not None and call.environment.clock.now() - record.computed_at > lifetime:
        return MissReason.EXPIRED
    if changes and must_recompute(call, record, changes):
        return MissReason.CODE_CHANGED
    if call.shadow is not None and _is_refuted(call, record, call.shadow):
        return MissReason.NOT_REPRODUCIBLE
    return None


def judge(call: Call, record: ArtifactRecord) -> MissReason | None:
    """Return why the function's `valid_if` refuses a stored result; None if it does not."""
    valid_if = call.spec.options.valid_if
    is_valid = valid_if is None or valid_if(Artifact.of(record, call.repo))
    return None if is_valid else MissReason.INVALID


def would_hit(call: Call, record: ArtifactRecord) -> bool:
    """Return whether a call returns what is stored under *record*."""
    changes = run(find_changes(call, record), call.repo.interpreter)
    try:
        reason = reason_to_recompute(call, record, changes)
    except (errors.CodeChangedError, errors.NotReproducibleError):
        return False
    return reason is None and judge(call, record) is None


# ---------------------------------------------------------------- code that has changed

_Compare: TypeAlias = history.FindReceipt | history.FindEquivalence
_reported: Final[set[tuple[str, int, tuple[CodeChange, ...]]]] = set()


def find_changes(call: Call, record: ArtifactRecord) -> Program[_Compare, tuple[CodeChange, ...]]:
    """Return what has changed in the code since *record* was computed, unless that was accepted."""
    if record.code == call.spec.receipt.digest or _policy(call) == "ignore":
        return ()
    return (yield from unaccepted_changes(call.spec, record.code))


def unaccepted_changes(spec: FunctionSpec, code: str) -> Program[_Compare, tuple[CodeChange, ...]]:
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
        text = describe_changes(changes)
        raise errors.CodeChangedError(record.name, record.id, text, record.version + 1)
    return bool(changes) and policy == "recompute"


def report_changes(record: ArtifactRecord, changes: tuple[CodeChange, ...]) -> None:
    """Report that a hit was computed by other code, once for each change."""
    change = record.name, record.version, changes
    if change not in _reported:
        _reported.add(change)
        emit(CodeChanged(record.id, record.name, record.version, record.computed_at, changes))


def accept_changes(
    spec: FunctionSpec, names: tuple[str, ...], note: str
) -> Program[
    SearchRecords | _Compare | history.PutEquivalence | CurrentRun | Now, tuple[CodeChange, ...]
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
                    same = Equivalence(*_change(spec, code), by, now, note)
                    yield from history.PutEquivalence(same)
                    spec.receipt.accepted[code] = True
                    found |= dict.fromkeys(changes)
            if page.next is None:
                break
            after = page.next
    return tuple(found)


def _policy(call: Call) -> OnCodeChange:
    chosen = call.spec.options.on_code_change
    return call.environment.on_code_change if chosen is None else chosen


def changes_since(
    spec: FunctionSpec, code: str
) -> Program[history.FindReceipt, tuple[CodeChange, ...]]:
    """Return what has changed since the code of this digest, accepted or not."""
    known = spec.receipt.changes_since(code)
    if known is None:
        known = spec.receipt.compare(code, (yield from history.FindReceipt(code)))
    return known


def _is_accepted(spec: FunctionSpec, code: str) -> Program[history.FindEquivalence, bool]:
    accepted = spec.receipt.accepted
    if code not in accepted:
        found = yield from history.FindEquivalence(*_change(spec, code))
        accepted[code] = found is not None
    return accepted[code]


def _change(spec: FunctionSpec, code: str) -> tuple[str, int, str, str]:
    name, version, scope = spec.cache_key.identity
    return name or str(scope), version, code, spec.receipt.digest


# ---------------------------------------------------------------- hits that are computed again beside the call

_ALL: Final = 1 << 32
_check: Final[list[Callable[[Call, ArtifactRecord], bool]]] = []
_guard: Final = ForkSafeLock()
_turns: Final = ForkSafeLock()
"""Held by the thread that computes, so that they compute one after the other."""
_threads: Final[set[Thread]] = set()
_done: Final[set[ArtifactId]] = set()
"""Artifacts that this process has computed again, or is about to."""
_differing: Final[dict[str, ArtifactId]] = {}
"""An artifact of each function that gave another result, by the function's identity."""


def set_shadow_check(check: Callable[[Call, ArtifactRecord], bool]) -> None:
    """Set the function that computes a hit again; it returns whether the same value came out."""
    _check[:] = [check]


def is_chosen(artifact_id: ArtifactId, share: float) -> bool:
    """Return whether an artifact is one of the *share* that is computed again: the same in every process.

    >>> is_chosen(ArtifactId("7f" * 20), 0.5), is_chosen(ArtifactId("80" * 20), 0.5)
    (True, False)
    """
    return int(artifact_id[:8], 16) < share * _ALL


def consider_shadow(call: Call, record: ArtifactRecord, policy: Shadow) -> None:
    """Compute the hit again in a thread if it is chosen, at most once in a process."""
    is_slow = record.compute_duration > policy.max_seconds
    if is_slow or record.id in _done or not is_chosen(record.id, policy.share):
        return
    with _guard.lock:
        if len(_done) >= policy.at_most or record.id in _done:
            return
        _done.add(record.id)
        thread = Thread(target=copy_context().run, args=(_compare, call, record), daemon=True)
        _threads.add(thread)
    thread.start()


def _compare(call: Call, record: ArtifactRecord) -> None:
    with _turns.lock:
        if not _check[0](call, record):
            _differing[call.speed_key] = record.id


def _is_refuted(call: Call, record: ArtifactRecord, policy: Shadow) -> bool:
    """Tell whether a function's hits are computed again because it gave another result.

    Raises:
        NotReproducibleError: if the policy demands it.
    """
    if policy.on_difference == "warn" or call.speed_key not in _differing:
        return False
    if policy.on_difference == "raise":
        raise errors.NotReproducibleError(record.name, _differing[call.speed_key])
    return True


def accept_differences(identity: str) -> None:
    """Let the results of a function be hits again."""
    _differing.pop(identity, None)


def finish_shadows() -> None:
    """Wait until all that is computed again is compared, as a process does before it ends."""
    while _threads:
        with _guard.lock:
            thread = _threads.pop()
        thread.join()


atexit.register(finish_shadows)


# ---------------------------------------------------------------- lineage


def derived(call: Call, record: ArtifactRecord) -> ArtifactRecord:
    """Return the *record* of a hit with the derivation of the call, if that used other artifacts.

    The derivation is recorded once, where writing is allowed.
    """
    if not call.plan.input_refs or call.plan.edges <= record.edges:
        return record
    found = run(_derive(call, record), call.repo.interpreter)
    return evolve(record, derivation=found)


def derived_part(call: Call, whole: ArtifactRecord, part: Known) -> Known:
    """Return what is known of a part of a composite, with the derivation of the call if the whole has one."""
    if whole.derivation is not None:
        with suppress(errors.ArtifactNotFoundError):
            return derived(call, call.repo.load_record(part.id))
    return part


def _derive(
    call: Call, record: ArtifactRecord
) -> Program[history.FindDerivations | history.PutDerivation | CurrentRun | Now, Derivation]:
    wanted = derivation_id(record.id, call.plan.edges)
    for known in (yield from history.FindDerivations(record.id)):
        if known.id == wanted:
            return known
    process = yield from CurrentRun()
    now = yield from Now()
    inputs, edges = call.plan.input_artifact_ids, call.plan.input_derivations
    derivation = Derivation(record.id, wanted, inputs, process.id, now, edges)
    if not call.read_only:
        # A hit does not need to write, so it succeeds where the store cannot be written.
        try:
            yield from history.PutDerivation(derivation, process)
        except (errors.StorePermissionError, errors.StoreUnavailableError) as error:
            log.info("did not record which inputs %s was used with: %s", record.id, error)
        else:
            log.debug("%s was used with other inputs: %s", record.id, sorted(call.plan.edges))
    return derivation


# ---------------------------------------------------------------- small values

_MOST_VALUES: Final = 10_000
_LONGEST_TEXT: Final = 64
_LARGEST: Final = 1_000
_EXACT: Final = frozenset({"pickle", "joblib"})
"""Serializers whose bytes make one value each."""
_values: Final[dict[BlobId, object]] = {}
"""Small immutable values that this process has read: nobody can change them, so every hit may have the same object."""


def known_value(record: ArtifactRecord) -> object:
    """Return the value of *record* if it is a small scalar that was read before, else `UNREAD`."""
    return _values.get(record.value_blob.id, UNREAD) if record.serializer in _EXACT else UNREAD


def remember_value(record: ArtifactRecord, value: object) -> None:
    """Keep *value*, which was read for *record*, if it is a small scalar."""
    # What other serializers make of the same bytes is theirs to say.
    if record.serializer not in _EXACT or record.load_kwargs:
        return
    kind = type(value)
    if kind is str or kind is bytes:
        small = len(cast("str", value)) <= _LONGEST_TEXT
    else:
        small = kind in (bool, type(None)) or is_scalar(kind)
    if small and record.value_blob.size <= _LARGEST:
        if len(_values) >= _MOST_VALUES:
            _values.clear()
        _values[record.value_blob.id] = value

"""Telemetry: sends events to subscribers and to `logging`, and counts them for `stats()`."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final, Self, TypeVar, assert_never
from weakref import ref

from attrs import frozen

from provenance.errors import CorruptRecordError
from provenance.events import (
    CodeChange,
    CodeChanged,
    Event,
    Hit,
    Miss,
    MissReason,
    Outcome,
    Raised,
    Recomputed,
    Recovered,
    Resumed,
    ShadowAgreed,
    ShadowDiffered,
    Stats,
    Waited,
)
from provenance.model.ids import NO_IDS, ArtifactId
from provenance.model.records import ArtifactRecord
from provenance.util.context import setting
from provenance.util.locks import ForkSafeLock
from provenance.util.naming import exported
from provenance.util.validation import check_function

T = TypeVar("T")

log: Final = logging.getLogger("provenance")
_guard: Final = ForkSafeLock()


class _Life:
    """Goes with its thread, which need not be one of `threading`: only those tell whether they still run."""

    __slots__ = ("__weakref__",)


class _Tally:
    """What one thread has counted: a lock around common counters would halve the rate of threads."""

    __slots__ = ("counts", "life", "seconds")

    def __init__(self, life: _Life | None = None) -> None:
        self.life = None if life is None else ref(life)
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def has_ended(self) -> bool:
        return self.life is not None and self.life() is None

    def add(self, other: _Tally) -> None:
        for name, count in other.counts.copy().items():
            self.counts[name] += count
        for name, seconds in other.seconds.copy().items():
            self.seconds[name] += seconds


class _Own(threading.local):
    """The tally of each thread, the list that it is in, and what ends with the thread."""

    def __init__(self) -> None:
        self.life = _Life()

    tally: _Tally | None = None
    among: list[_Tally] | None = None


_own: Final = _Own()
_tallies: list[_Tally] = []
"""The tallies of all threads that still run, and of one that has ended, which has those of all others that have."""
# A plain dict would search for its first entry past all those deleted before it.
_latest: Final[OrderedDict[ArtifactId, type[Event]]] = OrderedDict()

MOST_SHOWN: Final = 5
"""Number of changes of code that a message names."""
MAX_REMEMBERED: Final = 100_000
"""Maximum number of artifacts whose latest outcome is kept; the oldest are forgotten first."""
_OUTCOME_OF: Final[Mapping[type[Event], Outcome]] = {
    Hit: Outcome.HIT,
    Miss: Outcome.MISS,
    Recomputed: Outcome.RECOMPUTED,
    Recovered: Outcome.RECOVERED,
}


_ALARMING: Final = frozenset({CodeChanged, ShadowDiffered, Recovered})
"""Events that are usually logged as warnings."""


@exported
@frozen(eq=False)
class Subscription:
    """A subscription that ends when it is cancelled, or at the end of its `with` block.

    Example:
        >>> import provenance as p
        >>> subscription = p.subscribe(print)
        >>> subscription.cancel()
    """

    receive: Callable[[Event], None]

    def cancel(self) -> None:
        """Stop sending events; do nothing the second time."""
        global _subscribers  # noqa: PLW0603 - one value, replaced as a whole
        with _guard.lock:
            _subscribers = tuple(known for known in _subscribers if known is not self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()


_subscribers: tuple[Subscription, ...] = ()


def subscribe(receive: Callable[[Event], None]) -> Subscription:
    """Call *receive* with each event from now on, in the thread where it happens.

    Exceptions of *receive* are logged, and the call goes on. Calls that *receive* makes itself send
    it no events.

    Args:
        receive: A function of one event.

    Returns:
        A subscription that ends when it is cancelled, or at the end of its `with` block.

    Raises:
        ConfigError: if *receive* is not callable.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> with p.subscribe(lambda event: print(type(event).__name__)):
        ...     _ = squares(3), squares(3)
        Miss
        Hit
    """
    check_function(receive, "subscribe", "give a function of one event")
    global _subscribers  # noqa: PLW0603 - one value, replaced as a whole
    subscription = Subscription(receive)
    with _guard.lock:
        _subscribers = (*_subscribers, subscription)
    return subscription


_listening: ContextVar[tuple[Callable[[Event], None], ...]] = ContextVar(
    "provenance_listening", default=()
)


_receiving: ContextVar[tuple[Subscription, ...]] = ContextVar("provenance_receiving", default=())
"""The subscribers that are at work: of calls that they make themselves they get no events."""


@contextmanager
def listening(receive: Callable[[Event], None]) -> Generator[None]:
    """Call *receive* with each event of this block, in this thread or task and tasks it starts."""
    _listening.set((*_listening.get(), receive))
    try:
        yield
    finally:
        # In a generator, blocks may end in another order than they began, and in another context.
        _listening.set(tuple(known for known in _listening.get() if known is not receive))


_is_muted: ContextVar[bool] = ContextVar("provenance_muted", default=False)


def muted() -> AbstractContextManager[None]:
    """Report no events of this block: its calls only check what others computed."""
    return setting(_is_muted, True)


def emit(event: Event) -> None:
    """Count *event*, log it, and send it to all subscribers; do nothing in a `muted` block."""
    if _is_muted.get():
        return
    kind = type(event)
    _count(event, _own_tally())
    if kind in _OUTCOME_OF:
        _remember(event, kind)
    _tell(event, kind)


def emit_hits(records: Sequence[ArtifactRecord]) -> None:
    """Emit a `Hit` for each of these artifacts, which have no parts; all are counted before the first is sent."""
    if _is_muted.get():
        return
    tally = _own_tally()
    tally.counts["hits"] += len(records)
    tally.seconds["saved"] += sum([record.compute_duration for record in records])
    _latest.update(dict.fromkeys([record.id for record in records], Hit))
    _forget_oldest()
    if _subscribers or _listening.get() or log.isEnabledFor(logging.DEBUG):
        for record in records:
            _tell(Hit(record.id, record.name, record.compute_duration, NO_IDS), Hit)


def _tell(event: Event, kind: type[Event]) -> None:
    """Log *event*, and send it to who listens in this context, and to all subscribers."""
    level = logging.WARNING if kind in _ALARMING and _is_warning(event) else logging.DEBUG
    if log.isEnabledFor(level):
        log.log(level, *_line(event))
    deliver(event)
    if _subscribers:
        _send(event)


def _remember(event: Any, kind: type[Event]) -> None:  # noqa: ANN401 - an outcome; a cast would take time
    """Keep the latest outcome; each step is one of the dictionary's, so that no lock is needed."""
    _latest[event.artifact_id] = kind
    for part_id in event.parts:
        _latest[part_id] = kind
    _forget_oldest()


def _forget_oldest() -> None:
    while len(_latest) > MAX_REMEMBERED:
        with suppress(KeyError):  # another thread has emptied it
            _latest.popitem(last=False)


def _is_warning(event: Event) -> bool:
    # Recomputing an evicted value is expected.
    return not (isinstance(event, Recovered) and event.reason is MissReason.EVICTED)


def _send(event: Event) -> None:
    """Send *event* to all subscribers but those whose own calls it comes from."""
    receiving = _receiving.get()
    for subscription in _subscribers:
        if subscription in receiving:
            continue
        token = _receiving.set((*receiving, subscription))
        try:
            subscription.receive(event)
        except Exception:
            log.exception("a subscriber failed on %r", event)
        finally:
            _receiving.reset(token)


def deliver(event: Event) -> None:
    """Send *event* to what listens in this context, such as a capture."""
    for receive in _listening.get():
        receive(event)


def collecting(events: list[Event], work: Callable[[], T]) -> T:
    """Return what *work* returns; its events go to *events* instead of what listens in this context."""
    with setting(_listening, (events.append,)):
        return work()


def report_skipped(errors: Sequence[CorruptRecordError]) -> None:
    """Count and log the records that a search or a listing leaves out."""
    if not errors:
        return
    _own_tally().counts["skipped"] += len(errors)
    first = errors[0]
    log.warning(
        "skipped %d damaged or unsigned record(s) of repository %r, such as %s: %s",
        *(len(errors), first.repo, first.artifact_id, first.reason),
    )


def stats() -> Stats:
    """Return the counts of this process's calls so far.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(3), squares(3)
        >>> p.stats().hits, p.stats().misses
        (1, 1)
    """
    total = _Tally()
    with _guard.lock:
        for tally in _tallies:
            total.add(tally)
    seconds = total.seconds
    return Stats(
        **total.counts,
        seconds_saved=seconds.get("saved", 0.0),
        seconds_computed=seconds.get("computed", 0.0),
        seconds_waited=seconds.get("waited", 0.0),
    )


def last_outcomes(of: Iterable[ArtifactId]) -> Mapping[ArtifactId, Outcome]:
    """Return the latest outcome in this process of those artifacts for which it is known."""
    latest = ((artifact_id, _latest.get(artifact_id)) for artifact_id in of)
    return {artifact_id: _OUTCOME_OF[kind] for artifact_id, kind in latest if kind is not None}


def reset_stats() -> None:
    """Set all counts to zero, and forget all outcomes.

    Example:
        >>> import provenance as p
        >>> p.reset_stats()
        >>> p.stats().hits
        0
    """
    global _tallies  # noqa: PLW0603 - one value, replaced as a whole
    with _guard.lock:
        _tallies = []
        _latest.clear()


_COUNTED: Final[Mapping[type[Event], str]] = {
    Hit: "hits",
    Miss: "misses",
    Recomputed: "recomputed",
    Recovered: "recovered",
    CodeChanged: "code_changed",
    Raised: "raised",
    Resumed: "resumed",
    ShadowAgreed: "shadows_agreed",
    ShadowDiffered: "shadows_differed",
    Waited: "waited",
}
"""The name in `Stats` of each event."""


def _own_tally() -> _Tally:
    """Return the tally of this thread; a new one after the counts were reset."""
    if _own.tally is not None and _own.among is _tallies:
        return _own.tally
    tally = _Tally(_own.life)
    with _guard.lock:
        ended = [known for known in _tallies if known.has_ended()]
        for other in ended[1:]:
            ended[0].add(other)
            _tallies.remove(other)
        _tallies.append(tally)
        _own.tally, _own.among = tally, _tallies
    return tally


def _count(event: Event, tally: _Tally) -> None:
    counts, seconds = tally.counts, tally.seconds
    counts[_COUNTED[type(event)]] += 1
    match event:
        case Hit():
            seconds["saved"] += event.seconds_saved
        case Miss() | Recomputed():
            seconds["computed"] += event.seconds
        case Recovered():
            seconds["computed"] += event.seconds
            if event.replaced_hit is not None:
                counts["hits"] -= 1
                seconds["saved"] -= event.replaced_hit.seconds_saved
        case Waited():
            seconds["waited"] += event.seconds
        case CodeChanged() | Raised() | Resumed() | ShadowAgreed() | ShadowDiffered():
            pass
        case _:
            assert_never(event)


def describe_changes(changes: tuple[CodeChange, ...]) -> str:
    """Return the first changes as part of a sentence.

    >>> describe_changes((CodeChange("features.clean", "changed", "features.py:31"),))
    'features.clean changed (features.py:31)'
    """
    shown = [
        f"{change.name} {change.what}" + (f" ({change.place})" if change.place else "")
        for change in changes[:MOST_SHOWN]
    ]
    if len(changes) > MOST_SHOWN:
        shown.append(f"{len(changes) - MOST_SHOWN} more changed")
    return ", ".join(shown) or "its code changed"


def _line(event: Event) -> tuple[object, ...]:
    """Return the arguments of a log message."""
    what = event.name, event.artifact_id
    match event:
        case Hit():
            return "hit: %s (%s), %.3f s saved", *what, event.seconds_saved
        case Miss():
            return "miss: %s (%s) computed in %.3f s", *what, event.seconds
        case Recomputed():
            return "recomputed: %s (%s) in %.3f s: %s", *what, event.seconds, event.reason.value
        case Recovered():
            line = "recovered: %s (%s) recomputed in %.3f s: %s: %s"
            return line, *what, event.seconds, event.reason.value, event.detail
        case Waited():
            line = "waited: %.3f s for %s (%s), computed by another thread or process"
            return line, event.seconds, *what
        case Raised() | ShadowAgreed() | ShadowDiffered():
            return _rare_line(event)
        case Resumed():
            how = "its start, to compare what is stored" if event.replayed else "there"
            line = "resumed: %s (%s) has %d items in %d chunks, going on from %s"
            return line, *what, event.items, event.chunks, how
        case CodeChanged():
            line = (
                "%s (%s): %s since this result was computed%s; pass version=%d to recompute, "
                "or call accept() if it makes no difference"
            )
            day = "" if event.computed_at is None else f" on {event.computed_at:%Y-%m-%d}"
            return line, *what, describe_changes(event.changes), day, event.version + 1
        case _:
            assert_never(event)


def _rare_line(event: Raised | ShadowAgreed | ShadowDiffered) -> tuple[object, ...]:
    if isinstance(event, Raised):
        line = "raised: %s (%s) after %.3f s: %s"
        return line, event.name, event.artifact_id, event.seconds, event.error
    if isinstance(event, ShadowAgreed):
        return "shadow: %s (%s) came out the same", event.name, event.artifact_id
    line = (
        "%s (%s): another result came out when this hit was computed again: %s; "
        "is the function random, or does it depend on something that is not an argument?"
    )
    return line, event.name, event.artifact_id, "; ".join(event.differences[:MOST_SHOWN])

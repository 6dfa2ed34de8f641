"""Where the events of calls go: to subscribers, to `logging`, and into the count that `stats()` shows."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Final, Self, assert_never

from attrs import frozen

from provenance.checks import check_function
from provenance.events import (
    CodeChanged,
    Event,
    Healed,
    Hit,
    Miss,
    Outcome,
    Recomputed,
    Stats,
    Waited,
    Why,
)
from provenance.guards import Guard
from provenance.ids import ArtifactId

log: Final = logging.getLogger("provenance")
_guard: Final = Guard()
_counts: dict[str, int] = {}
_seconds: dict[str, float] = {}
_latest: Final[OrderedDict[ArtifactId, type[Event]]] = OrderedDict()
"""In order; a plain dict would have to look for its first entry, past all those that went before."""

MOST_REMEMBERED: Final = 100_000
"""Artifacts whose latest outcome is kept; beyond that, those that were met first are forgotten."""
_LOUD: Final = (CodeChanged, Healed)
"""What is logged as a warning."""
_ASIDE: Final = (CodeChanged, Waited)
"""What is no outcome of a call."""
_OUTCOMES: Final[Mapping[type[Event], Outcome]] = {
    Hit: Outcome.HIT,
    Miss: Outcome.MISS,
    Recomputed: Outcome.RECOMPUTED,
    Healed: Outcome.HEALED,
}


@frozen(eq=False)
class Subscription:
    """Ends when it is cancelled, or with the `with` block that it opened."""

    receive: Callable[[Event], None]

    def cancel(self) -> None:
        """Send no further events; a second time does nothing."""
        global _subscribers  # noqa: PLW0603 - one value, replaced as a whole
        with _guard.lock:
            _subscribers = tuple(each for each in _subscribers if each is not self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.cancel()


_subscribers: tuple[Subscription, ...] = ()


def subscribe(receive: Callable[[Event], None]) -> Subscription:
    """Call *receive* with each event from now on, in the thread where it happens.

    What *receive* raises is logged, and the call that it was told of goes on. ConfigError if it cannot be called.
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


@contextmanager
def listening(receive: Callable[[Event], None]) -> Generator[None]:
    """Call *receive* with each event of this block, in this thread and task and in tasks that it starts."""
    _listening.set((*_listening.get(), receive))
    try:
        yield
    finally:  # in a generator, blocks may end in another order than they began in, and in another context
        _listening.set(tuple(each for each in _listening.get() if each is not receive))


def tell(event: Event) -> None:
    """Count *event*, log it, and send it to whoever subscribed."""
    with _guard.lock:
        _count(event)
        _remember(event)
    level = (
        logging.WARNING if isinstance(event, _LOUD) and not _is_expected(event) else logging.DEBUG
    )
    if log.isEnabledFor(level):
        log.log(level, *_line(event))
    for receive in _listening.get():
        receive(event)
    for each in _subscribers:
        try:
            each.receive(event)
        except Exception:
            log.exception("a subscriber failed on %r", event)


def stats() -> Stats:
    """How the calls of this process went so far."""
    with _guard.lock:
        counts, seconds = dict(_counts), dict(_seconds)
    return Stats(
        **counts,
        seconds_saved=seconds.get("saved", 0.0),
        seconds_computed=seconds.get("computed", 0.0),
        seconds_waited=seconds.get("waited", 0.0),
    )


def outcomes(of: Iterable[ArtifactId]) -> Mapping[ArtifactId, Outcome]:
    """How this process last came by each of these artifacts, as far as it did and it is remembered."""
    with _guard.lock:
        return {each: _OUTCOMES[_latest[each]] for each in of if each in _latest}


def reset_stats() -> None:
    """Count from nothing again, and forget what became of each artifact."""
    with _guard.lock:
        _counts.clear()
        _seconds.clear()
        _latest.clear()


def _is_expected(event: Event) -> bool:
    """Whether nothing went wrong: the value was let go to be computed anew when it is needed."""
    return isinstance(event, Healed) and event.why is Why.EVICTED


def _remember(event: Event) -> None:
    """Keep what became of the artifact and its parts; `_guard` is held."""
    if isinstance(event, _ASIDE):
        return
    kind = type(event)
    _latest[event.artifact_id] = kind
    for part_id in event.parts:
        _latest[part_id] = kind
    while len(_latest) > MOST_REMEMBERED:
        _latest.popitem(last=False)


def _count(event: Event) -> None:
    """Count; `_guard` is held."""
    match event:
        case Hit():
            _add("hits", "saved", event.seconds_saved)
        case Miss():
            _add("misses", "computed", event.seconds)
        case Recomputed():
            _add("recomputed", "computed", event.seconds)
        case Healed():
            _count_healed(event)
        case CodeChanged() | Waited():
            _count_aside(event)
        case _:
            assert_never(event)


def _count_aside(event: CodeChanged | Waited) -> None:
    """Count what is no outcome of a call."""
    if isinstance(event, Waited):
        _add("waited", "waited", event.seconds)
    else:
        _add("code_changed", "computed", 0.0)


def _count_healed(event: Healed) -> None:
    _add("healed", "computed", event.seconds)
    if event.takes_back is not None:
        _add("hits", "saved", -event.takes_back.seconds_saved, -1)


def _add(name: str, kind: str, seconds: float, count: int = 1) -> None:
    """Count; `_guard` is held."""
    _counts[name] = _counts.get(name, 0) + count
    _seconds[kind] = _seconds.get(kind, 0.0) + seconds


def _line(event: Event) -> tuple[object, ...]:
    match event:
        case Hit():
            return "hit: %s (%s), %.3f s saved", event.name, event.artifact_id, event.seconds_saved
        case Miss():
            return "miss: %s (%s) computed in %.3f s", event.name, event.artifact_id, event.seconds
        case Recomputed():
            return (
                "recomputed: %s (%s) in %.3f s, because %s",
                event.name,
                event.artifact_id,
                event.seconds,
                event.why.value,
            )
        case Healed():
            return (
                "healed: %s (%s) computed anew in %.3f s, because %s: %s",
                event.name,
                event.artifact_id,
                event.seconds,
                event.why.value,
                event.detail,
            )
        case CodeChanged() | Waited():
            return _line_aside(event)
        case _:
            assert_never(event)


def _line_aside(event: CodeChanged | Waited) -> tuple[object, ...]:
    if isinstance(event, Waited):
        return (
            "waited: %s (%s) was computed elsewhere, for %.3f s",
            event.name,
            event.artifact_id,
            event.seconds,
        )
    line = (
        "%s (%s): the stored result was computed by other code than would run now: the function, or a global "
        "that it uses, has changed; if results differ, raise its version, now %d"
    )
    return line, event.name, event.artifact_id, event.version

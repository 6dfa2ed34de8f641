"""Events of calls, and the statistics that they add up to.

`parts` are the artifacts of the parts of a composite.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TypeAlias

from attrs import frozen

from provenance.model.ids import NO_IDS, ArtifactId


class MissReason(Enum):
    """Why a value was computed and not looked up.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> events = []
        >>> with p.subscribe(events.append):
        ...     _ = squares(3)
        >>> events[0].reason is p.MissReason.ABSENT
        True
    """

    ABSENT = "nothing was stored under this id"
    CACHE_OFF = "use_cache is off"
    REQUESTED = "recomputation was asked for"
    BLOB_MISSING = "the stored value was missing"
    BLOB_CORRUPT = "the stored value was damaged"
    BLOB_UNREADABLE = "the stored value refers to code that this process lacks"
    RECORD_CORRUPT = "the record was damaged"
    EVICTED = "the stored value was evicted"
    CODE_CHANGED = "the code has changed since the value was computed"
    EXPIRED = "the stored value was older than expires_after"
    INVALID = "valid_if refused the stored value"
    NOT_REPRODUCIBLE = "the function gave another result when a hit was computed again"


@frozen
class _OfCall:
    """What happened to a call of the function *name*, whose result is the artifact *artifact_id*."""

    artifact_id: ArtifactId
    name: str


@frozen
class Hit(_OfCall):
    """The value was in the store; computing it had taken *seconds_saved*.

    `parts` are the artifacts of the parts of a composite.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> events = []
        >>> with p.subscribe(events.append):
        ...     _ = squares(3), squares(3)
        >>> [type(event) is p.Hit for event in events]
        [False, True]
    """

    seconds_saved: float
    parts: frozenset[ArtifactId] = NO_IDS


@frozen
class Miss(_OfCall):
    """Nothing was stored; computed in *seconds*, and *stored* unless the call was read-only.

    `reason` says why it was computed. `parts` are the artifacts of the parts of a composite.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> events = []
        >>> with p.subscribe(events.append):
        ...     _ = squares(3), squares(3)
        >>> [type(event) is p.Miss for event in events]
        [True, False]
    """

    seconds: float
    stored: bool
    reason: MissReason = MissReason.ABSENT
    parts: frozenset[ArtifactId] = NO_IDS


@frozen
class Recomputed(_OfCall):
    """The value was recomputed on purpose, for a *reason*, in *seconds*.

    Its other attributes are those of `Miss`.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> events = []
        >>> with p.subscribe(events.append):
        ...     _ = squares.recompute(3)
        >>> isinstance(events[0], p.Recomputed), events[0].stored
        (True, True)
    """

    seconds: float
    stored: bool
    reason: MissReason
    parts: frozenset[ArtifactId] = NO_IDS


@frozen
class Recovered(_OfCall):
    """A record existed, but it or its value was missing, damaged or evicted: it was recomputed.

    `reason` says which, and `detail` says more. Computing it took *seconds*.
    `replaced_hit` is the hit that was reported before, if the defect appeared only when the value was
    read.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> store = p.MemoryStore("values", delete=True)
        >>> events = []
        >>> with p.using_repo(p.MemoryRepo("project", store=store)), p.subscribe(events.append):
        ...     store.delete(squares.artifact(3).value_blob)
        ...     print(squares(3))
        [0, 1, 4]
        >>> isinstance(events[-1], p.Recovered), events[-1].reason is p.MissReason.BLOB_MISSING
        (True, True)
    """

    seconds: float
    reason: MissReason
    detail: str
    replaced_hit: Hit | None = None
    stored: bool = True
    parts: frozenset[ArtifactId] = NO_IDS


@frozen
class Raised(_OfCall):
    """The function raised an exception, after *seconds*: nothing is stored of the call.

    Attributes:
        artifact_id: id of the artifact that it would have computed.
        name: name of the function.
        seconds: how long it ran.
        error: type and message of the exception.
        started_at: when the call began, in UTC.
        inputs: artifacts among the arguments, at any depth.

    Example:
        >>> import provenance as p
        >>> half = p.provenance(lambda n: 1 / n, name="half")
        >>> events = []
        >>> with p.subscribe(events.append):
        ...     half(0)
        Traceback (most recent call last):
        ...
        ZeroDivisionError: division by zero
        >>> isinstance(events[-1], p.Raised), events[-1].error
        (True, 'ZeroDivisionError: division by zero')
    """

    seconds: float
    error: str
    started_at: datetime
    inputs: frozenset[ArtifactId] = NO_IDS


@frozen
class CodeChange:
    """Something that a function's result may depend on, and that differs since the result was computed.

    Attributes:
        name: name with its module, such as `features.clean`.
        what: `changed`, `is used now` or `is no longer used`.
        place: file and line of its definition now; empty if it has none.
        digest: digest of what it is now; empty if it is no longer used.

    Example:
        >>> import provenance as p
        >>> RATE = 1
        >>> def rated(n: int) -> int:
        ...     return n * RATE
        >>> first = p.provenance(rated)(3)
        >>> RATE = 2
        >>> [change] = p.provenance(rated).accept(note="another currency")
        >>> print(change.name.rpartition(".")[2], change.what)
        RATE changed
    """

    name: str
    what: str
    place: str = ""
    digest: str = ""


@frozen
class CodeChanged(_OfCall):
    """A hit whose code has changed since the value was computed; is a new `version` due?

    `changes` say what differs from the code of `computed_at`, a time in UTC.

    Example:
        >>> import provenance as p
        >>> RATE = 1
        >>> def rated(n: int) -> int:
        ...     return n * RATE
        >>> first = p.provenance(rated)(3)
        >>> RATE = 2
        >>> events = []
        >>> with p.subscribe(events.append):
        ...     _ = p.provenance(rated)(3)
        >>> [change.what for event in events if isinstance(event, p.CodeChanged) for change in event.changes]
        ['changed']
    """

    version: int
    computed_at: datetime | None = None
    changes: tuple[CodeChange, ...] = ()


@frozen
class Waited(_OfCall):
    """The call waited for *seconds* while another thread or process computed the same value.

    The event of its outcome follows.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> def warn(event: p.Event) -> None:
        ...     if isinstance(event, p.Waited) and event.seconds > 60:
        ...         print("waited a minute for", event.name)
        >>> with p.subscribe(warn):
        ...     _ = squares(3)
    """

    seconds: float


@frozen
class ShadowAgreed(_OfCall):
    """A hit was computed again beside the call, and the same value came out.

    Example:
        >>> import provenance as p
        >>> def report(event: p.Event) -> None:
        ...     match event:
        ...         case p.ShadowAgreed():
        ...             print(event.name, "is repeatable")
        ...         case p.ShadowDiffered():
        ...             print(event.name, *event.differences)
        >>> subscription = p.subscribe(report)
        >>> subscription.cancel()
    """


@frozen
class ShadowDiffered(_OfCall):
    """A hit was computed again beside the call, and another value came out.

    `differences` are texts that say where.

    Example:
        >>> import provenance as p
        >>> def alarm(event: p.Event) -> None:
        ...     if isinstance(event, p.ShadowDiffered):
        ...         print(event.name, "gave another result:", *event.differences)
        >>> subscription = p.subscribe(alarm)
        >>> subscription.cancel()
    """

    differences: tuple[str, ...] = ()


@frozen
class Resumed(_OfCall):
    """A stream goes on after its first *items*, which an interrupted call had stored in *chunks*.

    If *replayed*, the function runs from its start, and the stored items are compared and dropped.

    Example:
        >>> import provenance as p
        >>> @p.provenance(stream=p.Streaming(chunk_items=1))
        ... def numbers(n: int, *, after: int = -1):
        ...     yield from range(after + 1, n)
        >>> stream = numbers(3)
        >>> stream[0]
        0
        >>> stream.close()  # as if the process had ended here
        >>> events = []
        >>> with p.subscribe(events.append):
        ...     _ = list(numbers(3))
        >>> [event.items for event in events if isinstance(event, p.Resumed)]
        [1]
    """

    chunks: int
    items: int
    replayed: bool


Event: TypeAlias = (
    Hit
    | Miss
    | Recomputed
    | Recovered
    | Raised
    | CodeChanged
    | Waited
    | Resumed
    | ShadowAgreed
    | ShadowDiffered
)


class Outcome(Enum):
    """How this process obtained an artifact."""

    HIT = "found in the store"
    MISS = "computed"
    RECOMPUTED = "recomputed on purpose"
    RECOVERED = "recomputed, its stored value was lost"


@frozen
class Stats:
    """The counts of this process's calls.

    Attributes:
        hits: Calls whose result was in the store.
        misses: Calls that were computed because nothing was stored.
        recomputed: Calls that were computed again on purpose.
        recovered: Calls whose stored value was lost, and was computed again.
        code_changed: Hits whose code had changed since.
        waited: Calls that waited for another thread or process.
        raised: Calls whose function raised.
        resumed: Streams that went on where an interrupted call had ended.
        skipped: Damaged or unsigned records that searches and listings left out.
        shadows_agreed: Hits that were computed again beside a call, with the same value.
        shadows_differed: The same, with another value.
        seconds_saved: What the functions of the hits had taken.
        seconds_computed: What the functions took that ran.
        seconds_waited: What all calls waited.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> p.reset_stats()
        >>> _ = squares(3), squares(3)
        >>> stats = p.stats()
        >>> stats.hits, stats.misses
        (1, 1)
    """

    hits: int = 0
    misses: int = 0
    recomputed: int = 0
    recovered: int = 0
    code_changed: int = 0
    waited: int = 0
    raised: int = 0
    resumed: int = 0
    skipped: int = 0
    shadows_agreed: int = 0
    shadows_differed: int = 0
    seconds_saved: float = 0.0
    seconds_computed: float = 0.0
    seconds_waited: float = 0.0

    @property
    def calls(self) -> int:
        """The number of calls that ended, by a hit or by computing."""
        return self.hits + self.misses + self.recomputed + self.recovered

"""The course of a map: a window of calls, those that are stored, those on their way, and what landed."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Container, Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeAlias

from attrs import define, evolve, field, frozen

from provenance.calls import execute
from provenance.calls.draft import Call
from provenance.calls.function import CachedFunction
from provenance.calls.plain import PlainCalls
from provenance.effect import run
from provenance.engines import worker
from provenance.engines.freight import Freight
from provenance.engines.outcomes import REMEDY, Failure, Progress, failure_of
from provenance.engines.pools import Engine, Pool
from provenance.engines.shipping import Arrival
from provenance.environment import Environment
from provenance.errors import EngineError
from provenance.events import Event, Miss, MissReason, Recomputed, Recovered
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord
from provenance.model.references import UNREAD
from provenance.ports.records import FindMany
from provenance.repository import programs
from provenance.repository.handles import Repository
from provenance.repository.programs import LookupHit
from provenance.results.handles import InMemoryOrigin, make_proxy
from provenance.telemetry import deliver, emit, emit_hits
from provenance.util.formatting import describe_error

Ended: TypeAlias = "tuple[object] | Failure"
"""A call that has ended: its result, or why it has none."""
_FIRST_READ: Final = 16
_LARGEST_READ: Final = 512
"""Calls that are read and looked up together: few at first, so that the first result comes early."""
_GOAL: Final = 0.5
"""Seconds that a batch is to take."""
_LARGEST_BATCH: Final = 500
_MOST_ATTEMPTS: Final = 3
"""How often a call is shipped whose workers die."""
_FEW_ATTEMPTS: Final = 2
"""The same on a cluster that runs it again by itself: once with others, whose worker it may have shared, and once alone."""


@frozen(eq=False)
class Settings:
    """The options of a map."""

    engine: Engine
    errors: str
    ordered: bool
    batch: int | None
    ahead: int


@frozen(eq=False)
class Source:
    """Where the calls of a map come from.

    Attributes:
        items: What each call is made from.
        plan: Makes a call of an item.
        plain: Finds calls that need no plan; None if each is to be planned.
        total: Number of the items, if it is known.
    """

    items: Iterator[Any]
    plan: Callable[[Any], Entry]
    plain: PlainCalls | None = None
    total: int | None = None


@define(eq=False)
class Entry:
    """A call of the map: its position, how often it was shipped, and whether it replaces what is stored."""

    function: CachedFunction[..., object]
    call: Call
    index: int = 0
    attempts: int = 0
    replaces: bool = False

    @property
    def artifact_id(self) -> ArtifactId:
        """Id of the artifact that the call makes."""
        return self.call.plan.artifact_id


@define(eq=False)
class Dispatch:
    """The state of a map, and its steps; `finished` is the number of calls that have ended."""

    _source: Source
    _environment: Environment
    _settings: Settings
    _pool: Pool
    _report: Callable[[Progress], None] | None
    _freight: Freight = field(init=False)
    _exhausted: bool = False
    _source_error: BaseException | None = None
    _read: int = 0
    _handed_out: int = 0
    _reading: int = _FIRST_READ
    _ready: dict[int, Ended] = field(factory=dict)
    _missing: deque[Entry] = field(factory=deque)
    _suspects: deque[Entry] = field(factory=deque)
    _flying: dict[int, list[Entry]] = field(factory=dict)
    _twins: dict[ArtifactId, list[Entry]] = field(factory=dict)
    _batches: int = 0
    _size: int = 1
    finished: int = 0
    _hits: int = 0
    _computed: int = 0
    _failed: int = 0
    _saved: float = 0.0

    def __attrs_post_init__(self) -> None:
        self._freight = Freight(self._environment, self._settings.engine)

    def outcomes(self) -> Iterator[Ended]:
        """Yield what becomes of each call, in their order if the settings say so.

        What reading the calls raises is raised after the outcomes of those read before.
        """
        ready, ordered = self._ready, self._settings.ordered
        missing, suspects, flying = self._missing, self._suspects, self._flying
        while True:
            if missing or suspects or flying:
                self._ship()
                self._land(0)
            if ready:
                outcome = ready.pop(self._handed_out if ordered else next(iter(ready)), None)
                if outcome is not None:
                    self._handed_out += 1
                    yield outcome
                    continue
            if self._room() > 0:
                self._read_more()
            elif flying:
                self._land(None)
            elif not (missing or suspects):
                break
        if self._source_error is not None:
            raise self._source_error

    def _room(self) -> int:
        """Return how many calls may be read now."""
        left = self._settings.ahead - (self._read - self._handed_out)
        return 0 if self._exhausted else left

    # ------------------------------------------------------------ reading and looking up

    def _read_more(self) -> None:
        wanted = min(self._reading, self._room())
        items: list[Any] = []
        try:
            for item in islice(self._source.items, wanted):
                items.append(item)  # noqa: PERF402 - what was read before an error counts
        except Exception as error:  # noqa: BLE001 - the user's iterator may raise anything
            self._source_error = error
        self._exhausted = len(items) < wanted
        self._reading = min(2 * self._reading, _LARGEST_READ)
        first, self._read = self._read, self._read + len(items)
        entries: list[Entry] = []
        absent: set[ArtifactId] = set()
        for index, item in self._end_plain(items, first, absent):
            try:
                entry = self._source.plan(item)
            except Exception as error:  # noqa: BLE001 - planning runs methods of the arguments
                self._end(index, failure_of(error, None, "refused", index))
            else:
                entry.index = index
                entries.append(entry)
        self._look_up(entries, absent)

    def _end_plain(
        self, items: list[Any], first: int, absent: set[ArtifactId]
    ) -> list[tuple[int, Any]]:
        """End the calls that need no plan and whose results are stored; return the others with their positions.

        The ids of those whose results are not stored are added to *absent*.
        """
        calls = self._source.plain
        if calls is None:
            return list(enumerate(items, first))
        ids = calls.find_ids(items)
        asked = {key: args for key, args in zip(ids, items, strict=True) if key}
        if not asked:
            return list(enumerate(items, first))
        found = calls.repo.interpreter(FindMany(tuple(asked)))
        absent.update(asked.keys() - found.keys())
        hits = {
            index: record
            for index, key in enumerate(ids, first)
            if key and (record := found.get(key)) is not None and calls.is_hit(record)
        }
        emit_hits(list(hits.values()))
        origin, ended = calls.origin(asked), dict[int, Ended]()
        for index, record in hits.items():
            try:
                ended[index] = (calls.result(origin, record),)
            except Exception as error:  # noqa: BLE001 - reading a value may raise anything
                ended[index] = failure_of(error, record.id, index=index)
        self._hits += len(hits)
        self._saved += sum([record.compute_duration for record in hits.values()])
        self._end_all(ended)
        return [(index, item) for index, item in enumerate(items, first) if index not in hits]

    def _look_up(self, entries: list[Entry], absent: Container[ArtifactId] = ()) -> None:
        """End what is stored; the others wait for an equal call, or are to be shipped.

        Those in *absent* are known not to be stored.
        """
        waiting: dict[Repository, list[Entry]] = {}
        for entry in entries:
            if entry.call.reason is not MissReason.ABSENT:
                self._missing.append(entry)
            elif entry.artifact_id in absent:
                self._miss(entry)
            else:
                waiting.setdefault(entry.call.repo, []).append(entry)
        for repo, those in waiting.items():
            ids = tuple(dict.fromkeys([entry.artifact_id for entry in those]))
            found = repo.interpreter(FindMany(ids))
            for entry in those:
                record = found.get(entry.artifact_id)
                if record is None or not self._use(entry, record):
                    self._miss(entry)

    def _use(self, entry: Entry, record: ArtifactRecord) -> bool:
        """End a call whose result is stored; False if it is to be computed all the same."""
        call, entry.replaces = entry.call, True
        if call.spec.wrapped.is_async and not _is_readable(call, record):
            return False  # a lazy read could not await that it is computed again
        try:
            used = execute.use_hit(call, record)
        except Exception as error:  # noqa: BLE001 - reading a value may raise anything
            self._end(entry.index, failure_of(error, record.id, index=entry.index))
            return True
        if isinstance(used, MissReason):
            return False
        self._hits += 1
        self._saved += record.compute_duration
        self._end(entry.index, used)
        return True

    def _miss(self, entry: Entry) -> None:
        if entry.call.read_only:  # nothing is stored for equal calls to find
            self._missing.append(entry)
        elif entry.artifact_id in self._twins:
            self._twins[entry.artifact_id].append(entry)
        else:
            self._twins[entry.artifact_id] = []
            self._missing.append(entry)

    # ------------------------------------------------------------ shipping

    def _ship(self) -> None:
        most = 2 * self._pool.width if self._pool.is_remote else self._pool.width
        while self._missing and len(self._flying) < most and not self._suspects:
            self._send(self._next_batch())
        # Calls whose worker died are tried alone, so that the guilty one is known.
        if self._suspects and not self._flying:
            self._send([self._suspects.popleft()], take_over=True)

    def _next_batch(self) -> list[Entry]:
        """Return the next calls of one function, about half a second's worth."""
        size = 1
        if self._pool.is_remote:
            fair = -(-len(self._missing) // (2 * self._pool.width))
            size = self._settings.batch or max(1, min(self._size, fair))
        batch = [self._missing.popleft()]
        function = batch[0].function
        while self._missing and len(batch) < size and self._missing[0].function is function:
            batch.append(self._missing.popleft())
        return batch

    def _send(self, entries: list[Entry], *, take_over: bool = False) -> None:
        number, self._batches = self._batches, self._batches + 1
        for entry in entries:
            entry.attempts += 1
        calls = tuple([entry.call for entry in entries])
        self._flying[number] = entries
        try:
            entries[0].function.__provenance_permit__(calls[0])
            if self._pool.is_remote:
                payload = self._freight.pack(entries[0].function, calls, take_over=take_over)
                self._pool.ship(number, worker.work, payload)
            else:
                self._pool.ship(number, worker.run_here, calls)
        except EngineError:
            raise
        except Exception as error:  # noqa: BLE001 - pickling runs methods of the arguments
            del self._flying[number]
            if len(entries) > 1:
                for entry in entries:
                    self._send([entry])
                return
            entry = entries[0]
            self._settle(entry, failure_of(error, entry.artifact_id, "refused", entry.index))

    # ------------------------------------------------------------ landing

    def _land(self, timeout: float | None) -> None:
        """Take what has landed; wait for the first of it unless *timeout* is 0."""
        while self._flying:
            landing = self._pool.land(timeout)
            if landing is None:
                return
            self._take(*landing)
            timeout = 0

    def _take(self, number: int, arrival: Arrival | Exception) -> None:
        entries = self._flying.pop(number)
        if isinstance(arrival, Exception):
            self._lose(entries, arrival)
        elif self._freight.is_to_ship_again(arrival):
            for entry in reversed(entries):
                entry.attempts -= 1
                self._missing.appendleft(entry)
        else:
            self._receive(entries, arrival)

    def _receive(self, entries: list[Entry], arrival: Arrival) -> None:
        first = entries[0].call
        replaced = frozenset([entry.artifact_id for entry in entries if entry.replaces])
        stored = self._freight.commit(first.repo, arrival, replaced, read_only=first.read_only)
        send: Callable[[Event], None] = deliver if arrival.same_process else emit
        ids = {entry.artifact_id for entry in entries} if first.read_only else set[ArtifactId]()
        for event in arrival.events:
            if isinstance(event, Miss | Recomputed | Recovered) and event.artifact_id in ids:
                send(evolve(event, stored=False))
            else:
                send(event)
        seconds = 0.0
        for entry, outcome in zip(entries, arrival.outcomes, strict=True):
            if isinstance(outcome, Failure):
                self._settle(entry, evolve(outcome, index=entry.index))
                continue
            self._computed += 1
            record = outcome.record
            if record is None:
                self._settle(entry, (outcome.result,))
                continue
            seconds += record.compute_duration
            now = stored.get(record.id, record)
            # Another process's record may have been there first.
            data = outcome.value if now.value_id == record.value_id else None
            value = UNREAD if data is None else pickle.loads(data)
            self._settle(entry, self._finish(entry, now, value))
        self._adapt(len(entries), seconds)

    def _finish(self, entry: Entry, record: ArtifactRecord, value: object) -> Ended:
        """Return the result of what a worker has recorded."""
        make = _make_foreign_proxy if entry.call.read_only else execute.make_stored_proxy
        try:
            return (make(entry.call, record, value),)
        except Exception as error:  # noqa: BLE001 - reading a value may raise anything
            return failure_of(error, record.id, index=entry.index)

    def _adapt(self, calls: int, seconds: float) -> None:
        """Choose the size of batches by how long calls take, at most twice as large as before."""
        pace = max(seconds / calls, 1e-4)
        self._size = max(1, min(2 * self._size, int(_GOAL / pace), _LARGEST_BATCH))

    def _lose(self, entries: list[Entry], error: Exception) -> None:
        """Look up what a dead worker has left; the rest is shipped again, one call at a time."""
        if isinstance(error, ImportError | AttributeError | TypeError):
            problem = f"a worker cannot run calls ({describe_error(error)})"
            raise EngineError(problem, "install provenance there, too") from error
        self._size = 1
        for entry in entries:
            wanted = entry.artifact_id
            found = entry.call.repo.interpreter(FindMany((wanted,))).get(wanted)
            if found is not None and entry.call.reason is MissReason.ABSENT:
                used = execute.use_hit(entry.call, found)
                if not isinstance(used, MissReason):
                    self._computed += 1
                    self._settle(entry, used)
                    continue
            if entry.attempts < (_FEW_ATTEMPTS if self._pool.retries else _MOST_ATTEMPTS):
                self._suspects.append(entry)
            else:
                problem = f"a worker died while it ran call {entry.index} ({describe_error(error)})"
                died = EngineError(problem, REMEDY["worker died"])
                died.__cause__ = error
                self._settle(entry, failure_of(died, entry.artifact_id, "worker died", entry.index))

    # ------------------------------------------------------------ ends

    def _settle(self, entry: Entry, outcome: Ended) -> None:
        """End a call that was shipped, and look up the equal ones."""
        self._end(entry.index, outcome)
        twins = self._twins.pop(entry.artifact_id, [])
        if isinstance(outcome, Failure):
            for twin in twins:
                self._end(twin.index, evolve(outcome, index=twin.index))
        elif twins:
            self._look_up(twins)

    def _end(self, index: int, outcome: Ended) -> None:
        self._end_all({index: outcome})

    def _end_all(self, ended: Mapping[int, Ended]) -> None:
        self._ready.update(ended)
        self.finished += len(ended)
        self._failed += sum([isinstance(outcome, Failure) for outcome in ended.values()])
        if self._report is not None and ended:
            so_far = self._hits, self._computed, self._failed, self._saved
            self._report(Progress(self.finished, self._source.total, *so_far))


def _make_foreign_proxy(call: Call, record: ArtifactRecord, value: object) -> object:
    """Return the result of a call that another process has computed and that is in no store."""
    origin = InMemoryOrigin(value, call.plan.inputs)
    return make_proxy(record, origin, value, tracked=False, options=call.results)


def _is_readable(call: Call, record: ArtifactRecord) -> bool:
    """Tell whether the value of a recorded result is still stored."""
    return isinstance(run(programs.probe(record.id), call.repo.interpreter), LookupHit)

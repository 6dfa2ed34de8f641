"""Commits of a worker's batch in one transaction.

A layer around a repository keeps the records of new results for a moment, and puts them together.
Whatever else is asked of the stores comes after what was put before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from attrs import evolve

from provenance.effect import Effect, Interpreter, overlay, with_layer
from provenance.hashing import hash_value
from provenance.model.ids import ArtifactId, RunId
from provenance.model.records import ArtifactRecord, Run
from provenance.ports.blobs import WriteBlob, WriteBlobs
from provenance.ports.leases import AcquireLease, ReleaseLease, RenewLease
from provenance.ports.machine import CurrentRun, Now, Sleep
from provenance.ports.records import FindRecord, PutRecord, PutRecords
from provenance.repository.handles import Repository

A = TypeVar("A")
E = TypeVar("E", bound=Effect[Any])

_LONGEST: Final = 0.25
"""Seconds of computing that may wait to be committed."""
_UNAFFECTED: Final = (
    FindRecord,
    WriteBlob,
    WriteBlobs,
    Now,
    CurrentRun,
    Sleep,
    AcquireLease,
    RenewLease,
    ReleaseLease,
)
"""What may be asked while records wait: a look-up of another artifact, and what a commit begins with."""


def naming_parent(parent: RunId | None, base: Interpreter[E]) -> Interpreter[E]:
    """Return *base*, in which the run of this process is one that the run *parent* started.

    The process works for other runs, too: so its run has another id for each.
    """

    def answer(_: CurrentRun) -> Run:
        run = base.answer_to(CurrentRun)(CurrentRun())
        if parent is None or run.id == parent:
            return run
        return evolve(run, id=RunId(hash_value([run.id, parent])), parent_id=parent)

    return overlay(base, CurrentRun.on(answer))


class Deferral:
    """A repository whose records wait until `flush`, until they took long to compute, or until something else is asked.

    `lost` are the artifacts whose commit has failed.
    """

    def __init__(self, repo: Repository, parent: RunId | None = None) -> None:
        self._put_all = repo.interpreter.answer_to(PutRecords)
        self._waiting: dict[ArtifactId, PutRecord] = {}
        self._seconds = 0.0
        self._stored: dict[ArtifactId, ArtifactRecord] = {}
        self.lost: frozenset[ArtifactId] = frozenset()
        layered = repo.with_layer(
            lambda stores: with_layer(naming_parent(parent, stores), self._answer)
        )
        # A pool of the worker opens the same repository: asking for its id puts what waits.
        self.repo = evolve(layered, blueprint=repo.blueprint)

    def _answer(self, effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        asked: object = effect
        if isinstance(asked, PutRecord) and not (asked.replace or asked.besides):
            self._waiting[asked.record.id] = asked
            self._seconds += asked.record.compute_duration
            if self._seconds >= _LONGEST:
                self.flush()
            return cast("A", self._stored.get(asked.record.id, asked.record))
        if isinstance(asked, FindRecord) and asked.id in self._waiting:
            return cast("A", self._waiting[asked.id].record)
        if self._waiting and not isinstance(asked, _UNAFFECTED):
            self.flush()
        return inner(effect)

    def flush(self) -> dict[ArtifactId, ArtifactRecord]:
        """Put what waits, in one transaction; returns all records that are stored by now, by id."""
        waiting, self._waiting, self._seconds = self._waiting, {}, 0.0
        if waiting:
            try:
                stored = self._put_all(PutRecords(tuple(waiting.values())))
            except BaseException:
                self.lost |= waiting.keys()
                raise
            self._stored.update(zip(waiting, stored, strict=True))
        return self._stored

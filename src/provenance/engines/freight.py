"""Packing and unpacking on the driver, and the handshake: who commits, and what the driver stores."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from functools import partial
from itertools import count, groupby
from typing import BinaryIO, Final

from attrs import evolve

from provenance.calls.draft import Call
from provenance.calls.function import CachedFunction
from provenance.engines.pools import Engine
from provenance.engines.shipping import (
    HEAVY,
    OWN,
    Arrival,
    Committer,
    Copy,
    Shipment,
    ShippedCall,
    describe,
    dump,
    library_version,
    seal,
)
from provenance.engines.worker import parents_of
from provenance.environment import Environment
from provenance.errors import EngineError, ProvenanceError, StorePermissionError
from provenance.hashing import hash_value
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord, InlineBlob
from provenance.ports.blobs import WriteBlobs
from provenance.ports.history import PutDerivation
from provenance.ports.machine import CurrentRun, Now
from provenance.ports.records import FindMany, PutRecord, PutRecords
from provenance.repository.handles import Repository
from provenance.telemetry import log

_ADVICE: Final = (
    "use a store that driver and workers reach (PostgreSQL, or files on a shared disk), or "
    "commit='driver'"
)


_maps: Final = count()


class Freight:
    """What a map knows of its shipments: the environment and functions as bytes, and who commits."""

    def __init__(self, environment: Environment, engine: Engine) -> None:
        self._environment = environment
        self._engine = engine
        self._commit: Committer = engine.commit
        self._map = next(_maps)
        self._described: bytes | None = None
        self._parents: bytes | None = None
        self._functions: dict[int, tuple[CachedFunction[..., object], tuple[str, bytes]]] = {}

    def pack(
        self, function: CachedFunction[..., object], calls: tuple[Call, ...], *, take_over: bool
    ) -> bytes:
        """Return the bytes of a batch of calls of *function*, for `worker.work`."""
        first = calls[0]
        description = self._describe()
        commit: Committer = "driver" if first.read_only else self._commit
        home = None if commit == "driver" else first.repo
        shipped = [ShippedCall(call.args, call.kwargs, call.plan.artifact_id) for call in calls]
        shipment = Shipment(
            environment=description,
            expected=first.repo.repository_id,
            function=self._function_bytes(function, home),
            calls=dump(tuple(shipped), home),
            commit=commit,
            returns_values=first.read_only,
            take_over=take_over,
            parents=self._pack_parents(first.repo),
            map=self._map,
        )
        return seal(shipment, library_version())

    def _pack_parents(self, repo: Repository) -> bytes:
        if self._parents is None:
            here = repo.interpreter(CurrentRun())
            self._parents = pickle.dumps((here, *parents_of(here)))
        return self._parents

    def _describe(self) -> bytes:
        if self._described is None:
            description = describe(self._environment)
            if description.default is None and self._commit == "auto":
                self._commit = "driver"
            elif description.default is None and self._commit == "worker":
                problem = "the repository is in the memory of this process, or cannot be described"
                raise EngineError(f"engine {self._engine.name}: {problem}", _ADVICE)
            self._described = pickle.dumps(description)
        return self._described

    def _function_bytes(
        self, function: CachedFunction[..., object], home: Repository | None
    ) -> tuple[str, bytes]:
        known = self._functions.get(id(function))
        if known is not None:
            return known[1]
        data = dump(function, home)
        if len(data) > HEAVY:
            log.warning(
                "%r takes %d bytes with each batch, as it refers to large globals; pass them as "
                "arguments, or results of decorated functions",
                function,
                len(data),
            )
        packed = hash_value(data), data
        self._functions[id(function)] = function, packed
        return packed

    def is_to_ship_again(self, arrival: Arrival) -> bool:
        """Tell whether nothing was run because the worker uses another repository: then the driver commits.

        Raises:
            EngineError: if the worker is to commit, or cannot run anything.
        """
        if arrival.refused:
            problem = f"a worker of engine {self._engine.name} refuses calls: {arrival.refused}"
            raise EngineError(problem, "install the same code and libraries on all workers")
        if not arrival.unreached:
            return False
        if self._commit == "worker":
            raise EngineError(arrival.unreached, _ADVICE)
        if self._commit == "auto":
            log.info("%s; this process stores the results", arrival.unreached)
        self._commit = "driver"
        return True

    def commit(
        self,
        own: Repository,
        arrival: Arrival,
        replaced: frozenset[ArtifactId],
        *,
        read_only: bool,
    ) -> dict[ArtifactId, ArtifactRecord]:
        """Store what a worker has left to the driver, in place of what is *replaced*; returns what is recorded now.

        It goes to the repositories in which the functions would store here; *own* is that of the mapped one, and may
        not be written to if that is *read_only*.
        """
        recorded: dict[ArtifactId, ArtifactRecord] = {}
        # Where one may not be written, nothing that was made with it is: an inner result is there before an outer one.
        ordered = sorted(arrival.copies, key=lambda copy: copy.record.added_at)
        for name, copies in groupby(ordered, lambda copy: copy.repo):
            if name == OWN and read_only:
                continue
            recorded |= _put_all(self._repository(name, own), tuple(copies), replaced)
        for name, put in arrival.derivations:
            if name != OWN or not read_only:
                _put_derivation(self._repository(name, own), put)
        return recorded

    def _repository(self, name: str | None, own: Repository) -> Repository:
        return own if name == OWN else self._environment.repository(name)


def _put_all(
    repo: Repository, copies: tuple[Copy, ...], replaced: frozenset[ArtifactId]
) -> Mapping[ArtifactId, ArtifactRecord]:
    """Store *copies*, and return what is recorded now.

    A worker computes what it cannot look up. Where writing is forbidden, what is recorded already is a hit.
    """
    ids = tuple([copy.record.id for copy in copies])
    try:
        puts = tuple([_put(repo, copy, replace=copy.record.id in replaced) for copy in copies])
        stored = repo.interpreter(PutRecords(puts))
    except StorePermissionError:
        known = repo.interpreter(FindMany(ids))
        if len(known) < len(ids) or not replaced.isdisjoint(ids):
            raise
        return known
    return dict(zip(ids, stored, strict=True))


def _put_derivation(repo: Repository, put: PutDerivation) -> None:
    try:
        repo.interpreter(put)
    except StorePermissionError as error:
        # As with a hit, the call is right without it.
        log.info("did not record which inputs a result was used with: %s", error)


def _put(repo: Repository, copy: Copy, *, replace: bool) -> PutRecord:
    """Write the bytes of an artifact, and return what records it."""
    writes = tuple([partial(_write, data) for data in copy.blobs.values()])
    written = repo.interpreter(WriteBlobs(writes))
    inline: list[InlineBlob] = []
    for result in written:
        if isinstance(result, ProvenanceError):
            raise result
        inline += [result] if isinstance(result, InlineBlob) else []
    record = evolve(copy.record, added_at=repo.interpreter(Now()))
    return copy.what.put(record, tuple(inline), replace=replace)


def _write(data: bytes, sink: BinaryIO) -> None:
    sink.write(data)

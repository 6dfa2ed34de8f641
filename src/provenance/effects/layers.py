"""Middleware: functions from interpreter to interpreter that answer the same effects."""

from __future__ import annotations

import io
import math
from collections import OrderedDict
from collections.abc import Callable
from operator import methodcaller
from typing import Any, BinaryIO, Final, TypeVar, cast

from attrs import evolve

from provenance.asks import (
    Blobs,
    DropBlob,
    DropRecord,
    DropSet,
    FindByValue,
    FindIds,
    FindInputs,
    FindLabelled,
    FindProgeny,
    FindRecord,
    FindRecords,
    FindRun,
    FindSet,
    FindSetIds,
    HasBlob,
    PutRecord,
    PutSet,
    Quarantine,
    ReadBlob,
    WriteBlob,
    WriteBlobs,
)
from provenance.chores import (
    CheckBlob,
    CheckRecords,
    Discard,
    Evict,
    FindEviction,
    FindHomes,
    FindNamed,
    FindPins,
    FindPlaces,
    InspectRecord,
    ListHoldings,
)
from provenance.codecs import Decoding
from provenance.effect import Effect, Interpreter, layered, overlaid
from provenance.effects.locks import Shared
from provenance.effects.patience import backoff, persistent
from provenance.effects.sizes import by_size
from provenance.effects.watching import Asked, Counter, counted, traced
from provenance.errors import StorePermissionError
from provenance.ids import ArtifactId, BlobId
from provenance.leasing import Claim, FindExpired, Release, Renew
from provenance.records import ArtifactRecord, Blob, Permissions

__all__ = [
    "Asked",
    "Counter",
    "Permissions",
    "by_size",
    "counted",
    "distrusting",
    "guarded",
    "remembered",
    "rereading",
    "retrying",
    "traced",
]

A = TypeVar("A")
E = TypeVar("E", bound=Effect[Any])


_NEEDS: Final[dict[type[Effect[Any]], tuple[str, str]]] = {
    FindRecord: ("looking up an artifact", "read"),
    FindIds: ("looking up ids", "read"),
    FindByValue: ("looking up artifacts by value", "read"),
    FindProgeny: ("looking up dependents", "read"),
    FindInputs: ("looking up inputs", "read"),
    FindRun: ("looking up a run", "read"),
    FindRecords: ("searching artifacts", "read"),
    FindSet: ("looking up a set", "read"),
    FindSetIds: ("looking up ids of sets", "read"),
    FindLabelled: ("looking up a set by its labels", "read"),
    FindPins: ("looking up the sets of an artifact", "read"),
    InspectRecord: ("looking up an artifact", "read"),
    FindNamed: ("looking up referenced blobs", "read"),
    FindEviction: ("looking up an eviction", "read"),
    FindHomes: ("looking up database ids", "read"),
    CheckRecords: ("checking the records", "read"),
    CheckBlob: ("checking a blob", "read"),
    ListHoldings: ("listing stored blobs", "read"),
    FindPlaces: ("looking up blob locations", "read"),
    Evict: ("evicting a value", "delete"),
    Discard: ("deleting garbage", "delete"),
    PutSet: ("recording a set", "write"),
    DropSet: ("deleting a set", "delete"),
    Claim: ("acquiring a lease", "write"),
    Renew: ("renewing a lease", "write"),
    Release: ("releasing a lease", "write"),
    FindExpired: ("listing expired leases", "read"),
    ReadBlob: ("reading a blob", "read"),
    HasBlob: ("looking for a blob", "read"),
    PutRecord: ("recording an artifact", "write"),
    WriteBlob: ("writing a blob", "write"),
    WriteBlobs: ("writing blobs", "write"),
    # It makes room for a sound one.
    Quarantine: ("quarantining a damaged blob", "write"),
    DropRecord: ("deleting an artifact", "delete"),
    DropBlob: ("deleting a blob", "delete"),
}


def guarded(base: Interpreter[E], name: str, permissions: Permissions) -> Interpreter[E]:
    """Return *base*, which raises `StorePermissionError` for what *permissions* forbid."""

    def refusing(operation: str, permission: str) -> Callable[[object], object]:
        def refuse(_: object) -> object:
            raise StorePermissionError(operation, name, permission)

        return refuse

    forbidden = {
        kind: refusing(operation, permission)
        for kind, (operation, permission) in _NEEDS.items()
        if not getattr(permissions, permission)
    }
    return overlaid(base, Interpreter(forbidden))


def remembered(base: Interpreter[E], capacity: int) -> Interpreter[E]:
    """Return *base* with a cache of *capacity* records; that a record is missing is not cached.

    Records are immutable, so a cached one is valid until this process replaces or deletes it. What
    another process replaces appears here once it leaves the cache.
    """
    memory = _Memory(base, capacity)
    return overlaid(
        base, FindRecord.on(memory.find) | PutRecord.on(memory.put) | DropRecord.on(memory.drop)
    )


def rereading(base: Interpreter[Blobs], longest: int, capacity: int) -> Interpreter[Blobs]:
    """Return *base* with a cache of *capacity* blobs of up to *longest* bytes each.

    Bytes are named by their digest, so cached ones stay valid; if another process deletes them,
    that appears here once they leave the cache.
    """
    kept: dict[BlobId, bytes] = {}
    read_stored = base.answer_to(ReadBlob)

    def read(ask: ReadBlob) -> object:
        blob = ask.blob
        if blob.size > longest:
            return read_stored(ask)
        data: Any = kept.get(blob.id)
        if data is None or len(data) != blob.size:
            data = read_stored(ReadBlob(blob, _all_of))
            if len(kept) >= capacity:
                kept.clear()
            kept[blob.id] = data
        return ask.read(io.BytesIO(data))

    def forget(ask: DropBlob | Quarantine) -> None:
        kept.pop(ask.blob.id, None)
        base(ask)
        kept.pop(ask.blob.id, None)

    return overlaid(base, ReadBlob.on(read) | DropBlob.on(forget) | Quarantine.on(forget))


_all_of: Final[Callable[[BinaryIO], bytes]] = methodcaller("read")


class _Memory(Shared):
    """A cache of *capacity* records, first in, first out.

    A record that was read before the last change is not cached: it may be outdated.
    """

    def __init__(self, base: Interpreter[Any], capacity: int) -> None:
        super().__init__()
        self._find, self._put = base.answer_to(FindRecord), base.answer_to(PutRecord)
        self._drop = base.answer_to(DropRecord)
        self._capacity = capacity
        # A plain dict would search for its first entry past all those deleted before it.
        self._records: OrderedDict[ArtifactId, ArtifactRecord] = OrderedDict()
        self._changes = 0

    def find(self, ask: FindRecord) -> ArtifactRecord | None:
        known = self._records.get(ask.id)
        if known is not None and not ask.fresh:
            return known
        moment = self._changes
        found = self._find(ask)
        if found is not None:
            self._keep(found, moment)
        return found

    def put(self, ask: PutRecord) -> ArtifactRecord:
        moment = self._changes
        try:
            stored = self._put(ask)
        finally:
            if ask.replace:
                self._forget(ask.record.id)
            for other in ask.besides:
                self._forget(other.record.id)
        # Not a record that replaced another one: it may have been replaced in turn.
        self._keep(stored, moment)
        return stored

    def drop(self, ask: DropRecord) -> tuple[Blob, ...] | None:
        try:
            return self._drop(ask)
        finally:
            self._forget(ask.id)

    def _keep(self, record: ArtifactRecord, moment: int) -> None:
        with self.lock:
            if moment == self._changes:
                self._records[record.id] = record
                if len(self._records) > self._capacity:
                    self._records.popitem(last=False)

    def _forget(self, artifact_id: ArtifactId) -> None:
        with self.lock:
            self._changes += 1
            self._records.pop(artifact_id, None)


def distrusting(base: Interpreter[E], name: str) -> Interpreter[E]:
    """Return *base*, whose bytes anyone may have written: reading values runs no code of theirs.

    It must be the outermost layer that reads blobs: their copies are not trusted either.
    """

    def read(ask: ReadBlob) -> object:
        reads = evolve(ask.read, untrusted=name) if isinstance(ask.read, Decoding) else ask.read
        return base(cast("Effect[object]", ReadBlob(ask.blob, reads)))

    return overlaid(base, ReadBlob.on(read))


def retrying(
    base: Interpreter[E],
    attempts: int,
    retry_on: Callable[[Exception], bool],
    pause: Callable[[int], None] = backoff,
    deadline: float = math.inf,
) -> Interpreter[E]:
    """Return *base* with up to *attempts* per effect; see `patience.persistent`.

    Every effect may be repeated: writing the same bytes or record twice is writing them once.
    """

    def layer(effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        return persistent(lambda _: inner(effect), attempts, retry_on, pause, deadline)

    return layered(base, layer)

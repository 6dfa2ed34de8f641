"""Layers: functions from interpreter to interpreter that keep the row of what they answer."""

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
    FindProgeny: ("looking up progeny", "read"),
    FindInputs: ("looking up inputs", "read"),
    FindRun: ("looking up a run", "read"),
    FindRecords: ("searching artifacts", "read"),
    FindSet: ("looking up a set", "read"),
    FindSetIds: ("looking up ids of sets", "read"),
    FindLabelled: ("looking up a set by its labels", "read"),
    FindPins: ("looking up the sets of an artifact", "read"),
    InspectRecord: ("looking up an artifact", "read"),
    FindNamed: ("looking up what records name", "read"),
    FindEviction: ("looking up an eviction", "read"),
    FindHomes: ("looking up where records are", "read"),
    CheckRecords: ("checking the records", "read"),
    CheckBlob: ("checking a blob", "read"),
    ListHoldings: ("listing what is stored", "read"),
    FindPlaces: ("looking up where bytes are", "read"),
    Evict: ("evicting a value", "delete"),
    Discard: ("deleting what is left over", "delete"),
    PutSet: ("recording a set", "write"),
    DropSet: ("deleting a set", "delete"),
    Claim: ("claiming an artifact that is to be computed", "write"),
    Renew: ("renewing a claim", "write"),
    Release: ("releasing a claim", "write"),
    FindExpired: ("looking up expired claims", "read"),
    ReadBlob: ("reading a blob", "read"),
    HasBlob: ("looking for a blob", "read"),
    PutRecord: ("recording an artifact", "write"),
    WriteBlob: ("writing a blob", "write"),
    WriteBlobs: ("writing blobs", "write"),
    Quarantine: ("putting a damaged blob aside", "write"),  # it makes room for a sound one
    DropRecord: ("deleting an artifact", "delete"),
    DropBlob: ("deleting a blob", "delete"),
}


def guarded(base: Interpreter[E], name: str, permissions: Permissions) -> Interpreter[E]:
    """*base* as far as *permissions* allow; what they forbid is a `StorePermissionError` that names store *name*."""
    allowed = {"read": permissions.read, "write": permissions.write, "delete": permissions.delete}
    return overlaid(
        base,
        Interpreter(
            {
                kind: _forbidden(operation, name, permission)
                for kind, (operation, permission) in _NEEDS.items()
                if not allowed[permission]
            }
        ),
    )


def _forbidden(operation: str, store: str, permission: str) -> Callable[[object], object]:
    def refuse(_: object) -> object:
        raise StorePermissionError(operation, store, permission)

    return refuse


def remembered(base: Interpreter[E], capacity: int) -> Interpreter[E]:
    """*base* with the last *capacity* records kept in memory; that there was none is never kept.

    Records are immutable, so one that was found stays right until this process replaces or deletes it. What another
    process replaces shows here once it is forgotten.
    """
    memory = _Memory(base, capacity)
    return overlaid(base, FindRecord.on(memory.find) | PutRecord.on(memory.put) | DropRecord.on(memory.drop))


def rereading(base: Interpreter[Blobs], longest: int, capacity: int) -> Interpreter[Blobs]:
    """*base* with the last *capacity* blobs that were read and are no longer than *longest* bytes kept in memory.

    Bytes are named by their digest, so what was read once stays right; that another process deletes them shows here
    once they are forgotten.
    """
    kept: dict[BlobId, bytes] = {}
    read_anew = base.answer_to(ReadBlob)

    def read(ask: ReadBlob) -> object:
        blob = ask.blob
        if blob.size > longest:
            return read_anew(ask)
        data: Any = kept.get(blob.id)
        if data is None or len(data) != blob.size:
            data = read_anew(ReadBlob(blob, _all_of))
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
    """At most *capacity* records, the longest kept going first; it takes none that was found before the last change."""

    def __init__(self, base: Interpreter[Any], capacity: int) -> None:
        super().__init__()
        self._find, self._put = base.answer_to(FindRecord), base.answer_to(PutRecord)
        self._drop = base.answer_to(DropRecord)
        self._capacity = capacity
        self._records: OrderedDict[ArtifactId, ArtifactRecord] = OrderedDict()  # which finds its first at once
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
            for each in ask.besides:
                self._forget(each.record.id)
        self._keep(stored, moment)  # not one that replaced another: it may have been replaced in turn
        return stored

    def drop(self, ask: DropRecord) -> tuple[Blob, ...] | None:
        try:
            return self._drop(ask)
        finally:
            self._forget(ask.id)

    def _keep(self, record: ArtifactRecord, moment: int) -> None:
        with self.lock:
            if moment == self._changes:
                self._records[record.id] = record  # what is found fresh takes the place of what was known
                if len(self._records) > self._capacity:
                    self._records.popitem(last=False)

    def _forget(self, artifact_id: ArtifactId) -> None:
        with self.lock:
            self._changes += 1
            self._records.pop(artifact_id, None)


def distrusting(base: Interpreter[E], name: str) -> Interpreter[E]:
    """*base*, whose bytes anybody may have written: values are read only where that executes none of them.

    It has to be the outermost of what reads blobs: copies that it lets pass are as little trusted where they are kept.
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
    """*base*, asked up to *attempts* times while *retry_on* accepts its exception; *pause* waits after each failure.

    After *deadline* seconds a failure is the last one. Every effect may be asked again: writing the same bytes or record twice
    is writing them once.
    """

    def layer(effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        return persistent(lambda _: inner(effect), attempts, retry_on, pause, deadline)

    return layered(base, layer)

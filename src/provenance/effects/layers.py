"""Layers: functions from interpreter to interpreter that keep the row of effects that they answer."""

from __future__ import annotations

import io
import itertools
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextvars import copy_context
from operator import methodcaller
from typing import Any, Final, TypeVar, cast

from attrs import evolve, frozen

from provenance.codecs import Decoding, limits
from provenance.effect import Effect, Interpreter, overlay, with_layer
from provenance.errors import ConfigError, ProvenanceError, StorePermissionError
from provenance.model.ids import ArtifactId, BlobId
from provenance.model.records import ArtifactRecord, Blob, InlineBlob, StoredBlob, WriteResult
from provenance.ports.blobs import (
    BlobEffects,
    DeleteBlob,
    Quarantine,
    ReadBlob,
    Write,
    WriteBlob,
    WriteBlobs,
    attempt_write,
)
from provenance.ports.permissions import Permissions, StoreEffect
from provenance.ports.records import DeleteRecord, FindMany, FindRecord, PutRecord, PutRecords
from provenance.util.locks import ForkBarrier

A = TypeVar("A")
E = TypeVar("E", bound=Effect[Any])


def failing(
    base: Interpreter[E], fails_on: int, error: BaseException, *, after: bool = False
) -> Interpreter[E]:
    """Return *base*, raising *error* once, at the effect number *fails_on*.

    Args:
        base: The interpreter, which answers all other effects, those of a cleanup among them.
        fails_on: The number of the effect, from 1, counted over all threads; 0 never fails.
        error: What to raise.
        after: Carry the effect out and lose only its answer.
    """
    numbers = itertools.count(1)

    def layer(effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        if next(numbers) != fails_on:
            return inner(effect)
        if after:
            inner(effect)
        raise error

    return with_layer(base, layer)


@frozen
class EffectTiming:
    """An effect that was answered in *seconds*, or failed with *error*."""

    effect: Effect[Any]
    seconds: float
    error: BaseException | None = None


def traced(base: Interpreter[E], log: Callable[[EffectTiming], None]) -> Interpreter[E]:
    """Return *base*, calling *log* after each effect."""

    def layer(effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        began = time.perf_counter()
        try:
            answer = inner(effect)
        except BaseException as error:
            log(EffectTiming(effect, time.perf_counter() - began, error))
            raise
        log(EffectTiming(effect, time.perf_counter() - began))
        return answer

    return with_layer(base, layer)


class Counter(ForkBarrier):
    """The number of answers by effect, and of bytes read and written; threads may share it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[type[Effect[Any]], int] = {}
        self.bytes_read = 0
        self.bytes_written = 0

    def count(self, effect: Effect[Any], read: int, written: int) -> None:
        """Count one answered *effect*; *read* and *written* are numbers of bytes."""
        with self.lock:
            self.asked[type(effect)] = self.asked.get(type(effect), 0) + 1
            self.bytes_read += read
            self.bytes_written += written


def counted(base: Interpreter[E], counter: Counter) -> Interpreter[E]:
    """Return *base*, counting its answers in *counter*."""

    def layer(effect: Effect[A], inner: Callable[[Effect[A]], A]) -> A:
        answer = inner(effect)
        read = effect.blob.size if isinstance(effect, ReadBlob) else 0
        counter.count(effect, read, _bytes_written(answer))
        return answer

    return with_layer(base, layer)


def _bytes_written(answer: object) -> int:
    if isinstance(answer, tuple):  # the answer of WriteBlobs
        return sum(map(_bytes_written, cast("tuple[object, ...]", answer)))
    return answer.blob.size if isinstance(answer, StoredBlob | InlineBlob) else 0


def restrict(base: Interpreter[E], name: str, permissions: Permissions) -> Interpreter[E]:
    """Return *base*, which raises `StorePermissionError` for what *permissions* forbid; errors call it *name*."""

    def refusing(kind: type[StoreEffect[Any]]) -> Callable[[object], object]:
        def refuse(effect: Any) -> object:  # noqa: ANN401 - any effect of this kind
            if permissions.permit(kind):
                return base(effect)
            raise StorePermissionError(kind.action, name, kind.needs)

        return refuse

    kinds: list[type[StoreEffect[Any]]] = [
        kind for kind in base.table if issubclass(kind, StoreEffect)
    ]
    forbidden = {kind: refusing(kind) for kind in kinds if not permissions.permit(kind)}
    return overlay(base, Interpreter(forbidden))


def cache_records(base: Interpreter[E], capacity: int) -> Interpreter[E]:
    """Return *base* with a cache of *capacity* records; that a record is missing is not cached.

    Records are immutable, so a cached one is valid until this process replaces or deletes it. What
    another process replaces appears here once it leaves the cache.
    """
    memory = _Memory(base, capacity)
    return overlay(
        base,
        FindRecord.on(memory.find)
        | FindMany.on(memory.find_many)
        | PutRecord.on(memory.put)
        | PutRecords.on(memory.put_many)
        | DeleteRecord.on(memory.drop),
    )


def cache_blobs(
    base: Interpreter[BlobEffects], longest: int, capacity: int
) -> Interpreter[BlobEffects]:
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
            data = read_stored(ReadBlob(blob, methodcaller("read")))
            if len(kept) >= capacity:
                kept.clear()
            kept[blob.id] = data
        return ask.read(io.BytesIO(data))

    def forget(ask: DeleteBlob | Quarantine) -> None:
        kept.pop(ask.blob.id, None)
        base(ask)
        kept.pop(ask.blob.id, None)

    return overlay(base, ReadBlob.on(read) | DeleteBlob.on(forget) | Quarantine.on(forget))


class _Memory(ForkBarrier):
    """A cache of *capacity* records, first in, first out.

    A record that was read before the last change is not cached: it may be outdated.
    """

    def __init__(self, base: Interpreter[Any], capacity: int) -> None:
        super().__init__()
        self._find, self._put = base.answer_to(FindRecord), base.answer_to(PutRecord)
        self._find_many = base.answer_to(FindMany)
        self._put_many = base.answer_to(PutRecords)
        self._drop = base.answer_to(DeleteRecord)
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
            self._keep({found.id: found}, moment)
        return found

    def find_many(self, ask: FindMany) -> Mapping[ArtifactId, ArtifactRecord]:
        known = {key: record for key in ask.ids if (record := self._records.get(key)) is not None}
        if len(known) == len(ask.ids):
            return known
        moment = self._changes
        others = tuple([key for key in ask.ids if key not in known]) if known else ask.ids
        found = self._find_many(FindMany(others))
        self._keep(found, moment)
        return {**known, **found} if known else found

    def put(self, ask: PutRecord) -> ArtifactRecord:
        moment = self._changes
        try:
            stored = self._put(ask)
        finally:
            self._forget_replaced(ask)
        # Not a record that replaced another one: it may have been replaced in turn.
        self._keep({stored.id: stored}, moment)
        return stored

    def put_many(self, ask: PutRecords) -> tuple[ArtifactRecord, ...]:
        moment = self._changes
        try:
            stored = self._put_many(ask)
        finally:
            for put in ask.records:
                self._forget_replaced(put)
        self._keep({record.id: record for record in stored}, moment)
        return stored

    def _forget_replaced(self, ask: PutRecord) -> None:
        if ask.replace:
            self._forget(ask.record.id)
        for other in ask.besides:
            self._forget(other.record.id)

    def drop(self, ask: DeleteRecord) -> tuple[Blob, ...] | None:
        try:
            return self._drop(ask)
        finally:
            self._forget(ask.id)

    def _keep(self, found: Mapping[ArtifactId, ArtifactRecord], moment: int) -> None:
        with self.lock:
            if moment == self._changes:
                self._records.update(found)
                while len(self._records) > self._capacity:
                    self._records.popitem(last=False)

    def _forget(self, artifact_id: ArtifactId) -> None:
        with self.lock:
            self._changes += 1
            self._records.pop(artifact_id, None)


def untrusted(base: Interpreter[E], name: str) -> Interpreter[E]:
    """Return *base*, whose bytes anyone may have written: reading values runs no code of theirs.

    Errors call it *name*. It must be the outermost layer that reads blobs: their copies are not trusted either. The
    environment variable of `provenance.codecs.limits` bounds what their bytes are decoded to.

    Raises:
        ConfigError: if the variable is not a positive integer.
    """
    given = os.environ.get(limits.VARIABLE, str(limits.RATIO))
    if not given.isdecimal() or int(given) == 0:
        raise ConfigError(limits.VARIABLE, f"must be a positive integer, got {given!r}")
    ratio = int(given)

    def read(ask: ReadBlob) -> object:
        reads = ask.read
        if isinstance(reads, Decoding):
            reads = evolve(reads, untrusted=name, max_expansion=ratio)
        return base(cast("Effect[object]", ReadBlob(ask.blob, reads)))

    return overlay(base, ReadBlob.on(read))


_AT_ONCE: Final = 8
_WORTHWHILE: Final = 0.01
"""Seconds per blob from which threads pay: in a remote store, or with much to encode."""


def parallel_writes(base: Interpreter[E], worthwhile: float = _WORTHWHILE) -> Interpreter[E]:
    """Return *base*, writing up to 8 blobs at a time.

    The first one is written alone; if that takes less than *worthwhile* seconds, so are the others.
    Each write runs in a copy of the caller's context.
    """

    def write_blob(write: Write) -> WriteResult:
        effect: Any = WriteBlob(write)
        written: WriteResult = base(effect)
        return written

    def write_all(ask: WriteBlobs) -> tuple[WriteResult | ProvenanceError, ...]:
        began = time.perf_counter()
        written = [attempt_write(write_blob, write) for write in ask.writes[:1]]
        rest = ask.writes[1:]
        if len(rest) > 1 and time.perf_counter() - began >= worthwhile:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(min(_AT_ONCE, len(rest)), "provenance-write") as pool:
                futures = [
                    pool.submit(copy_context().run, attempt_write, write_blob, write)
                    for write in rest
                ]
                written += [future.result() for future in futures]
        else:
            written += [attempt_write(write_blob, write) for write in rest]
        return tuple(written)

    return overlay(base, WriteBlobs.on(write_all))

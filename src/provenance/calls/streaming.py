"""The flow of a call whose function yields: items are stored in chunks, then the manifest that names them.

Each chunk is an artifact; the one of the call is the manifest, so that a hit is the same as for other functions. What an
interrupted call leaves is chunks without a manifest, after which the next call goes on.
"""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast

from attrs import Factory, define, evolve

from provenance.calls.composite import part_cache_key, whole_spec
from provenance.calls.draft import (
    Call,
    Computation,
    PendingArtifact,
    Timing,
    inputs_held_by,
    refuse_impure,
    without_value,
)
from provenance.calls.flow import Ask, Begin, Flow, HandOver, Pull, StoreDraft
from provenance.calls.spec import FunctionSpec, uncached_id
from provenance.codecs import table_parts
from provenance.effect import Program
from provenance.errors import CorruptBlobError, ImpureFunctionError, UnrepeatableStreamError
from provenance.events import MissReason, Resumed
from provenance.hashing import EncodedList, encode_members, hash_value
from provenance.model.ids import ArtifactId, ValueId
from provenance.model.records import ArtifactRecord, freeze_options
from provenance.model.references import SCALARS, is_proxy
from provenance.model.tracked import tracking
from provenance.ports.blobs import Quarantine, ReadBlob
from provenance.ports.capabilities import Load, Lookup
from provenance.repository import programs
from provenance.results.bodies import close
from provenance.results.kinds import is_carriable, own_copy
from provenance.streams.stream import (
    CHUNK_FIELDS,
    Chunk,
    ItemsInMemory,
    Manifest,
    Resumable,
    StoredItems,
    Stream,
    Streaming,
    bare_items,
    chunk_id,
)
from provenance.telemetry import emit

_MOST_ENCODED: Final = 64_000_000
"""Bytes of hashed items that are kept until the end; of longer streams, chunks are read again then."""
_NO_STATE: Final = object()


@define(eq=False)
class Progress:
    """What there is of a stream so far: stored chunks, and the items of the next one.

    `state` is what the resumed function gets: the last stored item, or the state that was yielded with it.
    """

    chunks: list[Chunk] = Factory(list[Chunk])
    stored: int = 0
    state: object = _NO_STATE
    must_replace: bool = False
    items: list[object] = Factory(list[object])
    yielded_state: object = _NO_STATE
    size: int = 0
    began: float = 0.0
    seconds: float = 0.0
    total_seconds: float = 0.0
    at: datetime | None = None
    started_at: datetime | None = None
    _encoded: list[bytes | None] = Factory(list[bytes | None])
    _encoded_size: int = 0

    @property
    def count(self) -> int:
        """The number of items."""
        return self.stored + len(self.items)

    @property
    def last_hash(self) -> ValueId | None:
        """The hash of the last stored chunk, which the next one names."""
        return self.chunks[-1].value_id if self.chunks else None

    def add(self, yielded: object, timing: Timing) -> object:
        """Keep a copy of an item, which its receiver may change; returns the item itself."""
        item, self.yielded_state = yielded, _NO_STATE
        if isinstance(yielded, Resumable):
            resumable = cast("Resumable[object]", yielded)
            item, self.yielded_state = resumable.item, resumable.state
        if not self.items:
            self.began, self.at, self.size, self.seconds = timing.began, timing.at, 0, 0.0
            self.started_at = self.started_at or timing.at
        self.items.append(copy_of(item))
        self.size += size_of(item)
        self.seconds += timing.ended - timing.began
        self.total_seconds += timing.ended - timing.began
        return item

    def is_full(self, limits: Streaming, now: float) -> bool:
        """Tell whether the chunk ends here."""
        return (
            len(self.items) == limits.chunk_items
            or self.size >= limits.chunk_bytes
            or now - self.began >= limits.chunk_seconds
        )

    def stored_form(self) -> list[object]:
        """Return the items as the chunk has them: the last one with the state that was yielded with it."""
        if self.yielded_state is _NO_STATE:
            return self.items
        return [*self.items[:-1], Resumable(self.items[-1], self.yielded_state)]

    def append(self, chunk: Chunk, encoded: bytes | None) -> None:
        """Note that the items at hand, or those of another call, are stored as *chunk*."""
        fits = encoded is not None and self._encoded_size + len(encoded) <= _MOST_ENCODED
        if encoded is not None and fits:
            self._encoded_size += len(encoded)
        self._encoded.append(encoded if fits else None)
        self.chunks.append(chunk)
        self.stored += chunk.count
        self.items = []

    def value_id(self, repo: str) -> Program[Load, ValueId]:
        """Return the hash of all items; chunks whose encoding was not kept are read again."""
        whole = EncodedList(self.stored)
        for chunk, encoded in zip(self.chunks, self._encoded, strict=True):
            if encoded is None:
                items = bare_items((yield from _read_chunk(chunk, repo)))
                encoded = encode_members(items)  # noqa: PLW2901 - it is what was not kept
            whole.add(encoded)
        return whole.value_id()


def copy_of(item: object) -> object:
    """Return a copy of *item*; the item itself where it cannot change, or cannot be copied."""
    if type(item) in SCALARS or is_proxy(item):
        return item
    if is_carriable(item):
        return own_copy(item)
    try:
        return copy.deepcopy(item)
    except Exception:  # noqa: BLE001 - its own methods may raise anything; then the serializer decides
        return item


def size_of(item: object) -> int:
    """Return about how many bytes *item* takes when it is stored."""
    kind = type(item)
    if kind is str or kind is bytes:
        return len(cast("str", item))
    if kind in SCALARS:
        return sys.getsizeof(item)
    size = getattr(item, "nbytes", None) if not is_proxy(item) else None
    if isinstance(size, int):
        return size
    try:
        return len(pickle.dumps(item, 5))
    except Exception:  # noqa: BLE001 - other serializers may take what pickle refuses
        return sys.getsizeof(item)


# ---------------------------------------------------------------- chunks that are there already


def find_chunks(
    call: Call, progress: Progress
) -> Program[Lookup | ReadBlob | Load, ArtifactRecord | None]:
    """Note the chunks that another call has stored after those of *progress*, as far as they follow each other.

    Returns the record of the last one.
    """
    last: ArtifactRecord | None = None
    while True:
        number = len(progress.chunks)
        found = yield from programs.probe(chunk_id(call.plan.artifact_id, number))
        if not isinstance(found, programs.LookupHit):
            progress.must_replace = not isinstance(found, programs.LookupMiss)
            break
        facts = cast("dict[str, Any]", found.record.custom_fields.get("chunk", {}))
        if facts.get("after") != progress.last_hash or not isinstance(facts.get("items"), int):
            progress.must_replace = True
            break
        last = found.record
        progress.total_seconds += last.compute_duration
        progress.append(Chunk(last.id, last.value_id, facts["items"]), None)
    return last


def read_state(call: Call, progress: Progress, record: ArtifactRecord) -> Program[ReadBlob, None]:
    """Note what the function gets to go on after the chunk of *record*."""
    stored = yield from programs.read_value(record, call.repo.name)
    last = cast("list[object]", stored)[-1]
    progress.state = cast("Resumable[object]", last).state if isinstance(last, Resumable) else last


def _read_chunk(chunk: Chunk, repo: str) -> Program[Load, list[object]]:
    record = yield from programs.find(chunk.id, repo)
    stored = yield from programs.read_value(record, repo)
    if record.value_id != chunk.value_id or not isinstance(stored, list):
        reason = "it is not the chunk that was stored"
        raise CorruptBlobError(record.value_blob.id, repo, reason, is_sound=True)
    return cast("list[object]", stored)


def drop_chunks(progress: Progress, *, quarantine: bool = False) -> Program[Any, None]:
    """Delete the chunks of a call that is not to be recorded."""
    for chunk in reversed(progress.chunks):
        found = yield from programs.lookup(chunk.id)
        if quarantine and isinstance(found, programs.LookupHit):
            yield from Quarantine(found.record.value_blob)
        yield from programs.forget(chunk.id)


# ---------------------------------------------------------------- the flow


def stream_flow(call: Call, progress: Progress) -> Flow[PendingArtifact]:
    """Run the user's generator to its end, and store what it yields; returns the manifest, which is not stored.

    Raises:
        ImpureFunctionError: if the function changed its arguments, or yielded other items than before; the chunks are deleted.
        UnserializableValueError: if items cannot be stored; the error holds those of the chunk.
        StoreUnavailableError, StorePermissionError: if a store cannot or may not take a chunk; the error holds its items.
    """
    received, limits = call.receive(), streaming_of(call)
    resumes = progress.state is not _NO_STATE and limits.resume in call.spec.wrapped.names
    with tracking(received.tracked):
        if progress.chunks:
            plan, count = call.plan, len(progress.chunks)
            name = plan.cache_key.name
            emit(Resumed(plan.artifact_id, name, count, progress.stored, not resumes))
        began = received
        if resumes:
            bound = call.spec.wrapped.signature.bind(*received.args, **received.kwargs)
            bound.arguments[limits.resume] = progress.state
            began = evolve(received, args=bound.args, kwargs=bound.kwargs)
        generator = yield from Begin(began)
        if progress.chunks and not resumes:
            yield from _replay(call, progress, generator)
        while (pulled := (yield from Pull(generator))) is not None:
            yielded, timing = pulled
            item = progress.add(close(yielded), timing)
            if not call.read_only and progress.is_full(limits, timing.ended):
                yield from store_chunk(call, progress)
            yield from HandOver(item)
        try:
            refuse_impure(call, list(progress.items), received)
        except ImpureFunctionError:
            yield from Ask(drop_chunks(progress))
            raise
        return (yield from _manifest(call, progress))


def streaming_of(call: Call) -> Streaming:
    """Return how the items are stored."""
    return cast("Streaming", call.spec.options.streaming)


def _replay(call: Call, progress: Progress, generator: object) -> Flow[None]:
    """Compare what the function yields from its start with the stored chunks."""
    first, progress.total_seconds = 0, 0.0
    for chunk in progress.chunks:
        again = Progress()
        while again.count < chunk.count:
            pulled = yield from Pull(generator)
            if pulled is None:
                break
            yielded, timing = pulled
            again.add(close(yielded), timing)
        progress.total_seconds += again.total_seconds
        if hash_value(again.stored_form()) != chunk.value_id:
            yield from Ask(drop_chunks(progress, quarantine=True))
            label, end = call.spec.wrapped.label, first + chunk.count
            error = UnrepeatableStreamError(label, first, end)
            error.value = again.items
            raise error
        first += chunk.count


def store_chunk(call: Call, progress: Progress) -> Flow[None]:
    """Store the items at hand as the next chunk."""
    draft, encoded = _chunk_draft(call, progress)
    record = yield from StoreDraft(draft)
    if record.value_id != draft.computation.value_id:
        # Another call stored other items at the same time.
        own = uncached_id(draft.artifact_id, draft.computation.value_id)
        record = yield from StoreDraft(evolve(draft, artifact_id=own))
    progress.append(Chunk(record.id, record.value_id, len(progress.items)), encoded)


def _chunk_draft(call: Call, progress: Progress) -> tuple[PendingArtifact, bytes]:
    """Return the next chunk, and the encoding of its items for the hash of the whole."""
    number, stored = len(progress.chunks), progress.stored_form()
    what = f"the items from {progress.stored:,} on that {call.spec.wrapped.label} yielded"
    seen: list[object] = []
    ticks = call.environment.clock.monotonic
    began = ticks()
    try:
        encoded = encode_members(progress.items, what, seen)
        value_id = _value_id(stored, encoded, progress)
    except Exception as error:  # the items' own methods may raise anything
        raise without_value(what, progress.items, error) from error
    at, took, holds = cast("datetime", progress.at), ticks() - began, inputs_held_by(seen)
    computation = Computation(stored, value_id, at, progress.seconds, 0.0, took, holds)
    call_id = call.plan.artifact_id
    facts = {"of": call_id, "number": number, "items": len(stored), "after": progress.last_hash}
    artifact_id = chunk_id(call_id, number)
    if call.reason in (MissReason.CACHE_OFF, MissReason.REQUESTED, MissReason.CODE_CHANGED):
        # What is stored under these ids belongs to the manifest of before.
        artifact_id = uncached_id(artifact_id, value_id)
    spec = _chunk_spec(call.spec, facts, stored, value_id)
    plan = evolve(call.plan, artifact_id=artifact_id, cache_key=spec.cache_key)
    replace, receipt = progress.must_replace or call.replaces_record, call.code_receipt
    return PendingArtifact(artifact_id, spec, plan, computation, replace, (), receipt), encoded


def _value_id(stored: list[object], encoded: bytes, progress: Progress) -> ValueId:
    """Return the hash of a chunk, whose items have this encoding."""
    if stored is not progress.items:
        return hash_value(stored)
    chunk = EncodedList(len(stored))
    chunk.add(encoded)
    return chunk.value_id()


def _chunk_spec(
    spec: FunctionSpec, facts: Mapping[str, object], stored: list[object], value_id: ValueId
) -> FunctionSpec:
    """Return the recipe of a chunk; frames that fit together are one Parquet file."""
    fields = freeze_options({**spec.options.custom_fields, **CHUNK_FIELDS, "chunk": facts})
    options = evolve(spec.options, streaming=None, custom_fields=fields)
    chosen = table_parts.serializer_for(stored, value_id) if options.serializer is None else None
    if chosen is not None:
        rows = freeze_options({"rows": table_parts.row_counts(stored)})
        options = evolve(options, serializer=chosen, load_kwargs=rows)
    return evolve(spec, cache_key=part_cache_key(spec.cache_key, "chunk"), options=options)


def _manifest(call: Call, progress: Progress) -> Flow[PendingArtifact]:
    """Store the last items; returns the manifest of all."""
    if call.read_only:
        what = f"the items of {call.spec.wrapped.label}"
        try:
            value_id = hash_value(progress.items, what)
        except Exception as error:  # the items' own methods may raise anything
            raise without_value(what, progress.items, error) from error
        value: Stream[object] = Stream(ItemsInMemory(value_id, progress.items))
        holds: frozenset[ArtifactId] = frozenset()
    else:
        if progress.items:
            yield from store_chunk(call, progress)
        value_id = yield from Ask(progress.value_id(call.repo.name))
        manifest = Manifest(value_id, tuple(progress.chunks))
        value = Stream(StoredItems(manifest, call.repo))
        holds = frozenset(chunk.id for chunk in progress.chunks)
    at = progress.started_at or call.environment.clock.now()
    seconds = progress.total_seconds
    computation = Computation(value, value_id, at, seconds, call.hash_duration, 0.0, holds)
    return evolve(call, spec=whole_spec(call.spec)).draft(computation)

"""A planned call, and the pending artifact that its result becomes before it is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, cast

from attrs import evolve, field, frozen

from provenance import errors
from provenance.archives import ArchivedFile, ArchivedFolder, with_source
from provenance.calls import composite
from provenance.calls.plan import CallPlan, changed_inputs, hashes_now, may_change, refuse_files
from provenance.calls.purity import Attributes, added_to, attributes_of, hiding
from provenance.calls.signature import merge_call_arguments
from provenance.calls.spec import FunctionSpec, alias_ids, uncached_id
from provenance.codecs import Encoding, candidates, table_parts
from provenance.environment import Environment
from provenance.events import Hit, MissReason
from provenance.hashing import hash_value
from provenance.model.history import CodeReceipt
from provenance.model.ids import NO_IDS, ArtifactId, BlobId, RunId, ValueId
from provenance.model.records import (
    NO_OPTIONS,
    ArtifactRecord,
    Blob,
    InlineBlob,
    Inputs,
    Options,
    Run,
    WriteResult,
    freeze_options,
)
from provenance.model.references import ArtifactRef, is_proxy, refs_of, represented_artifact, unwrap
from provenance.ports.records import PutRecord
from provenance.receipts.policy import Shadow
from provenance.repository.handles import Repository
from provenance.repository.inputs import inputs_json, plain_only, summarize
from provenance.results.bodies import Opening, close
from provenance.results.handles import InMemoryOrigin, make_proxy
from provenance.results.kinds import DEFAULT_OPTIONS, LAZY, ResultOptions, interface_for
from provenance.singleflight.coordinate import Work
from provenance.singleflight.leases import SingleFlight
from provenance.telemetry import log
from provenance.util.formatting import describe_error, type_name


def load_kwargs_for(value: object, written: Blob, others: Options) -> Options:
    """Return the load arguments in the record of an archived file; *others* for any other value.

    Raises:
        UnarchivableFileError: if the *written* bytes differ from those that were hashed.
    """
    if not isinstance(value, ArchivedFile):
        return others
    # With `read_only` nothing was written.
    if written.id and written != value.blob:
        problem = "it changed while it was archived"
        advice = "make sure nobody writes to it, and call again"
        raise errors.UnarchivableFileError(repr(value.name), problem, advice, value)
    facts: dict[str, object] = {"digest": value.digest, "name": value.name}
    if not isinstance(value, ArchivedFolder):
        facts.update(size=value.size, extension=value.extension)
    return freeze_options(facts)


@frozen
class Computation:
    """A value that a user's function returned, and how that went; durations are in seconds, times in UTC.

    It *holds* these artifacts, at any depth.
    """

    value: object = field(repr=False)
    value_id: ValueId
    computed_at: datetime
    compute_duration: float
    hash_duration: float
    value_id_duration: float
    holds: frozenset[ArtifactId] = frozenset()


@frozen
class PendingArtifact:
    """An artifact about to be stored, with its parts if it is a composite.

    Its encodings are in the order in which to try them.
    """

    artifact_id: ArtifactId
    spec: FunctionSpec = field(eq=False)
    plan: CallPlan
    computation: Computation = field(eq=False)
    replace: bool = False
    parts: tuple[PendingArtifact, ...] = ()
    receipt: CodeReceipt | None = field(default=None, eq=False)

    @property
    def values(self) -> Iterator[Encoding]:
        """How the value may be written."""
        options, value = self.spec.options, self.computation.value
        what = f"the result of {self.plan.cache_key.name}"
        # What refers to artifacts and files may be read only once they are stored.
        refers = self.computation.holds or self.parts or isinstance(value, ArchivedFile)
        value_id = None if refers else self.computation.value_id
        for serializer in candidates(value, options.serializer):
            kwargs = options.dump_kwargs, value_id, options.load_kwargs
            yield Encoding(serializer.name, value, what, *kwargs)

    @property
    def inputs(self) -> Iterator[Encoding]:
        """How the inputs may be written; the last way always works: it keeps of odd ones only what they were."""
        what, inputs = f"the inputs of {self.plan.cache_key.name}", self.plan.inputs
        # What stands for an artifact inside an object is stored as a reference to it.
        whole = {
            section: close(part, inside_objects=True)
            for section, part in plain_only(inputs).items()
        }
        yield Encoding("pickle", whole, what)
        yield Encoding("cloudpickle", whole, what)
        yield Encoding("pickle", plain_only(summarize(inputs, self.plan.input_hashes)), what)

    def put(
        self,
        value: WriteResult,
        serializer: str,
        inputs: WriteResult | None,
        run: Run,
        now: datetime,
        besides: Iterable[PutRecord] = (),
    ) -> PutRecord:
        """Return what to ask, now that the stores have told where the value and the inputs are."""
        plan, inputs_blob = self.plan, None if inputs is None else inputs.blob
        record = self.record(value.blob, inputs_blob, serializer, run.id, now)
        text = inputs_json(plan.inputs, plan.input_hashes, plain=inputs is None)
        held = tuple([written for written in (value, inputs) if isinstance(written, InlineBlob)])
        return PutRecord(record, run, text, held, self.replace, tuple(besides), self.receipt)

    def record(
        self, value: Blob, inputs: Blob | None, serializer: str, run_id: RunId, added_at: datetime
    ) -> ArtifactRecord:
        """Return the record, now that the stores have told where the value and the inputs are."""
        options, done, wrapped = self.spec.options, self.computation, self.spec.wrapped
        return ArtifactRecord(
            id=self.artifact_id,
            value_id=done.value_id,
            name=self.plan.cache_key.name,
            version=self.plan.cache_key.version,
            fn_module=wrapped.module,
            fn_name=wrapped.qualname.rpartition(".")[2],
            fn_qualname=wrapped.qualname,
            composite=options.returns_composite,
            serializer=serializer,
            load_kwargs=load_kwargs_for(done.value, value, options.load_kwargs),
            dump_kwargs=options.dump_kwargs,
            input_artifact_ids=self.plan.input_artifact_ids,
            custom_fields=options.custom_fields,
            tags=options.tags,
            computed_at=done.computed_at,
            added_at=added_at,
            compute_duration=done.compute_duration,
            hash_duration=done.hash_duration,
            value_id_duration=done.value_id_duration,
            run_id=run_id,
            value_blob=value,
            inputs_blob=inputs,
            value_type=type_name(done.value),
            interface=interface_for(done.value),
            code="" if self.receipt is None else self.receipt.digest,
            value_artifact_ids=done.holds,
            input_hashes=self.plan.input_hashes.text,
            input_derivations=self.plan.input_derivations,
        )


_VALUE: Final = "return something that has a value, or teach its type with `register_hasher`"


@frozen(eq=False)
class Call:
    """A planned call in its environment, ready to be looked up or computed."""

    spec: FunctionSpec
    plan: CallPlan
    args: tuple[object, ...] = field(repr=False)
    kwargs: Mapping[str, object] = field(repr=False)
    environment: Environment
    repo: Repository
    hash_duration: float
    reason: MissReason = MissReason.ABSENT
    detail: str = ""
    replaced_hit: Hit | None = None
    may_store: bool = True
    as_proxy: bool = False

    @property
    def replaces_record(self) -> bool:
        """Whether what is computed takes the place of what may be stored."""
        return self.reason not in (MissReason.ABSENT, MissReason.CACHE_OFF)

    @property
    def shadow(self) -> Shadow | None:
        """Which hits are computed again beside the call."""
        return self.spec.options.shadow or self.environment.shadow

    @property
    def code_receipt(self) -> CodeReceipt | None:
        """The receipt of the function's code, to be recorded with the result."""
        return self.spec.receipt.record(with_sources=self.environment.record_sources)

    @property
    def ids(self) -> tuple[ArtifactId, ...]:
        """Ids that the result may have, the present one first."""
        return (self.plan.artifact_id, *self.alias_ids)

    @property
    def alias_ids(self) -> Iterator[ArtifactId]:
        """Ids that the result may have under earlier names of the function."""
        return alias_ids(self.spec.options, self.plan.input_hashes)

    @property
    def read_only(self) -> bool:
        """Whether nothing is to be stored."""
        chosen = self.spec.options.read_only
        return not self.may_store or (self.environment.read_only if chosen is None else chosen)

    @property
    def results(self) -> ResultOptions:
        """How the result and the arguments are handed over."""
        if self.as_proxy:
            return LAZY
        return self.environment.results_with(self.spec.options.results)

    @property
    def part_results(self) -> ResultOptions:
        """How the parts of a composite are handed over; those of an artifact's value as by default."""
        return DEFAULT_OPTIONS if self.as_proxy else self.results

    @property
    def sharing(self) -> SingleFlight | None:
        """How the call shares its work with others that want the same; None where each computes for itself."""
        return None if self.read_only else self.environment.single_flight

    @property
    def speed_key(self) -> str:
        """What the function's speed is remembered by: a string's hash is at hand, an identity's is not."""
        return self.spec.cache_key.scope or self.spec.cache_key.name

    def work(self, sharing: SingleFlight, stale: ArtifactRecord | None = None) -> Work:
        """Return the call as work that others may want at the same time."""
        artifact_id, name = self.plan.artifact_id, self.plan.cache_key.name
        ticks, in_thread = self.environment.clock.monotonic, self.environment.run_in_thread
        key = self.speed_key
        return Work(artifact_id, name, key, self.repo, sharing, ticks, in_thread, stale)

    def draft(self, done: Computation) -> PendingArtifact:
        """Return what was computed as an artifact to be stored."""
        artifact_id, receipt = self.plan.artifact_id, self.code_receipt
        if self.reason is MissReason.CACHE_OFF:
            artifact_id = uncached_id(artifact_id, done.value_id)
        replace = self.replaces_record
        return PendingArtifact(artifact_id, self.spec, self.plan, done, replace, (), receipt)

    def receive(self) -> Received:
        """Return what the function receives; results among the arguments are read for it."""
        wrapped, chosen = self.spec.wrapped, self.spec.options.merge_defaults
        args: tuple[object, ...] = (*wrapped.args, *self.args)
        kwargs: Mapping[str, object] = {**wrapped.keywords, **self.kwargs}
        if chosen:
            args, kwargs = merge_call_arguments(wrapped, chosen, self.args, self.kwargs)
        inputs = self.plan.inputs
        if self.results.arguments == "proxies":
            return Received(args, kwargs, None, attributes_of(_by_path(inputs)))
        opening = Opening()
        args, kwargs = tuple(map(opening.open, args)), opening.open_all(kwargs)
        if not may_change(self.spec, self.plan):
            return Received(args, kwargs, opening)
        return Received(args, kwargs, opening, attributes_of(_by_path(_opened(inputs, opening))))


def _opened(inputs: Inputs, opening: Opening) -> Inputs:
    kargs, varargs = opening.open_all(inputs.kargs), tuple(map(opening.open, inputs.varargs))
    return evolve(inputs, kargs=kargs, varargs=varargs)


def _by_path(inputs: Inputs) -> Iterator[tuple[str, object]]:
    yield from ((f"arguments[{name!r}]", value) for name, value in inputs.kargs.items())
    yield from ((f"varargs[{i}]", value) for i, value in enumerate(inputs.varargs))


@frozen
class Received:
    """The arguments that a function receives, how they were made of those of the call, and their attributes."""

    args: tuple[object, ...] = field(repr=False)
    kwargs: Mapping[str, object] = field(repr=False)
    opening: Opening | None = field(repr=False)
    attributes: tuple[Attributes, ...] = field(default=(), repr=False)

    @property
    def tracked(self) -> Mapping[int, tuple[object, object]]:
        """Values that carry no artifact themselves, with their proxies, by identity."""
        return {} if self.opening is None else self.opening.tracked


@frozen
class Timing:
    """When a computation began (UTC), and on the measuring clock when it began and ended."""

    at: datetime
    began: float
    ended: float


def make_draft(call: Call, value: object, timing: Timing, received: Received) -> PendingArtifact:
    """Check that the function was pure, hash its result, and put together what is to be stored."""
    refuse_impure(call, value, received)
    label = call.spec.wrapped.label
    if not call.spec.options.returns_composite:
        return hash_result(call, value, timing)
    given = composite.parts_of(unwrap(value), label)
    for key in sorted(call.spec.options.part_serialization.keys() - given.keys()):
        line = "%s names a serializer for the part %r, and returned none of this name"
        log.warning(line, label, key)
    try:
        parts = {key: _part(call, key, part, timing) for key, part in given.items()}
    except errors.UnserializableValueError as error:
        error.value = given  # the other parts are not lost
        raise
    proxies = {key: _part_proxy(call, part) for key, part in parts.items()}
    whole = composite.Composite(proxies, call.part_results)
    draft = hash_result(evolve(call, spec=composite.whole_spec(call.spec)), whole, timing)
    return evolve(draft, parts=tuple(parts.values()))


def _part(call: Call, key: str, value: object, timing: Timing) -> PendingArtifact:
    spec = composite.part_spec(call.spec, key)
    planned = evolve(call, spec=spec, plan=composite.part_plan(call.plan, spec.cache_key))
    what = f"the part {key!r} of the result of {call.spec.wrapped.label}"
    return hash_result(planned, value, timing, what)


def _part_proxy(call: Call, part: PendingArtifact) -> object:
    """Return a proxy of a part that is about to be stored; that it counts as unread spares hashing the value again."""
    value = part.computation.value
    if call.read_only:
        known, origin = unstored_record(part), InMemoryOrigin(value, call.plan.inputs)
        return make_proxy(known, origin, load=lambda: value, tracked=False, options=LAZY)
    return _proxy_in(call.repo, part)


def _proxy_in(repo: Repository, part: PendingArtifact) -> object:
    value, value_id = part.computation.value, part.computation.value_id
    known = ArtifactRef(part.artifact_id, value_id, type_name(value), interface_for(value))
    return make_proxy(known, repo, load=lambda: with_source(value, repo), options=LAZY)


def bind_parts(repo: Repository, draft: PendingArtifact) -> PendingArtifact:
    """Return *draft*, its parts leading to *repo*: a composite that is stored there refers to them."""
    if not isinstance(draft.computation.value, composite.Composite):
        return draft
    parts = dict(zip(draft.computation.value, draft.parts, strict=True))
    whole = draft.computation.value.mapped(lambda key, _: _proxy_in(repo, parts[key]))
    holds = frozenset(part.artifact_id for part in draft.parts)
    return evolve(draft, computation=evolve(draft.computation, value=whole, holds=holds))


def with_table_parts(draft: PendingArtifact) -> PendingArtifact:
    """Return *draft* with its parts, which are stored together with it.

    Raises:
        UnserializableValueError: unless the value is a frame, and its parts make it up again.
    """
    value, spec = draft.computation.value, draft.spec
    what = f"the result of {spec.wrapped.label}"
    try:
        frames, serializer = table_parts.parts_of(value), table_parts.part_serializer(value)
    except TypeError as error:
        raise errors.UnserializableValueError(what, str(error), value) from error
    if hash_value(table_parts.join(frames)) != draft.computation.value_id:
        reason = "its parts do not make it up again; choose another serializer"
        raise errors.UnserializableValueError(what, reason, value)
    name = composite.part_cache_key(spec.cache_key, "part")
    parts: list[PendingArtifact] = []
    for number, frame in enumerate(frames):
        rows = len(cast("list[object]", frame))
        facts = {"of": draft.artifact_id, "number": number, "items": rows}
        fields = {**spec.options.custom_fields, **table_parts.PART_FIELDS, "chunk": facts}
        chosen = evolve(spec.options, serializer=serializer, load_kwargs=NO_OPTIONS)
        options = evolve(chosen, custom_fields=freeze_options(fields))
        artifact_id = table_parts.part_id(draft.artifact_id, number)
        plan = evolve(draft.plan, artifact_id=artifact_id, cache_key=name)
        done = evolve(draft.computation, value=frame, value_id=hash_value(frame))
        own = evolve(spec, cache_key=name, options=options)
        receipt = draft.receipt
        parts.append(PendingArtifact(artifact_id, own, plan, done, draft.replace, receipt=receipt))
    options = evolve(spec.options, returns_composite=True)
    holds = draft.computation.holds.union([part.artifact_id for part in parts])
    whole, done = evolve(spec, options=options), evolve(draft.computation, holds=holds)
    return evolve(draft, spec=whole, computation=done, parts=tuple(parts))


def unstored_record(draft: PendingArtifact) -> ArtifactRecord:
    """Return the record of what is in no store."""
    nowhere = Blob(BlobId(""), 0)
    return draft.record(nowhere, nowhere, "", RunId(""), draft.computation.computed_at)


def refuse_impure(call: Call, value: object, received: Received) -> None:
    """Compare what the function received with what was planned."""
    if not may_change(call.spec, call.plan):
        return
    plan, args, kwargs = call.plan, call.args, call.kwargs
    opening = received.opening
    if opening is not None:
        plan = evolve(plan, inputs=_opened(plan.inputs, opening))
        args, kwargs = tuple(map(opening.open, args)), opening.open_all(kwargs)

    def changed() -> tuple[str, ...]:
        try:
            return changed_inputs(plan.input_hashes, hashes_now(call.spec, plan, args, kwargs))
        except errors.UnreadableFileError as trouble:  # the function has deleted or moved it
            return (repr(trouble.path),)

    names = changed()
    if not names:
        return
    added = added_to(received.attributes)
    if added and call.spec.options.pure == "caches":
        with hiding(added):
            names = changed()
        if not names:
            return
    error = errors.ImpureFunctionError(call.spec.wrapped.label, names, added)
    error.value = unwrap(value)  # the work is not lost
    raise error


def hash_result(call: Call, value: object, timing: Timing, what: str = "") -> PendingArtifact:
    """Hash *value*, which errors call *what*, note which artifacts it holds, and put together what is to be stored."""
    what = what or f"the result of {call.spec.wrapped.label}"
    seen: list[object] = []  # hashing notes what it holds
    if is_proxy(value):
        itself, value = represented_artifact(value), unwrap(value)
        if itself is not None:
            seen.append(itself)
    ticks = call.environment.clock.monotonic
    began = ticks()
    try:
        value_id = hash_value(value, what, seen)
        if seen:
            refuse_files(what, value, seen)
    except errors.UnserializableValueError:
        raise
    except Exception as error:  # the value's own methods may raise anything
        raise without_value(what, value, error) from error
    took, holds, seconds = ticks() - began, inputs_held_by(seen), timing.ended - timing.began
    done = Computation(value, value_id, timing.at, seconds, call.hash_duration, took, holds)
    return call.draft(done)


def without_value(what: str, value: object, error: Exception) -> errors.UnserializableValueError:
    """Return the error for a result that cannot be hashed: no serializer helps, and it cannot be ignored as an argument can."""
    if not isinstance(error, errors.UnhashableValueError):
        reason = f"hashing it failed: {describe_error(error)}"
        return errors.UnserializableValueError(what, reason, value, _VALUE)
    advice = f"return {error.instead}" if error.instead else _VALUE
    return errors.UnserializableValueError(error.path, error.reason, value, advice)


def inputs_held_by(seen: list[object]) -> frozenset[ArtifactId]:
    """Return the artifacts that were met while a value was hashed."""
    return frozenset([ref.artifact_id for ref in refs_of(seen)]) if seen else NO_IDS

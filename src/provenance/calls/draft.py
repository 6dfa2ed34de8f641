"""A planned call, and the pending artifact that its result becomes before it is stored."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen

from provenance.archives import ArchivedFile, ArchivedFolder, kept_by
from provenance.calls.composite import Composite, part_plan, part_recipe, parts_in, whole_recipe
from provenance.calls.plan import CallPlan, changed_inputs, hashes_now, may_change
from provenance.calls.signature import completed_call
from provenance.calls.spec import IMMUTABLE, Recipe, uncached_id
from provenance.codecs import Encoding, candidates
from provenance.environment import Environment
from provenance.errors import (
    ImpureFunctionError,
    UnarchivableFileError,
    UnhashableValueError,
    UnserializableValueError,
)
from provenance.events import Hit, Why
from provenance.hashing import hash_value
from provenance.model.ids import NO_IDS, ArtifactId, BlobId, RunId, ValueId
from provenance.model.records import ArtifactRecord, Blob, Held, Options, Run, Written, options
from provenance.model.references import Reference, is_proxy, sighted, sightings_of, unwrap
from provenance.ports.records import PutRecord
from provenance.repository.handles import Repository
from provenance.repository.inputs import Summary, are_plain, inputs_json, plain_only
from provenance.results.handles import Ephemeral, proxy_over
from provenance.results.origin import interface_of
from provenance.singleflight.coordinate import Work
from provenance.singleflight.leases import SingleFlight
from provenance.telemetry import log
from provenance.util.formatting import said, type_name


def load_kwargs_of(value: object, written: Blob, others: Options) -> Options:
    """Return the load arguments in the record of an archived file; *others* for any other value.

    Raises:
        UnarchivableFileError: if the *written* bytes differ from those that were hashed.
    """
    if not isinstance(value, ArchivedFile):
        return others
    # With `read_only` nothing was written.
    if written.id and written != value.blob:
        problem, advice = (
            "it changed while it was archived",
            "make sure nobody writes to it, and call again",
        )
        raise UnarchivableFileError(repr(value.name), problem, advice, value)
    facts: dict[str, object] = {"digest": value.digest, "name": value.name}
    if not isinstance(value, ArchivedFolder):
        facts.update(size=value.size, extension=value.extension)
    return options(facts)


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
class Draft:
    """An artifact about to be stored, with its parts if it is a composite.

    Its encodings are in the order in which to try them.
    """

    artifact_id: ArtifactId
    recipe: Recipe = field(eq=False)
    plan: CallPlan
    computation: Computation = field(eq=False)
    replace: bool = False
    parts: tuple[Draft, ...] = ()

    @property
    def values(self) -> Iterator[Encoding]:
        """How the value may be written."""
        options, value = self.recipe.options, self.computation.value
        what = f"the result of {self.plan.identity.name}"
        for each in candidates(value, options.serializer):
            yield Encoding(each.name, value, what, options.dump_kwargs)

    @property
    def inputs_are_plain(self) -> bool:
        """Whether `inputs_json` says all there is to know of the inputs."""
        return are_plain(self.plan.inputs)

    @property
    def inputs(self) -> Iterator[Encoding]:
        """How the inputs may be written; the last way always works: it keeps of odd ones only what they were."""
        what, inputs = f"the inputs of {self.plan.identity.name}", self.plan.inputs
        whole = plain_only(inputs.kargs, inputs.varargs, inputs.captured)
        yield Encoding("pickle", whole, what)
        yield Encoding("cloudpickle", whole, what)
        yield Encoding("pickle", _summarised(self.plan), what)

    def put(
        self,
        value: Written,
        serializer: str,
        inputs: Written | None,
        run: Run,
        now: datetime,
        besides: Iterable[PutRecord] = (),
    ) -> PutRecord:
        """What to ask, now that the stores have told where the value and the inputs are."""
        plan = self.plan
        record = self.record(
            value.blob, None if inputs is None else inputs.blob, serializer, run.id, now
        )
        text = inputs_json(plan.inputs, plan.input_hashes, plain=inputs is None)
        held = tuple([each for each in (value, inputs) if isinstance(each, Held)])
        return PutRecord(record, run, text, held, self.replace, tuple(besides))

    def record(
        self, value: Blob, inputs: Blob | None, serializer: str, run_id: RunId, added_at: datetime
    ) -> ArtifactRecord:
        """The record, now that the stores have told where the value and the inputs are."""
        options, done, subject = self.recipe.options, self.computation, self.recipe.subject
        return ArtifactRecord(
            id=self.artifact_id,
            value_id=done.value_id,
            name=self.plan.identity.name,
            version=self.plan.identity.version,
            fn_module=subject.module,
            fn_name=subject.qualname,
            composite=options.returns_composite,
            serializer=serializer,
            load_kwargs=load_kwargs_of(done.value, value, options.load_kwargs),
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
            interface=interface_of(type(done.value)),
            code=self.recipe.code,
            value_artifact_ids=done.holds,
        )


def _summarised(plan: CallPlan) -> dict[str, object]:
    inputs, hashes = plan.inputs, plan.input_hashes
    return plain_only(
        {name: _kept(value, hashes.kargs.get(name)) for name, value in inputs.kargs.items()},
        tuple(_kept(value, None) for value in inputs.varargs),
        {name: _kept(value, hashes.captured.get(name)) for name, value in inputs.captured.items()},
    )


def _kept(value: object, digest: str | None) -> object:
    """*value* if it is certain to be written, a builtin scalar or an artifact, else a summary of it."""
    if type(value) in IMMUTABLE or (
        hasattr(type(value), "__provenance_sighting__") and _is_written(value)
    ):
        return value
    return Summary(type_name(value), digest)


def _is_written(artifact: object) -> bool:
    """Whether an artifact can be pickled: as a reference always, but one that is in no store is written as its value."""
    try:
        pickle.dumps(artifact)
    except Exception:  # noqa: BLE001 - the value's own methods may raise anything
        return False
    return True


_VALUE: Final = "return something that has a value, or teach its type with `register_hasher`"


@frozen(eq=False)
class Call:
    """A planned call in its environment, ready to be looked up or computed."""

    recipe: Recipe
    plan: CallPlan
    args: tuple[object, ...] = field(repr=False)
    kwargs: Mapping[str, object] = field(repr=False)
    environment: Environment
    repo: Repository
    hash_duration: float
    why: Why = Why.ABSENT
    detail: str = ""
    takes_back: Hit | None = None
    may_store: bool = True

    @property
    def replaces(self) -> bool:
        """Whether what is computed takes the place of what may be stored."""
        return self.why in (
            Why.ASKED,
            Why.BLOB_MISSING,
            Why.BLOB_CORRUPT,
            Why.RECORD_CORRUPT,
            Why.EVICTED,
        )

    @property
    def read_only(self) -> bool:
        """Whether nothing is to be stored."""
        chosen = self.recipe.options.read_only
        return not self.may_store or (self.environment.read_only if chosen is None else chosen)

    @property
    def sharing(self) -> SingleFlight | None:
        """How the call shares its work with others that want the same; None where each computes for itself."""
        return None if self.read_only else self.environment.single_flight

    @property
    def speed_key(self) -> str:
        """What the function's speed is remembered by: a string's hash is at hand, an identity's is not."""
        return self.recipe.identity.scope or self.recipe.identity.name

    def work(self, sharing: SingleFlight, stale: ArtifactRecord | None = None) -> Work:
        """The call as work that others may want at the same time."""
        environment = self.environment
        return Work(
            self.plan.artifact_id,
            self.plan.identity.name,
            self.speed_key,
            self.repo,
            self.repo.interpreter,
            sharing,
            environment.clock.ticks,
            environment.beside,
            stale,
        )

    def invoke(self) -> object:
        """Call the user's function with the arguments as they were given."""
        subject = self.recipe.subject
        chosen = self.recipe.options.merge_defaults
        if chosen:
            args, kwargs = completed_call(subject, chosen, self.args, self.kwargs)
            return subject.function(*args, **kwargs)
        return subject.function(*subject.args, *self.args, **{**subject.keywords, **self.kwargs})


@frozen
class Timing:
    """When a computation began (UTC), and on the measuring clock when it began and ended."""

    at: datetime
    began: float
    ended: float


def drafted(call: Call, value: object, timing: Timing) -> Draft:
    """Check that the function was pure, hash its result, and put together what is to be stored."""
    _refuse_impure(call, value)
    label = call.recipe.subject.label
    what = f"the result of {label}"
    if not call.recipe.options.returns_composite:
        return _draft(call, value, timing, what)
    given = parts_in(unwrap(value), label)
    for key in sorted(call.recipe.options.part_coding.keys() - given.keys()):
        log.warning(
            "%s names a serializer for the part %r, and returned none of this name", label, key
        )
    try:
        parts = {key: _part(call, key, each, timing) for key, each in given.items()}
    except UnserializableValueError as error:
        error.value = given  # the other parts are not lost
        raise
    whole = Composite({key: _part_proxy(call, part) for key, part in parts.items()})
    draft = _draft(evolve(call, recipe=whole_recipe(call.recipe)), whole, timing, what)
    return evolve(draft, parts=tuple(parts.values()))


def _part(call: Call, key: str, value: object, timing: Timing) -> Draft:
    recipe = part_recipe(call.recipe, key)
    planned = evolve(call, recipe=recipe, plan=part_plan(call.plan, recipe.identity))
    return _draft(
        planned, value, timing, f"the part {key!r} of the result of {call.recipe.subject.label}"
    )


def _part_proxy(call: Call, part: Draft) -> object:
    """Proxy of a part that is about to be stored; that it counts as unread spares hashing the value again."""
    value = part.computation.value
    if call.read_only:
        return proxy_over(
            unstored(part), Ephemeral(value, call.plan.inputs), load=lambda: value, tracked=False
        )
    return _proxy_in(call.repo, part)


def _proxy_in(repo: Repository, part: Draft) -> object:
    value = part.computation.value
    known = Reference(
        part.artifact_id, part.computation.value_id, type_name(value), interface_of(type(value))
    )
    return proxy_over(known, repo, load=lambda: kept_by(value, repo))


def bound_for(repo: Repository, draft: Draft) -> Draft:
    """*draft*, its parts leading to *repo*: a composite that is stored there refers to them."""
    if not isinstance(draft.computation.value, Composite):
        return draft
    parts = dict(zip(draft.computation.value, draft.parts, strict=True))
    whole = Composite({key: _proxy_in(repo, part) for key, part in parts.items()})
    holds = frozenset(part.artifact_id for part in draft.parts)
    return evolve(draft, computation=evolve(draft.computation, value=whole, holds=holds))


def unstored(draft: Draft) -> ArtifactRecord:
    """The record of what is in no store."""
    nowhere = Blob(BlobId(""), 0)
    return draft.record(nowhere, nowhere, "", RunId(""), draft.computation.computed_at)


def _refuse_impure(call: Call, value: object) -> None:
    if may_change(call.recipe, call.plan):
        changed = changed_inputs(
            call.plan.input_hashes, hashes_now(call.recipe, call.plan, call.args, call.kwargs)
        )
        if changed:
            error = ImpureFunctionError(call.recipe.subject.label, changed)
            error.value = unwrap(value)  # the work is not lost
            raise error


def _draft(call: Call, value: object, timing: Timing, what: str) -> Draft:
    """Hash *value*, which errors call *what*, note which artifacts it holds, and put together what is to be stored."""
    seen: list[object] = []  # hashing notes what it holds
    if is_proxy(value):
        itself, value = sighted(value), unwrap(value)
        if itself is not None:
            seen.append(itself)
    ticks = call.environment.clock.ticks
    began = ticks()
    try:
        value_id = hash_value(value, what, seen)
    except Exception as error:  # the value's own methods may raise anything
        raise _without_value(what, value, error) from error
    computation = Computation(
        value,
        value_id,
        timing.at,
        timing.ended - timing.began,
        call.hash_duration,
        ticks() - began,
        _held_in(seen),
    )
    uncached = call.why is Why.CACHE_OFF
    artifact_id = (
        uncached_id(call.plan.artifact_id, value_id) if uncached else call.plan.artifact_id
    )
    return Draft(artifact_id, call.recipe, call.plan, computation, replace=call.replaces)


def _without_value(what: str, value: object, error: Exception) -> UnserializableValueError:
    """The error for a result that cannot be hashed: no serializer helps, and it cannot be ignored as an argument can."""
    if not isinstance(error, UnhashableValueError):
        return UnserializableValueError(what, f"hashing it failed: {said(error)}", value, _VALUE)
    return UnserializableValueError(
        error.path, error.reason, value, f"return {error.instead}" if error.instead else _VALUE
    )


def _held_in(seen: list[object]) -> frozenset[ArtifactId]:
    return frozenset([each.artifact_id for each in sightings_of(seen)]) if seen else NO_IDS

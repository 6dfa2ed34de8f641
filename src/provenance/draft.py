"""What was computed, before it is stored: everything of a record but what only the stores can tell."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, cast

from attrs import field, frozen

from provenance.archiving import load_kwargs_of
from provenance.asks import PutRecord
from provenance.codecs import Encoding, candidates
from provenance.ids import ArtifactId, RunId, ValueId
from provenance.plan import CallPlan
from provenance.recipe import IMMUTABLE, Recipe
from provenance.records import ArtifactRecord, Blob, Held, Inputs, Run, Written
from provenance.summary import Summary, are_plain, inputs_json, type_name

INTERFACE: Final = (
    "__call__",
    "__iter__",
    "__next__",
    "__aiter__",
    "__anext__",
    "__await__",
    "__length_hint__",
    "__fspath__",
    "__get__",
    "__set__",
    "__delete__",
    "__torch_function__",
)
"""Special methods that only some types have and that give a meaning to an object by being there."""


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
        whole = _plain(inputs.kargs, inputs.varargs, inputs.captured)
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


_interfaces: dict[type, tuple[str, ...]] = {}


def interface_of(kind: type) -> tuple[str, ...]:
    """Which methods of `INTERFACE` the instances of a type have.

    >>> interface_of(str)
    ('__iter__',)
    """
    found = _interfaces.get(kind)
    if found is None:
        methods: dict[str, object] = {}
        for base in reversed(kind.__mro__):  # `hasattr` would see the methods of the metaclass too
            methods.update(vars(base))
        found = _interfaces[kind] = tuple(
            name for name in INTERFACE if methods.get(name) is not None
        )
    return found


def _plain(
    kargs: Mapping[str, object], varargs: tuple[object, ...], captured: Mapping[str, object]
) -> dict[str, object]:
    return {"kargs": dict(kargs), "varargs": varargs, "captured": dict(captured)}


def inputs_from(stored: object) -> Inputs:
    """Inputs from what one of `Draft.inputs` wrote; TypeError for anything else."""
    if not isinstance(stored, dict):
        raise TypeError(f"recorded inputs are a dictionary, not {type(stored).__qualname__}")
    parts = cast("dict[str, Any]", stored)
    return Inputs(parts["kargs"], parts["varargs"], parts["captured"])


def _summarised(plan: CallPlan) -> dict[str, object]:
    inputs, hashes = plan.inputs, plan.input_hashes
    return _plain(
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

"""The parts of a table that is to be stored in parts."""

from __future__ import annotations

from typing import cast

from attrs import evolve

from provenance.calls.composite import part_cache_key
from provenance.calls.draft import PendingArtifact
from provenance.codecs import table_parts
from provenance.errors import UnserializableValueError
from provenance.hashing import hash_value
from provenance.model.records import NO_OPTIONS, freeze_options


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
        raise UnserializableValueError(what, str(error), value) from error
    if hash_value(table_parts.join(frames)) != draft.computation.value_id:
        reason = "its parts do not make it up again; choose another serializer"
        raise UnserializableValueError(what, reason, value)
    name = part_cache_key(spec.cache_key, "part")
    parts: list[PendingArtifact] = []
    for number, frame in enumerate(frames):
        facts = {
            "of": draft.artifact_id,
            "number": number,
            "items": len(cast("list[object]", frame)),
        }
        fields = {**spec.options.custom_fields, **table_parts.PART_FIELDS, "chunk": facts}
        options = evolve(
            spec.options,
            serializer=serializer,
            load_kwargs=NO_OPTIONS,
            custom_fields=freeze_options(fields),
        )
        artifact_id = table_parts.part_id(draft.artifact_id, number)
        plan = evolve(draft.plan, artifact_id=artifact_id, cache_key=name)
        done = evolve(draft.computation, value=frame, value_id=hash_value(frame))
        own = evolve(spec, cache_key=name, options=options)
        receipt = draft.receipt
        parts.append(PendingArtifact(artifact_id, own, plan, done, draft.replace, receipt=receipt))
    options = evolve(spec.options, returns_composite=True)
    holds = draft.computation.holds.union([part.artifact_id for part in parts])
    return evolve(
        draft,
        spec=evolve(spec, options=options),
        computation=evolve(draft.computation, holds=holds),
        parts=tuple(parts),
    )

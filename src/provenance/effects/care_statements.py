"""The statements of maintenance; `provenance.effects.schema` renders them with its own."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from provenance.effects.compiling import compiled, deleting, inserting, paged, selecting, text_param
from provenance.effects.tables import (
    artifact_inputs,
    artifact_set_members,
    artifacts,
    evictions,
    quarantined_blobs,
)

_quarantined: Final = quarantined_blobs.c

SET_ASIDE: Final = inserting(quarantined_blobs, ("id", "data", "set_aside_at"), "REPLACE")
LIST_ASIDE: Final = compiled(
    paged(
        sa.select(_quarantined.id, sa.func.length(_quarantined.data), _quarantined.set_aside_at)
        .where(_quarantined.id > text_param("after"))
        .order_by(_quarantined.id)
    ),
    *("after", "limit", "offset"),
)
DROP_ASIDE: Final = compiled(
    sa.delete(quarantined_blobs).where(
        _quarantined.id == text_param("key"),
        _quarantined.set_aside_at < sa.bindparam("before", type_=sa.DateTime(timezone=True)),
    ),
    *("key", "before"),
)
FIND_PINS: Final = selecting(
    artifact_set_members.c.set_id,
    by=artifact_set_members.c.artifact_id,
    order=(artifact_set_members.c.set_id,),
)
HOLDERS: Final = compiled(
    sa.select(artifact_inputs.c.artifact_id)
    .join(artifacts, artifacts.c.id == artifact_inputs.c.artifact_id)
    .where(
        artifact_inputs.c.input_id == text_param("key"),
        sa.cast(artifacts.c.value_artifact_ids, sa.Text).contains(text_param("held")),
    ),
    *("key", "held"),
)
PUT_EVICTION: Final = inserting(evictions, ("artifact_id", "evicted_at"), "REPLACE")
FIND_EVICTION: Final = selecting(evictions.c.evicted_at, by=evictions.c.artifact_id)
DROP_EVICTION: Final = deleting(evictions.c.artifact_id)
EMPTY_VALUE: Final = compiled(
    sa.update(artifacts)
    .values(value_data=sa.null())
    .where(artifacts.c.id == text_param("key"), artifacts.c.content_digest == text_param("blob")),
    *("key", "blob"),
)
_is_evicted = sa.exists().where(evictions.c.artifact_id == artifacts.c.id).correlate(artifacts)
NEEDS_BLOB: Final = compiled(
    sa.select(
        sa.or_(
            sa.exists().where(artifacts.c.content_digest == text_param("value"), ~_is_evicted),
            sa.exists().where(artifacts.c.inputs_digest == text_param("inputs")),
        )
    ),
    *("value", "inputs"),
)

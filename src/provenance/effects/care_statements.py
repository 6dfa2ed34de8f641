"""The statements of taking care; as `provenance.effects.schema`, which renders them with its own."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from provenance.effects.compiling import compiled, inserting
from provenance.effects.tables import artifact_inputs, artifact_set_members, artifacts, evictions, quarantined_blobs


def _param(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=sa.Text)


def _first(query: sa.Select[*tuple[Any, ...]]) -> sa.Select[*tuple[Any, ...]]:
    """The first rows of *query*, as many as the parameter `limit` says; SQLite's dialect wants `offset` beside it."""
    count, skipped = (sa.bindparam(name, type_=sa.Integer) for name in ("limit", "offset"))
    return query.limit(count).offset(skipped)


SET_ASIDE: Final = inserting(quarantined_blobs, ("id", "data", "set_aside_at"), "REPLACE")
_size = sa.func.length(quarantined_blobs.c.data)
LIST_ASIDE: Final = compiled(
    _first(
        sa.select(quarantined_blobs.c.id, _size, quarantined_blobs.c.set_aside_at)
        .where(quarantined_blobs.c.id > _param("after"))
        .order_by(quarantined_blobs.c.id)
    ),
    *("after", "limit", "offset"),
)
DROP_ASIDE: Final = compiled(
    sa.delete(quarantined_blobs).where(
        quarantined_blobs.c.id == _param("key"),
        quarantined_blobs.c.set_aside_at < sa.bindparam("before", type_=sa.DateTime(timezone=True)),
    ),
    *("key", "before"),
)
FIND_PINS: Final = compiled(
    sa.select(artifact_set_members.c.set_id)
    .where(artifact_set_members.c.artifact_id == _param("key"))
    .order_by(artifact_set_members.c.set_id),
    "key",
)
HOLDERS: Final = compiled(
    sa.select(artifact_inputs.c.artifact_id)
    .join(artifacts, artifacts.c.id == artifact_inputs.c.artifact_id)
    .where(
        artifact_inputs.c.input_id == _param("key"),
        sa.cast(artifacts.c.value_artifact_ids, sa.Text).contains(_param("held")),
    ),
    *("key", "held"),
)
PUT_EVICTION: Final = inserting(evictions, ("artifact_id", "evicted_at"), "REPLACE")
FIND_EVICTION: Final = compiled(
    sa.select(evictions.c.evicted_at).where(evictions.c.artifact_id == _param("key")), "key"
)
DROP_EVICTION: Final = compiled(sa.delete(evictions).where(evictions.c.artifact_id == _param("key")), "key")
EMPTY_VALUE: Final = compiled(
    sa.update(artifacts)
    .values(value_data=sa.null())
    .where(artifacts.c.id == _param("key"), artifacts.c.content_digest == _param("blob")),
    *("key", "blob"),
)
NEEDS_BLOB: Final = compiled(
    sa.select(
        sa.or_(
            sa.exists().where(
                artifacts.c.content_digest == _param("value"),
                ~sa.exists().where(evictions.c.artifact_id == artifacts.c.id).correlate(artifacts),
            ),
            sa.exists().where(artifacts.c.inputs_digest == _param("inputs")),
        )
    ),
    *("value", "inputs"),
)

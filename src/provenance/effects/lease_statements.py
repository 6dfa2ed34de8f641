"""The statements of leases; `provenance.effects.schema` renders them with its own."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ClauseElement

from provenance.effects.compiling import (
    Moment,
    compiled,
    compiled_twice,
    paged,
    selecting,
    text_param,
)
from provenance.effects.tables import leases


def _seconds_from_now(name: str) -> sa.ColumnElement[float]:
    """Return the current time plus the parameter, in seconds."""
    return Moment() + sa.bindparam(name, type_=sa.Float)


def _claiming(lease: sqlite.Insert | postgresql.Insert) -> ClauseElement:
    """Return the statement that inserts a lease, or takes over one that has expired."""
    columns: dict[str, Any] = {n: sa.bindparam(n) for n in ("artifact_id", "owner", "fence")}
    row = lease.values(**columns, expires_at=_seconds_from_now("lasting"))
    upsert = row.on_conflict_do_update(
        index_elements=["artifact_id"],
        set_={
            "owner": row.excluded.owner,
            "fence": leases.c.fence + sa.literal_column("1", sa.BigInteger),
            "expires_at": row.excluded.expires_at,
        },
        where=sa.or_(
            leases.c.expires_at <= _seconds_from_now("now"),
            leases.c.expires_at > _seconds_from_now("impossible"),
            # The same request again: its first answer was lost.
            leases.c.owner == row.excluded.owner,
        ),
    )
    return upsert.returning(leases.c.fence)


_is_mine = sa.and_(
    leases.c.artifact_id == text_param("key"),
    leases.c.owner == text_param("owner"),
    leases.c.fence == sa.bindparam("fence", type_=sa.BigInteger),
)
FIND_LEASE: Final = selecting(leases.c.expires_at - Moment(), by=leases.c.artifact_id)
CLAIM: Final = compiled_twice(
    _claiming(sqlite.insert(leases)),
    _claiming(postgresql.insert(leases)),
    *("artifact_id", "owner", "fence", "lasting", "now", "impossible"),
)
RENEW: Final = compiled(
    sa.update(leases).values(expires_at=_seconds_from_now("lasting")).where(_is_mine),
    "lasting",
    "key",
    "owner",
    "fence",
)
RELEASE: Final = compiled(sa.delete(leases).where(_is_mine), "key", "owner", "fence")
FIND_EXPIRED: Final = compiled(
    paged(
        sa.select(leases.c.artifact_id, Moment() - leases.c.expires_at)
        .where(
            leases.c.expires_at <= _seconds_from_now("ended"),
            leases.c.artifact_id > text_param("after"),
        )
        .order_by(leases.c.artifact_id)
    ),
    *("ended", "after", "limit", "offset"),
)

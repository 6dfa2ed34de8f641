"""The statements on the table of leases; as `provenance.effects.schema`, which renders them with its own."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ClauseElement

from provenance.effects.compiling import Moment, compiled, compiled_twice
from provenance.effects.tables import leases


def _param(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=sa.Text)


def _after(name: str) -> sa.ColumnElement[float]:
    """The moment that is so many seconds away as the parameter says."""
    return Moment() + sa.bindparam(name, type_=sa.Float)


def _claiming(lease: sqlite.Insert | postgresql.Insert) -> ClauseElement:
    """A row for a lease, or that of one which has expired."""
    given: dict[str, sa.BindParameter[Any]] = {name: sa.bindparam(name) for name in ("artifact_id", "owner", "fence")}
    row = lease.values(**given, expires_at=_after("lasting"))
    upsert = row.on_conflict_do_update(
        index_elements=["artifact_id"],
        set_={
            "owner": row.excluded.owner,
            "fence": leases.c.fence + sa.literal_column("1", sa.BigInteger),
            "expires_at": row.excluded.expires_at,
        },
        where=sa.or_(
            leases.c.expires_at <= _after("now"),
            leases.c.expires_at > _after("impossible"),
            leases.c.owner == row.excluded.owner,  # it is asked once more, as the answer was lost
        ),
    )
    return upsert.returning(leases.c.fence)


_is_mine = sa.and_(
    leases.c.artifact_id == _param("key"),
    leases.c.owner == _param("owner"),
    leases.c.fence == sa.bindparam("fence", type_=sa.BigInteger),
)
FIND_LEASE: Final = compiled(
    sa.select(leases.c.expires_at - Moment()).where(leases.c.artifact_id == _param("key")), "key"
)
CLAIM: Final = compiled_twice(
    _claiming(sqlite.insert(leases)),
    _claiming(postgresql.insert(leases)),
    *("artifact_id", "owner", "fence", "lasting", "now", "impossible"),
)
RENEW: Final = compiled(
    sa.update(leases).values(expires_at=_after("lasting")).where(_is_mine), "lasting", "key", "owner", "fence"
)
RELEASE: Final = compiled(sa.delete(leases).where(_is_mine), "key", "owner", "fence")
FIND_EXPIRED: Final = compiled(
    sa.select(leases.c.artifact_id, Moment() - leases.c.expires_at)
    .where(leases.c.expires_at <= _after("ended"), leases.c.artifact_id > _param("after"))
    .order_by(leases.c.artifact_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
    .offset(sa.bindparam("offset", type_=sa.Integer)),
    *("ended", "after", "limit", "offset"),
)

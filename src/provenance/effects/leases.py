"""Leases, in memory and in an SQL database.

A lease is a row while it is held. If the clock was set back, leases have more time left than any
lease is given; they count as expired. If it was set forward, leases expire early, and the work is
done twice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from provenance.effects import statements
from provenance.effects.locks import Shared
from provenance.ids import ArtifactId
from provenance.leasing import Claimed, Expired, Taken
from provenance.sharing import IMPOSSIBLE

if TYPE_CHECKING:
    from provenance.effects.database import Database

Seconds: TypeAlias = Callable[[], float]
_TOKEN_BYTES: Final = 6


@cache
def _node() -> str:
    import platform

    return platform.node()


def new_owner() -> str:
    """Return a new owner, unique to one claim; host and process are in it for people to read."""
    return f"{_node()}:{os.getpid()}:{os.urandom(_TOKEN_BYTES).hex()}"


class MemoryLeases(Shared):
    """Leases in a dictionary, each with the time at which it expires."""

    def __init__(self, clock: Seconds = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._held: dict[ArtifactId, tuple[Claimed, float]] = {}

    def claim(self, artifact_id: ArtifactId, seconds: float) -> Claimed | Taken:
        """Return a new lease, or `Taken` if another owner holds one that has not expired."""
        now = self._clock()
        with self.lock:
            held = self._held.get(artifact_id)
            if held is not None and 0 < held[1] - now <= IMPOSSIBLE:
                return Taken(held[1] - now)
            lease = Claimed(artifact_id, new_owner(), 1 if held is None else held[0].fence + 1)
            self._held[artifact_id] = lease, now + seconds
        return lease

    def renew(self, lease: Claimed, seconds: float) -> bool:
        """Extend the lease to *seconds* from now; return False if it has another owner, or none."""
        with self.lock:
            if not self._is_held(lease):
                return False
            self._held[lease.artifact_id] = lease, self._clock() + seconds
        return True

    def release(self, lease: Claimed) -> bool:
        """Release the lease; return False if it has another owner, or none."""
        with self.lock:
            if not self._is_held(lease):
                return False
            del self._held[lease.artifact_id]
        return True

    def find_expired(self, seconds: float, after: str, limit: int) -> tuple[Expired, ...]:
        """Return leases that expired at least *seconds* ago, in order of their ids."""
        now = self._clock()
        with self.lock:
            held = {key: now - expiry for key, (_, expiry) in self._held.items() if key > after}
        expired = sorted(key for key, elapsed in held.items() if elapsed >= seconds)
        return tuple(Expired(key, held[key]) for key in expired[:limit])

    def _is_held(self, lease: Claimed) -> bool:
        return lease.artifact_id in self._held and self._held[lease.artifact_id][0] == lease


class SqlLeases:
    """Leases in a table of *database*, by its clock; *skew* adds seconds to it in tests."""

    def __init__(self, database: Database, skew: Seconds = lambda: 0.0) -> None:
        self._database = database
        self._skew = skew

    def claim(self, artifact_id: ArtifactId, seconds: float) -> Claimed | Taken:
        """Return a new lease, or `Taken` if another owner holds one that has not expired.

        Waiting only reads.
        """
        skew = self._skew()
        rows = self._database.query(statements.FIND_LEASE, artifact_id)
        remaining = cast("float", rows[0][0]) - skew if rows else 0.0
        if 0 < remaining <= IMPOSSIBLE:
            return Taken(remaining)
        owner = new_owner()
        values = artifact_id, owner, 1, skew + seconds, skew, skew + IMPOSSIBLE
        claimed = self._database.query(statements.CLAIM, *values)
        return (
            Claimed(artifact_id, owner, cast("int", claimed[0][0])) if claimed else Taken(seconds)
        )

    def renew(self, lease: Claimed, seconds: float) -> bool:
        """Extend the lease to *seconds* from now; return False if it has another owner, or none."""
        values = self._skew() + seconds, lease.artifact_id, lease.owner, lease.fence
        return self._database.change(statements.RENEW, values) > 0

    def release(self, lease: Claimed) -> bool:
        """Release the lease; return False if it has another owner, or none."""
        return (
            self._database.change(statements.RELEASE, (lease.artifact_id, lease.owner, lease.fence))
            > 0
        )

    def find_expired(self, seconds: float, after: str, limit: int) -> tuple[Expired, ...]:
        """Return leases that expired at least *seconds* ago, in order of their ids."""
        skew = self._skew()
        rows = self._database.query(statements.FIND_EXPIRED, skew - seconds, after, limit, 0)
        leases = cast("list[tuple[ArtifactId, float]]", rows)
        return tuple(Expired(key, elapsed + skew) for key, elapsed in leases)

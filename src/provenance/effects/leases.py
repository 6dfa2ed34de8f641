"""Who computes what: leases in memory and in an SQL database.

A lease is a row while it is held. A clock that is set back is noticed by leases that have longer to go than any can be
given: they count as expired. One that is set forward lets leases expire early; then the work is done twice.
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
    """Who claims, told apart from any other claim: for people, the host and the process are in it."""
    return f"{_node()}:{os.getpid()}:{os.urandom(_TOKEN_BYTES).hex()}"


class MemoryLeases(Shared):
    """Leases in a dictionary, with the time at which each expires."""

    def __init__(self, clock: Seconds = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._held: dict[ArtifactId, tuple[Claimed, float]] = {}

    def claim(self, artifact_id: ArtifactId, seconds: float) -> Claimed | Taken:
        """The lease, unless somebody has one that has not expired."""
        now = self._clock()
        with self.lock:
            held = self._held.get(artifact_id)
            if held is not None and 0 < held[1] - now <= IMPOSSIBLE:
                return Taken(held[1] - now)
            lease = Claimed(artifact_id, new_owner(), 1 if held is None else held[0].fence + 1)
            self._held[artifact_id] = lease, now + seconds
        return lease

    def renew(self, lease: Claimed, seconds: float) -> bool:
        """Let it last from now on; False if it is another's, or nobody's."""
        with self.lock:
            if not self._is_held(lease):
                return False
            self._held[lease.artifact_id] = lease, self._clock() + seconds
        return True

    def release(self, lease: Claimed) -> bool:
        """Take it away; False if it is another's, or nobody's."""
        with self.lock:
            if not self._is_held(lease):
                return False
            del self._held[lease.artifact_id]
        return True

    def find_expired(self, seconds: float, after: str, limit: int) -> tuple[Expired, ...]:
        """Leases that expired so long ago or earlier, in order."""
        now = self._clock()
        with self.lock:
            ended = ((each, now - until) for each, (_, until) in self._held.items() if each > after)
            found = sorted((each, since) for each, since in ended if since >= seconds)
        return tuple(Expired(each, since) for each, since in found[:limit])

    def _is_held(self, lease: Claimed) -> bool:
        return lease.artifact_id in self._held and self._held[lease.artifact_id][0] == lease


class SqlLeases:
    """Leases in the table `leases` of *database*, by its clock, to which *skew* adds seconds in tests."""

    def __init__(self, database: Database, skew: Seconds = lambda: 0.0) -> None:
        self._database = database
        self._skew = skew

    def claim(self, artifact_id: ArtifactId, seconds: float) -> Claimed | Taken:
        """The lease, unless somebody has one that has not expired; who waits only reads."""
        skew = self._skew()
        rows = self._database.query(statements.FIND_LEASE, artifact_id)
        left = cast("float", rows[0][0]) - skew if rows else 0.0
        if 0 < left <= IMPOSSIBLE:
            return Taken(left)
        owner = new_owner()
        values = artifact_id, owner, 1, skew + seconds, skew, skew + IMPOSSIBLE
        claimed = self._database.query(statements.CLAIM, *values)
        return Claimed(artifact_id, owner, cast("int", claimed[0][0])) if claimed else Taken(seconds)

    def renew(self, lease: Claimed, seconds: float) -> bool:
        """Let it last from now on; False if it is another's, or nobody's."""
        values = self._skew() + seconds, lease.artifact_id, lease.owner, lease.fence
        return self._database.change(statements.RENEW, values) > 0

    def release(self, lease: Claimed) -> bool:
        """Take it away; False if it is another's, or nobody's."""
        return self._database.change(statements.RELEASE, (lease.artifact_id, lease.owner, lease.fence)) > 0

    def find_expired(self, seconds: float, after: str, limit: int) -> tuple[Expired, ...]:
        """Leases that expired so long ago or earlier, in order."""
        skew = self._skew()
        rows = self._database.query(statements.FIND_EXPIRED, skew - seconds, after, limit, 0)
        return tuple(Expired(key, since + skew) for key, since in cast("list[tuple[ArtifactId, float]]", rows))

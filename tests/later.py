"""Repositories as they are when some time has gone by."""

from datetime import UTC, datetime, timedelta

from attrs import evolve

from provenance.ports.machine import Now
from provenance.repository.handles import Repository

DAY = timedelta(days=1)


def in_a_day(repo: Repository) -> Repository:
    """*repo* by a clock that is a day ahead: what was written just now is old."""
    return evolve(repo, interpreter=repo.interpreter | Now.on(lambda _: datetime.now(UTC) + DAY))

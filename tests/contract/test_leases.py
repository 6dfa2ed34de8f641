"""What every store of leases does, asked of each of ours."""

import pytest

from contract.stores import flaky
from provenance.effects.chain import make_chain
from provenance.effects.layers import Counter, counted, restrict, traced
from provenance.effects.memory import MemoryLeases
from provenance.effects.retry import retrying
from provenance.effects.sql.postgres import PostgresDatabase
from provenance.effects.sql.postgres_connection import ConnectionSettings
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.effects.sql.stores import SqlLeases
from provenance.effects.tiers import Tier
from provenance.ports.leases import lease_effects
from provenance.ports.permissions import Permissions
from provenance.testing.contracts import LeaseContract
from servers.postgres import server


def memory(_, clock):
    """In a dictionary."""
    return lease_effects(MemoryLeases(clock))


def sqlite(folder, clock):
    """In a table."""
    return lease_effects(SqlLeases(SqliteDatabase(folder / "leases.db"), skew_of(clock)))


def postgres(folder, clock):
    """In a table of PostgreSQL, by the clock of the server."""
    database = PostgresDatabase(ConnectionSettings(url=server(18).database_for(folder)))
    return lease_effects(SqlLeases(database, skew_of(clock)))


def skew_of(clock):
    """What the clock has been set forward since now."""
    begun = clock()
    return lambda: clock() - begun


def chain(folder, clock):
    """In the farther of two databases, as in the third nothing may be written."""
    places = {each: sqlite(folder / each, clock) for each in ("near", "far", "archive")}
    return make_chain(
        "chain",
        [Tier(name, ask, Permissions(write=name != "archive")) for name, ask in places.items()],
    )


STORES = {
    "memory": memory,
    "sqlite": sqlite,
    "postgres": postgres,
    "chain": chain,
    "guarded": lambda folder, clock: restrict(sqlite(folder, clock), "guarded", Permissions()),
    "counted": lambda folder, clock: counted(sqlite(folder, clock), Counter()),
    "traced": lambda folder, clock: traced(memory(folder, clock), lambda asked: None),
    "retrying": lambda folder, clock: retrying(
        flaky(memory(folder, clock)), 2, bool, lambda _: None
    ),
}


class TestLeases(LeaseContract):
    """Every store, and layers and chains of them."""

    @pytest.fixture(autouse=True, params=STORES)
    def _made(self, request):
        self.make = STORES[request.param]

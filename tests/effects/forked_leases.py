"""A process that forks while it computes; run as `python -m effects.forked_leases TASK FOLDER`."""

import os
import sys
import threading
import time
from pathlib import Path

import provenance as p
from contract.processes import in_children
from provenance import environment
from provenance.effects import lease_renewal
from provenance.ports.leases import AcquireLease, Lease, LeaseHeld, ReleaseLease

LEASE = 0.5
"""Seconds of the children's leases."""
LONG = 60.0
"""Seconds of the parent's: nobody renews them while it forks and waits."""
PATIENCE = 300.0


@p.provenance(name="slow", ignore=["begun", "go"])
def slow(x, begun, go):
    """Compute until it is allowed to end."""
    begun.set()
    assert go.wait(PATIENCE)
    return x


def inherited(folder: Path) -> None:
    """Fork while another thread computes under a lease, and while this one does."""
    config = {"artifact_repos": {"r": {"type": "sqlite", "db": str(folder / "db")}}}
    p.load_config({**config, "single_flight": {"lease_seconds": LONG, "longest_wait": 0.2}})
    begun, go = threading.Event(), threading.Event()
    thread = threading.Thread(target=slow, args=(1, begun, go))
    thread.start()
    assert begun.wait(PATIENCE)
    ask = environment.current().repository().interpreter
    mine = ask(AcquireLease("b" * 40, LONG))

    def child(_: int) -> None:
        assert {} == lease_renewal._leases.held
        assert not ask(ReleaseLease(mine))
        assert isinstance(ask(AcquireLease("b" * 40, LEASE)), LeaseHeld)
        own = ask(AcquireLease(f"{os.getpid():040x}", LEASE))
        time.sleep(3 * LEASE)
        assert isinstance(own, Lease)
        assert ask(ReleaseLease(own))
        go.set()
        assert (
            slow(1, threading.Event(), go) == 1
        )  # waits for the parent's lease, and no longer than it should

    in_children(4, child)
    assert isinstance(
        p.from_config(config, folder).repository().interpreter(AcquireLease("b" * 40, LEASE)),
        LeaseHeld,
    )
    go.set()
    thread.join()
    assert ask(ReleaseLease(mine))


if __name__ == "__main__":
    {"inherited": inherited}[sys.argv[1]](Path(sys.argv[2]))

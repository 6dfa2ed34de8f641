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
from provenance.ports.leases import Claim, Claimed, Release, Taken

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
    mine = ask(Claim("b" * 40, LONG))

    def child(_: int) -> None:
        assert {} == lease_renewal._leases.held
        assert not ask(Release(mine))
        assert isinstance(ask(Claim("b" * 40, LEASE)), Taken)
        own = ask(Claim(f"{os.getpid():040x}", LEASE))
        time.sleep(3 * LEASE)
        assert isinstance(own, Claimed)
        assert ask(Release(own))
        go.set()
        assert (
            slow(1, threading.Event(), go) == 1
        )  # waits for the parent's lease, and no longer than it should

    in_children(4, child)
    assert isinstance(
        p.from_config(config, folder).repository().interpreter(Claim("b" * 40, LEASE)), Taken
    )
    go.set()
    thread.join()
    assert ask(Release(mine))


if __name__ == "__main__":
    {"inherited": inherited}[sys.argv[1]](Path(sys.argv[2]))

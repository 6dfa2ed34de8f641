"""A cluster of many workers over one database, simulated: `python -m benchmarks.cluster`.

Each worker computes, then needs statements of the database, which runs as many at a time as the pooler has connections.
The arithmetic in docs/guides/engines.md is compared with what the simulation says.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections import deque

from attrs import frozen

STATEMENTS = 5
"""Of a slow miss: two look-ups, the lease, the record, the release of the lease."""
BEATS = 3
LEASE = 15.0


@frozen
class Cluster:
    """Workers, the mean seconds of a call, connections of the pooler, and the mean seconds of a statement."""

    workers: int = 1_000
    call: float = 20.0
    connections: int = 40
    statement: float = 0.002


def expected(cluster: Cluster) -> tuple[float, float]:
    """Return the statements a second that the cluster needs, and the share of the connections that they keep busy."""
    renewals = max(0.0, cluster.call * BEATS / LEASE - 0.5)
    rate = cluster.workers * (STATEMENTS + renewals) / cluster.call
    return rate, rate * cluster.statement / cluster.connections


def simulate(cluster: Cluster, seconds: float, seed: int = 0) -> tuple[float, float, float]:
    """Return statements a second, the busy share of the connections, and the mean seconds that a statement waits."""
    chance = random.Random(seed)
    events: list[tuple[float, int, bool]] = []
    left: dict[int, int] = {}
    for worker in range(cluster.workers):
        left[worker] = 0
        heapq.heappush(events, (chance.uniform(0, cluster.call), worker, False))
    waiting: deque[tuple[float, int]] = deque()
    free, done, busy, waited = cluster.connections, 0, 0.0, 0.0
    now = 0.0
    while now < seconds:
        now, worker, is_answer = heapq.heappop(events)
        if is_answer:
            free += 1
            left[worker] -= 1
            if left[worker]:
                waiting.append((now, worker))
            else:
                heapq.heappush(events, (now + chance.expovariate(1 / cluster.call), worker, False))
        else:  # a call has ended: its statements, with the renewals that it needed
            left[worker] = STATEMENTS + int(chance.expovariate(1 / cluster.call) * BEATS / LEASE)
            waiting.append((now, worker))
        while free and waiting:
            since, other = waiting.popleft()
            taken = chance.expovariate(1 / cluster.statement)
            free, done = free - 1, done + 1
            busy, waited = busy + taken, waited + now - since
            heapq.heappush(events, (now + taken, other, True))
    return done / now, busy / now / cluster.connections, waited / max(done, 1)


def main() -> None:
    """Print the arithmetic and the simulation for calls of several lengths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1_000)
    parser.add_argument("--connections", type=int, default=40)
    given = parser.parse_args()
    print("call     statements/s        connections busy    a statement waits")
    for call in (1.0, 5.0, 20.0, 60.0):
        cluster = Cluster(given.workers, call, given.connections)
        rate, share = expected(cluster)
        found, busy, wait = simulate(cluster, 5 * call)
        print(
            f"{call:4.0f} s  {rate:7.0f} ({found:7.0f})   {share:6.1%} ({busy:6.1%})   {1_000 * wait:.2f} ms"
        )


if __name__ == "__main__":
    main()

"""Many calls at once: maps of hits beside loops, misses over two processes beside plain joblib, and a million calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import joblib
from tests.servers.postgres import server

import provenance as p
from benchmarks.functions import add, pause
from benchmarks.lines import NONE, OURS, PROCESS, Goal, Limit, Line
from benchmarks.timing import Sizes
from provenance.environment import replacing_environment

LOOP = "a loop"
SERIAL = "a loop of calls"
PLAIN = "joblib, uncached"
_SECONDS = 0.02
_KEYS = 100


def maps(folder: Path, sizes: Sizes) -> Iterator[Line | Limit]:
    """Hits of records that this process has not read before, as in a program that starts; then misses, and memory."""
    sqlite = {"type": "sqlite", "db": str(folder / "maps.db")}
    postgres = {"type": "postgres", "db": server(18).database_for(folder)}
    count = sizes.touched
    for name, settings, goal, durability in (
        ("SQLite", sqlite, Goal(LOOP, 0.3, 0.3), PROCESS),
        ("PostgreSQL", postgres, Goal(LOOP, 0.12, 0.12), NONE),
    ):
        figures = _hits(settings, count, sizes.rounds)
        yield Line(f"{name}, a hit in a map of {count:,}", durability, figures, (goal,))
    goals = (Goal(SERIAL, 0.55, 0.55), Goal(PLAIN, 1.15, 1.15))
    what = f"a miss that takes {1_000 * _SECONDS:g} ms, over two processes"
    yield Line(what, PROCESS, _misses(sizes.calls, max(1, sizes.rounds // 5)), goals)
    calls = 100 * sizes.many
    yield Limit(f"memory that {calls:,} lazy calls add", PROCESS, _growth(calls), 20e6, unit="B")


def _hits(settings: dict[str, str], count: int, rounds: int) -> dict[str, float]:
    config = {"artifact_repos": {"maps": settings}, "default_repo": "maps"}
    cached = p.provenance(name="maps")(add)

    def seconds(run: Callable[[], object]) -> float:
        """Return the seconds of a call, with nothing remembered of the records."""
        with replacing_environment(p.from_config(config)):
            cached.is_cached(-1, 0)  # the connection is open
            began = time.perf_counter()
            run()
            return (time.perf_counter() - began) / count

    def one_by_one() -> list[int]:
        return [cached(i, 0) for i in range(count)]

    def together() -> list[int]:
        return list(cached.map(range(count), [0] * count))

    seconds(together)
    taken = [(seconds(together), seconds(one_by_one)) for _ in range(rounds)]
    return {OURS: median(ours for ours, _ in taken), LOOP: median(loop for _, loop in taken)}


def _misses(count: int, rounds: int) -> dict[str, float]:
    cached = p.provenance(pause)
    numbers = iter(range(10**9))
    engine = p.engines.processes(2)
    list(cached.map([_SECONDS] * 4, [next(numbers) for _ in range(4)], engine=engine))

    def seconds(run: Callable[[list[int]], object]) -> float:
        fresh = [next(numbers) for _ in range(count)]
        began = time.perf_counter()
        run(fresh)
        return (time.perf_counter() - began) / count

    contenders: dict[str, Callable[[list[int]], object]] = {
        OURS: lambda fresh: list(cached.map([_SECONDS] * count, fresh, engine=engine)),
        SERIAL: lambda fresh: [cached(_SECONDS, i) for i in fresh],
        PLAIN: lambda fresh: joblib.Parallel(2)(joblib.delayed(pause)(_SECONDS, i) for i in fresh),
    }
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            taken[name].append(seconds(run))
    return {name: median(each) for name, each in taken.items()}


def _growth(calls: int) -> float:
    """Return the bytes by which the process grows between a tenth and the end of a map."""
    cached = p.provenance(add)
    before = 0
    for done, _ in enumerate(cached.map((i % _KEYS for i in range(calls)), _zeros())):
        if done == calls // 10:
            before = _resident()
    return float(max(_resident() - before, 1))


def _zeros() -> Iterator[int]:
    while True:
        yield 0


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4_096

"""Medians of interleaved rounds: A B C A B C …, so that a slow spell of the machine meets all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import cast

from attrs import frozen

Timed = Callable[[int], object]
"""Does one operation; its argument counts up over all rounds, so that each can be a new one."""


@frozen
class Sizes:
    """How much is done: rounds, calls in a round, and how large things are."""

    rounds: int
    calls: int
    processes: int
    touched: int
    many: int
    members: int
    objects: int
    megabytes: int
    stored: tuple[int, int]


FULL = Sizes(
    rounds=25,
    calls=100,
    processes=7,
    touched=2_000,
    many=10_000,
    members=10**6,
    objects=10**4,
    megabytes=100,
    stored=(10**4, 10**6),
)
QUICK = Sizes(
    rounds=7,
    calls=40,
    processes=3,
    touched=500,
    many=2_000,
    members=10**5,
    objects=10**3,
    megabytes=10,
    stored=(10**3, 10**5),
)
TINY = Sizes(
    rounds=2,
    calls=2,
    processes=1,
    touched=3,
    many=4,
    members=10,
    objects=3,
    megabytes=1,
    stored=(20, 40),
)
SIZES: Mapping[str, Sizes] = {"full": FULL, "quick": QUICK, "tiny": TINY}


def interleaved(contenders: Mapping[str, Timed], rounds: int, calls: int) -> dict[str, float]:
    """Seconds of one operation of each contender: the median over *rounds* of the mean over *calls*."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, operation in contenders.items():
            begin = number * calls
            start = time.perf_counter()
            for i in range(begin, begin + calls):
                operation(i)
            taken[name].append((time.perf_counter() - start) / calls)
    return {name: median(each) for name, each in taken.items()}


def in_fresh_processes(
    contenders: Mapping[str, list[str]], rounds: int
) -> dict[str, dict[str, float]]:
    """Medians of what processes report of themselves: each runs Python with its arguments and prints JSON numbers.

    A first round is not counted: it writes the bytecode that users have, and fills the system's caches.
    """
    for arguments in contenders.values():
        _report(arguments)
    told: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, arguments in contenders.items():
            told[name].append(_report(arguments))
    return {
        name: {key: median(each[key] for each in all_) for key in all_[0]}
        for name, all_ in told.items()
    }


def environment() -> dict[str, str]:
    """The variables of this process, but for one that many containers set: every process would compile what it imports."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _report(arguments: list[str]) -> dict[str, float]:
    command, variables = [sys.executable, *arguments], environment()
    start = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=variables)
    elapsed = time.perf_counter() - start
    told = json.loads(done.stdout) if done.stdout.strip() else {}
    return {"process": elapsed, **cast("dict[str, float]", told)}

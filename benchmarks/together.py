"""Hits in several threads and processes at once; as a program, `FOLDER PROCESSES COUNT`, the processes.

Both figures are seconds of one call: with twice the rate they are half of those of one thread or process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import provenance as p
from benchmarks import caches, settings
from benchmarks.functions import add
from benchmarks.lines import OURS, PROCESS, Goal, Line
from benchmarks.timing import Sizes, in_fresh_processes, interleaved

THREADS, PROCESSES = 4, 2
ONE_THREAD, ONE_PROCESS = "one thread", "one process"


def together(folder: Path, sizes: Sizes) -> Iterator[Line]:
    """Four threads have at least 0.9 of one thread's rate, two processes 1.8 times that of one."""
    caches.load_ours(folder)
    cached = p.provenance()(add)
    cached(1, 2)
    contenders = {
        OURS: lambda _: _in_threads(THREADS, 100, cached),
        ONE_THREAD: lambda _: _in_threads(1, 100, cached),
    }
    taken = interleaved(contenders, sizes.rounds, max(1, sizes.calls // 20))
    figures = {OURS: taken[OURS] / (100 * THREADS), ONE_THREAD: taken[ONE_THREAD] / 100}
    yield Line(f"hit in {THREADS} threads", PROCESS, figures, (Goal(ONE_THREAD, 1.11, 1.0),))
    count = str(20 * sizes.touched)
    programs = {
        name: ["-m", "benchmarks.together", str(folder), str(processes), count]
        for name, processes in ((OURS, PROCESSES), (ONE_PROCESS, 1))
    }
    told = in_fresh_processes(programs, sizes.processes)
    figures = {name: each["each"] for name, each in told.items()}
    goal = Goal(ONE_PROCESS, 0.56, 0.5)
    yield Line(f"hit in {PROCESSES} processes", PROCESS, figures, (goal,))


def _in_threads(threads: int, calls: int, cached: Callable[..., Any]) -> None:
    def work() -> None:
        for _ in range(calls):
            cached(1, 2)

    started = [threading.Thread(target=work) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def hit(folder: Path, count: int) -> None:
    """Make a first hit, wait for the word to go, and make *count* more."""
    p.load_config(settings.only_sqlite(folder))
    cached = p.provenance()(add)
    cached(1, 2)
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(count):
        cached(1, 2)


def main(folder: str, processes: int, count: str) -> dict[str, float]:
    """Seconds of one call, while so many processes make *count* each."""
    command = [sys.executable, "-m", "benchmarks.together", folder, "0", count]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    began = time.perf_counter()
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        process.communicate()
    return {"each": (time.perf_counter() - began) / (processes * int(count))}


if __name__ == "__main__":
    if sys.argv[2] == "0":
        hit(Path(sys.argv[1]), int(sys.argv[3]))
    else:
        print(json.dumps(main(sys.argv[1], int(sys.argv[2]), sys.argv[3])))

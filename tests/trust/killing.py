"""Processes that are killed while they work; run as `python -m trust.killing CONFIG KILLS SEED`.

One process imports the library and forks a worker after the other. Each is killed at a random moment, and the next one goes on in
the same stores. Afterwards everything that is recorded must be whole, and everything must be computable.
"""

import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import provenance as p

KEYS = 40
"""Different arguments: few enough that workers meet what killed ones left behind."""


@p.provenance(name="small")
def small(x):
    """A value that is kept with its record."""
    return {"x": x, "text": str(x) * 3}


@p.provenance(name="large")
def large(source, x):
    """A value that is kept as bytes of its own, made from another artifact."""
    return [source["text"], bytes([x]) * 150_000]


@p.provenance(name="parts", returns_composite=True)
def parts(x):
    """Two values that are stored together or not at all."""
    return {"few": [x], "many": bytes([x]) * 100_000}


@p.provenance(name="filed", archive_file=True)
def filed(x):
    """A file of the user's."""
    path = Path(tempfile.gettempdir()) / f"killed-{os.getpid()}-{x}"
    path.write_bytes(bytes([x]) * 70_000)
    return path


CALLS = {
    "small": (lambda x: small(x)["x"], lambda x: x),
    "large": (lambda x: large(small(x), x)[1], lambda x: bytes([x]) * 150_000),
    "parts": (lambda x: parts(x)["many"] * parts(x)["few"][0], lambda x: bytes([x]) * 100_000 * x),
    "filed": (lambda x: Path(str(filed(x))).read_bytes(), lambda x: bytes([x]) * 70_000),
}


def check(x: int, name: str) -> None:
    """See that a call comes back with what it should."""
    call, expected = CALLS[name]
    assert expected(x) == call(x)


def step(chance: random.Random) -> None:
    """Do one of the things that users do, and see that what comes back is right."""
    x = chance.randrange(KEYS)
    match chance.randrange(8):
        case 0 | 1:
            check(x, "small")
        case 2 | 3:
            check(x, "large")
        case 4:
            check(x, "parts")
        case 5:
            check(x, "filed")
        case 6:
            small.forget(x) if x % 2 else large.recompute(small(x), x)
        case _:
            with p.capture_set({"x": x}):
                small(x)


def work(seed: int, ready: int) -> None:
    """Work until killed; say so once the first thing is done."""
    chance = random.Random(seed)
    step(chance)
    os.write(ready, b".")
    while True:
        step(chance)


def killed_worker(seed: int, chance: random.Random) -> None:
    """A worker that works, and is killed at some moment."""
    ours, its = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.close(ours)
        try:
            work(seed, its)
        finally:
            traceback.print_exc()
            os._exit(1)  # it must not come this far
    os.close(its)
    if chance.random() < 0.8:  # else perhaps before it has begun
        os.read(ours, 1)
    time.sleep(chance.random() * 0.03)
    os.kill(worker, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    os.close(ours)  # not before: a worker that is not waited for still says that it is ready
    assert -signal.SIGKILL == status, f"the worker of seed {seed} ended by itself: {status}"


def problems() -> list[object]:
    """What is recorded and not whole."""
    return list(p.verify().problems)


def main(config: str, kills: int, seed: int) -> None:
    """Kill so many workers; print what is left to complain of."""
    p.load_config(json.loads(config))
    chance = random.Random(seed)
    for turn in range(kills):
        killed_worker(seed * 1_000_003 + turn, chance)
    found = problems()
    for x in range(KEYS):
        for name in CALLS:
            check(x, name)
    sys.stdout.write(
        json.dumps({"kills": kills, "problems": [*map(str, found), *map(str, problems())]})
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
